import { modelLabels } from '../accelerators/models.ts';
import { isAccelerator } from '../resources/devices.ts';
import type { NodeRow } from '../resources/node-row.ts';
import type { PodRow, PodSpecRecord, Requests } from '../resources/pod-row.ts';
import type { SchedulingCluster } from './cluster.ts';
import type { NodeVerdict } from './explain.ts';
import { explainOn } from './explain.ts';
import type { Account, Ledger } from './ledger.ts';
import { ledgerOf, orMake } from './ledger.ts';
import { type Room, roomFor } from './room.ts';

/** "Can I start 2x8 H100 now?" */
export interface Wish {
  /** Accelerators per pod. */
  readonly gpus: number;
  /** Pods. */
  readonly count: number;
  /** A resource name or DRA device class; default: every whole accelerator that the nodes offer. */
  readonly resource?: string | undefined;
  /** Whole words of the model's name: `H100`, `H100-80GB`. */
  readonly model?: string | undefined;
  /** Millicores and bytes per pod. Default: 1 CPU and 1 GiB for each accelerator, so that a node without any is no answer. */
  readonly cpu?: number | undefined;
  readonly memory?: number | undefined;
  readonly tolerations?: PodSpecRecord['tolerations'] | undefined;
  /** Default 0. Pods of lower priority may be preempted: they come first among those that could make room. */
  readonly priority?: number | undefined;
  /** True for a pod that holds accelerators and does not use them, where metrics say so. */
  readonly isIdle?: ((pod: PodRow) => boolean) | undefined;
}

/** Copies of the pod that a node takes as it is. */
interface Start {
  readonly node: string;
  readonly resource: string;
  readonly copies: number;
}

export interface FitPlan {
  /** Where the copies would go, fullest nodes first, as many as were asked for and fit. */
  readonly starts: readonly Start[];
  /** Copies among `starts`. */
  readonly placed: number;
  /** Copies that would fit in all. */
  readonly possible: number;
  /** The most accelerators that one pod could get on one node, up to 64. */
  readonly largestBlock: number;
  /** Cheapest ways to room for one more copy, best first; empty when all are placed or nothing helps. */
  readonly room: readonly Room[];
  /** Nodes of the wanted kind, with what stands in the way. */
  readonly nodes: readonly NodeVerdict[];
  /** Why there is no answer: no node offers such a thing. */
  readonly nothing: string | undefined;
}

const gibibyte = 2 ** 30;
const mostPerNode = 64;
const mostRooms = 20;
const classPrefix = 'deviceclass.resource.kubernetes.io/';

/** Taints that GPU nodes customarily carry, and that GPU pods customarily tolerate (gpu.md 3.5). */
const customary = [
  'nvidia.com/gpu',
  'amd.com/gpu',
  'google.com/tpu',
  'habana.ai/gaudi',
  'aws.amazon.com/neuron',
  'gpu.intel.com/i915',
  'gpu.intel.com/xe',
];

function podFor(wish: Wish, resource: string, copies: number): PodRow {
  const requests: Requests = {
    cpu: (wish.cpu ?? wish.gpus * 1000) * copies,
    memory: (wish.memory ?? wish.gpus * gibibyte) * copies,
    [resource]: wish.gpus * copies,
  };
  const tolerated = [...customary, resource].map((key) => ({ key, operator: 'Exists' }));
  const sku = { key: 'sku', operator: 'Equal', value: 'gpu' };
  const spec: PodSpecRecord = {
    requests,
    containers: [],
    nodeSelector: undefined,
    affinity: undefined,
    tolerations: [...tolerated, sku, ...(wish.tolerations ?? [])],
    spread: [],
    hostPorts: [],
    volumes: [],
    claims: [],
    schedulerName: 'default-scheduler',
    priority: wish.priority ?? 0,
    priorityClass: undefined,
    preemptionPolicy: 'PreemptLowerPriority',
    restartPolicy: 'Always',
    serviceAccount: undefined,
    runtimeClass: undefined,
    hostNetwork: false,
  };
  return { ...blankPod, spec };
}

/** A pod that asks for nothing and was never made: for questions about pods that do not exist yet. */
export const blankPod: Omit<PodRow, 'spec'> = {
  uid: 'wish',
  namespace: '',
  name: 'wish',
  createdAt: undefined,
  version: '',
  status: 'Pending',
  phase: 'Pending',
  reason: '',
  message: '',
  readyContainers: 0,
  totalContainers: 0,
  restarts: 0,
  lastRestartAt: undefined,
  ip: '',
  node: '',
  nominatedNode: '',
  readinessGates: undefined,
  qos: '',
  deletedAt: undefined,
  startedAt: undefined,
  finalizers: 0,
  gates: [],
  labels: {},
  podGroup: '',
  annotations: {},
  owner: undefined,
  scheduled: undefined,
  ready: undefined,
  disrupted: undefined,
  claimNames: {},
  trouble: undefined,
};

