import type { KubeObject } from '../../../kube/object.ts';
import { nearest } from '../../../scheduling/unblock.ts';
import { labelsOf, nameOf } from '../../evidence-index.ts';
import { changeTemplate, editOwner, kubectl } from '../../fixes.ts';
import { brief, list, nearNames, strings, text } from '../../read.ts';
import { cause, evidence, item } from '../../state.ts';
import type { Explain } from './explain.ts';
import { taintBeside } from './taints.ts';
import { trust } from './verdict.ts';

/** Thousands of nodes have the same few dozen keys. */
function labelKeysOf(nodes: readonly KubeObject[]): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const node of nodes) for (const key in labelsOf(node)) keys.add(key);
  return keys;
}

/** Labels that say what a machine is and that a controller or the kubelet writes: setting one by hand is a lie, soon undone. */
const machineLabel =
  /^(?:(?:beta\.)?kubernetes\.io\/(?:arch|os|hostname)|(?:node|topology|failure-domain\.beta)\.kubernetes\.io\/|[\w.-]*nvidia\.com\/|amd\.com\/|[\w.-]*intel\.com\/|feature\.node\.kubernetes\.io\/|cloud\.google\.com\/|eks\.amazonaws\.com\/|kubernetes\.azure\.com\/|karpenter\.)/;

/** Which demand no node meets, and what comes close. */
export const affinity: Explain = (facts, found) => {
  const nodes = facts.index.of('Node');
  const wants: {
    readonly key: string;
    readonly values: readonly string[];
    readonly path: string;
    readonly operator: string;
  }[] = Object.entries(strings(facts.object, 'spec', 'nodeSelector')).map(([key, value]) => ({
    key,
    values: [value],
    path: `spec.nodeSelector[${key}]`,
    operator: 'In',
  }));
  for (const term of list(
    facts.object,
    'spec',
    'affinity',
    'nodeAffinity',
    'requiredDuringSchedulingIgnoredDuringExecution',
    'nodeSelectorTerms',
  )) {
    for (const entry of list(term, 'matchExpressions'))
      wants.push({
        key: text(entry, 'key'),
        values: list(entry, 'values').map(String),
        path: 'spec.affinity.nodeAffinity',
        operator: text(entry, 'operator'),
      });
  }
  const meets = (want: (typeof wants)[number], value: string | undefined): boolean =>
    want.operator === 'In'
      ? value !== undefined && want.values.includes(value)
      : want.operator === 'Exists'
        ? value !== undefined
        : want.operator === 'NotIn'
          ? value === undefined || !want.values.includes(value)
          : want.operator === 'DoesNotExist'
            ? value === undefined
            : true;
  const unmet =
    nodes.length === 0
      ? undefined
      : wants.find((want) => !nodes.some((node) => meets(want, labelsOf(node)[want.key])));
  const listed = wants
    .map(
      (want) => `${want.key}${want.operator === 'In' ? '=' : ` ${want.operator} `}${want.values.join('|')}`,
    )
    .join(', ');
  const edit = editOwner(facts, 'Correct the nodeSelector or affinity');
  // A label opens nodes only to a demand for one.
  const label =
    unmet === undefined || !/^(?:In|Exists)$/.test(unmet.operator) || machineLabel.test(unmet.key)
      ? undefined
      : kubectl('Or label the nodes that are meant', 'cluster', '', [
          'label',
          'node',
          nameOf(nodes[0]) || 'NODE',
          `${unmet.key}=${unmet.values[0] ?? 'true'}`,
        ]);
  const see = kubectl('See the labels of the nodes', 'read', '', [
    'get',
    'nodes',
    ...(wants[0] === undefined
      ? ['--show-labels']
      : ['-L', [...new Set(wants.map((want) => want.key))].join(',')]),
  ]);
  if (unmet !== undefined) {
    const values = [
      ...new Set(nodes.map((node) => labelsOf(node)[unmet.key]).filter((value) => value !== undefined)),
    ];
    const near = nearNames(unmet.values[0] ?? '', values);
    const keys = values.length > 0 ? [] : nearNames(unmet.key, labelKeysOf(nodes));
    const hint =
      values.length > 0
        ? `; nodes have ${(near.length > 0 ? near : values).slice(0, 4).join(', ')}`
        : `; no node has the label ${unmet.key}${keys.length > 0 ? `, but ${keys[0]}` : ''}`;
    return {
      headline: `no node has ${unmet.key}=${unmet.values.join('|')}`,
      causes: [
        cause(
          'C4.no-such-label',
          found.trusted || facts.index.listed('Node') || nodes.length >= (found.said.nodes ?? 1)
            ? 'proven'
            : 'likely',
          `it wants nodes with ${unmet.key}${unmet.operator === 'In' ? '=' : ` ${unmet.operator} `}${unmet.values.join(' or ')}, and none has it${hint}`,
          near.length === 1 && unmet.path.startsWith('spec.nodeSelector')
            ? changeTemplate(facts, `Ask for ${near[0]}, which nodes have`, (target) => [
                'patch',
                target.resource,
                target.name,
                '--type=merge',
                '-p',
                JSON.stringify({ spec: { template: { spec: { nodeSelector: { [unmet.key]: near[0] } } } } }),
              ])
            : edit,
          label,
          see,
        ),
      ],
      items: [
        item(
          'C4.label',
          'scheduled',
          `Nodes with ${unmet.key}=${unmet.values.join('|')}`,
          'fail',
          evidence('wanted', unmet.values.join(', '), unmet.path),
          evidence('values on the nodes', values.slice(0, 8).join(', ') || 'none', 'metadata.labels'),
        ),
      ],
    };
  }
  const nearestNode =
    found.trusted && found.explanation !== undefined ? nearest(found.explanation) : undefined;
  const detail = nearestNode?.blockers.find((blocker) => blocker.plugin === 'NodeAffinity')?.detail;
  return {
    headline: `no node matches its selector${listed === '' ? '' : `: ${brief(listed, 70)}`}`,
    causes: [
      cause(
        'C4.no-match',
        trust(found),
        `no node matches its nodeSelector or affinity${listed === '' ? '' : ` (${brief(listed, 160)})`}${detail === undefined ? '' : `; nearest is ${nearestNode?.name}: ${brief(detail, 100)}`}${wants.length > 1 && nodes.length > 0 ? '; each demand is met somewhere, never all on one node' : ''}`,
        edit,
        see,
      ),
      ...(found.trusted ? [] : taintBeside(facts, found)),
    ],
  };
};
