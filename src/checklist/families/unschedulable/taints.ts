import { classOfReason } from '../../../scheduling/message.ts';
import { untoleratedTaints } from '../../../scheduling/selectors.ts';
import type { Change } from '../../../scheduling/unblock.ts';
import { changeTemplate, editOwner, getObject, kubectl } from '../../fixes.ts';
import type { PodFacts } from '../../pod-facts.ts';
import type { Cause, Fix } from '../../report.ts';
import { cause, evidence, item } from '../../state.ts';
import { type Explain, seeNodes } from './explain.ts';
import { worldOf } from './ledger.ts';
import { controlPlaneTaint, healthTaint, isExtended, reservingTaint } from './reasons.ts';
import { changesOf, type Verdicts } from './verdict.ts';

const seeTaints = (): Fix | undefined =>
  getObject('See the taints', 'nodes', '', '-o', 'custom-columns=NAME:.metadata.name,TAINTS:.spec.taints');

/** The scheduler's complaints about taints, with the number of nodes of each. */
const taintReasons = (found: Verdicts): readonly (readonly [reason: string, nodes: number])[] =>
  Object.entries(found.said.reasons).filter(([reason]) => classOfReason(reason) === 'taint');

const nodesOf = (reasons: readonly (readonly [reason: string, nodes: number])[]): number =>
  reasons.reduce((sum, [, nodes]) => sum + nodes, 0);

/** `{key: value}` of a complaint; older schedulers do not name it. */
const keyIn = (reason: string): string | undefined => /\{([^}]*)\}/.exec(reason)?.[1];

/** Taints as a second reason: they hide what the tainted nodes have. */
export function taintBeside(facts: PodFacts, found: Verdicts): readonly Cause[] {
  const tainted = taintReasons(found).filter(([reason]) => reservingTaint(reason));
  if (tainted.length === 0) return [];
  const keys = tainted.map(([reason]) => keyIn(reason)).filter((key) => key !== undefined);
  return [
    cause(
      'C3.beside',
      'possible',
      `${nodesOf(tainted)} further nodes are closed to it by ${keys.length > 0 ? `taint ${keys.join(', ')}` : 'taints that it does not tolerate'}`,
      editOwner(facts, 'Add a toleration, if it is meant for those nodes'),
      seeTaints(),
    ),
  ];
}

/** A taint that it does not tolerate: one that tells how the node is, or one that reserves it. */
export const taint: Explain = (facts, found) => {
  const known = taintsOfNodes(facts, found);
  const told = taintReasons(found)
    .map(([reason]) => keyIn(reason)?.replace(/:\s*$/, '').replace(/:\s+/, '='))
    .filter((key) => key !== undefined);
  const opens = changesOf(found, 'TaintToleration')[0];
  const main =
    opens?.change.replace(/^the pod tolerated /, '') ??
    known.find(([key]) => !healthTaint.test(key))?.[0] ??
    known[0]?.[0] ??
    told.find(reservingTaint) ??
    told[0];
  const said =
    main !== undefined && healthTaint.test(main)
      ? unwellNodes(found, main)
      : reservedNodes(facts, found, main, opens);
  return {
    headline: said.headline,
    causes: [
      cause(
        said.id,
        main !== undefined && (found.trusted || told.length > 0) ? 'proven' : 'likely',
        said.text,
        said.fix,
        seeTaints(),
      ),
      ...withoutDevices(found),
    ],
    items: known.map(([entry, nodes]) =>
      item(
        'C3.taints',
        'scheduled',
        `Taint ${entry}`,
        'fail',
        evidence('nodes', nodes.slice(0, 6).join(', '), 'spec.taints', {
          ref: { kind: 'Node', namespace: '', name: nodes[0] ?? '' },
        }),
      ),
    ),
  };
};

/** The first taint of each node that keeps the pod away, and where; what tells how nodes are comes last. */
function taintsOfNodes(
  facts: PodFacts,
  found: Verdicts,
): readonly (readonly [taint: string, nodes: readonly string[]])[] {
  const groups = new Map<string, string[]>();
  for (const { node } of worldOf(facts.index).ledger.accounts()) {
    const first = untoleratedTaints(node.taints, found.row.spec.tolerations)[0];
    if (first === undefined) continue;
    const key = `${first.key}${first.value ? `=${first.value}` : ''}:${first.effect}`;
    const names = groups.get(key);
    if (names === undefined) groups.set(key, [node.name]);
    else names.push(node.name);
  }
  return [...groups]
    .filter(([key]) => !controlPlaneTaint.test(key))
    .sort(
      (a, b) => Number(healthTaint.test(a[0])) - Number(healthTaint.test(b[0])) || b[1].length - a[1].length,
    );
}

