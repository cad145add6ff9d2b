import type { ScenarioOptions } from '../../providers.ts';
import type { Store } from '../../store.ts';
import { completeObject } from '../complete.ts';
import { randomFrom } from '../random.ts';
import type { Context, Fate, Machine } from './context.ts';
import { addMachines, existingMachines } from './machines.ts';
import { putOwner } from './owners.ts';
import { freeName, podName, putPod } from './pods.ts';
import { type ShapePlan, shapeOf } from './templates.ts';

/**
 * Adds nodes and pods until the cluster has the totals asked for, with the Jobs, Deployments and DaemonSets that own
 * them. Pods of one job share their spec's parts by reference: 100,000 of them take little memory until they are sent.
 */
export function generate(store: Store, options: ScenarioOptions, startMs: number): void {
  const { nodes = 0, pods = 0, seed = 1 } = options;
  const context: Context = {
    store,
    random: randomFrom(seed),
    startMs,
    seed,
    refusal: undefined,
    names: new Set(),
    freeGpus: 0,
    events: 0,
    cursors: { whole: 0, small: 0 },
  };
  const machines = addMachines(context, nodes - store.list('', 'nodes').length);
  const missing = pods - store.list('', 'pods').length;
  if (missing <= 0) return;
  const homes = machines.length > 0 ? machines : existingMachines(store);
  const gpus = homes.reduce((sum, machine) => sum + machine.free, 0);
  // One in twelve stays free: real clusters are never quite full.
  context.freeGpus = Math.floor(gpus * (1 - 1 / 12));
  context.cursors.small = homes.length - 1;
  addNamespaces(context);
  const agents = addAgents(context, machines, Math.floor(missing * 0.2));
  addJobs(context, homes, missing - agents);
}

const teams = 40;

const namespaceOf = (index: number): string => `ml-${String(index % teams).padStart(2, '0')}`;

function addNamespaces({ store, startMs }: Context): void {
  for (let index = 0; index < teams; index++) {
    const name = namespaceOf(index);
    const object = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    };
    store.put(completeObject(object, startMs));
  }
}

const agents = ['node-exporter', 'dcgm-exporter', 'device-plugin', 'cilium'];

/** One pod of each agent on every node, as far as there is room for them in the total. */
function addAgents(context: Context, machines: readonly Machine[], most: number): number {
  let added = 0;
  for (const agent of agents) {
    if (added + machines.length > most) break;
    const shape = shapeOf({
      namespace: 'kube-agents',
      name: agent,
      owner: 'DaemonSet',
      ranks: machines.length,
      gpus: 0,
      kind: 'agent',
      startMs: context.startMs - 30 * 86_400_000,
    });
    for (const machine of machines) {
      putPod(context, shape, freeName(context, shape, `${agent}-`, machine.name), added, machine, 'running');
      added++;
    }
    putOwner(context, shape, { running: machines.length, succeeded: 0, failed: 0 });
  }
  if (added > 0)
    context.store.put(
      completeObject(
        {
          apiVersion: 'v1',
          kind: 'Namespace',
          metadata: { name: 'kube-agents' },
          spec: { finalizers: ['kubernetes'] },
          status: { phase: 'Active' },
        },
        context.startMs,
      ),
    );
  return added;
}

/** Sizes of jobs: most are small, a few fill a rack. */
const sizes: readonly number[] = [1, 1, 1, 1, 2, 2, 4, 4, 8, 8, 8, 16, 16, 32, 64, 128, 256, 512];

function addJobs(context: Context, machines: readonly Machine[], count: number): void {
  let left = count;
  for (let index = 0; left > 0; index++) {
    const plan = planJob(context, index, left);
    addJob(context, machines, plan);
    left -= plan.ranks;
  }
}

interface JobPlan extends ShapePlan {
  readonly finished: boolean;
}

/** One job is as large as they come, wherever there is room for it. */
const largest = 512;

