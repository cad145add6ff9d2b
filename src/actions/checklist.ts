import { subjectKinds } from '../checklist/built-in.ts';
import type { Evidence, Fix } from '../checklist/report.ts';
import { wordOf } from '../resources/index.ts';
import type { PodRow } from '../resources/pod-row.ts';
import type { Row, Table } from '../resources/resource.ts';
import { checklistView, type Stop, stopsOf } from '../state/examination.ts';
import { incidentText } from '../state/incident.ts';
import { changeView, push, type Transition, tableView } from '../state/session.ts';
import { isResource } from '../state/source.ts';
import { type Subject, subjectNamed, subjectOf } from '../state/subject.ts';
import { logView, type ObjectRef, objectView } from '../state/text-views.ts';
import { type Action, type ActionContext, say, step } from './action.ts';
import { runFix } from './fixes.ts';
import { kubectlLine } from './kubectl.ts';

/** The object behind what is shown: the row under the cursor, or what a view over the table is about. */
function subjectHere({ view, table, row, tables }: ActionContext): Subject | undefined {
  if (view.kind === 'checklist') return view.subject;
  if (view.kind === 'table')
    return table === undefined || row === undefined ? undefined : subjectOf(table, row);
  if (!('of' in view) || typeof view.of !== 'object') return undefined;
  const { table: name, key, namespace, name: object } = view.of;
  const found: Table<Row> | undefined = tables.named(name);
  // A key is the UID, or the name where there was none.
  const uid = key.includes('/') ? '' : key;
  return found === undefined
    ? undefined
    : subjectOf(found, { uid, namespace, name: object, createdAt: undefined, version: '' });
}

function whyNoChecklist(context: ActionContext): string | undefined {
  const { table, view, row } = context;
  if (view.kind === 'table' && row === undefined) return 'There is no row here.';
  const subject = subjectHere(context);
  if (subject === undefined) return `There is no checklist for ${table?.title.toLowerCase() ?? 'this'}.`;
  return subjectKinds.has(subject.kind)
    ? undefined
    : `The checklist knows nothing of the kind ${subject.kind}.`;
}

function openChecklist(context: ActionContext): void {
  const subject = subjectHere(context);
  if (subject !== undefined) step(context, push(checklistView(subject)));
}

function stopHere({ view, services }: ActionContext): Stop | undefined {
  if (view.kind !== 'checklist') return undefined;
  const report = services.examination?.(view.subject)?.report;
  if (report === undefined) return undefined;
  const stops = stopsOf(report);
  return stops[Math.min(view.cursor, stops.length - 1)];
}

const stopCount = ({ view, services }: ActionContext): number => {
  const report = view.kind === 'checklist' ? services.examination?.(view.subject)?.report : undefined;
  return report === undefined ? 0 : stopsOf(report).length;
};

function move(
  id: string,
  keys: readonly string[],
  title: string,
  to: (from: number, count: number) => number,
): Action {
  return {
    id: `checklist-${id}`,
    keys,
    title,
    group: 'move',
    risk: 'read',
    places: ['checklist'],
    run(context) {
      const { view } = context;
      if (view.kind !== 'checklist') return;
      const count = stopCount(context);
      const cursor = Math.max(
        0,
        Math.min(to(Math.min(view.cursor, Math.max(0, count - 1)), count), count - 1),
      );
      step(
        context,
        changeView<typeof view>('checklist', (shown) => ({ ...shown, cursor })),
      );
    },
  };
}

/** With the context in it, so that it cannot hit another cluster. */
export const commandOf = ({ session }: Pick<ActionContext, 'session'>, { argv }: Fix): string =>
  argv[0] === 'kubectl' ? kubectlLine(session.getState(), argv.slice(1)) : argv.join(' ');

async function copy(context: ActionContext, text: string, what: string): Promise<void> {
  try {
    say(context, `${what} ${await context.services.copy(text)}`, 'good');
  } catch (error) {
    say(context, error instanceof Error ? error.message : String(error), 'bad');
  }
}

function copyStop(context: ActionContext): Promise<void> | undefined {
  const stop = stopHere(context);
  if (stop === undefined) return undefined;
  switch (stop.on) {
    case 'fix':
      return copy(context, commandOf(context, stop.fix), 'The command was');
    case 'cause':
      return copy(context, stop.cause.text, 'The cause was');
    case 'evidence':
      return copy(context, stop.evidence.value, 'The evidence was');
    case 'item':
      return copy(context, stop.item.evidence[0]?.value ?? stop.item.title, 'The answer was');
  }
}

/** The object of a checklist as the views of one object name it. */
function refOf({ tables }: ActionContext, subject: Subject): ObjectRef | undefined {
  const table = tables.named(
    subject.group === '' ? subject.kind.toLowerCase() : `${subject.kind.toLowerCase()}.${subject.group}`,
  );
  const { namespace, name, uid } = subject;
  return table === undefined
    ? undefined
    : { table: wordOf(table), key: uid || `${namespace}/${name}`, namespace, name };
}

/** Rows of a kind, by name, over the checklist: Esc comes back. */
const rowsNamed = (table: string, name: string) =>
  push(tableView(table, { where: { column: 'NAME', equals: name }, crumb: name }));

function jump(context: ActionContext): void {
  const stop = stopHere(context);
  if (stop === undefined || context.view.kind !== 'checklist') return;
  if (stop.on === 'fix') run(context);
  else {
    const there = stop.on === 'cause' ? undefined : placeOf(context, context.view.subject, stop);
    if (there !== undefined) step(context, there);
    else say(context, 'There is nowhere to go from this line.', 'dim');
  }
}

