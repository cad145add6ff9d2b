import { ageText } from '../resources/fields.ts';
import type { Column, Row, Table } from '../resources/resource.ts';

/** A port of this machine that leads into a pod. */
export interface ForwardRow extends Row {
  readonly localPort: number;
  /** What was chosen: `pod/x`, `service/y`. */
  readonly source: string;
  /** Where the last connection went; `''` before the first. */
  readonly pod: string;
  readonly port: number;
  readonly connections: number;
  readonly open: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Why the last connection failed; undefined after one that did not. */
  readonly error: string | undefined;
}

const amount = (bytes: number): string =>
  bytes < 1000 ? `${bytes}B` : bytes < 1e6 ? `${Math.round(bytes / 1e3)}kB` : `${(bytes / 1e6).toFixed(1)}MB`;

const age: Column<Row> = {
  title: 'AGE',
  value: (row) => row.createdAt,
  text: (row, now) => ageText(row.createdAt, now),
  align: 'right',
  priority: 3,
};

export const portForwards: Table<ForwardRow> = {
  name: 'portforwards',
  title: 'PortForwards',
  empty: 'No port-forward is open; <F> on a pod opens one',
  aliases: ['pf', 'portforward', 'port-forwards'],
  namespaced: true,
  sort: { column: 'LOCAL', descending: false },
  columns: [
    { title: 'NAME', value: (row) => row.name, priority: 0 },
    {
      title: 'LOCAL',
      value: (row) => row.localPort,
      text: (row) => `127.0.0.1:${row.localPort}`,
      priority: 0,
    },
    { title: 'PORT', value: (row) => row.port, align: 'right', priority: 1 },
    { title: 'POD', value: (row) => row.pod, text: (row) => row.pod || 'none yet', priority: 2 },
    {
      title: 'CONNS',
      value: (row) => row.connections,
      text: (row) => `${row.open}/${row.connections}`,
      align: 'right',
      priority: 2,
    },
    {
      title: 'IN',
      value: (row) => row.bytesIn,
      text: (row) => amount(row.bytesIn),
      align: 'right',
      priority: 4,
    },
    {
      title: 'OUT',
      value: (row) => row.bytesOut,
      text: (row) => amount(row.bytesOut),
      align: 'right',
      priority: 4,
    },
    {
      title: 'STATUS',
      value: (row) => (row.error === undefined ? 'listening' : 'failing'),
      text: (row) => (row.error === undefined ? 'listening' : 'failing'),
      tone: (row) => (row.error === undefined ? 'good' : 'bad'),
      priority: 1,
    },
    age,
  ],
  fault: (row) => row.error !== undefined,
  why: (row) =>
    row.error === undefined
      ? undefined
      : `The last connection failed: ${row.error} The next one looks for the pod again.`,
};

/** What was done and opened in this run. */
export interface HistoryRow extends Row {
  readonly kubectl: string;
  readonly result: string;
  readonly isBad: boolean;
}

export const commandHistory: Table<HistoryRow> = {
  name: 'history',
  title: 'History',
  empty: 'Nothing was opened or done in this run',
  aliases: ['hist'],
  namespaced: false,
  sort: { column: 'AGE', descending: true },
  columns: [
    { ...age, priority: 0 },
    { title: 'NAME', value: (row) => row.name, priority: 1 },
    {
      title: 'RESULT',
      value: (row) => row.result,
      text: (row) => row.result,
      tone: (row) => (row.isBad ? 'bad' : 'plain'),
      priority: 2,
    },
    {
      title: 'KUBECTL',
      value: (row) => row.kubectl,
      text: (row) => row.kubectl,
      tone: () => 'dim',
      priority: 0,
    },
  ],
};

/** What changed something, of this run and of earlier ones. */
export interface AuditRow extends Row {
  readonly action: string;
  readonly object: string;
  readonly context: string;
  readonly identity: string;
  readonly outcome: string;
  readonly kubectl: string;
}

export const auditTrail: Table<AuditRow> = {
  name: 'audit',
  title: 'Audit',
  empty: 'Nothing was changed with mltop so far',
  aliases: [],
  namespaced: false,
  sort: { column: 'AGE', descending: true },
  columns: [
    { ...age, priority: 0 },
    { title: 'ACTION', value: (row) => row.action, priority: 0 },
    { title: 'OBJECT', value: (row) => row.object, priority: 0 },
    {
      title: 'OUTCOME',
      value: (row) => row.outcome,
      text: (row) => row.outcome,
      tone: (row) => (row.outcome === 'done' ? 'good' : 'bad'),
      priority: 1,
    },
    { title: 'CONTEXT', value: (row) => row.context, priority: 2 },
    { title: 'WHO', value: (row) => row.identity, priority: 3 },
    {
      title: 'KUBECTL',
      value: (row) => row.kubectl,
      text: (row) => row.kubectl,
      tone: () => 'dim',
      priority: 4,
    },
  ],
};
