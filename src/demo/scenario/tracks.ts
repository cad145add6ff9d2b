import { fieldAt, type KubeLike } from '../object.ts';
import { completeObject } from './complete.ts';
import {
  cordon,
  crashContainer,
  crashLoop,
  createPod,
  freshUid,
  growingBackOff,
  heartbeat,
  loseNode,
  type NewPod,
  pull,
  pulled,
  removePod,
  restartContainer,
  returnNode,
  schedule,
  startContainer,
  terminate,
} from './happenings.ts';
import type { Step, Track } from './script.ts';
import { type ConditionLike, type PodLike, suffixOf, timeText } from './shapes.ts';
import { expireEvents, type World } from './world.ts';

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
      steps: [{ atMs: 0, run: retryScheduling }],
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

/** The scheduler tries the pods that fit nowhere again, and says so in their events. */
function retryScheduling(world: World): void {
  for (const pod of world.pods()) {
    if (pod.spec.nodeName !== undefined || pod.spec.schedulerName !== 'default-scheduler') continue;
    const verdict = pod.status.conditions?.find((condition) => condition.type === 'PodScheduled');
    // Other words than counts come from before any node was looked at; trying again changes nothing.
    if (verdict?.reason !== 'Unschedulable' || !/available: \d/.test(verdict.message ?? '')) continue;
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

interface JobPlan {
  readonly namespace: string;
  readonly name: string;
  readonly ranks: number;
  readonly image: string;
  readonly limits: Readonly<Record<string, string>>;
  readonly owner?: { readonly apiVersion: string; readonly kind: string; readonly name: string };
  readonly spec?: Readonly<Record<string, unknown>>;
}

const podNames = (plan: JobPlan): readonly string[] =>
  Array.from({ length: plan.ranks }, (_, rank) =>
    plan.ranks === 1
      ? `${plan.name}-${suffixOf(plan.name)}`
      : `${plan.name}-${rank}-${suffixOf(`${plan.name}${rank}`)}`,
  );

function createJob(world: World, plan: JobPlan): void {
  const at = timeText(world.now());
  const uid = freshUid(world, plan.namespace, plan.name);
  const labels = { 'batch.kubernetes.io/job-name': plan.name, 'job-name': plan.name };
  const containers = [{ name: 'main', image: plan.image, resources: { limits: plan.limits } }];
  const job: KubeLike = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      namespace: plan.namespace,
      name: plan.name,
      uid,
      labels,
      creationTimestamp: at,
      ...(plan.owner === undefined ? {} : { ownerReferences: [{ ...plan.owner, controller: true }] }),
    },
    spec: {
      parallelism: plan.ranks,
      completions: plan.ranks,
      completionMode: plan.ranks === 1 ? 'NonIndexed' : 'Indexed',
      backoffLimit: 3,
      suspend: false,
      selector: { matchLabels: { 'batch.kubernetes.io/job-name': plan.name } },
      template: { metadata: { labels }, spec: { containers, restartPolicy: 'Never', ...plan.spec } },
      podReplacementPolicy: 'TerminatingOrFailed',
    },
    status: { startTime: at, active: plan.ranks, ready: 0, terminating: 0, uncountedTerminatedPods: {} },
  };
  world.store.put(completeObject(job, world.now()));
  for (const [rank, name] of podNames(plan).entries()) {
    const pod: NewPod = {
      namespace: plan.namespace,
      name,
      image: plan.image,
      limits: plan.limits,
      labels: {
        ...labels,
        ...(plan.ranks === 1 ? {} : { 'batch.kubernetes.io/job-completion-index': String(rank) }),
      },
      owner: { apiVersion: 'batch/v1', kind: 'Job', name: plan.name, uid },
      spec: { restartPolicy: 'Never', ...plan.spec },
    };
    createPod(world, pod);
    world.event(job, {
      reason: 'SuccessfulCreate',
      message: `Created pod: ${name}`,
      component: 'job-controller',
    });
  }
}

const jobOf = (world: World, namespace: string, name: string): KubeLike | undefined =>
  world.store.get({ group: 'batch', plural: 'jobs', namespace, name });