/** `NVIDIA-H100-80GB-HBM3` → `nvidia h100 80gb hbm3`. */
const wordsOf = (text: string): readonly string[] =>
  text
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');

/** Product names of the devices that slices publish, by node; a node without any is not in it. */
function devicesByNode(ledger: Ledger): ReadonlyMap<string, readonly string[]> {
  const byNode = new Map<string, string[]>();
  for (const { devices } of ledger.shelves().devicePools ?? []) {
    for (const { node, attributes } of devices) {
      if (node === 'all' || !('name' in node)) continue;
      const names = orMake(byNode, node.name, () => []);
      for (const [name, value] of attributes) if (name.endsWith('/productName')) names.push(String(value));
    }
  }
  return byNode;
}

type Devices = ReturnType<typeof devicesByNode>;

/**
 * Is the product of the wanted model? Whole words only, in any order and however they are joined: `H100-80GB` and
 * `rtx6000` are `NVIDIA-H100-80GB-HBM3` and `NVIDIA-RTX-6000-Ada`, but `L4` is no `NVIDIA-L40S`.
 */
export function isOfModel(product: string, model: string): boolean {
  const wanted = wordsOf(model);
  if (wanted.length === 0) return false;
  const words = wordsOf(product);
  if (wanted.every((word) => words.includes(word))) return true;
  const joined = wanted.join('');
  return words.some((_, start) => {
    let run = '';
    for (let at = start; at < words.length && run.length < joined.length; at += 1) run += words[at] ?? '';
    return run === joined;
  });
}

/** By the node's labels and devices; its instance type counts only where nothing else names a model. */
function isModel(node: NodeRow, model: string, devices: Devices): boolean {
  const labelled = modelLabels.flatMap((label) => node.labels[label] || []);
  const products = [...labelled, ...(devices.get(node.name) ?? [])];
  const type = node.labels['node.kubernetes.io/instance-type'];
  const named = products.length === 0 && type !== undefined ? [type] : products;
  return named.some((product) => isOfModel(product, model));
}

/** Not parts of a device, and without a word about the model not what nobody calls a GPU. */
const isPart = /\/mig-|\.shared$|core$/;
const isNoGpu = /tpu|neuron|gaudi|qaic|Ascend|vmlu|mlunum|dcunum/;

const isWanted = (resource: string, { model }: Wish): boolean =>
  isAccelerator(resource) && !isPart.test(resource) && (model !== undefined || !isNoGpu.test(resource));

/** Device classes that hand out GPUs: one that serves an extended resource goes by that name. */
function deviceClasses(ledger: Ledger): readonly string[] {
  const { deviceClasses: classes, devicePools: pools } = ledger.shelves();
  if (classes === undefined || pools === undefined || pools.length === 0) return [];
  return [...classes.values()]
    .filter(({ name }) => /(^|[.-])gpu/.test(name))
    .map(({ name, extendedResource }) => extendedResource ?? classPrefix + name);
}

function candidates(ledger: Ledger, wish: Wish): readonly string[] {
  if (wish.resource !== undefined) {
    return [
      ledger.shelves().deviceClasses?.has(wish.resource) === true
        ? classPrefix + wish.resource
        : wish.resource,
    ];
  }
  const offered = new Set<string>(deviceClasses(ledger));
  for (const { node } of ledger.accounts())
    for (const name in node.capacity)
      if (isWanted(name, wish) && (node.capacity[name] ?? 0) > 0) offered.add(name);
  return [...offered];
}

/** Is the resource served by a device class, where no device plugin offers it? */
const isServed = (ledger: Ledger, resource: string): boolean =>
  resource.startsWith(classPrefix) ||
  [...(ledger.shelves().deviceClasses?.values() ?? [])].some(
    ({ extendedResource }) => extendedResource === resource,
  );

interface Option {
  readonly account: Account;
  readonly resource: string;
  readonly verdict: NodeVerdict;
  copies: number;
}

/** Nodes that have such a thing at all, taken or not, and of the wanted model. */
function nodesWith(ledger: Ledger, wish: Wish, resource: string, devices: Devices): readonly Account[] {
  const served = isServed(ledger, resource);
  return [...ledger.accounts()].filter(
    ({ node }) =>
      ((node.capacity[resource] ?? 0) > 0 || (served && devices.has(node.name))) &&
      (wish.model === undefined || isModel(node, wish.model, devices)),
  );
}

