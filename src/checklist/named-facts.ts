import { acceleratorCount } from '../resources/devices.ts';
import { gangJobs } from '../resources/job-kinds.ts';
import type { Requests } from '../resources/pod-row.ts';
import { pods } from '../resources/pods.ts';
import { schedulerState } from './families/unschedulable/verdict.ts';
import { gpuActivity, lastLineAt, stuckStep } from './families/unwell/progress.ts';
import { killer } from './killer.ts';
import type { Scene } from './pack-scene.ts';
import type { ContainerFacts, PodFacts } from './pod-facts.ts';
import { scan } from './program-log.ts';
import { condition, count, list, text } from './read.ts';

/** Arguments of a fact after templates were filled: texts, and `$c` as the container that it stands for. */
export type FactArgs = Readonly<Record<string, string>>;

/** A fact that rule packs may ask for by name: computed here, pure; undefined when it is not known. */
export interface NamedFact {
  readonly id: string;
  /** Argument → whether it must be given. */
  readonly args: Readonly<Record<string, 'needed' | 'optional'>>;
  readonly help: string;
  readonly of: (scene: Scene, args: FactArgs) => unknown;
}

/** The container that an argument names, or that `forEach` is at, or that ended last; else the first. */
function containerOf({ facts, bound }: Scene, args: FactArgs): ContainerFacts | undefined {
  const name = args['container'];
  if (name !== undefined && name !== '$c') return facts.containers.find((entry) => entry.name === name);
  if (bound?.container !== undefined) return bound.container;
  const mains = facts.containers.filter(({ kind }) => kind === 'main');
  return mains.find(({ ended, last }) => (ended ?? last) !== undefined) ?? mains[0];
}

const requests = new WeakMap<object, Requests>();

/** The scheduler's effective request. */
function requestsOf({ object, row, index }: PodFacts): Requests {
  if (row !== undefined) return row.spec.requests;
  if (object === undefined) return {};
  const known = requests.get(object);
  if (known !== undefined) return known;
  const found = pods.toRow(object, { server: index.server }).spec.requests;
  requests.set(object, found);
  return found;
}

const jobs: ReadonlySet<string> = new Set(['Job', ...gangJobs, 'RayCluster', 'RayJob', 'PodGroup']);

/** The pods of the same owner, without the subject. */
function siblings({ facts }: Scene): readonly unknown[] | undefined {
  const owner = facts.owners[0];
  if (owner === undefined) return [];
  if (owner.object === undefined) return undefined;
  return facts.index
    .children(owner.object)
    .filter((pod) => text(pod, 'kind') === 'Pod' && text(pod, 'metadata', 'name') !== facts.name);
}

const currentLog = (scene: Scene, args: FactArgs): string | undefined => {
  const { facts } = scene;
  const container = containerOf(scene, args);
  return container && facts.index.log(facts.namespace, facts.name, container.name, false);
};

const iso = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString();

/** Ready endpoints of a Service; undefined where its slices are not known. */
function readyEndpoints({ facts }: Scene, args: FactArgs): number | undefined {
  const [name, namespace] = [args['name'] ?? '', args['ns'] ?? facts.namespace];
  const slices = facts.index
    .inNamespace('EndpointSlice', namespace)
    .filter((slice) => text(slice, 'metadata', 'labels', 'kubernetes.io/service-name') === name);
  if (slices.length === 0)
    // Where slices are listed, one that nobody made is missing; where they are not, nothing can be said.
    return facts.index.find('EndpointSlice', namespace, '?').state === 'missing' ? 0 : undefined;
  return slices
    .flatMap((slice) => list(slice, 'endpoints'))
    .filter((endpoint) => {
      const ready = text(endpoint, 'conditions', 'ready');
      return ready === '' || ready === 'true';
    })
    .reduce<number>((sum, endpoint) => sum + Math.max(1, list(endpoint, 'addresses').length), 0);
}

const container = { container: 'optional' } as const;

