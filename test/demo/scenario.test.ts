import { describe, expect, test } from 'vitest';
import { fieldAt, type KubeLike } from '../../src/demo/object.ts';
import { readCatalogue } from '../../src/demo/scenario/catalogue.ts';
import { churn, dcgmMetrics, loadScenario } from '../../src/demo/scenario/index.ts';
import { followUse } from '../../src/demo/scenario/scheduler.ts';
import { createPlayer } from '../../src/demo/scenario/script.ts';
import { type NodeLike, type PodLike, podRequests, quantity } from '../../src/demo/scenario/shapes.ts';
import { storyTracks } from '../../src/demo/scenario/tracks/index.ts';
import { createWorld } from '../../src/demo/scenario/world.ts';
import { createStore, type Store } from '../../src/demo/store.ts';
import { printTable } from '../../src/demo/tables/index.ts';

const noon = Date.parse('2026-11-24T12:00:00Z');
const minute = 60_000;

/** A still cluster, and a clock that the test moves. */
function demo(options: { readonly nodes?: number; readonly pods?: number; readonly seed?: number } = {}) {
  const clock = { now: noon };
  const now = (): number => clock.now;
  const store = createStore({ now });
  const scenario = loadScenario(store, { ...options, now, still: true });
  const player = createPlayer(createWorld(store, noon), storyTracks(), noon);
  const advance = (toMs: number): void => {
    clock.now = noon + toMs;
    player.advanceTo(clock.now);
  };
  return { store, scenario, advance };
}

const podsOf = (store: Store): readonly PodLike[] => store.list('', 'pods') as readonly PodLike[];
const everything = (store: Store): readonly KubeLike[] =>
  store
    .kinds()
    .filter((kind) => kind.storedIn === undefined)
    .flatMap((kind) => store.list(kind.group, kind.plural));

function pod(store: Store, namespace: string, name: string): PodLike {
  const found = store.get({ group: '', plural: 'pods', namespace, name });
  if (found === undefined) throw new Error(`no pod ${namespace}/${name}`);
  return found as PodLike;
}

/** STATUS of a pod as kubectl would print it. */
function status(store: Store, namespace: string, name: string): string {
  const kind = { group: '', plural: 'pods', kind: 'Pod', namespaced: true };
  const [row] = printTable(kind, [pod(store, namespace, name)], noon).rows;
  return `${row?.cells[1]} ${row?.cells[2]}`;
}

