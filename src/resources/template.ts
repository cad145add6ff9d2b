import type { V1LabelSelector } from '@kubernetes/client-node';
import { blankText } from './columns.ts';
import { readyTone } from './conditions.ts';
import { acceleratorCount } from './devices.ts';
import { count, type Fields, labels, list, number, record, text } from './fields.ts';
import { intern } from './intern.ts';
import type { Labels, PodSpecRecord } from './pod-row.ts';
import { podSpecOf } from './pod-spec.ts';
import type { Column, Row } from './resource.ts';
import { labelSelectorOf } from './scheduling-terms.ts';

/** What a kind that makes pods says of them. */
export interface TemplateRow extends Row {
  /** What its pods will ask for and where they may run. */
  readonly template: PodSpecRecord;
  readonly templateLabels: Labels;
  /** Main containers and their images, comma-separated, as kubectl prints them. */
  readonly containers: string;
  readonly images: string;
  /** Undefined where the kind has none: it matches nothing. */
  readonly selector: V1LabelSelector | undefined;
}

/** From the pod template and the selector of a spec. */
export function templateOf(template: unknown, selector: unknown): Omit<TemplateRow, keyof Row> {
  const spec = record(record(template)['spec']);
  const containers = list(spec['containers']).map(record);
  return {
    template: podSpecOf(spec, {}),
    templateLabels: labels(record(record(template)['metadata'])['labels']),
    containers: joined(containers, 'name'),
    images: joined(containers, 'image'),
    selector: labelSelectorOf(selector),
  };
}

const joined = (containers: readonly Fields[], field: string): string =>
  intern(containers.map((container) => text(container[field])).join(','));

/** As Go prints a label selector: sorted by key, `a=b`, `a in (b,c)`, `!a`; `''` where it is absent or empty. */
export function selectorText(selector: V1LabelSelector | undefined): string {
  if (selector === undefined) return '';
  const equal = Object.entries(selector.matchLabels ?? {}).map(
    ([key, value]) => [key, `${key}=${value}`] as const,
  );
  const others = (selector.matchExpressions ?? []).map(({ key, operator, values }) => {
    const sorted = [...(values ?? [])].sort().join(',');
    const forms: Readonly<Record<string, string>> = {
      In: `${key} in (${sorted})`,
      NotIn: `${key} notin (${sorted})`,
      Exists: key,
      DoesNotExist: `!${key}`,
    };
    return [key, forms[operator] ?? `${key} ${operator} (${sorted})`] as const;
  });
  return [...equal, ...others]
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, form]) => form)
    .join(',');
}

/** Labels as Go prints a set: sorted, `a=b,c=d`; `''` for none. */
export const labelsText = (set: Labels): string =>
  Object.keys(set)
    .sort()
    .map((key) => `${key}=${set[key]}`)
    .join(',');

/** CONTAINERS, IMAGES: kubectl's wide columns of every kind that makes pods. */
export const containerColumns: readonly Column<TemplateRow>[] = [
  {
    title: 'CONTAINERS',
    value: (row) => row.containers,
    text: blankText((row) => row.containers),
    kubectl: 'wide',
    priority: 9,
  },
  {
    title: 'IMAGES',
    value: (row) => row.images,
    text: blankText((row) => row.images),
    kubectl: 'wide',
    priority: 9,
  },
];

export const selectorColumn: Column<TemplateRow> = {
  title: 'SELECTOR',
  value: (row) => selectorText(row.selector),
  kubectl: 'wide',
  priority: 9,
};

/** Accelerators that one of its pods asks for. */
export const gpuPerPodColumn: Column<TemplateRow> = {
  title: 'GPU/POD',
  value: (row) => acceleratorCount(row.template.requests),
  text: (row) => String(acceleratorCount(row.template.requests) ?? '-'),
  align: 'right',
  priority: 4,
};

/** A count that is always known. */
export const countColumn = <R extends Row>(
  title: string,
  value: (row: R) => number,
  priority = 3,
): Column<R> => ({ title, value, align: 'right', kubectl: 'table', priority });

/** How many pods a kind is to have, and how they are. */
export interface Replicas {
  readonly desired: number;
  readonly current: number;
  readonly ready: number;
  readonly available: number;
}

/** From the spec and the status of a kind that counts its pods. */
export const replicasOf = (spec: Fields, status: Fields): Replicas => ({
  desired: number(spec['replicas']) ?? 1,
  current: count(status['replicas']),
  ready: count(status['readyReplicas']),
  available: count(status['availableReplicas']),
});

type ReadyRow = Row & Pick<Replicas, 'desired' | 'ready'>;

/** `2/3`. */
export const readyShareColumn: Column<ReadyRow> = {
  title: 'READY',
  value: (row) => (row.desired === 0 ? 1 : row.ready / row.desired),
  text: (row) => `${row.ready}/${row.desired}`,
  tone: (row) => readyTone(row.ready, row.desired),
  align: 'right',
  kubectl: 'table',
  priority: 1,
};

/** DESIRED, CURRENT, READY: each a number of its own. */
export const replicaColumns: readonly Column<ReadyRow & Pick<Replicas, 'current'>>[] = [
  countColumn('DESIRED', (row) => row.desired, 3),
  countColumn('CURRENT', (row) => row.current, 4),
  {
    ...countColumn('READY', (row: ReadyRow) => row.ready, 1),
    tone: (row) => readyTone(row.ready, row.desired),
  },
];
