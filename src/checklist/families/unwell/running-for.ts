import type { ContainerFacts, PodFacts } from '../../pod-facts.ts';

/** Milliseconds since a container started, as far as anything tells. */
export const runningFor = (facts: PodFacts, container: ContainerFacts): number =>
  facts.now - (container.startedAt ?? facts.conditions.get('Ready')?.at ?? facts.startedAt ?? facts.now);