interface Said {
  readonly id: string;
  readonly headline: string;
  readonly text: string;
  readonly fix: Fix | undefined;
}

/** The nodes are not ready, under pressure, or not initialised yet. */
function unwellNodes(found: Verdicts, main: string): Said {
  const headline = `nodes not usable: taint ${main}`;
  const count = nodesOf(taintReasons(found));
  const counted = count > 0 ? `${count} of ${found.said.nodes}` : '';
  if (main.includes('node.cloudprovider.kubernetes.io/uninitialized'))
    return {
      id: 'C3.uninitialized',
      headline,
      text: `the cloud controller manager has not initialised the nodes yet (taint ${main})${counted === '' ? '' : `: ${counted}`}: it does not run, or cannot reach the cloud`,
      fix: getObject(
        'See whether the cloud controller manager runs',
        'pods',
        '',
        '-n',
        'kube-system',
        '-o',
        'wide',
      ),
    };
  const pressure = /(memory|disk|pid)-pressure/.exec(main)?.[1];
  return {
    id: pressure === undefined ? 'C3.node-not-ready' : 'C3.node-pressure',
    headline,
    text:
      pressure === undefined
        ? `the nodes are not ready or going away (taint ${main}): no node takes new pods${counted === '' ? '' : ` (${counted})`}`
        : `the nodes are under ${pressure} pressure (taint ${main}): they take no new pods`,
    fix: kubectl('See why the nodes are not ready', 'read', '', ['describe', 'nodes']),
  };
}

/** The nodes are set apart for others; `opens` are those that would take it with a toleration. */
function reservedNodes(
  facts: PodFacts,
  found: Verdicts,
  main: string | undefined,
  opens: Change | undefined,
): Said {
  const count = nodesOf(taintReasons(found));
  if (main === undefined)
    return {
      id: 'C3.taint',
      headline: 'taint not tolerated',
      text: `${count} of ${found.said.nodes} nodes have taints that it does not tolerate (this scheduler version does not name them)`,
      fix: editOwner(facts, 'Tolerate the taint'),
    };
  const [key = '', effect = ''] = main.split(':');
  const [name = '', value = ''] = key.split('=');
  const near = found.row.spec.tolerations.find((toleration) => toleration.key === name && name !== '');
  const counted =
    count > 0 && found.said.nodes !== undefined
      ? ` (${count} of ${found.said.nodes} nodes have such taints)`
      : '';
  const nearly =
    near === undefined
      ? ''
      : `; its toleration of ${name} does not match (${near.operator ?? 'Equal'} ${near.value ?? ''} ${near.effect ?? ''})`;
  const where = opens === undefined ? '' : `; without it ${opens.nodes.slice(0, 4).join(', ')} would fit`;
  const toleration = {
    key: name,
    ...(value === '' ? { operator: 'Exists' } : { operator: 'Equal', value }),
    ...(effect === '' ? {} : { effect }),
  };
  return {
    id: 'C3.taint',
    headline: `taint not tolerated: ${main}`,
    text: `it does not tolerate taint ${main}${counted}${nearly}${where}`,
    fix: changeTemplate(facts, `Tolerate ${main}`, (target) => [
      'patch',
      target.resource,
      target.name,
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { template: { spec: { tolerations: [toleration] } } } }),
    ]),
  };
}

/** The scheduler counts nodes without the device beside the tainted ones: these are the others. */
const withoutDevices = (found: Verdicts): readonly Cause[] =>
  !found.trusted &&
  Object.keys(found.row.spec.requests).some(isExtended) &&
  Object.keys(found.said.reasons).some((reason) => /Insufficient \S+\/\S+/.test(reason))
    ? [
        cause(
          'C2.beside',
          'possible',
          'the nodes without such a taint do not have the devices that it asks for',
          seeNodes(),
        ),
      ]
    : [];