/** Brings a Job's status in line with its pods, as its controller does. */
function syncJob(world: World, plan: JobPlan): void {
  const pods = podNames(plan).map((name) => world.pod(plan.namespace, name));
  const succeeded = pods.filter((pod) => pod?.status.phase === 'Succeeded').length;
  const active = pods.filter((pod) => pod !== undefined && !/Succeeded|Failed/.test(pod.status.phase)).length;
  const ready = pods.filter(
    (pod) => pod?.status.containerStatuses?.every((status) => status.ready) === true,
  ).length;
  const at = timeText(world.now());
  const done = (type: string): ConditionLike => ({
    type,
    status: 'True',
    reason: 'CompletionsReached',
    message: 'Reached expected number of succeeded pods',
    lastProbeTime: at,
    lastTransitionTime: at,
  });
  const finished = succeeded === plan.ranks;
  world.change(jobOf(world, plan.namespace, plan.name), (job) => ({
    ...job,
    status: {
      startTime: fieldAt(job, 'status.startTime'),
      ...(active === 0 ? {} : { active }),
      ready,
      ...(succeeded === 0 ? {} : { succeeded }),
      terminating: 0,
      uncountedTerminatedPods: {},
      ...(finished ? { completionTime: at, conditions: [done('SuccessCriteriaMet'), done('Complete')] } : {}),
    },
  }));
  const job = finished ? jobOf(world, plan.namespace, plan.name) : undefined;
  if (job !== undefined)
    world.event(job, { reason: 'Completed', message: 'Job completed', component: 'job-controller' });
}

function finishPod(world: World, namespace: string, name: string): void {
  const pod = world.pod(namespace, name);
  const [status] = pod?.status.containerStatuses ?? [];
  if (pod === undefined || status === undefined) return;
  const startedAt = status.state.running?.startedAt ?? timeText(world.now());
  const terminated = { exitCode: 0, reason: 'Completed', startedAt, finishedAt: timeText(world.now()) };
  world.setContainer(pod, { ready: false, started: false, state: { terminated } }, 'Succeeded');
}

function removeJob(world: World, plan: JobPlan): void {
  for (const name of podNames(plan)) removePod(world, plan.namespace, name);
  world.remove(jobOf(world, plan.namespace, plan.name));
}

const forAll = (plan: JobPlan, run: (namespace: string, name: string, rank: number) => void): void => {
  for (const [rank, name] of podNames(plan).entries()) run(plan.namespace, name, rank);
};

/** A CronJob's run every two minutes: created, scheduled, image pulled, running, completed; three runs are kept. */
function evalSuite(): Track {
  const plan = (world: World): JobPlan => ({
    namespace: 'team-c',
    name: `eval-suite-${Math.floor(world.now() / minute)}`,
    ranks: 1,
    image: 'ghcr.io/acme/eval:1.8.0',
    limits: { cpu: '2', memory: '8Gi' },
    owner: { apiVersion: 'batch/v1', kind: 'CronJob', name: 'eval-suite' },
  });
  const names: string[] = [];
  const current = (world: World): JobPlan => ({ ...plan(world), name: names.at(-1) ?? '' });
  const each =
    (run: (world: World, namespace: string, name: string, image: string) => void) =>
    (world: World): void => {
      const job = current(world);
      forAll(job, (namespace, name) => run(world, namespace, name, job.image));
      syncJob(world, job);
    };
  return {
    name: 'eval-suite',
    periodMs: 2 * minute,
    startMs: 8 * second,
    steps: [
      {
        atMs: 0,
        run: (world) => {
          const next = plan(world);
          names.push(next.name);
          for (const old of names.splice(0, Math.max(0, names.length - 3)))
            removeJob(world, { ...next, name: old });
          createJob(world, next);
          world.change(
            world.store.get({ group: 'batch', plural: 'cronjobs', namespace: 'team-c', name: 'eval-suite' }),
            (cron) => ({
              ...cron,
              status: {
                active: [{ kind: 'Job', namespace: 'team-c', name: next.name, apiVersion: 'batch/v1' }],
                lastScheduleTime: timeText(world.now()),
              },
            }),
          );
        },
      },
      { atMs: 1 * second, run: each((world, namespace, name) => schedule(world, namespace, name)) },
      { atMs: 2 * second, run: each((world, namespace, name, image) => pull(world, namespace, name, image)) },
      {
        atMs: 9 * second,
        run: each((world, namespace, name, image) => pulled(world, namespace, name, image, 6, 1_872_334_518)),
      },
      { atMs: 10 * second, run: each((world, namespace, name) => startContainer(world, namespace, name)) },
      { atMs: 84 * second, run: each((world, namespace, name) => finishPod(world, namespace, name)) },
      {
        atMs: 85 * second,
        run: (world) =>
          world.change(
            world.store.get({ group: 'batch', plural: 'cronjobs', namespace: 'team-c', name: 'eval-suite' }),
            (cron) => ({
              ...cron,
              status: {
                lastScheduleTime: fieldAt(cron, 'status.lastScheduleTime'),
                lastSuccessfulTime: timeText(world.now()),
              },
            }),
          ),
      },
    ],
  };
}

