import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { type Condition, conditionsOf, conditionText, findCondition } from './conditions.ts';
import { count, type Fields, list, number, record, shared, text } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';
import { countColumn } from './template.ts';

export interface HorizontalPodAutoscalerRow extends OwnedRow {
  readonly target: { readonly kind: string; readonly name: string };
  /** As kubectl prints it: `cpu: <unknown>/70%`. */
  readonly targets: string;
  readonly minPods: number | undefined;
  readonly maxPods: number;
  readonly replicas: number;
  readonly desired: number;
  readonly conditions: readonly Condition[];
}

export const horizontalpodautoscalers: Resource<HorizontalPodAutoscalerRow> =
  defineResource<HorizontalPodAutoscalerRow>({
    name: 'horizontalpodautoscalers',
    title: 'HorizontalPodAutoscalers',
    kind: 'HorizontalPodAutoscaler',
    group: 'autoscaling',
    apiVersion: 'v2',
    aliases: ['hpa', 'horizontalpodautoscaler'],
    namespaced: true,
    capabilities: [],
    columns: [
      nameColumn,
      {
        title: 'REFERENCE',
        value: ({ target }) => `${target.kind}/${target.name}`,
        kubectl: 'table',
        priority: 2,
      },
      { title: 'TARGETS', value: (row) => row.targets, kubectl: 'table', priority: 1 },
      {
        title: 'MINPODS',
        value: (row) => row.minPods,
        text: (row) => String(row.minPods ?? '<unset>'),
        align: 'right',
        kubectl: 'table',
        priority: 4,
      },
      countColumn('MAXPODS', (row) => row.maxPods, 4),
      countColumn('REPLICAS', (row) => row.replicas, 2),
      ageColumn,
    ],
    fault: (row) => whyAutoscaler(row) !== undefined,
    why: whyAutoscaler,
    toRow: autoscalerRow,
  });

function whyAutoscaler(row: HorizontalPodAutoscalerRow): string | undefined {
  const broken =
    findCondition(row.conditions, 'AbleToScale', 'False') ??
    // Scaling is off by design while the target has no replicas.
    row.conditions.find(
      ({ type, status, reason }) =>
        type === 'ScalingActive' && status === 'False' && reason !== 'ScalingDisabled',
    );
  return broken === undefined ? undefined : conditionText(broken);
}

function autoscalerRow(object: KubeObject): HorizontalPodAutoscalerRow {
  const spec = record(object['spec']);
  const status = record(object['status']);
  const target = record(spec['scaleTargetRef']);
  return {
    ...ownedMetaOf(object),
    target: { kind: shared(target['kind']), name: text(target['name']) },
    targets: targetsText(list(spec['metrics']).map(record), list(status['currentMetrics']).map(record)),
    minPods: number(spec['minReplicas']),
    maxPods: count(spec['maxReplicas']),
    replicas: count(status['currentReplicas']),
    desired: count(status['desiredReplicas']),
    conditions: conditionsOf(status['conditions']),
  };
}

const shownAtMost = 2;

/** printHorizontalPodAutoscaler's formatHPAMetrics: two metrics, then how many more. */
function targetsText(metrics: readonly Fields[], current: readonly Fields[]): string {
  if (metrics.length === 0) return '<none>';
  const all = metrics.map((metric, index) => metricText(metric, current[index] ?? {}));
  const shown = all.slice(0, shownAtMost).join(', ');
  return all.length > shownAtMost ? `${shown} + ${all.length - shownAtMost} more...` : shown;
}

function metricText(metric: Fields, current: Fields): string {
  switch (metric['type']) {
    case 'External':
    case 'Object': {
      const field = metric['type'] === 'External' ? 'external' : 'object';
      const target = record(record(metric[field])['target']);
      const now = record(record(current[field])['current']);
      const average = text(target['averageValue']);
      if (average !== '') return `${known(now['averageValue'])}/${average} (avg)`;
      return `${known(now['value'])}/${text(target['value'])}`;
    }
    case 'Pods': {
      const now = record(record(current['pods'])['current']);
      return `${known(now['averageValue'])}/${text(record(record(metric['pods'])['target'])['averageValue'])}`;
    }
    case 'Resource':
      return resourceText(record(metric['resource']), record(current['resource']));
    case 'ContainerResource':
      return resourceText(record(metric['containerResource']), record(current['containerResource']));
    default:
      return '<unknown type>';
  }
}

function resourceText(metric: Fields, current: Fields): string {
  const name = text(metric['name']);
  const target = record(metric['target']);
  const now = record(current['current']);
  const average = text(target['averageValue']);
  if (average !== '') return `${name}: ${known(now['averageValue'])}/${average}`;
  const wanted = number(target['averageUtilization']);
  const seen = number(now['averageUtilization']);
  const percent = (value: number | undefined, absent: string): string =>
    value === undefined ? absent : `${value}%`;
  return `${name}: ${percent(seen, '<unknown>')}/${percent(wanted, '<auto>')}`;
}

const known = (value: unknown): string => text(value) || '<unknown>';
