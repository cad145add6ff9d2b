import { crashLoop, growingBackOff, heartbeat, schedule, startContainer } from '../happenings.ts';
import type { Track } from '../script.ts';
import { pick, timeText } from '../shapes.ts';
import { expireEvents, type World } from '../world.ts';
import { gang } from './gang.ts';
import { evalSuite, loraSweep } from './jobs.ts';
import { failingGpu, lostNode, maintenance } from './nodes.ts';
import { chatScaling, loadingModel, missingImage } from './serving.ts';

const second = 1000;
const minute = 60 * second;

/** Everything that moves in the demo. Each track returns to where it began: hours of it do not make the cluster grow. */
export function storyTracks(): readonly Track[] {
  return [
    growingBackOff('team-d', 'flaky-etl', { exitCode: 1, reason: 'Error' }, 5 * second),
    crashLoop('team-b', 'dataprep-oom', 40 * second, { exitCode: 137, reason: 'OOMKilled' }, 22 * second),
    crashLoop('team-b', 'sft-cudaoom-0', 35 * second, { exitCode: 1, reason: 'Error' }, 61 * second),
    crashLoop(
      'serve',
      'triton-vision-754f7fd446-pt9h9',
      64 * second,
      { exitCode: 137, reason: 'Error' },
      140 * second,
    ),
    evalSuite(),
    loraSweep(),
    chatScaling(),
    gang(),
    lostNode('gpu-l40s-02'),
    maintenance('gpu-l40s-01'),
    failingGpu('gpu-h100-05'),
    loadingModel(),
    missingImage(),
    progress(),
    {
      name: 'scheduler retries',
      periodMs: 30 * second,
      startMs: 11 * second,
      steps: Array.from({ length: retryParts }, (_, part) => ({
        atMs: part * second,
        run: (world: World) => retryScheduling(world, part),
      })),
    },
    {
      name: 'heartbeats',
      periodMs: 14 * second,
      startMs: 3 * second,
      steps: [{ atMs: 0, run: nextHeartbeat }],
    },
    { name: 'events expire', periodMs: minute, startMs: minute, steps: [{ atMs: 0, run: expireEvents }] },
    repeatedEvent(
      'serve',
      'reranker-7c9f6b5d4-q8z2m',
      10 * second,
      'Unhealthy',
      'Readiness probe failed: Get "http://10.8.18.4:8000/health": dial tcp 10.8.18.4:8000: connect: connection refused',
    ),
    repeatedEvent(
      'serve',
      'router-656cbc7d48-g59q2',
      122 * second,
      'FailedMount',
      'MountVolume.SetUp failed for volume "routes" : configmap "router-routes" not found',
    ),
    repeatedEvent(
      'serve',
      'guardrail-6f64d8fc7f-mj9ss',
      13 * second,
      'Failed',
      "Error: couldn't find key HF_HUB_TOKEN in Secret serve/hf-token",
    ),
    repeatedEvent(
      'team-b',
      'no-runtime-0',
      16 * second,
      'FailedCreatePodSandBox',
      'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox runtime: no runtime for "nvidia" is configured',
    ),
  ];
}

function repeatedEvent(
  namespace: string,
  name: string,
  periodMs: number,
  reason: string,
  message: string,
): Track {
  const run = (world: World): void => {
    const pod = world.pod(namespace, name);
    if (pod === undefined) return;
    const host = pod.spec.nodeName === undefined ? {} : { host: pod.spec.nodeName };
    world.event(pod, { type: 'Warning', reason, message, component: 'kubelet', ...host });
  };
  return {
    name: `${reason} of ${namespace}/${name}`,
    periodMs,
    startMs: periodMs / 2,
    steps: [{ atMs: 0, run }],
  };
}

/** Each pod once a period; all at once, hundreds of pods times thousands of nodes would stop the server for seconds. */
const retryParts = 30;

/** The scheduler tries the pods that fit nowhere again, and says so in their events. */
function retryScheduling(world: World, part: number): void {
  for (const pod of world.pods()) {
    if (pod.spec.nodeName !== undefined || pod.spec.schedulerName !== 'default-scheduler') continue;
    const verdict = pod.status.conditions?.find((condition) => condition.type === 'PodScheduled');
    // Other words than counts come from before any node was looked at; trying again changes nothing.
    if (verdict?.reason !== 'Unschedulable' || !/available: \d/.test(verdict.message ?? '')) continue;
    if (pick(pod.metadata.name, retryParts) !== part) continue;
    schedule(world, pod.metadata.namespace ?? '', pod.metadata.name);
    const bound = world.pod(pod.metadata.namespace ?? '', pod.metadata.name);
    if (bound?.spec.nodeName !== undefined)
      startContainer(world, pod.metadata.namespace ?? '', pod.metadata.name);
  }
}

function nextHeartbeat(world: World, round: number): void {
  const nodes = world.store.list('', 'nodes').slice(0, 64);
  const name = nodes[round % Math.max(1, nodes.length)]?.metadata?.name;
  if (name !== undefined) heartbeat(world, name);
}

/** A TrainJob that reports its progress every five seconds; at 100 % the next one begins. */
function progress(): Track {
  return {
    name: 'gpt-tj trains',
    periodMs: 5 * second,
    startMs: 2 * second,
    steps: [
      {
        atMs: 0,
        run: (world, round) => {
          const percent = (42 + Math.floor(round / 6)) % 101;
          const loss = (1.2 + 3 * Math.exp(-(percent * 6 + (round % 6)) / 180)).toFixed(3);
          world.change(
            world.store.get({
              group: 'trainer.kubeflow.org',
              plural: 'trainjobs',
              namespace: 'team-a',
              name: 'gpt-tj',
            }),
            (job) => ({
              ...job,
              status: {
                ...(job['status'] as object),
                trainerStatus: {
                  progressPercentage: percent,
                  estimatedRemainingSeconds: (101 - percent) * 30,
                  metrics: [{ name: 'loss', value: loss }],
                  lastUpdatedTime: timeText(world.now()),
                },
              },
            }),
          );
        },
      },
    ],
  };
}
