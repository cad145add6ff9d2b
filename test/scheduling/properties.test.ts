import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { NodeRow } from '../../src/resources/node-row.ts';
import { nodes } from '../../src/resources/nodes.ts';
import type { PodRow } from '../../src/resources/pod-row.ts';
import { pods } from '../../src/resources/pods.ts';
import { selects } from '../../src/scheduling/cel.ts';
import { type Device, emptyCluster } from '../../src/scheduling/cluster.ts';
import { type Explanation, explain } from '../../src/scheduling/explain.ts';
import { createLedger, type Ledger, ledgerOf } from '../../src/scheduling/ledger.ts';
import { parseSchedulerMessage } from '../../src/scheduling/message.ts';
import { node, pod } from './rows.ts';

const apps = ['web', 'train'];
const nodeNames = ['n0', 'n1', 'n2', 'n3', 'n4'];

const nodeRow = (name: string, zone: string, gpus: number, cordoned: boolean): NodeRow =>
  nodes.toRow(
    node(name, {
      labels: { zone },
      unschedulable: cordoned,
      allocatable: { 'nvidia.com/gpu': String(gpus), pods: '6' },
    }),
    { server: undefined },
  );

const anyNode = fc
  .record({
    name: fc.constantFrom(...nodeNames),
    zone: fc.constantFrom('a', 'b'),
    gpus: fc.nat(8),
    cordoned: fc.boolean(),
  })
  .map(({ name, zone, gpus, cordoned }) => nodeRow(name, zone, gpus, cordoned));

const term = (app: string) => [{ topologyKey: 'zone', labelSelector: { matchLabels: { app } } }];

interface PodShape {
  readonly id: number;
  readonly on: string;
  readonly gpus: number;
  readonly app: string;
  readonly keepsAway: string | undefined;
  readonly near: string | undefined;
  readonly spreads: boolean;
  readonly port: number | undefined;
  readonly phase: string;
  readonly nominated: string;
}

const plainShape = fc.record({
  id: fc.nat(30),
  on: fc.constantFrom('', ...nodeNames),
  gpus: fc.nat(3),
  app: fc.constantFrom(...apps),
  keepsAway: fc.constant(undefined),
  near: fc.constant(undefined),
  spreads: fc.constant(false),
  port: fc.option(fc.constantFrom(80, 443), { nil: undefined }),
  phase: fc.constantFrom('Running', 'Running', 'Succeeded', 'Failed'),
  nominated: fc.constantFrom('', '', ...nodeNames),
});

const anyShape: fc.Arbitrary<PodShape> = fc
  .tuple(
    plainShape,
    fc.record({
      keepsAway: fc.option(fc.constantFrom(...apps), { nil: undefined }),
      near: fc.option(fc.constantFrom(...apps), { nil: undefined }),
      spreads: fc.boolean(),
    }),
  )
  .map(([plain, social]) => ({ ...plain, ...social }));

function podRow({ id, on, gpus, app, keepsAway, near, spreads, port, phase, nominated }: PodShape): PodRow {
  const requests = gpus === 0 ? {} : { 'nvidia.com/gpu': String(gpus) };
  const affinity = {
    ...(keepsAway === undefined
      ? {}
      : { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: term(keepsAway) } }),
    ...(near === undefined
      ? {}
      : { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: term(near) } }),
  };
  const spec = {
    containers: [
      {
        name: 'main',
        image: 'i',
        resources: { requests, limits: requests },
        ports: port === undefined ? [] : [{ hostPort: port }],
      },
    ],
    affinity,
    ...(spreads
      ? {
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: 'zone',
              whenUnsatisfiable: 'DoNotSchedule',
              labelSelector: { matchLabels: { app } },
            },
          ],
        }
      : {}),
  };
  const status = {
    ...(on === '' ? {} : { phase }),
    ...(on === '' && nominated !== '' ? { nominatedNodeName: nominated } : {}),
  };
  return pods.toRow(pod(`p${id}`, { spec, on, labels: { app }, status }), { server: undefined });
}

const anyPod = anyShape.map(podRow);
const plainPod = plainShape.map(podRow);
const asWaiting = (row: PodRow): PodRow => ({
  ...row,
  uid: 'probe',
  name: 'probe',
  node: '',
  nominatedNode: '',
  phase: 'Pending',
});

/** Node order depends on arrival; nothing else does. */
const settled = ({ fits, nodes: verdicts, reasons }: Explanation) => ({
  fits: fits.toSorted(),
  reasons: Object.entries(reasons).sort(),
  nodes: verdicts
    .map(({ name, blockers }) => ({ name, reasons: blockers.map(({ reason }) => reason) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1)),
});

type Step =
  | { readonly kind: 'putNode'; readonly node: NodeRow }
  | { readonly kind: 'removeNode'; readonly name: string }
  | { readonly kind: 'putPod'; readonly pod: PodRow }
  | { readonly kind: 'removePod'; readonly uid: string };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: anyNode.map((row): Step => ({ kind: 'putNode', node: row })) },
  { weight: 1, arbitrary: fc.constantFrom(...nodeNames).map((name): Step => ({ kind: 'removeNode', name })) },
  { weight: 6, arbitrary: anyPod.map((row): Step => ({ kind: 'putPod', pod: row })) },
  { weight: 2, arbitrary: fc.nat(30).map((id): Step => ({ kind: 'removePod', uid: `uid-train-p${id}` })) },
);

function apply(ledger: Ledger, step: Step): void {
  if (step.kind === 'putNode') ledger.putNode(step.node);
  else if (step.kind === 'removeNode') ledger.removeNode(step.name);
  else if (step.kind === 'putPod') ledger.putPod(step.pod);
  else ledger.removePod(step.uid);
}

