import type { PodRow } from '../resources/pod-row.ts';
import { pods } from '../resources/pods.ts';
import { anyResource, type Row, type Table } from '../resources/resource.ts';
import type { Cluster } from './cluster.ts';
import { type Session, shownView } from './session.ts';
import { type Subject, subjectOf, subjectOfKind } from './subject.ts';
import type { TrueStates } from './true-states.ts';

export interface LookedAt {
  readonly subject: Subject;
  /** `whole`: its checklist is on the screen; `row`: a line about it is. */
  readonly depth: 'row' | 'whole';
}

export interface LookParts {
  readonly cluster: Cluster;
  readonly trueState: TrueStates['of'];
  readonly tableNamed: (name: string) => Table<Row> | undefined;
  readonly now: number;
}

/** The object that the person looks at closely enough for its evidence to be read. Of rows, only those that are not well. */
export function lookedAt(
  session: Session,
  { cluster, trueState, tableNamed, now }: LookParts,
): LookedAt | undefined {
  const view = shownView(session);
  if (view.kind === 'checklist') return { subject: view.subject, depth: 'whole' };
  if (view.kind === 'detail') {
    const { table, key, namespace, name } = view.of;
    const found = tableNamed(table);
    const uid = key.includes('/') ? '' : key;
    const subject = found && subjectOf(found, { uid, namespace, name, createdAt: undefined, version: '' });
    return subject === undefined ? undefined : { subject, depth: 'row' };
  }
  if (view.kind !== 'table' || view.table !== pods.name || view.cursor.key === undefined) return undefined;
  const row = cluster.get(anyResource(pods), view.cursor.key) as PodRow | undefined;
  if (row === undefined || trueState(row, now).severity === 'none') return undefined;
  return { subject: subjectOfKind(pods, row), depth: 'row' };
}
