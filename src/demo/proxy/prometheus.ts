import type { Cluster } from '../cluster.ts';
import { dcgmMetrics } from '../scenario/dcgm.ts';
import type { AppAnswer, AppRequest } from './apps.ts';

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const json = (value: unknown, status = 200): AppAnswer => ({
  status,
  type: 'application/json',
  body: JSON.stringify(value),
});
const failed = (error: string): AppAnswer => json({ status: 'error', errorType: 'bad_data', error }, 400);

/** The exporter's own labels arrive as `exported_*`, as a scrape without honorLabels gives them. */
function samplesOf({ store, now }: Cluster, metric: string): Sample[] {
  if (metric === 'up')
    return store.list('', 'nodes').map((node) => ({
      labels: { __name__: 'up', job: 'dcgm-exporter', instance: node.metadata?.name ?? '' },
      value: 1,
    }));
  const exporters = new Map(
    store
      .list('', 'pods')
      .filter((pod) => pod.metadata?.labels?.['app'] === 'nvidia-dcgm-exporter')
      .map((pod) => [
        String((pod['spec'] as { nodeName?: string } | undefined)?.nodeName),
        pod.metadata?.name ?? '',
      ]),
  );
  return store.list('', 'nodes').flatMap((node) => {
    const name = node.metadata?.name ?? '';
    const exporter = exporters.get(name);
    if (exporter === undefined) return [];
    return dcgmMetrics(store, name, now())
      .split('\n')
      .flatMap((line) => {
        const match = /^(\w+)\{(.*)\} (\S+)$/.exec(line);
        if (match === null || match[1] !== metric) return [];
        const labels: Record<string, string> = {
          __name__: metric,
          job: 'nvidia-dcgm-exporter',
          namespace: 'gpu-operator',
          pod: exporter,
          service: 'nvidia-dcgm-exporter',
        };
        for (const [, key = '', value = ''] of (match[2] ?? '').matchAll(/(\w+)="([^"]*)"/g))
          labels[/^(pod|namespace|container|pod_uid)$/.test(key) ? `exported_${key}` : key] = value;
        return [{ labels, value: Number(match[3]) }];
      });
  });
}

type Matcher = (labels: Readonly<Record<string, string>>) => boolean;

function matcherOf(text: string): Matcher | undefined {
  const matchers: Matcher[] = [];
  const rest = text.replace(
    /(\w+)\s*(=~|!~|!=|=)\s*"((?:\\.|[^"\\])*)"\s*,?\s*/g,
    (_, key: string, operator: string, wanted: string) => {
      const expression = operator.includes('~') ? new RegExp(`^(?:${wanted})$`) : undefined;
      const isWanted = (value: string): boolean =>
        expression === undefined ? value === wanted : expression.test(value);
      matchers.push((labels) => isWanted(labels[key] ?? '') !== operator.startsWith('!'));
      return '';
    },
  );
  return rest.trim() === '' ? (labels) => matchers.every((match) => match(labels)) : undefined;
}

const folds: Readonly<Record<string, (values: readonly number[]) => number>> = {
  max: (values) => Math.max(...values),
  min: (values) => Math.min(...values),
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
  avg: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  count: (values) => values.length,
};

/** An instant vector of one metric with matchers, alone or under one aggregation: `max by (pod) (M{a="b"})`. */
function evaluate(cluster: Cluster, query: string): readonly Sample[] | undefined {
  const text = query.trim();
  const fold =
    /^(max|min|sum|avg|count)\s*(?:(by|without)\s*\(([^)]*)\))?\s*\((.*)\)\s*(?:(by|without)\s*\(([^)]*)\))?$/s.exec(
      text,
    );
  if (fold !== null) {
    const inner = evaluate(cluster, fold[4] ?? '');
    const apply = folds[fold[1] ?? ''];
    if (inner === undefined || apply === undefined) return undefined;
    const mode = fold[2] ?? fold[5] ?? 'by';
    const names = (fold[3] ?? fold[6] ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '');
    const groups = new Map<string, { labels: Record<string, string>; values: number[] }>();
    for (const { labels, value } of inner) {
      const kept = Object.fromEntries(
        Object.entries(labels).filter(
          ([name]) => name !== '__name__' && names.includes(name) === (mode === 'by'),
        ),
      );
      const key = JSON.stringify(Object.entries(kept).sort());
      const group = groups.get(key) ?? { labels: kept, values: [] };
      group.values.push(value);
      groups.set(key, group);
    }
    return [...groups.values()].map(({ labels, values }) => ({ labels, value: apply(values) }));
  }
  const vector = /^([a-zA-Z_:][\w:]*)\s*(?:\{(.*)\})?$/s.exec(text);
  const matches = vector === null ? undefined : matcherOf(vector[2] ?? '');
  if (vector === null || matches === undefined) return undefined;
  return samplesOf(cluster, vector[1] ?? '').filter(({ labels }) => matches(labels));
}

/** The part of Prometheus's HTTP API that mltop asks. */
export function answerPrometheus(cluster: Cluster, { path, query }: AppRequest): AppAnswer {
  if (path === '/-/ready')
    return { status: 200, type: 'text/plain; charset=utf-8', body: 'Prometheus Server is Ready.\n' };
  if (path === '/-/healthy')
    return { status: 200, type: 'text/plain; charset=utf-8', body: 'Prometheus Server is Healthy.\n' };
  if (path === '/api/v1/status/buildinfo') return json({ status: 'success', data: { version: '3.7.1' } });
  if (path !== '/api/v1/query')
    return { status: 404, type: 'text/plain; charset=utf-8', body: '404 page not found\n' };
  const asked = query.get('query') ?? '';
  const found = evaluate(cluster, asked);
  if (found === undefined)
    return failed(
      `invalid parameter "query": the demo evaluates one metric with matchers under one aggregation, not ${JSON.stringify(asked)}`,
    );
  const at = cluster.now() / 1000;
  const result = found.map(({ labels, value }) => ({ metric: labels, value: [at, String(value)] }));
  return json({ status: 'success', data: { resultType: 'vector', result } });
}
