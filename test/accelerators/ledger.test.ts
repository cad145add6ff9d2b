import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Demand } from '../../src/accelerators/demand.ts';
import { createLedger, type Ledger } from '../../src/accelerators/ledger.ts';
import type { DeviceEntry } from '../../src/accelerators/node-devices.ts';
import { recompute } from '../../src/accelerators/recompute.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import type { NodeRow } from '../../src/resources/node-row.ts';
import { nodes } from '../../src/resources/nodes.ts';
import type { PodRow } from '../../src/resources/pod-row.ts';
import { pods } from '../../src/resources/pods.ts';
import { type ResourceClaimRow, resourceclaims } from '../../src/resources/resourceclaims.ts';
import { type ResourceSliceRow, resourceslices } from '../../src/resources/resourceslices.ts';

const context = { server: undefined };
const few = fc.nat(3);
const nodeName = few.map((index) => `node-${index}`);
const resource = fc.constantFrom(
  'nvidia.com/gpu',
  'nvidia.com/gpu.shared',
  'nvidia.com/mig-1g.10gb',
  'amd.com/gpu',
  'rdma/hca',
);
const deviceAmounts = fc.dictionary(resource, fc.nat(8).map(String), { maxKeys: 2 });

const node: fc.Arbitrary<NodeRow> = fc
  .record({
    name: nodeName,
    capacity: deviceAmounts,
    lost: fc.nat(2),
    room: fc.record({ cpu: fc.constantFrom('96', '1'), pods: fc.constantFrom('110', '1') }),
    unschedulable: fc.boolean(),
    ready: fc.constantFrom('True', 'True', 'False', 'Unknown'),
    taint: fc.constantFrom('nvidia.com/gpu', 'maintenance', 'dedicated'),
    labels: fc.constantFrom(
      {},
      { 'nvidia.com/gpu.product': 'NVIDIA-H100-80GB-HBM3', 'nvidia.com/gpu.count': '8' },
    ),
  })
  .map(({ name, capacity, lost, room, unschedulable, ready, taint, labels }) => {
    const healthy = Object.entries(capacity).map(([key, units]) => [
      key,
      String(Math.max(0, Number(units) - lost)),
    ]);
    return nodes.toRow(
      {
        metadata: { name, uid: `uid-${name}`, labels },
        spec: { unschedulable, taints: [{ key: taint, effect: 'NoSchedule' }] },
        status: {
          capacity: { ...capacity, ...room },
          allocatable: { ...Object.fromEntries(healthy), ...room },
          conditions: [{ type: 'Ready', status: ready }],
        },
      },
      context,
    );
  });

const pod: fc.Arbitrary<PodRow> = fc
  .record({
    index: fc.nat(9),
    nodeName: fc.option(nodeName, { nil: undefined }),
    limits: deviceAmounts,
    phase: fc.constantFrom('Pending', 'Running', 'Running', 'Succeeded', 'Failed', 'Unknown'),
    reason: fc.constantFrom('Unschedulable', 'SchedulingGated', 'SchedulerError'),
    isDeleted: fc.boolean(),
    extended: fc.boolean(),
    claim: fc.option(few, { nil: undefined }),
    nominated: fc.boolean(),
  })
  .map(({ index, limits, phase, reason, isDeleted, extended, claim, nominated, ...rest }) => {
    const object: KubeObject = {
      metadata: {
        name: `pod-${index}`,
        namespace: 'ml',
        uid: `uid-${index}`,
        ...(isDeleted && { deletionTimestamp: '2026-03-01T12:00:00Z' }),
      },
      spec: {
        nodeName: rest.nodeName,
        containers: [{ name: 'main', resources: { limits: { ...limits, cpu: '500m' } } }],
        resourceClaims: claim === undefined ? [] : [{ name: 'c', resourceClaimName: `claim-${claim}` }],
      },
      status: {
        phase,
        conditions: [{ type: 'PodScheduled', status: 'False', reason }],
        ...(nominated && { nominatedNodeName: 'node-0' }),
        ...(extended && { extendedResourceClaimStatus: { resourceClaimName: 'claim-0' } }),
      },
    };
    return pods.toRow(object, context);
  });