/** Four LoRA runs on shared GPUs: they start together, end one after another, and the next sweep begins. */
function loraSweep(): Track {
  const plan = (round: number): JobPlan => ({
    namespace: 'team-c',
    name: `lora-sweep-${round % 2 === 0 ? 'a' : 'b'}`,
    ranks: 4,
    image: 'ghcr.io/acme/lora:2.0.1',
    limits: { 'nvidia.com/gpu.shared': '1', cpu: '2', memory: '16Gi' },
    spec: { tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }] },
  });
  const step = (atMs: number, run: (world: World, job: JobPlan) => void): Step => ({
    atMs,
    run: (world, round) => {
      run(world, plan(round));
      syncJob(world, plan(round));
    },
  });
  const finish = (rank: number): Step =>
    step((130 + rank * 7) * second, (world, job) => {
      const name = podNames(job)[rank];
      if (name !== undefined) finishPod(world, job.namespace, name);
    });
  return {
    name: 'lora-sweep',
    periodMs: 3 * minute,
    startMs: 14 * second,
    steps: [
      step(0, (world, job) => {
        removeJob(world, job);
        createJob(world, job);
      }),
      step(1.5 * second, (world, job) => forAll(job, (namespace, name) => schedule(world, namespace, name))),
      step(4 * second, (world, job) =>
        forAll(job, (namespace, name, rank) => rank < 2 && startContainer(world, namespace, name)),
      ),
      step(7 * second, (world, job) =>
        forAll(job, (namespace, name, rank) => rank >= 2 && startContainer(world, namespace, name)),
      ),
      ...[0, 1, 2, 3].map(finish),
    ],
  };
}

const chatLabels = { app: 'vllm-chat', 'pod-template-hash': '6b7d9c5f8' };

/** The autoscaler adds a third replica, which loads its model for a while before it is ready, and takes it away again. */
function chatScaling(): Track {
  const name = 'vllm-chat-6b7d9c5f8-n7v3s';
  const image = 'vllm/vllm-openai:v0.11.0';
  const scale = (world: World, replicas: number, ready: number, load: number): void => {
    const set = (
      group: string,
      plural: string,
      object: string,
      change: (current: KubeLike) => KubeLike,
    ): void => world.change(world.store.get({ group, plural, namespace: 'serve', name: object }), change);
    const sized = (current: KubeLike): KubeLike => ({
      ...current,
      spec: { ...(current['spec'] as object), replicas },
      status: { ...(current['status'] as object), replicas, readyReplicas: ready, availableReplicas: ready },
    });
    set('apps', 'deployments', 'vllm-chat', sized);
    set('apps', 'replicasets', 'vllm-chat-6b7d9c5f8', sized);
    set('autoscaling', 'horizontalpodautoscalers', 'vllm-chat', (current) => ({
      ...current,
      status: {
        ...(current['status'] as object),
        currentReplicas: replicas,
        desiredReplicas: replicas,
        currentMetrics: [
          {
            type: 'Resource',
            resource: { name: 'cpu', current: { averageUtilization: load, averageValue: `${load * 80}m` } },
          },
        ],
      },
    }));
  };
  return {
    name: 'vllm-chat scales',
    periodMs: 4 * minute,
    startMs: 30 * second,
    steps: [
      {
        atMs: 0,
        run: (world) => {
          scale(world, 3, 2, 93);
          createPod(world, {
            namespace: 'serve',
            name,
            image,
            limits: { 'nvidia.com/gpu': '1', cpu: '8', memory: '64Gi' },
            labels: chatLabels,
            owner: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'vllm-chat-6b7d9c5f8' },
            spec: {
              nodeSelector: { 'nvidia.com/gpu.product': 'NVIDIA-L40S' },
              tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
            },
          });
        },
      },
      { atMs: 1 * second, run: (world) => schedule(world, 'serve', name) },
      { atMs: 3 * second, run: (world) => startContainer(world, 'serve', name, { ready: false }) },
      {
        atMs: 48 * second,
        run: (world) => {
          startReady(world, 'serve', name);
          scale(world, 3, 3, 61);
        },
      },
      {
        atMs: 150 * second,
        run: (world) => {
          terminate(world, 'serve', name);
          scale(world, 2, 2, 44);
        },
      },
      { atMs: 178 * second, run: (world) => removePod(world, 'serve', name) },
    ],
  };
}

function startReady(world: World, namespace: string, name: string): void {
  world.setContainer(world.pod(namespace, name), { ready: true, started: true });
}

/**
 * The half-pending gang gets its node when the idle notebook goes, trains for a while, and loses it again when the
 * notebook's owner comes back.
 */
