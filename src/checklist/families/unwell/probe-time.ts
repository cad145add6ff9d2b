import type { ContainerFacts, PodFacts } from '../../pod-facts.ts';

/** How often a probe may fail before it is more than a slow start: by its own count, a minute at least. */
export function failedFor(facts: PodFacts, container: ContainerFacts): number {
  return (
    facts.now - (container.startedAt ?? facts.conditions.get('Ready')?.at ?? facts.startedAt ?? facts.now)
  );
}
