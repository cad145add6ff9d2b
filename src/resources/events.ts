import type { KubeObject } from '../kube/object.ts';
import { blankText } from './columns.ts';
import { ageText, count, type Fields, isRecord, record, shared, text, time } from './fields.ts';
import { intern } from './intern.ts';
import { metaOf } from './meta.ts';
import { defineResource, type Resource, type Row } from './resource.ts';

export interface EventRow extends Row {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  /**
   * When it was last seen, epoch ms. A series reports only every 30 minutes, so this may lag by that much.
   * Falls back to the event's own creation.
   */
  readonly at: number | undefined;
  readonly firstAt: number | undefined;
  readonly count: number;
  readonly object: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    /** `''` for node events of a 1.36 kubelet; the node's name for older ones. */
    readonly uid: string;
    /** `spec.containers{main}`; `''` where the whole object is meant. */
    readonly fieldPath: string;
  };
  /** Who reports: `kubelet`, `default-scheduler` … */
  readonly component: string;
  readonly host: string;
}

/** Epoch ms of no event: it puts every warning before all that are Normal. */
const beyondAnyTime = 1e15;

export const events: Resource<EventRow> = defineResource<EventRow>({
  name: 'events',
  title: 'Events',
  kind: 'Event',
  group: '',
  apiVersion: 'v1',
  aliases: ['ev', 'event'],
  namespaced: true,
  // `--watch-cache-sizes` of the API server: events have none, because they come and go too fast.
  uncached: true,
  // A cluster at its worst writes hundreds of thousands an hour. The newest say what is wrong, and Normal ones least.
  keep: { atMost: 10_000, worth: (row) => (row.at ?? 0) + (row.type === 'Normal' ? 0 : beyondAnyTime) },
  capabilities: [],
  sort: { column: 'LAST SEEN', descending: true },
  columns: [
    {
      title: 'LAST SEEN',
      value: (row) => row.at,
      text: (row, now) => ageText(row.at, now),
      align: 'right',
      kubectl: 'table',
      priority: 1,
    },
    {
      title: 'TYPE',
      value: (row) => row.type,
      text: (row) => row.type,
      tone: (row) => (row.type === 'Normal' ? 'dim' : 'warn'),
      kubectl: 'table',
      priority: 3,
    },
    {
      title: 'REASON',
      value: (row) => row.reason,
      text: (row) => row.reason,
      tone: (row) => (row.type === 'Normal' ? 'plain' : 'bad'),
      kubectl: 'table',
      priority: 0,
    },
    { title: 'OBJECT', value: objectText, text: objectText, kubectl: 'table', priority: 1 },
    {
      title: 'SUBOBJECT',
      value: (row) => row.object.fieldPath,
      text: blankText((row) => row.object.fieldPath),
      kubectl: 'wide',
      priority: 9,
    },
    { title: 'SOURCE', value: sourceText, text: sourceText, kubectl: 'wide', priority: 8 },
    {
      title: 'MESSAGE',
      value: (row) => row.message,
      text: (row) => row.message,
      kubectl: 'table',
      priority: 0,
    },
    {
      title: 'FIRST SEEN',
      value: (row) => row.firstAt,
      text: (row, now) => ageText(row.firstAt, now),
      align: 'right',
      kubectl: 'wide',
      priority: 9,
    },
    { title: 'COUNT', value: (row) => row.count, align: 'right', kubectl: 'wide', wide: false, priority: 5 },
    { title: 'NAME', value: (row) => row.name, kubectl: 'wide', priority: 9 },
  ],
  fault: (row) => row.type === 'Warning',
  why: (row) => (row.type === 'Warning' ? `${row.reason}: ${row.message}` : undefined),
  toRow: eventRow,
});

function eventRow(object: KubeObject): EventRow {
  const subject = record(object['involvedObject']);
  const source = record(object['source']);
  const series = object['series'];
  const firstAt = time(object['firstTimestamp']) ?? time(object['eventTime']);
  const lastAt = isRecord(series)
    ? time(series['lastObservedTime'])
    : (time(object['lastTimestamp']) ?? firstAt);
  const meta = metaOf(object);
  return {
    ...meta,
    type: shared(object['type']),
    reason: shared(object['reason']),
    message: intern(text(object['message']).trim()),
    at: lastAt ?? meta.createdAt,
    firstAt: firstAt ?? meta.createdAt,
    count: countOf(object, series),
    object: {
      apiVersion: shared(subject['apiVersion']),
      kind: shared(subject['kind']),
      namespace: shared(subject['namespace']),
      name: shared(subject['name']),
      uid: shared(subject['uid']),
      fieldPath: shared(subject['fieldPath']),
    },
    component: shared(source['component']) || shared(object['reportingComponent']),
    host: shared(source['host']) || shared(object['reportingInstance']),
  };
}

/** Events of the new API have no count: they happened once. */
const countOf = (object: Fields, series: unknown): number =>
  isRecord(series) ? count(series['count']) : count(object['count']) || 1;

function objectText({ object }: EventRow): string {
  return object.name === '' ? object.kind.toLowerCase() : `${object.kind.toLowerCase()}/${object.name}`;
}

function sourceText(row: EventRow): string {
  return row.host === '' ? row.component : `${row.component}, ${row.host}`;
}
