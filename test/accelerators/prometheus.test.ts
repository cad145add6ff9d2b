import { expect, test } from 'vitest';
import {
  idleQuery,
  nodeMatcher,
  parsePlace,
  prometheusPlaces,
  vectorSamples,
} from '../../src/accelerators/prometheus.ts';
import { type ServiceRow, services } from '../../src/resources/services.ts';

const service = (name: string, port: number): ServiceRow =>
  services.toRow(
    { metadata: { name, namespace: 'monitoring' }, spec: { ports: [{ port }] } },
    { server: undefined },
  );

test('services that answer PromQL are found by name and port, the likeliest first', () => {
  const found = prometheusPlaces([
    service('web', 9090),
    service('vmselect-main', 8481),
    service('prometheus-k8s', 9091),
    service('prom-kube-prometheus', 9090),
    service('prometheus-operated', 9090),
  ]);
  expect(found.map(({ name, port, prefix }) => `${name}:${port}${prefix}`)).toEqual([
    'prometheus-operated:9090',
    'prom-kube-prometheus:9090',
    'vmselect-main:8481/select/0/prometheus',
  ]);
});

test('a place is written as namespace, service and port', () => {
  expect(parsePlace('monitoring/prom:9090')).toEqual({
    namespace: 'monitoring',
    name: 'prom',
    port: '9090',
    prefix: '',
  });
  expect(parsePlace('m/vm:web/select/0/prometheus/')?.prefix).toBe('/select/0/prometheus');
  expect(parsePlace('prom:9090')).toBeUndefined();
});

test('names of nodes in a matcher are text, not patterns', () => {
  expect(nodeMatcher('node', ['a.example', 'b'])).toBe('node=~"a\\\\.example|b"');
});

test('an instant vector becomes samples; anything else is none', () => {
  const answer = {
    status: 'success',
    data: {
      resultType: 'vector',
      result: [
        { metric: { __name__: 'DCGM_FI_DEV_GPU_UTIL', gpu: '0', n: 3 }, value: [1, '12.5'] },
        { metric: {}, value: [1, '1'] },
        { metric: { __name__: 'x' }, value: 'no' },
      ],
    },
  };
  const samples = vectorSamples(answer);
  expect(samples?.map(({ name, value }) => [name, value])).toEqual([['DCGM_FI_DEV_GPU_UTIL', 12.5]]);
  expect([...(samples?.[0]?.labels ?? [])]).toEqual([
    ['__name__', 'DCGM_FI_DEV_GPU_UTIL'],
    ['gpu', '0'],
  ]);
  expect(vectorSamples({ status: 'error' })).toBeUndefined();
  expect(vectorSamples('<html>')).toBeUndefined();
});

test('the question for the past wants the same hands half an hour ago', () => {
  expect(idleQuery('{node=~"a"}')).toBe(
    '(max_over_time(DCGM_FI_PROF_GR_ENGINE_ACTIVE{node=~"a"}[30m]) < 0.01) and (DCGM_FI_PROF_GR_ENGINE_ACTIVE{node=~"a"} offset 30m)',
  );
  const answer = { status: 'success', data: { result: [{ metric: { UUID: 'g' }, value: [1, '0'] }] } };
  expect(vectorSamples(answer, 'm')).toMatchObject([{ name: 'm', value: 0 }]);
});
