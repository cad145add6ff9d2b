import { fieldAt, isRecord, type JsonRecord } from '../object.ts';
import { schedule } from '../scenario/happenings.ts';
import { type ContainerStatusLike, isFinished, type PodLike, timeText } from '../scenario/shapes.ts';
import type { Bench } from './bench.ts';

/** Times of a demo: long enough to be seen, short enough to be waited for. */
const scheduleAfterMs = 150;
const startAfterMs = 600;
const retryAfterMs = 5_000;
const jobRunMs = 12_000;

/** Scheduler and kubelets, for the pods that come into being by writes. */
export interface Kubelet {
  /** Takes a pod from Pending to Running, as far as nodes and images allow. */
  begin(pod: PodLike): void;
  /** Starts the ephemeral containers that a pod has been given. */
  attach(pod: PodLike): void;
  /** Starts the containers again whose image has changed. */
  renew(pod: PodLike, before: PodLike): void;
}

/** Names that no registry of the demo has. */
const unknownImage = /(^|[/:.-])(nope|bad|missing|no-such|does-not-exist|not-found|typo)/;

const waitingFor = (image: string): ContainerStatusLike['state'] => ({
  waiting: {
    reason: 'ImagePullBackOff',
    message: `Back-off pulling image "${image}": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${image}: not found`,
  },
});

