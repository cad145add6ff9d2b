import type { KubeLike } from '../../object.ts';
import { freshUid, pull, pulled, removePod, schedule, startContainer, terminate } from '../happenings.ts';
import type { Track } from '../script.ts';
import { type PodLike, timeText } from '../shapes.ts';
import type { World } from '../world.ts';

const second = 1000;
const minute = 60 * second;

/**
 * The half-pending gang gets its node when the idle notebook goes, trains for a while, and loses it again when the
 * notebook's owner comes back.
 */
export function gang(): Track {
  const worker = 'llama-sft-worker-0';
  const kept: { worker?: PodLike; notebook?: PodLike } = {};
  return {
    name: 'llama-sft',
    periodMs: 11 * minute,
    startMs: 70 * second,
    steps: [
      {
        atMs: 0,
        run: (world) => {
          const notebook = world.pod('team-a', 'notebook-idle-0');
          const pending = world.pod('team-a', worker);
          if (notebook !== undefined) kept.notebook = notebook;
          if (pending !== undefined && pending.spec.nodeName === undefined) kept.worker = pending;
          terminate(world, 'team-a', 'notebook-idle-0');
        },
      },
      { atMs: 30 * second, run: (world) => removePod(world, 'team-a', 'notebook-idle-0') },
      { atMs: 31 * second, run: (world) => schedule(world, 'team-a', worker) },
      {
        atMs: 33 * second,
        run: (world) => pull(world, 'team-a', worker, 'pytorch/pytorch:2.8.0-cuda12.8-cudnn9-runtime'),
      },
      {
        atMs: 52 * second,
        run: (world) =>
          pulled(world, 'team-a', worker, 'pytorch/pytorch:2.8.0-cuda12.8-cudnn9-runtime', 18, 9_384_221_007),
      },
      { atMs: 53 * second, run: (world) => startContainer(world, 'team-a', worker) },
      { atMs: 7 * minute, run: (world) => terminate(world, 'team-a', worker) },
      {
        atMs: 7 * minute + 20 * second,
        run: (world) => {
          removePod(world, 'team-a', worker);
          for (const pod of [kept.notebook, kept.worker])
            if (pod !== undefined) world.store.put(reborn(world, pod));
        },
      },
    ],
  };
}

/** The same pod made anew: a new uid, and times that begin now. */
function reborn(world: World, pod: PodLike): KubeLike {
  const {
    resourceVersion: _version,
    deletionTimestamp: _deleted,
    deletionGracePeriodSeconds: _grace,
    ...metadata
  } = pod.metadata;
  const at = timeText(world.now());
  const conditions = pod.status.conditions?.map((condition) => ({ ...condition, lastTransitionTime: at }));
  const containerStatuses = pod.status.containerStatuses?.map((status) => ({
    ...status,
    state: { running: { startedAt: at } },
  }));
  return {
    ...pod,
    metadata: {
      ...metadata,
      uid: freshUid(world, pod.metadata.namespace ?? '', pod.metadata.name),
      creationTimestamp: at,
    },
    status: {
      ...pod.status,
      ...(pod.spec.nodeName === undefined ? {} : { startTime: at }),
      ...(conditions === undefined ? {} : { conditions }),
      ...(containerStatuses === undefined ? {} : { containerStatuses }),
    },
  };
}
