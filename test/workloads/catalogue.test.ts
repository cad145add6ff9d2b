import { expect, test } from 'vitest';
import { gpuRows, ledgerOf } from '../../src/accelerators/gpus.ts';
import { nodes } from '../../src/resources/nodes.ts';
import { demandOf } from '../../src/workloads/demand.ts';
import { namespaceUse } from '../../src/workloads/namespace-use.ts';
import { pendingRows } from '../../src/workloads/pending.ts';
import { queueUse } from '../../src/workloads/queue-use.ts';
import { booksOf, schedulingOf } from '../../src/workloads/sources.ts';
import { whyText, workloads } from '../../src/workloads/workloads.ts';
import { catalogueCluster, recordedCluster } from './cluster.ts';
import { now } from './given.ts';

// The answers that gpu.md 10.1 wants of the demo's cluster.
const cluster = catalogueCluster();
const rows = workloads.derive(cluster, now);
const row = (name: string) => {
  const found = rows.filter((one) => one.name === name);
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} workloads ${name}`);
  return found[0];
};
const pending = pendingRows(booksOf(cluster), schedulingOf(cluster), now, {
  nodesAtOnce: Number.POSITIVE_INFINITY,
  goodForMs: 0,
});
const waits = (name: string) => pending.find((one) => one.name === name);

test('llama-sft is half-pending, whatever its PyTorchJob says of Running', () => {
  const sft = row('llama-sft');
  expect(sft).toMatchObject({
    kind: 'PyTorchJob',
    state: 'HalfPending',
    podsRunning: 1,
    podsPending: 1,
    podsWanted: 2,
    gpusHeld: 4,
    gpusWanted: 8,
    model: 'H100-80GB',
  });
  expect(whyText(sft, now)).toMatch(/^half-pending for 60m, 4\.0 GPU-hours unused: 1 of 2 placed/);
});

test('its worker needs a block of 4, and the largest free one is 2', () => {
  expect(waits('llama-sft')?.unblock).toContain(
    'needs 4 gpu on one node; the largest free block is 2 (gpu-h100-01)',
  );
});

test('the TrainJob is 42 % done, and is one with its JobSet and its Job', () => {
  expect(row('gpt-tj')).toMatchObject({
    kind: 'TrainJob',
    state: 'Running',
    progress: 0.42,
    remainingSeconds: 5400,
    gpusHeld: 8,
    queue: 'team-a',
  });
  expect(rows.some(({ kind }) => kind === 'JobSet')).toBe(false);
});

test('vllm-405b serves with one of two groups', () => {
  expect(row('vllm-405b')).toMatchObject({ kind: 'LeaderWorkerSet', state: 'Degraded' });
  expect(row('vllm-405b').why).toContain('1/2 groups ready');
});

test('qwen fails for a gated repository, in the words of its InferenceService', () => {
  expect(row('qwen')).toMatchObject({ kind: 'InferenceService', state: 'Failing' });
  expect(row('qwen').why).toContain('GatedRepoError: 403');
});

test('tune-job waits in Ray with one of two workers', () => {
  expect(row('tune-job')).toMatchObject({ kind: 'RayJob', state: 'Pending', podsRunning: 2, podsWanted: 3 });
});

test('the Slurm node is down with its 8 GPUs', () => {
  expect(row('slurm-worker-gpu')).toMatchObject({ kind: 'NodeSet', state: 'Failing', gpusHeld: 8 });
  expect(row('slurm-worker-gpu').why).toContain('Slurm: 1 down');
});

test('without a label on the node the model is that of the devices: HAMi’s register, or DRA’s slices', () => {
  expect(row('hami-infer').model).toBe('L40S');
  for (const name of ['gb200-infer-0', 'legacy-request-0']) expect(row(name).model).toBe('GB200');
});

test('hidden demand: 32 GPUs of a suspended Job and 16 of a gated group, at their places in the queue', () => {
  expect(row('big-pretrain')).toMatchObject({
    state: 'Queued',
    gpusWanted: 32,
    queuePlace: { queue: 'research', position: 0, waiting: 2 },
  });
  expect(row('big-pretrain').why).toContain('16 more needed');
  expect(row('sweep-g')).toMatchObject({
    state: 'Gated',
    gpusWanted: 16,
    queuePlace: { queue: 'research', position: 1 },
  });
  // One of the two pods exists: its 8 are the pod's, and are not counted again.
  expect(demandOf(row('sweep-g'))).toMatchObject({ kind: 'gated', units: { 'nvidia.com/gpu': 8 } });
  expect(demandOf(row('big-pretrain'))).toMatchObject({ kind: 'queued', units: { 'nvidia.com/gpu': 32 } });
});

test('a quota refuses quota-job before it has a pod', () => {
  expect(row('quota-job')).toMatchObject({
    state: 'Pending',
    why: 'no pod was made: quota gpu-quota 15/16 nvidia.com/gpu, wants 8',
  });
  expect(waits('quota-job')?.waitClass).toBe('refused');
});

test('Volcano’s and KAI’s gangs speak with their scheduler’s words', () => {
  expect(row('mpi-sim')).toMatchObject({
    group: 'batch.volcano.sh',
    state: 'Pending',
    podsWanted: 3,
    gpusWanted: 24,
    queue: 'default',
  });
  expect(row('mpi-sim').why).toContain('3/3 tasks in gang unschedulable');
  expect(row('kai-train-0')).toMatchObject({ state: 'Pending', podsWanted: 2, queue: 'team-e' });
  expect(row('kai-train-0').why).toContain('Non-preemptible workload is over quota');
});

test('a gang without pods waits on its own', () => {
  expect(row('native-gang-workers-0')).toMatchObject({
    kind: 'PodGroup',
    state: 'Queued',
    podsWanted: 8,
    gpusWanted: undefined,
  });
});

test('deleted for an hour, and it still holds 4', () => {
  expect(row('stuck-term-0')).toMatchObject({ gpusHeld: 4 });
});

test('sidecar and init containers: rag-batch holds 4, although its containers ask for 2', () => {
  expect(row('rag-batch')).toMatchObject({ gpusHeld: 4 });
});

test('one row for each waiting workload, with what it wants', () => {
  expect(waits('big-pretrain')).toMatchObject({ wants: '4×8 gpu', units: 32, waitClass: 'queued' });
  expect(waits('sweep-g')).toMatchObject({ wants: '2×8 gpu', units: 16, waitClass: 'gated' });
  expect(waits('mpi-sim')).toMatchObject({ wants: '3×8 gpu', units: 24 });
  expect(waits('eval-notaint')?.unblock).toContain('if the pod tolerated nvidia.com/gpu=present:NoSchedule');
});

test('free quota is not free hardware', () => {
  const queue = queueUse(booksOf(cluster), ledgerOf(cluster), cluster.rowsOf(nodes), now).find(
    ({ flavor }) => flavor === 'h100',
  );
  expect(queue).toMatchObject({
    name: 'research',
    nominal: 24,
    used: 16,
    lendable: 8,
    pendingUnits: 48,
    nodeFree: 4,
  });
});

test('namespaces sum what their workloads hold', () => {
  const use = namespaceUse(booksOf(cluster), now);
  expect(use.find(({ name }) => name === 'team-b')).toMatchObject({
    gpusHeld: 18,
    quota: '15/16 gpu',
    top: 'pretrain-8 (8)',
  });
  expect(use.find(({ name }) => name === 'team-c')).toMatchObject({
    gpusHeld: 0,
    gpusGated: 48,
    queues: 'team-c→research',
  });
});

test.each([
  ['demo', catalogueCluster()],
  ['recorded', recordedCluster()],
])('what workloads hold in the %s cluster is what nodes have given away', (_, some) => {
  const held: Record<string, number> = {};
  for (const one of workloads.derive(some, now))
    for (const [name, units] of Object.entries(one.held)) held[name] = (held[name] ?? 0) + units;
  const given: Record<string, number> = {};
  for (const entry of gpuRows(ledgerOf(some))) {
    const units = entry.requested - entry.orphans;
    if (units !== 0) given[entry.className] = (given[entry.className] ?? 0) + units;
  }
  expect(held).toEqual(given);
});

test('in the recorded cluster every workload has a reason', () => {
  const recorded = workloads.derive(recordedCluster(), now);
  expect(recorded.length).toBeGreaterThan(20);
  expect(recorded.filter(({ why }) => why === '')).toEqual([]);
});
