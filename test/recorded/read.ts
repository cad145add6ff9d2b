import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { KubeObject } from '../../src/kube/object.ts';

/** First line of a recorded `objects/*.jsonl`. */
export interface RecordingHeader {
  readonly server: string;
  /** The recorder's clock, RFC 3339. */
  readonly recordedAt: string;
  readonly resourceVersion: string;
  readonly path: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly count: number;
}

export interface RecordedColumn {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}

export interface RecordedTable {
  readonly columnDefinitions: readonly RecordedColumn[];
  readonly rows: readonly { readonly cells: readonly unknown[]; readonly object: KubeObject }[] | null;
}

export interface OraclePods {
  readonly server: string;
  /** The server's clock when it answered the Table, RFC 3339. */
  readonly at: string;
  readonly columns: readonly string[];
  readonly cases: readonly { readonly pod: KubeObject; readonly cells: readonly unknown[] }[];
}

/** A cluster, or a decision about one pod in the cluster with the same `base`. */
export interface SchedulingLine {
  readonly base: number;
  readonly objects?: Readonly<Record<string, readonly KubeObject[]>>;
  readonly pod?: KubeObject;
  readonly result?: { readonly fits?: string; readonly reason?: string; readonly message?: string };
}

/** Names of the 60 recorded kinds, as `resource[.group]`: `pods`, `jobs.batch`. */
export const recordedNames = (): readonly string[] =>
  readdirSync(folder('objects')).map((file) => file.replace(/\.jsonl\.gz$/, ''));

/** Objects of one kind as a real API server (v1.36.3) sent them. */
export function recordedObjects(name: string): {
  readonly header: RecordingHeader;
  readonly objects: readonly KubeObject[];
} {
  const [header, ...objects] = lines(`${folder('objects')}/${name}.jsonl.gz`);
  return { header: header as RecordingHeader, objects: objects as KubeObject[] };
}

/** The same server's Table of the same objects, in the same order. */
export const recordedTable = (name: string): RecordedTable =>
  JSON.parse(text(`${folder('tables')}/${name}.json.gz`)) as RecordedTable;

/** Pods with random legal statuses, and what a real server printed for them. */
export function oraclePods(version: '1.30' | '1.36'): OraclePods {
  const file = version === '1.30' ? 'pods-v1.30.14' : 'pods-v1.36.3';
  const [header, ...cases] = lines(`${folder('../oracle')}/${file}.jsonl.gz`);
  return { ...(header as Omit<OraclePods, 'cases'>), cases: cases as OraclePods['cases'] };
}

/** Decisions of a real kube-scheduler v1.36.3; see `test/oracle/README.md`. */
export const schedulingOracle = (): readonly SchedulingLine[] =>
  lines(`${folder('../oracle')}/scheduling-v1.36.3.jsonl.gz`) as SchedulingLine[];

const folder = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const text = (path: string): string => gunzipSync(readFileSync(path)).toString('utf8');
const lines = (path: string): unknown[] =>
  text(path)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