export function createKubelet(bench: Bench): Kubelet {
  /** The pod as it is now, if it is still the same one. */
  function current({ metadata }: PodLike): PodLike | undefined {
    const pod = bench.world().pod(metadata.namespace ?? '', metadata.name);
    return pod?.metadata.uid === metadata.uid ? pod : undefined;
  }

  function bind(pod: PodLike): void {
    const live = current(pod);
    if (live === undefined || live.metadata.deletionTimestamp !== undefined) return;
    const gates = live.spec['schedulingGates'];
    if (Array.isArray(gates) && gates.length > 0) return;
    const { namespace = '', name } = live.metadata;
    if (live.spec.nodeName === undefined) schedule(bench.world(), namespace, name);
    else if (live.status.containerStatuses === undefined) accept(live);
    const bound = current(pod);
    if (bound?.spec.nodeName === undefined) bench.later(retryAfterMs, () => bind(pod));
    else bench.later(startAfterMs, () => start(pod));
  }

  /** A pod that came with its node, as those of a DaemonSet do. */
  function accept(pod: PodLike): void {
    const at = timeText(bench.now());
    bench.store.put({
      ...pod,
      status: {
        ...pod.status,
        startTime: at,
        conditions: [
          'PodReadyToStartContainers',
          'Initialized',
          'Ready',
          'ContainersReady',
          'PodScheduled',
        ].map((type) => ({
          type,
          status: type === 'PodScheduled' || type === 'Initialized' ? 'True' : 'False',
          lastProbeTime: null,
          lastTransitionTime: at,
        })),
        containerStatuses: pod.spec.containers.map(({ name, image }) => ({
          name,
          image,
          imageID: '',
          ready: false,
          started: false,
          restartCount: 0,
          state: { waiting: { reason: 'ContainerCreating' } },
          lastState: {},
        })),
      },
    });
  }

  function start(pod: PodLike): void {
    const live = current(pod);
    if (live === undefined || live.metadata.deletionTimestamp !== undefined || isFinished(live)) return;
    const world = bench.world();
    const running = { startedAt: timeText(bench.now()) };
    const initContainerStatuses = (live.spec.initContainers ?? []).map(({ name, image, restartPolicy }) => ({
      name,
      image,
      imageID: image,
      restartCount: 0,
      ready: true,
      started: restartPolicy === 'Always',
      state:
        restartPolicy === 'Always'
          ? { running }
          : {
              terminated: {
                exitCode: 0,
                reason: 'Completed',
                startedAt: running.startedAt,
                finishedAt: running.startedAt,
              },
            },
      lastState: {},
    }));
    const statuses = (live.status.containerStatuses ?? []).map((status): ContainerStatusLike => {
      const image = live.spec.containers.find((container) => container.name === status.name)?.image ?? '';
      const isThere = !unknownImage.test(image);
      return {
        ...status,
        image,
        ready: isThere,
        started: isThere,
        state: isThere ? { running } : waitingFor(image),
        ...(isThere
          ? { containerID: `containerd://${live.metadata.uid?.replaceAll('-', '')}`, imageID: image }
          : {}),
      };
    });
    const [first] = statuses;
    if (first === undefined) return;
    const filled = {
      ...live,
      status: {
        ...live.status,
        ...(initContainerStatuses.length === 0 ? {} : { initContainerStatuses }),
        containerStatuses: statuses,
      },
    };
    const failed = statuses.find((status) => !status.ready);
    world.setContainer(filled, first, failed === undefined ? 'Running' : 'Pending');
    const { nodeName: host = '' } = live.spec;
    for (const { name, image } of live.spec.containers) {
      const said = { component: 'kubelet', container: name, host };
      if (unknownImage.test(image ?? ''))
        world.event(live, {
          ...said,
          type: 'Warning',
          reason: 'Failed',
          message: `Failed to pull image "${image}": rpc error: code = NotFound desc = ${image}: not found`,
        });
      else {
        world.event(live, { ...said, reason: 'Created', message: 'Container created' });
        world.event(live, { ...said, reason: 'Started', message: 'Container started' });
      }
    }
    attach(live);
    const owner = live.metadata.ownerReferences?.find((reference) => reference.controller === true);
    if (owner?.kind === 'Job' && failed === undefined) bench.later(jobRunMs, () => finish(pod));
  }

  /** A pod of a job has done its work. */
  function finish(pod: PodLike): void {
    const live = current(pod);
    if (live === undefined || live.metadata.deletionTimestamp !== undefined || isFinished(live)) return;
    const finishedAt = timeText(bench.now());
    const ended = (status: ContainerStatusLike): ContainerStatusLike => ({
      ...status,
      ready: false,
      started: false,
      state: {
        terminated: {
          exitCode: 0,
          reason: 'Completed',
          ...(status.state.running === undefined ? {} : { startedAt: status.state.running.startedAt }),
          finishedAt,
        },
      },
    });
    const statuses = (live.status.containerStatuses ?? []).map(ended);
    const [first] = statuses;
    if (first === undefined) return;
    const filled: PodLike = {
      ...live,
      status: { ...live.status, phase: 'Succeeded', containerStatuses: statuses },
    };
    bench.world().setContainer(filled, first, 'Succeeded');
  }

  function attach(pod: PodLike): void {
    const wanted = pod.spec['ephemeralContainers'];
    if (!Array.isArray(wanted) || wanted.length === 0) return;
    bench.later(300, () => {
      const live = current(pod);
      if (live === undefined) return;
      const before = live.status['ephemeralContainerStatuses'];
      const known: readonly JsonRecord[] = Array.isArray(before) ? before.filter(isRecord) : [];
      const containers = live.spec['ephemeralContainers'];
      const fresh = (Array.isArray(containers) ? containers.filter(isRecord) : []).filter(
        (container) => !known.some((status) => status['name'] === container['name']),
      );
      if (fresh.length === 0) return;
      const startedAt = timeText(bench.now());
      const started = fresh.map((container) => ({
        name: container['name'],
        image: container['image'],
        imageID: container['image'],
        containerID: `containerd://${live.metadata.uid?.replaceAll('-', '')}e${known.length}`,
        ready: false,
        restartCount: 0,
        state: unknownImage.test(String(container['image']))
          ? waitingFor(String(container['image']))
          : { running: { startedAt } },
        lastState: {},
      }));
      bench.store.put({
        ...live,
        status: { ...live.status, ephemeralContainerStatuses: [...known, ...started] },
      });
    });
  }

  return {
    begin: (pod) => bench.later(scheduleAfterMs, () => bind(pod)),
    attach,
    renew(pod, before) {
      const changed = pod.spec.containers.filter(
        ({ name, image }) =>
          image !== before.spec.containers.find((container) => container.name === name)?.image,
      );
      if (changed.length === 0 || fieldAt(pod, 'spec.nodeName') === undefined) return;
      const statuses = (pod.status.containerStatuses ?? []).map((status) =>
        changed.some(({ name }) => name === status.name)
          ? {
              ...status,
              ready: false,
              restartCount: status.restartCount + 1,
              lastState: status.state,
              state: { waiting: { reason: 'ContainerCreating' } },
            }
          : status,
      );
      bench.store.put({ ...pod, status: { ...pod.status, containerStatuses: statuses } });
      bench.later(startAfterMs, () => start(pod));
    },
  };
}
