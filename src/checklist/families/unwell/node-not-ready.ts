import { describe, kubectl } from '../../fixes.ts';
import { isTrue, lastEvent, type PodFacts } from '../../pod-facts.ts';
import { condition, count, list, span, text, time } from '../../read.ts';
import { cause, evidence, item, type PodState, unknown } from '../../state.ts';
import { nodeTrouble } from '../node-trouble.ts';

const tolerationSeconds = (facts: PodFacts): number | undefined => {
  const found = list(facts.object, 'spec', 'tolerations').find((entry) =>
    /unreachable|not-ready/.test(text(entry, 'key')),
  );
  return found === undefined ? undefined : count(found, 'tolerationSeconds');
};

/** The node stopped answering: what the pod shows is a photograph. */
export const nodeNotReady: PodState = {
  id: 'J3',
  key: 'node.notready-overlay',
  gate: 'nodeAdmits',
  severity: 'bad',
  title: 'Its node is not ready',
  match: (facts) => {
    if (facts.phase !== 'Running' || facts.node === '') return undefined;
    const trouble = nodeTrouble(facts);
    const ready = facts.conditions.get('Ready');
    const event = lastEvent(facts.events, ['NodeNotReady']);
    // The controller sets Ready=False without a reason and leaves ContainersReady alone.
    const marked =
      ready?.status === 'False' &&
      ready.reason === '' &&
      facts.conditions.get('ContainersReady')?.status === 'True' &&
      list(facts.object, 'spec', 'readinessGates').length === 0;
    const rowMarked =
      facts.object === undefined &&
      ready?.status === 'False' &&
      ready.reason === '' &&
      facts.containers.every((container) => container.state === 'none');
    if (trouble === undefined && !marked && !rowMarked && event === undefined) return undefined;
    if (trouble === undefined && isTrue(facts, 'Ready')) return undefined;
    const node = facts.index.get('Node', '', facts.node);
    const taint = list(node, 'spec', 'taints').find(
      (entry) => /unreachable|not-ready/.test(text(entry, 'key')) && text(entry, 'effect') === 'NoExecute',
    );
    const seconds = tolerationSeconds(facts);
    const left =
      taint === undefined || seconds === undefined
        ? undefined
        : (time(taint, 'timeAdded') ?? facts.now) + seconds * 1000 - facts.now;
    const eta = left === undefined ? '' : left > 0 ? `; it is evicted in ${span(left)}` : '';
    return {
      headline: `${trouble?.text ?? `node ${facts.node} does not report`}${eta}`,
      since: ready?.at ?? condition(node, 'Ready')?.at,
      diagnose: () => ({
        causes: [
          cause(
            'J3.node',
            trouble === undefined ? 'likely' : 'proven',
            `${trouble?.text ?? `node ${facts.node} stopped reporting`}: the pod's status is a snapshot from before${eta}`,
            describe('node', '', facts.node),
            kubectl('Move what can move (if the node does not return)', 'cluster', '', [
              'drain',
              facts.node,
              '--ignore-daemonsets',
              '--delete-emptydir-data',
            ]),
          ),
        ],
        items: [
          ...(trouble === undefined
            ? [unknown('J3.node', 'nodeAdmits', `Node ${facts.node} is ready`, 'notWatched')]
            : [trouble.item]),
          item(
            'J3.ready',
            'ready',
            'The pod is ready',
            'fail',
            evidence(
              'Ready',
              `${ready?.status ?? 'unknown'}${ready?.reason ? ` ${ready.reason}` : ', no reason given'}`,
              'status.conditions[Ready]',
              { at: ready?.at },
            ),
          ),
        ],
        explainedBy: { kind: 'Node', namespace: '', name: facts.node },
      }),
    };
  },
};