/** Where evidence stands: the object that it names, an event, a log, the node, or the field of the object itself. */
function placeOf(
  context: ActionContext,
  subject: Subject,
  stop: Extract<Stop, { readonly on: 'item' | 'evidence' }>,
): Transition | undefined {
  const evidence: Evidence | undefined = stop.on === 'evidence' ? stop.evidence : stop.item.evidence[0];
  if (evidence?.ref !== undefined) {
    const { kind, namespace, name } = evidence.ref;
    const table = context.tables.named(kind.toLowerCase());
    if (table !== undefined && subjectNamed(kind, '', namespace, name) !== undefined)
      return rowsNamed(wordOf(table), name);
  }
  if (evidence?.label.startsWith('event ') === true)
    return push(tableView('events', { filter: subject.name, crumb: subject.name }));
  if (evidence?.label === 'log' && subject.kind === 'Pod') return push(logOf(context, subject));
  const row = subject.kind === 'Pod' ? podRow(context, subject) : undefined;
  if (stop.item.gate === 'nodeAdmits' && row !== undefined && row.node !== '')
    return rowsNamed('nodes', row.node);
  const ref = refOf(context, subject);
  if (ref === undefined) return undefined;
  // The last word of the path is what to look for in the text of the object.
  const query = evidence?.path?.split(/[.[\]]/).findLast((word) => /^[a-zA-Z]{3,}$/.test(word)) ?? '';
  return push({ ...objectView('yaml', ref), filter: query });
}

/** Of the run that a log in evidence is of: the one before, where there was one. */
function logOf(context: ActionContext, { namespace, name }: Subject): ReturnType<typeof logView> {
  const { view, services } = context;
  const report = view.kind === 'checklist' ? services.examination?.(view.subject)?.report : undefined;
  const [want] = report?.wants ?? [];
  return logView(
    name,
    { by: 'pod', namespace, name },
    {
      previous: want?.previous ?? false,
      ...(want === undefined ? {} : { containers: { only: want.container } }),
    },
  );
}

function podRow({ cluster, tables }: ActionContext, subject: Subject): PodRow | undefined {
  const pods = tables.named('pods');
  if (pods === undefined || !('toRow' in pods)) return undefined;
  return cluster.get(pods as Parameters<typeof cluster.get>[0], subject.uid) as PodRow | undefined;
}

/** Shows what a command would read; changes through the one gate that they all pass. */
function run(context: ActionContext): void {
  const stop = stopHere(context);
  if (stop?.on === 'fix') void runFix(context, stop.fix);
  else say(context, 'There is no command on this line.', 'dim');
}

function summary(context: ActionContext): Promise<void> | undefined {
  const subject = subjectHere(context);
  if (subject === undefined) return undefined;
  const { services, session, now } = context;
  const row = subject.kind === 'Pod' ? podRow(context, subject) : undefined;
  const text = incidentText({
    session: session.getState(),
    subject,
    examination: services.examination?.(subject),
    row:
      row === undefined || services.trueState === undefined
        ? undefined
        : { status: row.status, state: services.trueState(row, now) },
    version: services.version ?? '',
    now,
    command: (argv) =>
      argv[0] === 'kubectl' ? kubectlLine(session.getState(), argv.slice(1)) : argv.join(' '),
  });
  return copy(context, text, 'The summary was');
}

export const checklistActions: readonly Action[] = [
  {
    id: 'checklist',
    keys: ['D'],
    title: 'checklist: what is wrong, the proof, the next command',
    group: 'row',
    risk: 'read',
    places: ['table', 'detail', 'describe', 'yaml', 'object-events', 'facts'],
    hint: { order: 2, word: 'check' },
    suits: (table) => !isResource(table) || subjectKinds.has(table.kind) || table.name === 'events',
    whyNot: whyNoChecklist,
    run: openChecklist,
  },
  move('down', ['j', 'down'], 'next line', (from) => from + 1),
  move('up', ['k', 'up'], 'line before', (from) => from - 1),
  move('page-down', ['ctrl-f', 'pagedown'], 'five lines on', (from) => from + 5),
  move('page-up', ['ctrl-b', 'pageup'], 'five lines back', (from) => from - 5),
  move('top', ['g', 'home'], 'first line', () => 0),
  move('bottom', ['G', 'end'], 'last line', (_, count) => count - 1),
  {
    id: 'checklist-jump',
    keys: ['enter'],
    title: 'go to what the line is about; of a fix: run it',
    group: 'row',
    risk: 'read',
    places: ['checklist'],
    hint: { order: 1, word: 'go' },
    run: jump,
  },
  {
    id: 'checklist-copy',
    keys: ['c'],
    title: 'copy the command or the evidence',
    group: 'row',
    risk: 'read',
    places: ['checklist'],
    hint: { order: 2, word: 'copy' },
    run: copyStop,
  },
  {
    id: 'checklist-run',
    keys: ['r'],
    title: 'run the fix, once writing is armed',
    group: 'row',
    risk: 'read',
    places: ['checklist'],
    hint: { order: 3, word: 'run' },
    run,
  },
  {
    id: 'incident',
    keys: ['Y'],
    title: 'copy a summary for a ticket, in Markdown',
    group: 'row',
    risk: 'read',
    places: ['table', 'checklist', 'detail', 'describe', 'yaml', 'object-events', 'facts'],
    hint: { order: 7, word: 'summary' },
    whyNot: (context) => (subjectHere(context) === undefined ? 'There is no object here.' : undefined),
    run: summary,
  },
];
