import type { KubeObject } from '../../../kube/object.ts';
import { nearest } from '../../../scheduling/unblock.ts';
import { labelsOf, nameOf } from '../../evidence-index.ts';
import { changeTemplate, editOwner, kubectl } from '../../fixes.ts';
import type { PodFacts } from '../../pod-facts.ts';
import { brief, list, nearNames, strings, text } from '../../read.ts';
import type { Fix } from '../../report.ts';
import { cause, evidence, item } from '../../state.ts';
import type { Explain, Explained } from './explain.ts';
import { taintBeside } from './taints.ts';
import { trust, type Verdicts } from './verdict.ts';

/** A demand for a label of the node. */
interface Want {
  readonly key: string;
  readonly operator: string;
  readonly values: readonly string[];
  readonly path: string;
}

/** `key=value`, `key NotIn a|b`. */
const wantText = ({ key, operator, values }: Want, or = '|'): string =>
  `${key}${operator === 'In' ? '=' : ` ${operator} `}${values.join(or)}`;

/** The terms of which a node must meet one. */
export const requiredNodeTerms = ({ object }: PodFacts): readonly unknown[] =>
  list(
    object,
    'spec',
    'affinity',
    'nodeAffinity',
    'requiredDuringSchedulingIgnoredDuringExecution',
    'nodeSelectorTerms',
  );

function wantsOf(facts: PodFacts): readonly Want[] {
  const selector = Object.entries(strings(facts.object, 'spec', 'nodeSelector')).map(([key, value]) => ({
    key,
    operator: 'In',
    values: [value],
    path: `spec.nodeSelector[${key}]`,
  }));
  const expressions = requiredNodeTerms(facts).flatMap((term) => list(term, 'matchExpressions'));
  return [
    ...selector,
    ...expressions.map((entry) => ({
      key: text(entry, 'key'),
      operator: text(entry, 'operator'),
      values: list(entry, 'values').map(String),
      path: 'spec.affinity.nodeAffinity',
    })),
  ];
}

function meets({ operator, values }: Want, value: string | undefined): boolean {
  if (operator === 'In') return value !== undefined && values.includes(value);
  if (operator === 'Exists') return value !== undefined;
  if (operator === 'NotIn') return value === undefined || !values.includes(value);
  return operator === 'DoesNotExist' ? value === undefined : true;
}

/** Which demand no node meets, and what comes close. */
export const affinity: Explain = (facts, found) => {
  const nodes = facts.index.of('Node');
  const wants = wantsOf(facts);
  const unmet =
    nodes.length === 0
      ? undefined
      : wants.find((want) => !nodes.some((node) => meets(want, labelsOf(node)[want.key])));
  return unmet === undefined
    ? noMatch(facts, found, wants, nodes)
    : noSuchLabel(facts, found, wants, unmet, nodes);
};

const edit = (facts: PodFacts): Fix | undefined => editOwner(facts, 'Correct the nodeSelector or affinity');

const seeLabels = (wants: readonly Want[]): Fix | undefined =>
  kubectl('See the labels of the nodes', 'read', '', [
    'get',
    'nodes',
    ...(wants.length === 0
      ? ['--show-labels']
      : ['-L', [...new Set(wants.map((want) => want.key))].join(',')]),
  ]);

/** One demand that no node meets. */
function noSuchLabel(
  facts: PodFacts,
  found: Verdicts,
  wants: readonly Want[],
  unmet: Want,
  nodes: readonly KubeObject[],
): Explained {
  const values = [
    ...new Set(nodes.map((node) => labelsOf(node)[unmet.key]).filter((value) => value !== undefined)),
  ];
  const near = nearNames(unmet.values[0] ?? '', values);
  const keys = values.length > 0 ? [] : nearNames(unmet.key, labelKeysOf(nodes));
  const hint =
    values.length > 0
      ? `; nodes have ${(near.length > 0 ? near : values).slice(0, 4).join(', ')}`
      : `; no node has the label ${unmet.key}${keys.length > 0 ? `, but ${keys[0]}` : ''}`;
  const wanted = `${unmet.key}=${unmet.values.join('|')}`;
  return {
    headline: `no node has ${wanted}`,
    causes: [
      cause(
        'C4.no-such-label',
        found.trusted || facts.index.listed('Node') || nodes.length >= (found.said.nodes ?? 1)
          ? 'proven'
          : 'likely',
        `it wants nodes with ${wantText(unmet, ' or ')}, and none has it${hint}`,
        near.length === 1 && unmet.path.startsWith('spec.nodeSelector')
          ? changeTemplate(facts, `Ask for ${near[0]}, which nodes have`, (target) => [
              'patch',
              target.resource,
              target.name,
              '--type=merge',
              '-p',
              JSON.stringify({ spec: { template: { spec: { nodeSelector: { [unmet.key]: near[0] } } } } }),
            ])
          : edit(facts),
        labelNode(unmet, nodes),
        seeLabels(wants),
      ),
    ],
    items: [
      item(
        'C4.label',
        'scheduled',
        `Nodes with ${wanted}`,
        'fail',
        evidence('wanted', unmet.values.join(', '), unmet.path),
        evidence('values on the nodes', values.slice(0, 8).join(', ') || 'none', 'metadata.labels'),
      ),
    ],
  };
}

/** Thousands of nodes have the same few dozen keys. */
function labelKeysOf(nodes: readonly KubeObject[]): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const node of nodes) for (const key in labelsOf(node)) keys.add(key);
  return keys;
}

/** Labels that say what a machine is and that a controller or the kubelet writes: setting one by hand is a lie, soon undone. */
const machineLabel =
  /^(?:(?:beta\.)?kubernetes\.io\/(?:arch|os|hostname)|(?:node|topology|failure-domain\.beta)\.kubernetes\.io\/|[\w.-]*nvidia\.com\/|amd\.com\/|[\w.-]*intel\.com\/|feature\.node\.kubernetes\.io\/|cloud\.google\.com\/|eks\.amazonaws\.com\/|kubernetes\.azure\.com\/|karpenter\.)/;

/** A label opens nodes only to a demand for one. */
const labelNode = ({ key, operator, values }: Want, nodes: readonly KubeObject[]): Fix | undefined =>
  !/^(?:In|Exists)$/.test(operator) || machineLabel.test(key)
    ? undefined
    : kubectl('Or label the nodes that are meant', 'cluster', '', [
        'label',
        'node',
        nameOf(nodes[0]) || 'NODE',
        `${key}=${values[0] ?? 'true'}`,
      ]);

/** Each demand is met somewhere, or the nodes are not known. */
function noMatch(
  facts: PodFacts,
  found: Verdicts,
  wants: readonly Want[],
  nodes: readonly KubeObject[],
): Explained {
  const listed = wants.map((want) => wantText(want)).join(', ');
  const near = found.trusted && found.explanation !== undefined ? nearest(found.explanation) : undefined;
  const detail = near?.blockers.find((blocker) => blocker.plugin === 'NodeAffinity')?.detail;
  return {
    headline: `no node matches its selector${listed === '' ? '' : `: ${brief(listed, 70)}`}`,
    causes: [
      cause(
        'C4.no-match',
        trust(found),
        `no node matches its nodeSelector or affinity${listed === '' ? '' : ` (${brief(listed, 160)})`}${detail === undefined ? '' : `; nearest is ${near?.name}: ${brief(detail, 100)}`}${wants.length > 1 && nodes.length > 0 ? '; each demand is met somewhere, never all on one node' : ''}`,
        edit(facts),
        seeLabels(wants),
      ),
      ...(found.trusted ? [] : taintBeside(facts, found)),
    ],
  };
}
