import type { Cluster } from '../cluster.ts';
import { fieldAt, isRecord, type JsonRecord, type KubeLike } from '../object.ts';
import { dcgmMetrics } from '../scenario/dcgm.ts';
import { answerPrometheus } from './prometheus.ts';

/** What a program behind a port of a pod is asked. */
export interface AppRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

export interface AppAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const text = (body: string, status = 200): AppAnswer => ({ status, type: 'text/plain; charset=utf-8', body });
const json = (value: unknown, status = 200): AppAnswer => ({
  status,
  type: 'application/json',
  body: JSON.stringify(value),
});

const containersOf = (pod: KubeLike): readonly JsonRecord[] => {
  const containers = fieldAt(pod, 'spec.containers');
  return Array.isArray(containers) ? containers.filter(isRecord) : [];
};

type App = (cluster: Cluster, pod: KubeLike, request: AppRequest) => AppAnswer;

interface Known {
  readonly image: RegExp;
  readonly port: number;
  readonly answer: App;
}

/** The model that a serving container says it serves. */
function modelOf(pod: KubeLike): string {
  const words = containersOf(pod).flatMap((container) =>
    [container['command'], container['args']].flatMap((part) =>
      Array.isArray(part) ? part.map(String) : [],
    ),
  );
  const at = words.findIndex((word) => word === '--model' || word === 'serve');
  return (
    words.find((word) => word.startsWith('--model='))?.slice(8) ??
    words[at + 1] ??
    pod.metadata?.labels?.['app'] ??
    'model'
  );
}

const vllm: App = ({ now }, pod, { path }) => {
  const ready = fieldAt(pod, 'status.containerStatuses.0.ready') !== false;
  const model = modelOf(pod);
  if (path === '/health') return text('', ready ? 200 : 503);
  if (path === '/v1/models')
    return json({
      object: 'list',
      data: [{ id: model, object: 'model', owned_by: 'vllm', max_model_len: 32768 }],
    });
  if (path === '/version') return json({ version: '0.11.0' });
  if (path !== '/metrics') return json({ detail: 'Not Found' }, 404);
  const wave = 6 + Math.round(4 * Math.sin(now() / 30_000));
  const labels = `{engine="0",model_name="${model}"}`;
  return text(
    [
      '# HELP vllm:num_requests_running Number of requests in model execution batches.',
      '# TYPE vllm:num_requests_running gauge',
      `vllm:num_requests_running${labels} ${wave}.0`,
      '# HELP vllm:num_requests_waiting Number of requests waiting to be processed.',
      '# TYPE vllm:num_requests_waiting gauge',
      `vllm:num_requests_waiting${labels} ${Math.max(0, wave - 7)}.0`,
      '# HELP vllm:kv_cache_usage_perc KV-cache usage. 1 means 100 percent usage.',
      '# TYPE vllm:kv_cache_usage_perc gauge',
      `vllm:kv_cache_usage_perc${labels} ${(wave / 14).toFixed(4)}`,
      '',
    ].join('\n'),
  );
};

const exporter: App = ({ store, now }, pod, { path }) => {
  if (path === '/health') return text('OK');
  return path === '/metrics'
    ? text(dcgmMetrics(store, String(fieldAt(pod, 'spec.nodeName')), now()))
    : text('404 page not found\n', 404);
};

const page =
  (title: string): App =>
  (_cluster, pod, { path }) => ({
    status: path === '/' || path === '/api' ? 200 : 404,
    type: 'text/html; charset=utf-8',
    body: `<!doctype html><title>${title}</title><h1>${title}</h1><p>${pod.metadata?.name ?? ''}\n`,
  });

const known: readonly Known[] = [
  { image: /dcgm-exporter/, port: 9400, answer: exporter },
  { image: /vllm|sglang|tgi|text-generation/, port: 8000, answer: vllm },
  {
    image: /prometheus(?!-adapter)/,
    port: 9090,
    answer: (cluster, _pod, request) => answerPrometheus(cluster, request),
  },
  { image: /grafana/, port: 3000, answer: page('Grafana') },
  { image: /jupyter|notebook/, port: 8888, answer: page('Jupyter') },
  { image: /tensorboard/, port: 6006, answer: page('TensorBoard') },
  { image: /ray/, port: 8265, answer: page('Ray Dashboard') },
];

const knownFor = (pod: KubeLike, port: number): Known | undefined => {
  const images = containersOf(pod).map((container) => String(container['image'] ?? ''));
  return known.find((one) => one.port === port && images.some((image) => one.image.test(image)));
};

/** Whether anything in the pod listens on a port. */
export function listensOn(pod: KubeLike, port: number): boolean {
  if (fieldAt(pod, 'status.phase') !== 'Running') return false;
  const declared = containersOf(pod).flatMap((container) =>
    Array.isArray(container['ports']) ? container['ports'] : [],
  );
  return declared.some((one) => fieldAt(one, 'containerPort') === port) || knownFor(pod, port) !== undefined;
}

/** What the program behind a port answers: by story where the image is known, else that it is well. */
export function answerOf(cluster: Cluster, pod: KubeLike, port: number, request: AppRequest): AppAnswer {
  const images = containersOf(pod).map((container) => String(container['image'] ?? ''));
  const app = knownFor(pod, port) ?? known.find((one) => images.some((image) => one.image.test(image)));
  if (app !== undefined) return app.answer(cluster, pod, request);
  if (/^\/(health|healthz|ready|readyz|live|livez|-\/ready|-\/healthy)$/.test(request.path))
    return text('ok\n');
  return request.path === '/'
    ? text(`${pod.metadata?.name ?? ''} on port ${port}\n`)
    : text('404 page not found\n', 404);
}