function planJob({ random, startMs, freeGpus }: Context, index: number, most: number): JobPlan {
  const isLargest = index === 0 && most > largest * 4 && freeGpus > largest * 3;
  const size = isLargest ? largest : Math.min(most, sizes[Math.floor(random() * sizes.length)] ?? 1);
  const draw = isLargest ? 0 : random();
  const wanted = draw < 0.5 ? 'training' : draw < 0.8 ? 'serving' : 'data';
  // A replica set of hundreds of model servers is nobody's.
  const ranks = wanted === 'serving' ? Math.min(size, 16) : size;
  const each = isLargest
    ? 2
    : ((wanted === 'training' && ranks >= 16 ? 8 : [1, 1, 2, 4, 8][Math.floor(random() * 5)]) ?? 1);
  // What does not fit is work without GPUs: a cluster is full, but not of pods that wait for it.
  const kind = ranks * each > freeGpus ? 'data' : wanted;
  return {
    namespace: namespaceOf(index),
    name: `${stem(kind, random)}-${index}`,
    owner: kind === 'serving' ? 'ReplicaSet' : 'Job',
    ranks,
    gpus: kind === 'data' ? 0 : each,
    kind,
    startMs: startMs - Math.floor(random() * 3 * 86_400_000) - 600_000,
    finished: !isLargest && kind !== 'serving' && random() < 0.2,
  };
}

function addJob(context: Context, machines: readonly Machine[], plan: JobPlan): void {
  const shape = shapeOf(plan);
  const counts = { running: 0, succeeded: 0, failed: 0 };
  for (let rank = 0; rank < plan.ranks; rank++) {
    const machine = machineFor(context, machines, plan.finished ? 0 : plan.gpus);
    const fate =
      machine === undefined ? 'pending' : plan.finished ? 'succeeded' : fateOf(context.random(), plan.kind);
    if (machine !== undefined && holdsGpus.has(fate)) {
      machine.free -= plan.gpus;
      context.freeGpus -= plan.gpus;
    }
    putPod(
      context,
      shape,
      podName(context, shape, rank),
      rank,
      fate === 'pending' ? undefined : machine,
      fate,
    );
    if (fate === 'running') counts.running++;
    if (fate === 'succeeded') counts.succeeded++;
    if (fate === 'failed') counts.failed++;
  }
  putOwner(context, shape, counts);
}

/** A pod that waits for a node holds nothing; one that has ended has given its GPUs back. */
const holdsGpus: ReadonlySet<Fate> = new Set([
  'running',
  'crashLoop',
  'pullBackOff',
  'notReady',
  'creating',
  'terminating',
]);

const stems: Readonly<Record<string, readonly string[]>> = {
  training: ['pretrain', 'sft', 'dpo', 'grpo', 'lora', 'distill', 'reward-model'],
  serving: ['vllm', 'sglang', 'triton', 'embedder', 'reranker', 'asr', 'tts'],
  data: ['tokenize', 'dedup', 'filter', 'shard', 'eval', 'export', 'crawl'],
};

function stem(kind: string, random: () => number): string {
  const names = stems[kind] ?? ['job'];
  return names[Math.floor(random() * names.length)] ?? 'job';
}

/** About three in a hundred pods are in trouble. */
function fateOf(draw: number, kind: string): Fate {
  if (draw < 0.008) return 'crashLoop';
  if (draw < 0.012) return 'pullBackOff';
  if (draw < 0.017) return 'notReady';
  if (draw < 0.022) return 'creating';
  if (draw < 0.024) return 'terminating';
  if (draw < 0.03 && kind !== 'serving') return 'failed';
  if (draw < 0.034) return 'pending';
  return 'running';
}

/**
 * A node with room. Whole-node pods fill the cluster from the front, smaller ones from the back, so that neither breaks
 * up what the other needs; pods without GPUs go anywhere. The places searched move on, and the search stays cheap.
 */
function machineFor(context: Context, machines: readonly Machine[], gpus: number): Machine | undefined {
  const { cursors } = context;
  const fits = (machine: Machine | undefined): machine is Machine =>
    machine !== undefined && machine.room > 0 && machine.free >= gpus;
  if (gpus === 0) return taken(firstOf(machines, Math.floor(context.random() * machines.length), fits));
  if (gpus >= wholeNode) {
    while (cursors.whole < machines.length && !fits(machines[cursors.whole])) cursors.whole++;
    return taken(machines[cursors.whole]);
  }
  while (cursors.small > 0 && (machines[cursors.small]?.free ?? 0) === 0) cursors.small--;
  for (let index = cursors.small; index >= 0 && index > cursors.small - 64; index--) {
    const machine = machines[index];
    if (fits(machine)) return taken(machine);
  }
  return undefined;
}

const wholeNode = 8;

function firstOf(
  machines: readonly Machine[],
  start: number,
  fits: (machine: Machine | undefined) => machine is Machine,
): Machine | undefined {
  for (let step = 0; step < Math.min(machines.length, 256); step++) {
    const machine = machines[(start + step) % machines.length];
    if (fits(machine)) return machine;
  }
  return undefined;
}

function taken(machine: Machine | undefined): Machine | undefined {
  if (machine !== undefined) machine.room--;
  return machine;
}
