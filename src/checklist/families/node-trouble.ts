import { nameOf } from '../evidence-index.ts';
import type { PodFacts } from '../pod-facts.ts';
import { condition, nearNames, thereIs } from '../read.ts';
import type { Item } from '../report.ts';
import { evidence, item } from '../state.ts';

/** What the node looks like, for pods that hang on it. */
export function nodeTrouble(
  facts: PodFacts,
): { readonly text: string; readonly item: Item; readonly guess?: true } | undefined {
  if (facts.node === '') return undefined;
  const node = facts.index.find('Node', '', facts.node);
  if (node.state === 'missing')
    return {
      text: `node ${facts.node} does not exist (any more)`,
      item: item(
        'N.node',
        'nodeAdmits',
        `Node ${facts.node} exists`,
        'fail',
        evidence('node', 'not there', undefined, { ref: { kind: 'Node', namespace: '', name: facts.node } }),
      ),
    };
  if (node.state === 'unknown') return undefined;
  const ready = condition(node.object, 'Ready');
  if (ready === undefined || ready.status === 'True') return undefined;
  return {
    text: `node ${facts.node} is not ready: ${ready.message || ready.reason}`,
    item: item(
      'N.node',
      'nodeAdmits',
      `Node ${facts.node} is ready`,
      'fail',
      evidence('Ready', `${ready.status} ${ready.reason}: ${ready.message}`, 'status.conditions[Ready]', {
        ref: { kind: 'Node', namespace: '', name: facts.node },
        at: ready.at,
      }),
    ),
  };
}

/** A node that is not among several known ones, where nobody says that they are all. */
export function strangeNode(
  facts: PodFacts,
): { readonly text: string; readonly item: Item; readonly guess: true } | undefined {
  const known = facts.index.of('Node').map(nameOf);
  if (known.length < 2 || known.includes(facts.node)) return undefined;
  const near = nearNames(facts.node, known);
  return {
    text: `node ${facts.node} is not among the ${known.length} nodes known here${thereIs(near)}: it does not exist (any more), or the name is wrong`,
    item: item(
      'N.node',
      'nodeAdmits',
      `Node ${facts.node} exists`,
      'warn',
      evidence('nodes', known.slice(0, 6).join(', ')),
    ),
    guess: true,
  };
}
