import { expect, test } from 'vitest';
import { evaluate, evaluateAll } from '../../src/checklist/evaluate.ts';
import { buildIndex, type EvidenceIndex } from '../../src/checklist/evidence-index.ts';
import { trueState } from '../../src/checklist/true-state.ts';
import { pods } from '../../src/resources/pods.ts';
import { recordedObjects } from '../recorded/read.ts';
import { realKubelet, recordedCluster, server } from './recordings.ts';

const recorded = recordedCluster();
const real = realKubelet();

function stateOf(index: EvidenceIndex, kind: string, name: string): string {
  const slash = name.indexOf('/');
  const object = index
    .of(kind)
    .find(
      (entry) =>
        entry.metadata?.name === name.slice(slash + 1) &&
        (entry.metadata?.namespace ?? '') === name.slice(0, Math.max(0, slash)),
    );
  if (object === undefined) throw new Error(`no ${kind} ${name}`);
  const report = evaluate(index, object);
  return `${report.state} ${report.severity}`;
}

/** The table of the recording's README: what was done to whom. */
const situations: readonly (readonly [kind: string, name: string, state: string])[] = [
  ['Pod', 'pretrain/llama4-pretrain-10-pvjld', 'C2 bad'],
  ['Pod', 'pretrain/ckpt-convert', 'C2 bad'],
  ['Pod', 'pretrain/mig-typo', 'C2 bad'],
  ['Pod', 'pretrain/late-8gpu', 'C2 bad'],
  ['Pod', 'pretrain/memory-hog', 'C1 bad'],
  ['Pod', 'pretrain/cpu-hog', 'C1 bad'],
  ['Pod', 'pretrain/eph-hog', 'C1 bad'],
  ['Pod', 'pretrain/no-toleration', 'C3 bad'],
  ['Pod', 'pretrain/h200-only-6755c58785-dt4hs', 'C4 bad'],
  ['Pod', 'pretrain/selector-and-affinity', 'C4 bad'],
  ['Pod', 'pretrain/on-cordoned', 'C7 bad'],
  ['Pod', 'research/no-host-term', 'C13 bad'],
  ['Pod', 'monitoring/host-port-b9fbf4994-bq6vb', 'C11 bad'],
  ['Pod', 'serving/spread-zone-5b9d4dbf89-ctpwf', 'C6 bad'],
  ['Pod', 'serving/spread-label-5cb58568f-hs2mx', 'C6 bad'],
  ['Pod', 'serving/one-per-host-554c55ccbd-rtnr8', 'C5 bad'],
  ['Pod', 'serving/meets-existing-anti', 'C5 bad'],
  ['Pod', 'serving/affinity-nobody', 'C5 bad'],
  ['Pod', 'research/ts-crowd-5574fb8c75-6n69c', 'C12 bad'],
  ['Pod', 'pretrain/pv-wrong-zone', 'C9 bad'],
  ['Pod', 'pretrain/missing-pvc', 'C8 bad'],
  ['Pod', 'pretrain/unbound-immediate', 'C8 bad'],
  ['Pod', 'pretrain/wffc-none', 'C8 bad'],
  ['Pod', 'research/waits-provisioner', 'C8 bad'],
  ['Pod', 'research/generic-eph-df7d56b8b-p62z8', 'C8 bad'],
  ['Pod', 'serving/urgent-rerank', 'C14 warn'],
  // preemptionPolicy Never is why nobody makes room; that there is no room is the state.
  ['Pod', 'research/patient', 'C2 bad'],
  ['Pod', 'research/gated-two', 'B1 warn'],
  ['Pod', 'research/gated-kueue', 'B2 warn'],
  ['Pod', 'research/volcano-pod', 'B5 bad'],
  ['Pod', 'dra-lab/five-gpus', 'B6 bad'],
  ['Pod', 'dra-lab/bad-class', 'B6 bad'],
  ['Pod', 'dra-lab/missing-claim', 'B6 bad'],
  ['Pod', 'dra-lab/missing-template', 'B6 bad'],
  ['Pod', 'dra-lab/legacy-request-big', 'B6 bad'],
  ['Pod', 'dra-lab/no-dra-toleration', 'B6 bad'],
  ['Pod', 'serving/low-batch-7f9c9bf94-8qxzp', 'I5 none'],
  ['Pod', 'research/drained-notebook', 'I6 none'],
  ['Pod', 'serving/kv-store-0', 'K4 bad'],
  ['Pod', 'research/debug-shell', 'J3 bad'],
  ['Node', 'h100-b-03', 'N2 bad'],
  ['Node', 'h100-a-02', 'J10 bad'],
  ['Node', 'l40s-a-01', 'N1 bad'],
  ['Node', 'dra-b-01', 'N2 bad'],
  ['Deployment', 'batch/quota-deploy', 'A1 bad'],
  ['Job', 'batch/quota-job', 'A1 bad'],
  ['StatefulSet', 'batch/quota-sts', 'A1 bad'],
  ['Job', 'evals/must-specify', 'A2 bad'],
  ['Deployment', 'data-eng/limit-max', 'A3 bad'],
  ['Job', 'data-eng/limit-min', 'A3 bad'],
  ['Deployment', 'evals/webhooked', 'A4 bad'],
  ['Job', 'evals/latest-tag', 'A4 bad'],
  ['Deployment', 'secure-evals/jailbreak-eval', 'A5 bad'],
  ['Job', 'evals/no-sa', 'A6 bad'],
  ['Deployment', 'data-eng/no-priority', 'A6 bad'],
  ['Deployment', 'data-eng/no-runtimeclass', 'A6 bad'],
  ['Job', 'batch/suspended', 'A7 none'],
  ['Job', 'batch/kueue-held', 'B2 warn'],
  ['StatefulSet', 'rlhf/replay-buffer', 'A9 warn'],
  ['CronJob', 'data-eng/hourly', 'A9 none'],
  ['CronJob', 'data-eng/missed', 'A9 warn'],
  ['CronJob', 'data-eng/feb30', 'A9 bad'],
  ['DaemonSet', 'monitoring/no-such-pool', 'A9 none'],
  ['Job', 'batch/backoff', 'I8 bad'],
  ['Job', 'batch/deadline', 'I7 bad'],
  ['Job', 'batch/policy', 'I8 bad'],
  ['Job', 'batch/idxfail', 'I8 bad'],
  ['Job', 'batch/maxidx', 'I8 bad'],
  ['Job', 'batch/winner', 'healthy none'],
  ['Pod', 'research/exit0-oom-b88wz', 'H4 bad'],
  ['Deployment', 'serving/asr-gateway', 'J17 bad'],
  ['HorizontalPodAutoscaler', 'serving/vllm-llama-70b', 'J16 warn'],
  ['HorizontalPodAutoscaler', 'serving/queue-depth', 'J16 warn'],
  ['HorizontalPodAutoscaler', 'serving/orphan-hpa', 'J16 warn'],
  ['Service', 'serving/mesh-api', 'L1a bad'],
  ['Service', 'serving/mesh-port', 'L3 bad'],
  ['Service', 'serving/embed-numeric-port', 'L2 warn'],
  ['Service', 'serving/tgi-mistral', 'L1b bad'],
  ['Service', 'serving/public-lb', 'L8 bad'],
  ['Ingress', 'serving/chat', 'L5 bad'],
  ['PersistentVolumeClaim', 'data-eng/wffc-idle', 'M1 none'],
  ['PersistentVolumeClaim', 'pretrain/nvme-scratch', 'M1 none'],
  ['PersistentVolumeClaim', 'data-eng/no-class', 'M2 bad'],
  ['PersistentVolumeClaim', 'data-eng/no-default', 'M2 bad'],
  ['PersistentVolumeClaim', 'data-eng/immediate', 'M3 bad'],
  ['PersistentVolumeClaim', 'data-eng/scratch-shared', 'M5 warn'],
  ['Pod', 'research/rwo-second', 'E2 bad'],
  ['Pod', 'research/attach-broken', 'E3 bad'],
  ['Namespace', 'old-sandbox', 'K3 bad'],
  ['Pod', 'research/stuck-finalizer', 'K3 bad'],
  ['Pod', 'research/stuck-kubelet', 'K2 bad'],
  ['Pod', 'research/ft-oom-0', 'H4 bad'],
  ['Pod', 'research/init-oom', 'H7 bad'],
  ['Pod', 'research/sweep-cuda-0', 'H1 bad'],
  ['Pod', 'research/sweep-segv-0', 'H3 bad'],
  ['Pod', 'research/sweep-bus-0', 'J12 bad'],
  ['Pod', 'serving/tts-9865cb9bf-hl5fj', 'H2 bad'],
  ['Pod', 'serving/triton-vision-754f7fd446-pt9h9', 'H8 bad'],
  ['Pod', 'serving/sglang-deepseek-665975655f-6x4p7', 'H9 bad'],
  ['Pod', 'serving/qwen-predictor-7887f776b9-gz8qs', 'H11 bad'],
  ['Pod', 'research/init-hang', 'H11 bad'],
  // In back-off when it was recorded: crashing now outranks that it comes and goes.
  ['Pod', 'research/flaky-worker', 'H1 bad'],
  ['Pod', 'serving/asr-gateway-757d9fc5b6-jrvxg', 'F1 bad'],
  ['Pod', 'research/nb-private', 'F2 bad'],
  ['Pod', 'research/nb-ratelimited', 'F3 bad'],
  ['Pod', 'research/nb-selfsigned', 'F4 bad'],
  ['Pod', 'research/nb-arm', 'F6 bad'],
  ['Pod', 'research/nb-badname', 'F7 bad'],
  ['Pod', 'research/nb-huge-image', 'E11 none'],
  ['Pod', 'serving/router-656cbc7d48-g59q2', 'E4 bad'],
  ['Pod', 'research/no-runtime', 'E7 bad'],
  ['Pod', 'research/ip-exhausted', 'E6 bad'],
  ['Pod', 'dra-lab/prep-fail', 'E9 bad'],
  ['Pod', 'research/silent-kubelet', 'E10 bad'],
  ['Pod', 'serving/embedder-v2-77f75449f7-s8s9l', 'G1 bad'],
  ['Pod', 'serving/guardrail-6f64d8fc7f-mj9ss', 'G1 bad'],
  ['Pod', 'research/nb-root', 'G1 bad'],
  ['Pod', 'research/nb-typo-cmd', 'G3 bad'],
  ['Pod', 'research/admission-gpu', 'D1 bad'],
  ['Pod', 'research/outofcpu', 'D2 bad'],
  ['Pod', 'research/nodeaffinity-late', 'D4 bad'],
  ['Pod', 'research/evicted-mem', 'I2 bad'],
  ['Pod', 'research/evicted-disk', 'I3 bad'],
  ['Pod', 'research/evicted-shm', 'I4 bad'],
  ['Pod', 'research/deadline-pod', 'I7 bad'],
  ['Pod', 'research/lost-status', 'I9 bad'],
  ['Pod', 'batch/istio-held-2n4h2', 'I11 bad'],
  ['Pod', 'serving/tgi-mistral-9745cf759-vgspj', 'J1 bad'],
  ['Pod', 'serving/gated-lb-657bfb7ddb-fmsfx', 'J2 bad'],
  ['Pod', 'research/unhealthy-gpu', 'J10 bad'],
  ['Pod', 'research/sidecar-ok', 'healthy none'],
  ['Pod', 'research/nb-carla-0', 'healthy none'],
];