/** Every fact that packs may ask for. */
export const namedFacts: readonly NamedFact[] = [
  {
    id: 'killer',
    args: container,
    help: 'who ended the last run: oom, liveness, startup, eviction, nodeMemory, sigterm, itself …; none',
    of: (scene, args) => {
      const found = containerOf(scene, args);
      return found === undefined ? undefined : (killer(scene.facts, found)?.by ?? 'none');
    },
  },
  {
    id: 'exitCode',
    args: container,
    help: 'exit code of the last run',
    of: (scene, args) => {
      const found = containerOf(scene, args);
      return (found?.ended ?? found?.last)?.exitCode;
    },
  },
  {
    id: 'restarts',
    args: {},
    help: 'restarts of all containers',
    of: ({ facts }) =>
      facts.row?.restarts ?? facts.containers.reduce((sum, { restarts }) => sum + restarts, 0),
  },
  {
    id: 'req.gpu',
    args: {},
    help: 'accelerators that it asks for; 0 for none',
    of: ({ facts }) => acceleratorCount(requestsOf(facts)) ?? 0,
  },
  {
    id: 'req',
    args: { resource: 'needed' },
    help: 'effective request of a resource: cpu in millicores, memory in bytes',
    of: ({ facts }, args) => requestsOf(facts)[args['resource'] ?? ''] ?? 0,
  },
  {
    id: 'isTraining',
    args: {},
    help: 'true for a pod with accelerators whose owner is a job, a gang or a Ray cluster',
    of: ({ facts }) =>
      (acceleratorCount(requestsOf(facts)) ?? 0) > 0 && facts.owners.some(({ kind }) => jobs.has(kind)),
  },
  {
    id: 'node.ready',
    args: {},
    help: 'true, false or Unknown as its node reports; absent before it has one',
    of: ({ facts }) => {
      if (facts.node === '') return undefined;
      const status = condition(facts.index.get('Node', '', facts.node), 'Ready')?.status;
      return status === undefined || status === 'Unknown' ? status : status === 'True';
    },
  },
  {
    id: 'scheduler.state',
    args: {},
    help: 'C1 to C16: what keeps it from every node; none',
    of: ({ facts }) => (facts.node === '' ? (schedulerState(facts) ?? 'none') : 'none'),
  },
  {
    id: 'siblings.total',
    args: {},
    help: 'other pods of the same owner',
    of: (scene) => siblings(scene)?.length,
  },
  {
    id: 'siblings.restarted',
    args: {},
    help: 'other pods of the same owner that restarted',
    of: (scene) =>
      siblings(scene)?.filter((pod) =>
        list(pod, 'status', 'containerStatuses').some((status) => (count(status, 'restartCount') ?? 0) > 0),
      ).length,
  },
  {
    id: 'siblings.notReady',
    args: {},
    help: 'other pods of the same owner that are not ready and not finished',
    of: (scene) =>
      siblings(scene)?.filter(
        (pod) => condition(pod, 'Ready')?.status !== 'True' && text(pod, 'status', 'phase') !== 'Succeeded',
      ).length,
  },
  {
    id: 'service.readyEndpoints',
    args: { name: 'needed', ns: 'optional' },
    help: 'ready endpoints of a Service',
    of: readyEndpoints,
  },
  {
    id: 'log.silence',
    args: container,
    help: 'when its last line was written: use ageGt',
    of: (scene, args) => iso(lastLineAt(currentLog(scene, args))),
  },
  {
    id: 'log.stepStagnant',
    args: container,
    help: 'when its step counter last moved: use ageGt',
    of: (scene, args) => {
      const log = currentLog(scene, args);
      const [last, stuck] = [lastLineAt(log), stuckStep(log)];
      return last === undefined || stuck === undefined ? undefined : iso(last - stuck.forMs);
    },
  },
  {
    id: 'log.signature',
    args: { ...container, previous: 'optional' },
    help: 'id of the built-in log signature that speaks loudest (mltop rules explain ID); none',
    of: (scene, args) => {
      const { facts } = scene;
      const found = containerOf(scene, args);
      const log =
        found && facts.index.log(facts.namespace, facts.name, found.name, args['previous'] === 'true');
      return log === undefined ? undefined : (scan(log)?.signature.id ?? 'none');
    },
  },
  {
    id: 'gpu.activity',
    args: {},
    help: 'idle, busywait or working, as measured',
    of: ({ facts }) => gpuActivity(facts.index.usage(facts.namespace, facts.name)),
  },
];

export const factNamed = (id: string): NamedFact | undefined => namedFacts.find((fact) => fact.id === id);

/** What `metric:` may name: as measured over the last minutes, shares 0–1. */
export const metrics = ['gpuBusy', 'gpuWorking', 'gpuMemory', 'memory', 'cpuThrottled', 'volume'] as const;
export type Metric = (typeof metrics)[number];