describe('every object of the story is what an API server would give', () => {
  const { store } = demo();

  test('no two lines of the catalogue are the same object', () => {
    const names = readCatalogue(noon).map(({ apiVersion, kind, metadata }) =>
      [apiVersion, kind, metadata?.namespace, metadata?.name].join(' '),
    );
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test('it has a name, a uid, a time and a resource version', () => {
    const wrong = everything(store).filter(({ metadata }) => {
      const { name, uid, creationTimestamp, resourceVersion } = metadata ?? {};
      return (
        !name || !uid || !creationTimestamp || !resourceVersion || Number.isNaN(Date.parse(creationTimestamp))
      );
    });
    expect(wrong).toEqual([]);
  });

  test('nothing happened after the story begins', () => {
    const late = everything(store).filter(
      (object) => Date.parse(object.metadata?.creationTimestamp ?? '') > noon,
    );
    expect(late.map((object) => object.metadata?.name)).toEqual([]);
  });

  test('uids are unique, and so are the addresses of pods', () => {
    const uids = everything(store).map((object) => object.metadata?.uid);
    expect(new Set(uids).size).toBe(uids.length);
    const ips = podsOf(store).flatMap((one) => fieldAt(one, 'status.podIP') ?? []);
    expect(new Set(ips).size).toBe(ips.length);
  });

  test('every namespace exists', () => {
    const namespaces = new Set(store.list('', 'namespaces').map((object) => object.metadata?.name));
    const homeless = everything(store).filter(
      ({ metadata }) => metadata?.namespace && !namespaces.has(metadata.namespace),
    );
    expect(homeless.map((object) => object.metadata?.namespace)).toEqual([]);
  });

  test('the owners that a pod names exist under that uid', () => {
    const missing = podsOf(store).flatMap((one) =>
      (one.metadata.ownerReferences ?? [])
        .filter((owner) => {
          const kind = store.kindOf(owner.apiVersion, owner.kind);
          const namespace = one.metadata.namespace ?? '';
          const found =
            kind && store.get({ group: kind.group, plural: kind.plural, namespace, name: owner.name });
          return found?.metadata?.uid !== owner.uid;
        })
        .map((owner) => `${one.metadata.name} → ${owner.kind}/${owner.name}`),
    );
    expect(missing).toEqual([]);
  });

  test('a bound pod has a host, a start time, five conditions and a status for each of its containers', () => {
    for (const one of podsOf(store)) {
      expect(one.status['qosClass'], one.metadata.name).toMatch(/^(BestEffort|Burstable|Guaranteed)$/);
      if (one.spec.nodeName === undefined || one.status['reason'] === 'UnexpectedAdmissionError') continue;
      expect(one.status.startTime, one.metadata.name).toBeDefined();
      expect(one.status['hostIP'], one.metadata.name).toBeDefined();
      const types = one.status.conditions?.map((condition) => condition.type) ?? [];
      expect(types, one.metadata.name).toEqual(
        expect.arrayContaining([
          'PodReadyToStartContainers',
          'Initialized',
          'Ready',
          'ContainersReady',
          'PodScheduled',
        ]),
      );
      expect(
        one.status.containerStatuses?.map((container) => container.name),
        one.metadata.name,
      ).toEqual(one.spec.containers.map((container) => container.name));
      for (const container of one.status.containerStatuses ?? []) {
        expect(Object.keys(container.state), `${one.metadata.name}/${container.name}`).toHaveLength(1);
      }
    }
  });

  test('events speak of objects that exist', () => {
    const strangers = store.list('', 'events').filter((event) => {
      const about = event['involvedObject'] as {
        kind: string;
        name: string;
        namespace?: string;
        apiVersion: string;
        uid: string;
      };
      const kind = store.kindOf(about.apiVersion, about.kind);
      const found =
        kind &&
        store.get({
          group: kind.group,
          plural: kind.plural,
          name: about.name,
          ...(about.namespace === undefined ? {} : { namespace: about.namespace }),
        });
      return found?.metadata?.uid !== about.uid;
    });
    expect(strangers.map((event) => event.metadata?.name)).toEqual([]);
  });
});

describe('the situations of the catalogue are there', () => {
  const { store } = demo();
  const nodes = store.list('', 'nodes') as readonly NodeLike[];
  const node = (name: string): NodeLike | undefined => nodes.find((one) => one.metadata.name === name);

  test('the H100 pool: 40 GPUs, 39 healthy, 32 taken', () => {
    const pool = nodes.filter((one) => one.metadata.name.startsWith('gpu-h100-'));
    const sum = (of: (one: NodeLike) => string | undefined): number =>
      pool.reduce((total, one) => total + quantity(of(one)), 0);
    const taken = podsOf(store)
      .filter(
        (one) => one.spec.nodeName?.startsWith('gpu-h100-') && !/Failed|Succeeded/.test(one.status.phase),
      )
      .reduce((total, one) => total + (podRequests(one).get('nvidia.com/gpu') ?? 0), 0);
    expect(sum((one) => one.status.capacity['nvidia.com/gpu'])).toBe(40);
    expect(sum((one) => one.status.allocatable['nvidia.com/gpu'])).toBe(39);
    expect(taken).toBe(32);
  });

  test.each([
    ['team-a', 'llama-sft-master-0', '1/1 Running'],
    ['team-a', 'llama-sft-worker-0', '0/1 Pending'],
    ['team-b', 'eval-notaint', '0/1 Pending'],
    ['team-c', 'sweep-g-0', '0/1 SchedulingGated'],
    ['team-b', 'dataprep-oom', '0/1 CrashLoopBackOff'],
    ['team-b', 'sft-cudaoom-0', '0/1 CrashLoopBackOff'],
    ['team-b', 'stuck-term-0', '1/1 Terminating'],
    ['team-b', 'spot-train-0', '0/1 Error'],
    ['team-b', 'evicted-ckpt-0', '0/1 Error'],
    ['team-b', 'notebook-7d9f4-x2x9q', '0/1 UnexpectedAdmissionError'],
    ['team-b', 'rag-batch-0', '2/2 Running'],
    ['serve', 'qwen-predictor-6c9d7f-zz8kd', '0/1 Init:CrashLoopBackOff'],
    ['serve', 'asr-gateway-757d9fc5b6-jrvxg', '0/1 ImagePullBackOff'],
    ['serve', 'reranker-7c9f6b5d4-q8z2m', '0/1 Running'],
    ['serve', 'router-656cbc7d48-g59q2', '0/1 ContainerCreating'],
    ['serve', 'guardrail-6f64d8fc7f-mj9ss', '0/1 CreateContainerConfigError'],
    ['serve', 'vllm-405b-1', '0/1 Running'],
    ['gpu-operator', 'nvidia-operator-validator-l4x9z', '0/1 Init:CrashLoopBackOff'],
    ['team-c', 'shard-data-0-b4x8n', '0/1 Completed'],
    ['team-a', 'nightly-tokenize-29318580-7hq2x', '0/1 Error'],
  ])('%s/%s is %s', (namespace, name, expected) => {
    expect(status(store, namespace, name)).toBe(expected);
  });

  test('nodes: a lost GPU, a cordon, a silent kubelet, slices, shares and other makers', () => {
    expect(node('gpu-h100-02')?.status.conditions.some((one) => one.type === 'XidCriticalError')).toBe(true);
    expect(node('gpu-h100-03')?.spec.unschedulable).toBe(true);
    expect(node('gpu-h100-04')?.status.conditions.find((one) => one.type === 'Ready')?.status).toBe(
      'Unknown',
    );
    expect(node('gpu-a100-mig-01')?.status.capacity['nvidia.com/mig-1g.5gb']).toBe('16');
    expect(node('gpu-t4-01')?.status.capacity['nvidia.com/gpu.shared']).toBe('40');
    expect(node('amd-mi300x-01')?.status.capacity['amd.com/gpu']).toBe('8');
    expect(node('tpu-v5e-01')?.status.capacity['google.com/tpu']).toBe('8');
    expect(node('gpu-l4-01')?.status.allocatable['nvidia.com/gpu']).toBeUndefined();
  });

  test('a claim is allocated that nobody reserves, and a device is tainted', () => {
    const claim = store.get({
      group: 'resource.k8s.io',
      plural: 'resourceclaims',
      namespace: 'dra',
      name: 'shared-notebook',
    });
    expect(fieldAt(claim, 'status.allocation')).toBeDefined();
    expect(fieldAt(claim, 'status.reservedFor')).toBeUndefined();
    const [slice] = store.list('resource.k8s.io', 'resourceslices');
    const devices = fieldAt(slice, 'spec.devices') as readonly { readonly taints?: unknown }[];
    expect(devices.filter((device) => device.taints !== undefined)).toHaveLength(1);
  });

  test('suspended jobs, quotas and queues', () => {
    expect(
      fieldAt(
        store.get({ group: 'batch', plural: 'jobs', namespace: 'team-c', name: 'big-pretrain' }),
        'spec.suspend',
      ),
    ).toBe(true);
    expect(fieldAt(store.list('', 'resourcequotas')[0], 'status.used')).toEqual({
      'requests.nvidia.com/gpu': '15',
    });
    expect(store.list('kueue.x-k8s.io', 'workloads').length).toBeGreaterThan(2);
    expect(store.list('jobset.x-k8s.io', 'jobsets')).toHaveLength(1);
    expect(store.list('ray.io', 'rayclusters')).toHaveLength(1);
  });

  test('the scheduler counts the nodes that there are', () => {
    const message = pod(store, 'team-a', 'llama-sft-worker-0').status.conditions?.[0]?.message ?? '';
    expect(message.startsWith(`0/${nodes.length} nodes are available: `)).toBe(true);
    expect(message).toMatch(/\d+ Insufficient nvidia\.com\/gpu/);
    expect(message).toMatch(/1 node\(s\) were unschedulable/);
    expect(message).toMatch(/1 cannot allocate all claims/);
  });
});

describe('the story moves by its script', () => {
  test('the same times give the same cluster', () => {
    const [first, second] = [demo(), demo()];
    first.advance(9 * minute);
    for (let at = 0; at <= 9 * minute; at += 700) second.advance(at);
    second.advance(9 * minute);
    const shown = (store: Store): readonly string[] =>
      everything(store).map((object) => JSON.stringify(object));
    const expected = new Set(shown(first.store));
    expect(shown(second.store).filter((text) => !expected.has(text))).toEqual([]);
    expect(shown(second.store)).toHaveLength(expected.size);
  });

  test('something changes at least every ten seconds', () => {
    const { store, advance } = demo();
    let changes = 0;
    store.listen(() => changes++);
    const quiet: number[] = [];
    for (let at = 10_000; at <= 20 * minute; at += 10_000) {
      const before = changes;
      advance(at);
      if (changes === before) quiet.push(at);
    }
    expect(quiet).toEqual([]);
  });

  test('hours of it do not make the cluster grow', () => {
    const { store, advance } = demo();
    advance(90 * minute);
    const early = everything(store).length;
    advance(6 * 60 * minute);
    expect(Math.abs(everything(store).length - early)).toBeLessThan(early * 0.1);
  });

  test('the back-off of flaky-etl grows, and it begins anew', () => {
    const { store, advance } = demo();
    const seen = new Set<string>();
    for (let at = 0; at < 15 * minute; at += 1000) {
      advance(at);
      const message = pod(store, 'team-d', 'flaky-etl').status.containerStatuses?.[0]?.state.waiting?.message;
      const delay = /^back-off (\S+)/.exec(message ?? '')?.[1];
      if (delay !== undefined) seen.add(delay);
    }
    expect([...seen]).toEqual(expect.arrayContaining(['10s', '20s', '40s', '1m20s', '2m40s', '5m0s']));
  });

  test('the gang gets its node when the notebook goes, and is half pending again later', () => {
    const { store, advance } = demo();
    advance(3 * minute);
    expect(status(store, 'team-a', 'llama-sft-worker-0')).toBe('1/1 Running');
    expect(pod(store, 'team-a', 'llama-sft-worker-0').spec.nodeName).toBe('gpu-h100-01');
    advance(10 * minute);
    expect(status(store, 'team-a', 'llama-sft-worker-0')).toBe('0/1 Pending');
    expect(status(store, 'team-a', 'notebook-idle-0')).toBe('1/1 Running');
  });

  test('a node goes and comes back, and its pods are unready meanwhile', () => {
    const { store, advance } = demo();
    const ready = (): unknown => {
      const node = store.get({ group: '', plural: 'nodes', name: 'gpu-l40s-02' }) as NodeLike;
      const embedder = pod(store, 'serve', 'embedder-5f6c8d7b9-h4t2n');
      return [node, embedder].map(
        (object) => object.status.conditions?.find((one) => one.type === 'Ready')?.status,
      );
    };
    advance(2.5 * minute);
    expect(ready()).toEqual(['Unknown', 'False']);
    advance(4 * minute);
    expect(ready()).toEqual(['True', 'True']);
  });

  test('what the scheduler keeps of each node equals a count from scratch', () => {
    const { store, advance } = demo({ nodes: 40, pods: 800 });
    const kept = followUse(store);
    advance(20 * minute);
    const counted = followUse(store);
    const names = store.list('', 'nodes').map(({ metadata }) => metadata?.name ?? '');
    const sorted = (used: (node: string) => ReadonlyMap<string, number>): unknown =>
      names.map((name) => [name, [...used(name)].sort()]);
    expect(sorted(kept)).toEqual(sorted(counted));
  });

  test('events count up', () => {
    const { store, advance } = demo();
    advance(5 * minute);
    const counts = store
      .list('', 'events')
      .flatMap((event) => (event['reason'] === 'Unhealthy' ? [event['count']] : []));
    expect(Math.max(...counts.map(Number))).toBeGreaterThan(20);
  });
});

describe('the generator', () => {
  test('fills up to the totals asked for, the story included', () => {
    const { store } = demo({ nodes: 60, pods: 2500 });
    expect(store.list('', 'nodes')).toHaveLength(60);
    expect(podsOf(store)).toHaveLength(2500);
  });

  test('gives the same cluster for the same seed, another for another', () => {
    const shown = (seed: number): string =>
      JSON.stringify(podsOf(demo({ nodes: 40, pods: 800, seed }).store));
    expect(shown(7)).toBe(shown(7));
    expect(shown(7)).not.toBe(shown(8));
  });

  test('pods are as heavy as real ones, and a few in a hundred are in trouble', () => {
    const { store } = demo({ nodes: 200, pods: 6000 });
    const generated = podsOf(store).filter((one) => one.metadata.namespace?.startsWith('ml-'));
    const bytes = generated.reduce((sum, one) => sum + JSON.stringify(one).length, 0) / generated.length;
    expect(bytes).toBeGreaterThan(7000);
    expect(bytes).toBeLessThan(10_000);
    const healthy = generated.filter(
      (one) =>
        one.status.phase === 'Succeeded' ||
        (one.status.phase === 'Running' &&
          one.status.containerStatuses?.every((container) => container.ready)),
    );
    const trouble = 1 - healthy.length / generated.length;
    expect(trouble).toBeGreaterThan(0.01);
    expect(trouble).toBeLessThan(0.08);
    expect(new Set(generated.map((one) => one.metadata.namespace)).size).toBe(40);
  });

  test('no healthy generated node holds more GPUs than it has', () => {
    const { store } = demo({ nodes: 200, pods: 6000 });
    const taken = new Map<string, number>();
    for (const one of podsOf(store)) {
      if (one.spec.nodeName === undefined || /Failed|Succeeded/.test(one.status.phase)) continue;
      taken.set(
        one.spec.nodeName,
        (taken.get(one.spec.nodeName) ?? 0) + (podRequests(one).get('nvidia.com/gpu') ?? 0),
      );
    }
    const over = (store.list('', 'nodes') as readonly NodeLike[]).filter(
      (one) =>
        one.metadata.name.startsWith('gen-') &&
        (taken.get(one.metadata.name) ?? 0) > quantity(one.status.capacity['nvidia.com/gpu']),
    );
    expect(over).toEqual([]);
  });
});

test('churn changes the status of running pods', async () => {
  const { store } = demo();
  const changed = await new Promise<KubeLike>((resolve) => {
    const stopListening = store.listen((change) => {
      stopListening();
      stopChurn();
      resolve(change.object);
    });
    const stopChurn = churn(store, 1000, { now: Date.now });
  });
  expect(changed.kind).toBe('Pod');
  expect(fieldAt(changed, 'status.phase')).toBe('Running');
});

describe('logs', () => {
  const { store, scenario, advance } = demo();
  const read = (namespace: string, name: string, container = 'main', previous = false): string[] =>
    scenario.logs(pod(store, namespace, name), container, { previous })?.lines.map((line) => line.text) ?? [];

  test('say what went wrong, in the run that it went wrong in', () => {
    expect(read('team-b', 'sft-cudaoom-0', 'main', true).at(-1)).toContain('CUDA out of memory');
    expect(read('team-b', 'dataprep-oom', 'main', true).at(-1)).toBe('processed 812345 rows');
    expect(read('team-a', 'nightly-tokenize-29318580-7hq2x').at(-1)).toContain('FileNotFoundError');
    expect(read('serve', 'qwen-predictor-6c9d7f-zz8kd', 'storage-initializer', true).at(-1)).toContain(
      'GatedRepoError',
    );
  });

  test('one rank failed first, the others say so ten minutes later', () => {
    const lines = (rank: number, suffix: string) =>
      scenario.logs(pod(store, 'team-e', `sft-70b-${rank}-${suffix}`), 'main', { previous: false })?.lines ??
      [];
    const first = lines(2, 'z6d4p').at(-1);
    const other = lines(0, 'v8m2k').find((line) =>
      line.text.includes('Watchdog caught collective operation timeout'),
    );
    expect(first?.text).toContain('uncorrectable ECC');
    expect((other?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(9 * minute);
  });

  test('are in the order of their times, and the same at every reading', () => {
    const source = scenario.logs(pod(store, 'team-e', 'moe-pretrain-3-t5c6j'), 'main', { previous: false });
    const times = source?.lines.map((line) => line.at) ?? [];
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.at(-1)).toBeLessThanOrEqual(noon);
    expect(read('team-e', 'moe-pretrain-3-t5c6j')).toEqual(source?.lines.map((line) => line.text));
  });

  test('sixteen ranks of one job write hundreds of lines a second', () => {
    const times =
      scenario
        .logs(pod(store, 'team-e', 'moe-pretrain-0-x7k2p'), 'main', { previous: false })
        ?.lines.map((line) => line.at) ?? [];
    const inLastSecond = times.filter((at) => at > noon - 1000).length;
    expect(inLastSecond * 16).toBeGreaterThan(300);
  });

  test('a followed run goes on where the lines stopped', async () => {
    const source = scenario.logs(pod(store, 'team-e', 'moe-pretrain-1-m4q9z'), 'main', { previous: false });
    const last = source?.lines.at(-1)?.at ?? 0;
    const line = await new Promise<{ readonly at: number } | undefined>((resolve) => {
      const stop = source?.follow?.((next) => {
        stop?.();
        resolve(next);
      });
      advance(1000);
    });
    expect(line?.at).toBe(last + 50);
  });

  test('of a container that never ran there is nothing', () => {
    expect(
      scenario.logs(pod(store, 'serve', 'router-656cbc7d48-g59q2'), 'main', { previous: false }),
    ).toBeUndefined();
  });
});

describe('metrics', () => {
  const { store, scenario, advance } = demo();

  test('cover running pods and ready nodes, and nothing else', () => {
    const names = scenario.metrics.pods().map((usage) => usage.name);
    expect(names).toContain('notebook-idle-0');
    expect(names).not.toContain('llama-sft-worker-0');
    expect(names).not.toContain('dataprep-oom');
    expect(scenario.metrics.nodes().map((usage) => usage.name)).not.toContain('gpu-h100-04');
  });

  test('stay within limits', () => {
    for (const usage of scenario.metrics.pods()) {
      const { containers } = pod(store, usage.namespace, usage.name).spec;
      for (const { name, memory } of usage.containers) {
        const limit = containers.find((container) => container.name === name)?.resources?.limits?.['memory'];
        if (limit !== undefined) expect(quantity(memory)).toBeLessThanOrEqual(quantity(limit));
      }
    }
  });

  test('a pod younger than thirty seconds has none', () => {
    advance(20_000);
    const young = podsOf(store).find((one) => one.metadata.name.startsWith('eval-suite-'));
    expect(young?.status.phase).toBe('Running');
    expect(scenario.metrics.pods('team-c').map((usage) => usage.name)).not.toContain(young?.metadata.name);
    advance(70_000);
    expect(scenario.metrics.pods('team-c').map((usage) => usage.name)).toContain(young?.metadata.name);
  });
});

describe('dcgm-exporter', () => {
  const { store } = demo();

  test('names who holds each GPU, and nobody for the free ones', () => {
    const lines = dcgmMetrics(store, 'gpu-h100-01', noon)
      .split('\n')
      .filter((line) => line.startsWith('DCGM_FI_DEV_FB_USED{'));
    expect(lines).toHaveLength(8);
    expect(lines[0]).toMatch(/pod="llama-sft-master-0",pod_uid=""} 512$/);
    expect(lines[4]).toMatch(/pod="notebook-idle-0",pod_uid=""} 18000$/);
    expect(lines[6]).not.toContain('pod=');
  });

  test('reports the lost GPU and the value that means "not measured"', () => {
    expect(dcgmMetrics(store, 'gpu-h100-02', noon)).toMatch(/DCGM_FI_DEV_XID_ERRORS{gpu="7".*} 79\n/);
    expect(dcgmMetrics(store, 'gpu-h100-05', noon)).toContain(' 9223372036854775794\n');
    expect(dcgmMetrics(store, 'cpu-01', noon)).toBe('');
  });
});