test.each(situations)('recorded: %s %s is %s', (kind, name, state) => {
  expect(stateOf(recorded, kind, name)).toBe(state);
});

/** What a real kubelet reported of pods whose names say what was done to them. */
const kubeletSituations: Readonly<Record<string, string>> = {
  bus: 'I1 bad',
  'cmd-missing': 'G3 bad',
  'cmd-noexec': 'G3 bad',
  'config-key-missing': 'G1 bad',
  'config-missing': 'G1 bad',
  'crash-never': 'I1 bad',
  'crash-on-failure': 'H1 bad',
  'crash-traceback': 'H1 bad',
  'cuda-oom': 'H15 bad',
  deadline: 'I7 bad',
  'done-loop': 'H2 bad',
  'done-once': 'done none',
  'emptydir-limit': 'I4 bad',
  'ephemeral-limit': 'I3 bad',
  'exec-format': 'G5 bad',
  'exit-143': 'H3 bad',
  'exit-255': 'H3 bad',
  healthy: 'healthy none',
  'hook-poststart': 'G4 bad',
  'hp-a': 'healthy none',
  'hp-b': 'D2 bad',
  'image-broken': 'F10 bad',
  'image-forbidden': 'F2 bad',
  'image-invalid': 'F7 bad',
  'image-limited': 'F3 bad',
  'image-never': 'F8 bad',
  'image-not-found': 'F1 bad',
  'image-private': 'F2 bad',
  'image-refused': 'F5 bad',
  'image-secret-missing': 'F2 bad',
  'init-crash': 'H11 bad',
  'init-hang': 'H11 bad',
  'init-image': 'F1 bad',
  'init-oom': 'H7 bad',
  'live-fail': 'H8 bad',
  'live-http': 'H8 bad',
  nonroot: 'G1 bad',
  oom: 'H4 bad',
  'oom-never': 'H4 bad',
  'out-of-cpu': 'D2 bad',
  'out-of-gpu': 'H2 bad',
  'probe-timeout': 'H8 bad',
  'readiness-gate': 'J2 bad',
  'ready-503': 'J1 bad',
  'ready-fail': 'J1 bad',
  'runtime-class': 'E7 bad',
  'secret-missing': 'G1 bad',
  segv: 'H1 bad',
  'shm-full': 'J12 bad',
  'sidecar-crash': 'H1 bad',
  'sidecar-not-started': 'H9 bad',
  'sidecar-ok': 'healthy none',
  'startup-fail': 'H9 bad',
  'stuck-finalizer': 'K3 bad',
  'term-log': 'H15 bad',
  'term-message': 'I1 bad',
  'tiny-limit': 'E8 bad',
  'two-one-done': 'I11 bad',
  'two-one-error': 'I1 bad',
  'vol-config-missing': 'E4 bad',
  'vol-hostpath': 'E5 bad',
  'vol-secret-missing': 'E4 bad',
  'vol-subpath': 'G3 bad',
  workdir: 'G3 bad',
  'wrong-affinity': 'D2 bad',
};