function optionsFor(ledger: Ledger, wish: Wish, resource: string, devices: Devices): Option[] {
  const accounts = nodesWith(ledger, wish, resource, devices);
  const { nodes } = explainOn(ledger, podFor(wish, resource, 1), accounts);
  const options = accounts.flatMap((account, index): Option[] => {
    const verdict = nodes[index];
    return verdict === undefined ? [] : [{ account, resource, verdict, copies: fits(verdict) ? 1 : 0 }];
  });
  for (let copies = 2; copies <= Math.min(wish.count, mostPerNode); copies += 1) {
    const growing = options.filter(
      (option) => option.copies === copies - 1 && slotsOf(option.account) >= copies,
    );
    if (growing.length === 0) break;
    const pod = podFor(wish, resource, copies);
    const verdicts = explainOn(
      ledger,
      pod,
      growing.map(({ account }) => account),
    ).nodes;
    growing.forEach((option, index) => {
      const verdict = verdicts[index];
      if (verdict !== undefined && fits(verdict)) option.copies = copies;
    });
  }
  return options;
}

const slotsOf = ({ node, pods }: Account): number => (node.allocatable['pods'] ?? 0) - pods.size;

const fits = ({ blockers, doubts }: NodeVerdict): boolean => blockers.length === 0 && doubts.length === 0;

/** Accelerators that one pod could get on one of the nodes where it would be let in. */
function largestBlock(ledger: Ledger, wish: Wish, options: readonly Option[]): number {
  let most = 0;
  for (const [resource, ofResource] of Map.groupBy(options, (option) => option.resource)) {
    // Where even the plain sum of free units is too small, no filter need be asked.
    const couldTake = (gpus: number) =>
      ofResource
        .filter((option) => isByClaim(option) || freeUnits(option) >= gpus)
        .map(({ account }) => account);
    const takes = (gpus: number) =>
      explainOn(ledger, podFor({ ...wish, gpus }, resource, 1), couldTake(gpus)).fits.length > 0;
    // What fits n fits fewer: halving finds the most in six questions.
    let [low, high] = [most, mostPerNode];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (takes(middle)) low = middle;
      else high = middle - 1;
    }
    most = low;
  }
  return most;
}

/** Devices come from slices: what is free is not on the node's row. */
const isByClaim = ({ account, resource }: Option): boolean => (account.node.allocatable[resource] ?? 0) === 0;

function freeUnits({ account, resource }: Option): number {
  return (account.node.allocatable[resource] ?? 0) - (account.requested.get(resource) ?? 0);
}

/** Fullest first, so that whole nodes stay whole. */
function placeCopies(options: readonly Option[], count: number): Start[] {
  const starts: Start[] = [];
  let left = count;
  for (const { account, resource, copies } of options
    .filter((option) => option.copies > 0)
    .toSorted((a, b) => freeUnits(a) - freeUnits(b))) {
    if (left === 0) break;
    const taken = Math.min(copies, left);
    starts.push({ node: account.node.name, resource, copies: taken });
    left -= taken;
  }
  return starts;
}

/** Where such pods would start now, or the cheapest way to make room. It reads; it advises nothing by itself. */
export function planFit(cluster: SchedulingCluster | Ledger, wish: Wish): FitPlan {
  const ledger = 'version' in cluster ? cluster : ledgerOf(cluster);
  const seen = new Map<string, Option>();
  const devices = devicesByNode(ledger);
  for (const resource of candidates(ledger, wish)) {
    for (const option of optionsFor(ledger, wish, resource, devices)) {
      const known = seen.get(option.account.node.name);
      if (known === undefined || known.copies < option.copies) seen.set(option.account.node.name, option);
    }
  }
  const options = [...seen.values()];
  const starts = placeCopies(options, wish.count);
  const placed = starts.reduce((sum, { copies }) => sum + copies, 0);
  const blocked = placed >= wish.count ? [] : options.filter(({ copies }) => copies === 0);
  const asks = { priority: wish.priority ?? 0, isIdle: wish.isIdle ?? (() => false) };
  return {
    starts,
    placed,
    possible: options.reduce((sum, { copies }) => sum + copies, 0),
    largestBlock: largestBlock(ledger, wish, options),
    room: roomFor(ledger, blocked, asks).slice(0, mostRooms),
    nodes: options.map(({ verdict }) => verdict),
    nothing:
      options.length > 0
        ? undefined
        : `no node offers ${wish.resource ?? 'whole accelerators'}${wish.model === undefined ? '' : ` of a model like ${wish.model}`}`,
  };
}
