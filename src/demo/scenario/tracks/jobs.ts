import { fieldAt, type KubeLike } from '../../object.ts';
import { completeObject } from '../complete.ts';
import {
  createPod,
  freshUid,
  type NewPod,
  pull,
  pulled,
  removePod,
  schedule,
  startContainer,
} from '../happenings.ts';
import type { Step, Track } from '../script.ts';
import { type ConditionLike, suffixOf, timeText } from '../shapes.ts';
import type { World } from '../world.ts';

const second = 1000;
const minute = 60 * second;

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
export function evalSuite(): Track {
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
export function loraSweep(): Track {
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
