import type { Happening } from '../checklist/evidence-index.ts';
import { isClusterScoped } from '../checklist/evidence-index.ts';
import { type EventRow, events } from '../resources/events.ts';
import { anyResource } from '../resources/resource.ts';
import type { Cluster } from './cluster.ts';

/** Events by what they are about, kept as they come and go. */
export interface Happenings {
  /** Newest last. Of another object of the same name, where its UID is known, nothing. */
  readonly about: (kind: string, namespace: string, name: string, uid: string) => readonly Happening[];
  /** Changes whenever what `about` gives for this object may have changed; 0 while there was never any. */
  readonly stamp: (kind: string, namespace: string, name: string) => number;
  /** The same for an object whose events carry its UID, as those of pods do: no text is put together for it. */
  readonly stampOf: (uid: string) => number;
  readonly stop: () => void;
}

interface Shelf {
  readonly rows: Map<string, EventRow>;
  stamp: number;
  sorted: readonly Happening[] | undefined;
}

const none: readonly Happening[] = [];

const happenings = new WeakMap<EventRow, Happening>();

/** Kept by row. */
function happeningOf(row: EventRow): Happening {
  const known = happenings.get(row);
  if (known !== undefined) return known;
  const happening: Happening = {
    reason: row.reason,
    type: row.type || 'Normal',
    message: row.message,
    count: row.count,
    first: row.firstAt,
    last: row.at,
    container: /\{([^}]*)\}/.exec(row.object.fieldPath)?.[1] ?? '',
    source: row.component,
    about: {
      kind: row.object.kind,
      namespace: row.object.namespace || row.namespace,
      name: row.object.name,
      uid: row.object.uid,
    },
  };
  happenings.set(row, happening);
  return happening;
}

const keyOf = (kind: string, namespace: string, name: string): string =>
  `${kind}/${isClusterScoped(kind) ? '' : namespace}/${name}`;

/** `onChange`: which object's events changed; not for those that are there already. */
export function createHappenings(
  cluster: Cluster,
  onChange: (about: EventRow['object']) => void = () => {},
): Happenings {
  const shelves = new Map<string, Shelf>();
  const stamps = new Map<string, { stamp: number; count: number }>();
  let changes = 0;

  const keyOfRow = ({ object, namespace }: EventRow): string =>
    keyOf(object.kind, object.namespace || namespace, object.name);

  /** Gone with its last event. */
  function stampUid(uid: string, isNew: boolean): void {
    if (uid === '') return;
    const known = stamps.get(uid) ?? { stamp: 0, count: 0 };
    known.count += isNew ? 1 : -1;
    known.stamp = changes;
    if (known.count <= 0) stamps.delete(uid);
    else stamps.set(uid, known);
  }

  function change(before: EventRow | undefined, after: EventRow | undefined): void {
    for (const row of [before, after]) {
      if (row === undefined) continue;
      const key = keyOfRow(row);
      let shelf = shelves.get(key);
      if (shelf === undefined) {
        shelf = { rows: new Map(), stamp: 0, sorted: undefined };
        shelves.set(key, shelf);
      }
      if (row === after) shelf.rows.set(row.uid, row);
      else shelf.rows.delete(row.uid);
      changes += 1;
      shelf.stamp = changes;
      stampUid(row.object.uid, row === after);
      shelf.sorted = undefined;
      if (shelf.rows.size === 0) shelves.delete(key);
    }
  }

  for (const row of cluster.rowsOf(events)) change(undefined, row);
  // The rows of a resource's hook are that resource's own.
  const stop = cluster.onRow(anyResource(events), (before, after) => {
    if (before === after) return;
    change(before as EventRow | undefined, after as EventRow | undefined);
    const about = ((after ?? before) as EventRow | undefined)?.object;
    if (about !== undefined) onChange(about);
  });

  return {
    about(kind, namespace, name, uid) {
      const shelf = shelves.get(keyOf(kind, namespace, name));
      if (shelf === undefined) return none;
      shelf.sorted ??= [...shelf.rows.values()]
        .map(happeningOf)
        .sort((a, b) => (a.last ?? 0) - (b.last ?? 0));
      if (kind === 'Node' || uid === '') return shelf.sorted;
      const isMine = ({ about: { uid: other } }: Happening): boolean =>
        other === '' || other === uid || other === name;
      return shelf.sorted.every(isMine) ? shelf.sorted : shelf.sorted.filter(isMine);
    },
    stamp: (kind, namespace, name) => shelves.get(keyOf(kind, namespace, name))?.stamp ?? 0,
    stampOf: (uid) => stamps.get(uid)?.stamp ?? 0,
    stop,
  };
}
