import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Demo, startDemo } from '../../src/demo/index.ts';
import { fieldAt } from '../../src/demo/object.ts';
import { ask } from './cluster.ts';

let demo: Demo;
beforeAll(async () => {
  demo = await startDemo({ still: true });
});
afterAll(() => demo.close());

interface Vector {
  readonly status: string;
  readonly data: {
    readonly result: readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[];
  };
}

const exporter = (): { name: string; node: string } => {
  const pod = demo.store
    .list('', 'pods', 'gpu-operator')
    .find(
      (one) =>
        one.metadata?.labels?.['app'] === 'nvidia-dcgm-exporter' &&
        fieldAt(one, 'status.phase') === 'Running',
    );
  return { name: pod?.metadata?.name ?? '', node: String(fieldAt(pod, 'spec.nodeName')) };
};
const prometheus = (query: string): string =>
  `/api/v1/namespaces/monitoring/services/http:prometheus-k8s:9090/proxy/api/v1/query?query=${encodeURIComponent(query)}`;

describe('the pod proxy', () => {
  test("gives dcgm-exporter's text for the GPUs of its node", async () => {
    const { name, node } = exporter();
    const { status, headers, text } = await ask(
      demo,
      `/api/v1/namespaces/gpu-operator/pods/${name}:9400/proxy/metrics`,
    );
    expect(status).toBe(200);
    expect(headers['content-type']).toContain('text/plain');
    expect(text).toContain('# TYPE DCGM_FI_DEV_GPU_UTIL gauge');
    expect(text).toContain(`Hostname="${node}"`);
  });

  test('refuses who may not, and says that nothing listens', async () => {
    const { name } = exporter();
    const path = `/api/v1/namespaces/gpu-operator/pods/${name}`;
    const refused = await ask(demo, `${path}:9400/proxy/metrics`, { user: 'viewer' });
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('cannot get resource \\"pods/proxy\\"');
    const nobody = await ask(demo, `${path}:81/proxy/metrics`);
    expect(nobody.status).toBe(503);
    expect(nobody.text).toContain('connection refused');
  });
});

describe('Prometheus through the service proxy', () => {
  test('is ready', async () => {
    const { text } = await ask(
      demo,
      '/api/v1/namespaces/monitoring/services/prometheus-k8s:9090/proxy/-/ready',
    );
    expect(text).toBe('Prometheus Server is Ready.\n');
  });

  test("has the exporter's labels under their exported names", async () => {
    const { data, status } = (
      await ask(demo, prometheus('DCGM_FI_DEV_GPU_UTIL{exported_pod!=""}'))
    ).json() as Vector;
    expect(status).toBe('success');
    expect(data.result.length).toBeGreaterThan(0);
    for (const { metric, value } of data.result) {
      expect(metric['exported_pod']).toBeTruthy();
      expect(metric['pod']).toMatch(/dcgm-exporter/);
      expect(Number(value[1])).toBeGreaterThanOrEqual(0);
    }
  });

  test('counts, and takes the maximum by labels', async () => {
    const counted = (await ask(demo, prometheus('count(DCGM_FI_DEV_FB_USED)'))).json() as Vector;
    const all = (await ask(demo, prometheus('DCGM_FI_DEV_FB_USED'))).json() as Vector;
    expect(Number(counted.data.result[0]?.value[1])).toBe(all.data.result.length);
    const byPod = (
      await ask(
        demo,
        prometheus('max by (exported_namespace,exported_pod)(DCGM_FI_DEV_GPU_UTIL{exported_pod!=""})'),
      )
    ).json() as Vector;
    for (const { metric } of byPod.data.result)
      expect(Object.keys(metric).sort()).toEqual(['exported_namespace', 'exported_pod']);
  });

  test('says what it cannot evaluate', async () => {
    const { status, text } = await ask(demo, prometheus('rate(DCGM_FI_DEV_FB_USED[5m])'));
    expect(status).toBe(400);
    expect(text).toContain('bad_data');
  });
});
