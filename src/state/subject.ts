import type { GpuRow } from '../accelerators/gpus.ts';
import type { EventRow } from '../resources/events.ts';
import { findTable } from '../resources/index.ts';
import { nodes } from '../resources/nodes.ts';
import { pods } from '../resources/pods.ts';
import { pathOf, type Resource, type Row, type Table } from '../resources/resource.ts';
import type { WorkloadRow } from '../workloads/workload-row.ts';
import { isResource } from './source.ts';

/** One object that a checklist is about. */
export interface Subject {
  readonly kind: string;
  readonly group: string;
  /** Without the name: `/api/v1/namespaces/train/pods`. */
  readonly collection: string;
  readonly namespace: string;
  readonly name: string;
  /** `''` where only the name is known. */
  readonly uid: string;
}

export function subjectOfKind(
  resource: Pick<Resource, 'kind' | 'group' | 'apiVersion' | 'name' | 'namespaced'>,
  { namespace, name, uid }: Pick<Row, 'namespace' | 'name' | 'uid'>,
): Subject {
  return {
    kind: resource.kind,
    group: resource.group,
    collection: pathOf(resource, namespace),
    namespace: resource.namespaced ? namespace : '',
    name,
    uid,
  };
}

/** By its kind's name, as references in objects give it; undefined for kinds that mltop does not know. */
export function subjectNamed(
  kind: string,
  group: string,
  namespace: string,
  name: string,
): Subject | undefined {
  const word = kind.toLowerCase();
  const resource = group === '' ? findTable(word) : (findTable(`${word}.${group}`) ?? findTable(word));
  if (resource === undefined || resource.kind !== kind) return undefined;
  return subjectOfKind(resource, { namespace, name, uid: '' });
}

/** A row that stands for an object of another kind says which: `Pod`, `train`, `worker-0`. */
export interface StandIn extends Row {
  readonly subject: Pick<Subject, 'kind' | 'group' | 'namespace' | 'name' | 'uid'>;
}

/** What a checklist of this row is about; undefined where no object stands behind it. */
export function subjectOf(table: Table<Row>, row: Row): Subject | undefined {
  if (table.name === 'events') {
    const { object } = row as EventRow;
    const group = object.apiVersion.includes('/') ? (object.apiVersion.split('/')[0] ?? '') : '';
    return subjectNamed(object.kind, group, object.namespace, object.name);
  }
  if (isResource(table)) return subjectOfKind(table, row);
  switch (table.name) {
    case 'gpus':
      return subjectOfKind(nodes, { namespace: '', name: (row as GpuRow).name, uid: '' });
    case 'ranks':
      return subjectOfKind(pods, row);
    case 'workloads':
    case 'pending': {
      const { kind, group = '' } = row as Row & Pick<WorkloadRow, 'kind'> & Partial<WorkloadRow>;
      return subjectNamed(kind, group, row.namespace, row.name);
    }
  }
  // What stands on a node, a device for example, is judged with it.
  if (!('subject' in row) && 'node' in row && typeof row.node === 'string' && row.node !== '')
    return subjectOfKind(nodes, { namespace: '', name: row.node, uid: '' });
  if ('subject' in row) {
    const { kind, group, namespace, name, uid } = (row as StandIn).subject;
    const found = subjectNamed(kind, group, namespace, name);
    return found === undefined ? undefined : { ...found, uid };
  }
  return undefined;
}

export const isSameSubject = (a: Subject | undefined, b: Subject | undefined): boolean =>
  a === b ||
  (a !== undefined &&
    b !== undefined &&
    a.kind === b.kind &&
    a.group === b.group &&
    a.namespace === b.namespace &&
    a.name === b.name &&
    (a.uid === b.uid || a.uid === '' || b.uid === ''));
