import { describe, editOwner } from '../../fixes.ts';
import { lastEvent } from '../../pod-facts.ts';
import { at, list, span } from '../../read.ts';
import { cause, evidence, item, type PodState, said } from '../../state.ts';

/** Still pulling is no fault: it becomes worth a word when it takes long (checklist.md 3.3, E11). */
export const slowPull: PodState = {
  id: 'E11',
  key: 'image.slow-pull',
  gate: 'image',
  severity: 'none',
  title: 'A pull takes long',
  match: (facts) => {
    const pulling = lastEvent(facts.events, ['Pulling']);
    const waiting = facts.containers.some(
      (entry) =>
        entry.state === 'waiting' &&
        (entry.reason === 'ContainerCreating' || entry.reason === 'PodInitializing'),
    );
    if (pulling === undefined || !waiting) return undefined;
    const started = pulling.event.last ?? facts.now;
    const later = lastEvent(
      facts.events.filter((event) => (event.last ?? 0) >= started && event !== pulling.event),
      ['Pulled', 'Failed', 'Created', 'FailedMount', 'FailedCreatePodSandBox'],
    );
    const elapsed = facts.now - started;
    if (later !== undefined || elapsed < 120_000) return undefined;
    const image = /"([^"]+)"/.exec(pulling.event.message)?.[1] ?? '';
    const sizes = facts.index
      .of('Node')
      .flatMap((node) => list(node, 'status', 'images'))
      .filter((entry) => list(entry, 'names').some((name) => String(name) === image));
    const bytes = Number(at(sizes[0], 'sizeBytes') ?? 0);
    const sibling = facts.index
      .of('Pod')
      .flatMap((pod) => facts.index.events(pod))
      .map(
        (event) =>
          new RegExp(
            `Successfully pulled image "${image.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}" in (\\S+)`,
          ).exec(event.message)?.[1],
      )
      .find((took) => took !== undefined);
    const size = bytes > 0 ? `, ${(bytes / 1e9).toFixed(1)} GB` : '';
    const long = elapsed > 45 * 60_000;
    return {
      headline: `pulling ${image} for ${span(elapsed)}${size}`,
      since: started,
      severity: long ? 'warn' : 'none',
      diagnose: () => ({
        causes: long
          ? [
              cause(
                'E11.slow',
                'likely',
                `the pull of ${image} runs for ${span(elapsed)}${size}: slow registry or disk, or a very large image`,
                describe('pod', facts.namespace, facts.name),
                editOwner(facts, 'Use a smaller image, or pre-pull it with a DaemonSet'),
              ),
            ]
          : [],
        items: [
          item(
            'E11.elapsed',
            'image',
            'The pull is under way',
            long ? 'warn' : 'info',
            said(pulling.event),
            ...(sibling === undefined ? [] : [evidence('elsewhere it took', sibling)]),
          ),
        ],
      }),
    };
  },
};