/** What is left after all steps, as a cluster of its own. */
function outcome(steps: readonly Step[]) {
  const nodesLeft = new Map<string, NodeRow>();
  const podsLeft = new Map<string, PodRow>();
  for (const step of steps) {
    if (step.kind === 'putNode') nodesLeft.set(step.node.name, step.node);
    else if (step.kind === 'removeNode') nodesLeft.delete(step.name);
    else if (step.kind === 'putPod') podsLeft.set(step.pod.uid, step.pod);
    else podsLeft.delete(step.uid);
  }
  return { ...emptyCluster, nodes: [...nodesLeft.values()], pods: [...podsLeft.values()] };
}

test('a ledger kept up under random changes says what one built anew says', () => {
  fc.assert(
    fc.property(
      fc.array(anyStep, { maxLength: 80 }),
      fc.array(anyPod, { minLength: 1, maxLength: 4 }),
      (steps, probes) => {
        const ledger = createLedger();
        for (const step of steps) apply(ledger, step);
        const anew = ledgerOf(outcome(steps));
        for (const probe of probes.map(asWaiting))
          expect(settled(explain(ledger, probe))).toEqual(settled(explain(anew, probe)));
      },
    ),
    { numRuns: 300 },
  );
});

test('when a pod goes, a pod without social wishes keeps every node that it could have', () => {
  fc.assert(
    fc.property(
      fc.array(anyNode, { minLength: 1, maxLength: 5 }),
      fc.array(anyPod, { minLength: 1, maxLength: 20 }),
      plainPod,
      fc.nat(),
      (nodeRows, podRows, probe, pick) => {
        const ledger = ledgerOf({ ...emptyCluster, nodes: nodeRows, pods: podRows });
        const before = explain(ledger, asWaiting(probe)).fits;
        ledger.removePod(podRows[pick % podRows.length]?.uid ?? '');
        expect(explain(ledger, asWaiting(probe)).fits).toEqual(expect.arrayContaining([...before]));
      },
    ),
  );
});

test('a pod that asks for less fits wherever it fitted', () => {
  fc.assert(
    fc.property(
      fc.array(anyNode, { minLength: 1, maxLength: 5 }),
      fc.array(anyPod, { maxLength: 20 }),
      anyShape,
      (nodeRows, podRows, shape) => {
        const ledger = ledgerOf({ ...emptyCluster, nodes: nodeRows, pods: podRows });
        const [more, less] = [shape.gpus + 1, shape.gpus].map(
          (gpus) => explain(ledger, asWaiting(podRow({ ...shape, gpus }))).fits,
        );
        expect(less).toEqual(expect.arrayContaining([...(more ?? [])]));
      },
    ),
  );
});

test('a node either fits or names a blocker, and the counts cover every node that does not', () => {
  fc.assert(
    fc.property(
      fc.array(anyNode, { maxLength: 5 }),
      fc.array(anyPod, { maxLength: 20 }),
      anyPod,
      (nodeRows, podRows, probe) => {
        const ledger = ledgerOf({ ...emptyCluster, nodes: nodeRows, pods: podRows });
        const { fits, nodes: verdicts, reasons } = explain(ledger, asWaiting(probe));
        expect(fits).toEqual(
          verdicts.filter(({ blockers }) => blockers.length === 0).map(({ name }) => name),
        );
        const counted = Object.values(reasons).reduce((sum, count) => sum + count, 0);
        expect(counted).toBeGreaterThanOrEqual(verdicts.length - fits.length);
      },
    ),
  );
});

const anyReason = fc.constantFrom(
  'Insufficient nvidia.com/gpu',
  'node(s) had untolerated taint {dedicated: ml, 3 teams}',
  "node(s) didn't match Pod's node affinity/selector",
  "node(s) didn't satisfy plugin(s) [NodeAffinity, VolumeBinding]",
  'Too many pods',
);

test('counts survive being written as a message and read again', () => {
  fc.assert(
    fc.property(
      fc.dictionary(anyReason, fc.integer({ min: 1, max: 5000 }), { minKeys: 1 }),
      fc.boolean(),
      (reasons, withTail) => {
        const counts = Object.entries(reasons)
          .map(([reason, count]) => `${count} ${reason}`)
          .sort();
        const tail = withTail
          ? ' no new claims to deallocate, preemption: 0/9 nodes are available: 9 Preemption is not helpful for scheduling.'
          : '';
        const read = parseSchedulerMessage(`0/9 nodes are available: ${counts.join(', ')}.${tail}`);
        expect({ ...read.reasons }).toEqual({ ...reasons });
      },
    ),
  );
});

const device: Device = {
  driver: 'd',
  pool: 'p',
  name: 'x',
  attributes: new Map(),
  capacity: new Map(),
  taints: [],
  node: 'all',
  consumes: [],
  shared: false,
};

test('no selector text makes the evaluation throw', () => {
  const pieces = fc.constantFrom(
    'device',
    '.',
    'driver',
    '==',
    '"d"',
    "'",
    '(',
    ')',
    '[',
    ']',
    '&&',
    '||',
    '!',
    '1',
    'in',
    'has',
    'quantity',
    ',',
    '?',
    ':',
    '-',
    ' ',
    '{',
    '\\',
    'matches',
    'attributes',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join('')),
      ),
      (text) => void selects(text, device),
    ),
  );
  expect(selects('('.repeat(10_000), device)).toMatchObject({ unknown: expect.any(String) as string });
});