const slice: fc.Arbitrary<ResourceSliceRow> = fc
  .record({
    index: fc.nat(4),
    driver: fc.constantFrom('gpu.nvidia.com', 'gpu.nvidia.com', 'dra.net'),
    pool: few,
    generation: fc.nat(2),
    nodeName: fc.option(nodeName, { nil: undefined }),
    devices: fc.uniqueArray(
      fc.record({
        index: fc.nat(3),
        type: fc.constantFrom('gpu', 'mig'),
        parent: fc.nat(3),
        isTainted: fc.boolean(),
      }),
      { maxLength: 4, selector: (device) => device.index },
    ),
  })
  .map(({ index, driver, pool, generation, devices, nodeName: on }) =>
    resourceslices.toRow(
      {
        metadata: { name: `slice-${index}`, uid: `uid-${index}` },
        spec: {
          driver,
          nodeName: on,
          pool: { name: `pool-${pool}`, generation },
          devices: devices.map((device) => ({
            name: `gpu-${device.index}`,
            attributes: {
              type: { string: device.type },
              uuid: { string: `GPU-${device.index}` },
              ...(device.type === 'mig' && { parentUUID: { string: `GPU-${device.parent}` } }),
            },
            taints: device.isTainted
              ? [{ key: 'gpu.nvidia.com/xid', value: '79', effect: 'NoSchedule' }]
              : [],
          })),
        },
      },
      context,
    ),
  );

const claim: fc.Arbitrary<ResourceClaimRow> = fc
  .record({
    index: few,
    owner: fc.option(fc.nat(9), { nil: undefined }),
    devices: fc.array(fc.record({ pool: few, device: fc.nat(3), adminAccess: fc.boolean() }), {
      maxLength: 3,
    }),
    isAllocated: fc.boolean(),
    isReserved: fc.boolean(),
    count: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ index, owner, devices, isAllocated, isReserved, count }) =>
    resourceclaims.toRow(
      {
        metadata: {
          name: `claim-${index}`,
          namespace: 'ml',
          uid: `uid-claim-${index}`,
          ...(owner !== undefined && {
            ownerReferences: [
              { apiVersion: 'v1', kind: 'Pod', name: `pod-${owner}`, uid: `uid-${owner}`, controller: true },
            ],
          }),
        },
        spec: {
          devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.nvidia.com', count } }] },
        },
        status: isAllocated
          ? {
              allocation: {
                devices: {
                  results: devices.map(({ pool, device, adminAccess }) => ({
                    request: 'gpu',
                    driver: 'gpu.nvidia.com',
                    pool: `pool-${pool}`,
                    device: `gpu-${device}`,
                    adminAccess,
                  })),
                },
              },
              reservedFor: isReserved ? [{ resource: 'pods', name: 'pod-1', uid: 'uid-1' }] : [],
            }
          : {},
      },
      context,
    ),
  );

const demand: fc.Arbitrary<Demand> = fc.record({
  kind: fc.constantFrom('suspended', 'queued'),
  namespace: fc.constant('ml'),
  name: few.map((index) => `job-${index}`),
  units: fc.dictionary(resource, fc.nat(16), { maxKeys: 2 }),
});

type Step =
  | { readonly of: 'pod'; readonly row: PodRow; readonly gone: boolean }
  | { readonly of: 'node'; readonly row: NodeRow; readonly gone: boolean }
  | { readonly of: 'slice'; readonly row: ResourceSliceRow; readonly gone: boolean }
  | { readonly of: 'claim'; readonly row: ResourceClaimRow; readonly gone: boolean }
  | { readonly of: 'demand'; readonly row: Demand; readonly gone: boolean }
  | { readonly of: 'look' };