function gang(): Track {
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

const lostNode = (name: string): Track => ({
  name: `${name} is lost for a minute`,
  periodMs: 7 * minute,
  steps: [
    { atMs: 2 * minute, run: (world) => loseNode(world, name) },
    { atMs: 3 * minute + 10 * second, run: (world) => returnNode(world, name) },
  ],
});

const maintenance = (name: string): Track => ({
  name: `${name} is cordoned`,
  periodMs: 5 * minute,
  steps: [
    { atMs: 100 * second, run: (world) => cordon(world, name, true) },
    { atMs: 175 * second, run: (world) => cordon(world, name, false) },
  ],
});

/** One of eight GPUs falls off the bus, and is back after a reset. */
function failingGpu(name: string): Track {
  const set = (world: World, count: string): void =>
    world.change(world.node(name), (node) => ({
      ...node,
      status: { ...node.status, allocatable: { ...node.status.allocatable, 'nvidia.com/gpu': count } },
    }));
  return {
    name: `${name} loses a GPU`,
    periodMs: 10 * minute,
    steps: [
      {
        atMs: 4 * minute,
        run: (world) => {
          set(world, '7');
          const node = world.node(name);
          if (node === undefined) return;
          world.event(node, {
            type: 'Warning',
            reason: 'XIDError',
            message: 'Caught XID error, XID=48',
            component: 'nvidia-gpu-device-plugin',
          });
        },
      },
      { atMs: 7 * minute, run: (world) => set(world, '8') },
    ],
  };
}

/** A model that loads longer than its startup probe allows: killed and started again, for ever. */
function loadingModel(): Track {
  const name = 'vllm-405b-1';
  const probe =
    'Startup probe failed: Get "http://10.8.3.4:8000/health": dial tcp 10.8.3.4:8000: connect: connection refused';
  const fail = (atMs: number): Step => ({
    atMs,
    run: (world) => {
      const pod = world.pod('serve', name);
      if (pod !== undefined)
        world.event(pod, {
          type: 'Warning',
          reason: 'Unhealthy',
          message: probe,
          component: 'kubelet',
          host: 'gpu-a100-mig-01',
          container: 'vllm-leader',
        });
    },
  });
  return {
    name: 'vllm-405b-1 loads',
    periodMs: 610 * second,
    steps: [
      ...Array.from({ length: 60 }, (_, index) => fail(index * 10 * second + 4 * second)),
      {
        atMs: 602 * second,
        run: (world) => {
          const pod = world.pod('serve', name);
          if (pod === undefined) return;
          world.event(pod, {
            reason: 'Killing',
            message: 'Container vllm-leader failed startup probe, will be restarted',
            component: 'kubelet',
            host: 'gpu-a100-mig-01',
            container: 'vllm-leader',
          });
          crashContainer(world, 'serve', name, { exitCode: 137, reason: 'Error' });
        },
      },
      {
        atMs: 604 * second,
        run: (world) => {
          const [status] = world.pod('serve', name)?.status.containerStatuses ?? [];
          if (status === undefined) return;
          world.setContainer(world.pod('serve', name), { lastState: status.state });
          restartContainer(world, 'serve', name, false);
        },
      },
    ],
  };
}

/** An image that does not exist: every five minutes one more try. */
function missingImage(): Track {
  const name = 'asr-gateway-757d9fc5b6-jrvxg';
  const image = 'nvcr.io/acme/asr-gateway:2025-11-21-rc9';
  const error = `rpc error: code = NotFound desc = failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${image}: not found`;
  const wait = (world: World, reason: string, message: string): void =>
    world.setContainer(world.pod('serve', name), {
      ready: false,
      started: false,
      state: { waiting: { reason, message } },
    });
  const remind: Step = { atMs: 0, run: (world) => sayBackOff(world) };
  const sayBackOff = (world: World): void => {
    const pod = world.pod('serve', name);
    if (pod !== undefined)
      world.event(pod, {
        reason: 'BackOff',
        message: `Back-off pulling image "${image}"`,
        component: 'kubelet',
        container: 'main',
        host: pod.spec.nodeName ?? '',
      });
  };
  return {
    name: 'asr-gateway pulls',
    periodMs: 5 * minute,
    startMs: 17 * second,
    steps: [
      {
        atMs: 0,
        run: (world) => {
          pull(world, 'serve', name, image);
          const pod = world.pod('serve', name);
          if (pod !== undefined)
            world.event(pod, {
              type: 'Warning',
              reason: 'Failed',
              message: `Failed to pull image "${image}": ${error}`,
              component: 'kubelet',
              container: 'main',
              host: pod.spec.nodeName ?? '',
            });
          wait(world, 'ErrImagePull', error);
        },
      },
      {
        atMs: 14 * second,
        run: (world) => {
          wait(world, 'ImagePullBackOff', `Back-off pulling image "${image}": ErrImagePull: ${error}`);
          sayBackOff(world);
        },
      },
      ...Array.from({ length: 20 }, (_, index) => ({ ...remind, atMs: (28 + index * 13) * second })),
    ],
  };
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