test.each(real.of('Pod').map((pod) => pod.metadata?.name ?? ''))('a real kubelet: %s', (name) => {
  expect(stateOf(real, 'Pod', `train/${name}`)).toBe(kubeletSituations[name]);
});

test('every finding has a cause with its next command, and every failed item its evidence', () => {
  for (const index of [recorded, real]) {
    for (const report of evaluateAll(index)) {
      if (report.severity === 'none') {
        expect(report.causes, `${report.subject.kind} ${report.subject.name}`).toEqual([]);
        continue;
      }
      expect(report.causes[0]?.text, `${report.subject.kind} ${report.subject.name}`).toBeTruthy();
      expect(report.causes[0]?.fixes.length, `${report.subject.kind} ${report.subject.name}`).toBeGreaterThan(
        0,
      );
      for (const item of report.items.filter((entry) => entry.status === 'fail'))
        expect(item.evidence.length, `${report.subject.name} ${item.id}`).toBeGreaterThan(0);
    }
  }
});

test('a program that was OOM-killed though the runtime did not say so: likely, not ruled out', () => {
  const pod = real.get('Pod', 'train', 'oom-never');
  expect(pod && evaluate(real, pod).causes[0]).toMatchObject({ id: 'H4.limit', verdict: 'likely' });
});

test('the true state of a row never contradicts the checklist in health', () => {
  for (const index of [recorded, real]) {
    for (const pod of index.of('Pod')) {
      const report = evaluate(index, pod);
      const row = trueState(pods.toRow(pod, { server }), { now: index.now });
      if (report.severity === 'none')
        expect(`${report.subject.name} ${row.severity}`).toBe(`${report.subject.name} none`);
    }
  }
});

test('names of a finding stay when objects come in another order', () => {
  const shuffled = buildIndex({
    objects: [...recorded.objects].reverse().concat(recordedObjects('events').objects),
    listed: ['*'],
    now: recorded.now,
    server,
  });
  const names = (index: EvidenceIndex): readonly string[] =>
    evaluateAll(index)
      .filter((report) => report.subject.kind === 'Pod')
      .map((report) => `${report.subject.namespace}/${report.subject.name} ${report.state}`)
      .sort();
  expect(names(shuffled)).toEqual(names(recorded));
});