const gone = fc.nat(3).map((dice) => dice === 0);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ of: fc.constant('pod' as const), row: pod, gone }) },
  { weight: 2, arbitrary: fc.record({ of: fc.constant('node' as const), row: node, gone }) },
  { weight: 2, arbitrary: fc.record({ of: fc.constant('slice' as const), row: slice, gone }) },
  { weight: 2, arbitrary: fc.record({ of: fc.constant('claim' as const), row: claim, gone }) },
  { weight: 1, arbitrary: fc.record({ of: fc.constant('demand' as const), row: demand, gone }) },
  { weight: 1, arbitrary: fc.constant({ of: 'look' as const }) },
);

/** What is true after all steps, kept in the simplest way. */
class World {
  readonly pods = new Map<string, PodRow>();
  readonly nodes = new Map<string, NodeRow>();
  readonly slices = new Map<string, ResourceSliceRow>();
  readonly claims = new Map<string, ResourceClaimRow>();
  readonly demands = new Map<string, Demand>();
}

function take(ledger: Ledger, world: World, one: Step): void {
  const keep = <R>(rows: Map<string, R>, key: string, row: R, isGone: boolean): void => {
    if (isGone) rows.delete(key);
    else rows.set(key, row);
  };
  switch (one.of) {
    case 'pod':
      keep(world.pods, one.row.uid, one.row, one.gone);
      if (one.gone) ledger.removePod(one.row);
      else ledger.addPod(one.row);
      break;
    case 'node':
      keep(world.nodes, one.row.name, one.row, one.gone);
      if (one.gone) ledger.removeNode(one.row);
      else ledger.putNode(one.row);
      break;
    case 'slice':
      keep(world.slices, one.row.name, one.row, one.gone);
      if (one.gone) ledger.removeSlice(one.row);
      else ledger.putSlice(one.row);
      break;
    case 'claim':
      keep(world.claims, one.row.name, one.row, one.gone);
      if (one.gone) ledger.removeClaim(one.row);
      else ledger.putClaim(one.row);
      break;
    case 'demand':
      keep(world.demands, one.row.name, one.row, one.gone);
      if (one.gone) ledger.removeDemand(one.row.name);
      else ledger.putDemand(one.row.name, one.row);
      break;
    case 'look':
      ledger.totals();
  }
}

const byPlace = (a: DeviceEntry, b: DeviceEntry): number =>
  `${a.node} ${a.className}` < `${b.node} ${b.className}` ? -1 : 1;

test('after any history the ledger says what a count from scratch says', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const ledger = createLedger();
      const world = new World();
      for (const one of steps) take(ledger, world, one);
      const truth = recompute({
        pods: world.pods.values(),
        nodes: world.nodes.values(),
        slices: world.slices.values(),
        claims: world.claims.values(),
        demands: world.demands.values(),
      });
      expect([...ledger.entries()].sort(byPlace)).toEqual([...truth.entries].sort(byPlace));
      expect(ledger.totals()).toEqual(truth.totals);
      expect(ledger.demand()).toEqual(truth.demand);
    }),
    { numRuns: 600 },
  );
});

test('when everything is gone again nothing is left', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const ledger = createLedger();
      const world = new World();
      for (const one of steps) take(ledger, world, one);
      for (const row of world.pods.values()) ledger.removePod(row);
      for (const row of world.claims.values()) ledger.removeClaim(row);
      for (const row of world.nodes.values()) ledger.removeNode(row);
      for (const row of world.slices.values()) ledger.removeSlice(row);
      for (const key of world.demands.keys()) ledger.removeDemand(key);
      expect([[...ledger.entries()], ledger.totals(), ledger.demand()]).toEqual([[], [], []]);
    }),
  );
});

test('the holders of a class hold what is requested of it', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const ledger = createLedger();
      const world = new World();
      for (const one of steps) if (one.of !== 'slice' && one.of !== 'claim') take(ledger, world, one);
      for (const entry of ledger.entries()) {
        const held = ledger.holders(entry).reduce((sum, { count }) => sum + count, 0);
        expect(held).toBe(entry.requested);
      }
    }),
  );
});
