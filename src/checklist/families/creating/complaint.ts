import type { Happening } from '../../evidence-index.ts';
import { lastEvent, type PodFacts } from '../../pod-facts.ts';
import type { Match, PodState } from '../../state.ts';

/** Scheduled, and no container has ever started: the stretch in which volumes, sandbox and devices are made. */
export function isCreating(facts: PodFacts): boolean {
  if (facts.phase !== 'Pending' && facts.phase !== '') return false;
  return facts.containers.every(
    (container) =>
      container.state === 'none' ||
      (container.state === 'waiting' &&
        (container.reason === 'ContainerCreating' ||
          container.reason === 'PodInitializing' ||
          container.reason === '')),
  );
}

/** The newest complaint of a family of reasons that nothing since has answered. */
export function complaint(
  facts: PodFacts,
  reasons: readonly string[],
  pattern?: RegExp,
): { readonly event: Happening; readonly match: RegExpExecArray | undefined } | undefined {
  const found = lastEvent(facts.events, reasons, pattern);
  if (found === undefined) return undefined;
  const answered = lastEvent(facts.events, ['Pulling', 'Pulled', 'Created', 'Started']);
  return answered !== undefined && (answered.event.last ?? 0) > (found.event.last ?? 0) ? undefined : found;
}

export const since = (event: Happening, facts: PodFacts): number | undefined =>
  event.first ?? facts.startedAt;

export const creating = (
  id: string,
  key: string,
  gate: PodState['gate'],
  title: string,
  build: (facts: PodFacts) => (Match & { readonly event?: Happening }) | undefined,
): PodState => ({
  id,
  key,
  title,
  gate,
  severity: 'bad',
  match: (facts) => (isCreating(facts) ? build(facts) : undefined),
});
