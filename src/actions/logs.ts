import type { PodRow } from '../resources/pod-row.ts';
import type { Row, Table } from '../resources/resource.ts';
import { choiceOf, hasPods } from '../state/pod-choice.ts';
import { changeView, push } from '../state/session.ts';
import { type LogRange, type LogView, logView } from '../state/text-views.ts';
import { type Action, type ActionContext, say, step } from './action.ts';

const nameOf = (row: Row): string => (row.namespace === '' ? row.name : `${row.namespace}/${row.name}`);

function whyNoLogs({ table, row, view }: ActionContext): string | undefined {
  if (view.kind === 'detail') return undefined;
  if (table === undefined || row === undefined) return 'There is no row here.';
  return choiceOf(table, row) === undefined
    ? `${table.title} have no pods of their own to read logs from.`
    : undefined;
}

/** Opens the logs of a row: what crashes and starts again has said what matters in the run before. */
function open(context: ActionContext, previous: boolean): void {
  const { table, row, view } = context;
  if (view.kind === 'detail') {
    openContainer(context, previous);
    return;
  }
  if (table === undefined || row === undefined) return;
  const pods = choiceOf(table, row);
  if (pods !== undefined)
    step(context, push(logView(nameOf(row), pods, { previous, ...wishesFor(table, row) })));
}

/** A node's pods are many, and what each says is short. */
const wishesFor = (table: Table<Row>, row: Row): Partial<LogView> =>
  table.name === 'pods' && isInit(row as PodRow) ? { containers: 'all' } : {};

const isInit = ({ trouble }: PodRow): boolean => trouble?.kind === 'init';

/** The container under the cursor of a pod's detail. */
export function openContainer(context: ActionContext, previous: boolean): void {
  const { view, container } = context;
  if (view.kind !== 'detail' || container === undefined) return;
  const { namespace, name } = view.of;
  const title = `${namespace}/${name} ${container}`;
  step(
    context,
    push(logView(title, { by: 'pod', namespace, name }, { previous, containers: { only: container } })),
  );
}

const change = (
  id: string,
  keys: readonly string[],
  title: string,
  to: (view: LogView) => Partial<LogView>,
  more: Partial<Action> = {},
): Action => ({
  id,
  keys,
  title,
  group: 'view',
  risk: 'read',
  places: ['logs'],
  run: (context) =>
    step(
      context,
      changeView<LogView>('logs', (view) => ({ ...view, ...to(view) })),
    ),
  ...more,
});

function range(key: string, title: string, value: LogRange): Action {
  return change(
    `log-range-${key}`,
    [key],
    title,
    ({ generation }) => ({
      range: value,
      generation: generation + 1,
      follow: value !== 'head',
      anchor: undefined,
      match: undefined,
    }),
    key === '0' ? { hint: { order: 5, word: 'tail' } } : {},
  );
}

/** Lines around a match: none, some, more, and everything with the matches marked. */
const contexts: readonly LogView['context'][] = [0, 2, 5, 20, 'all'];

export const logActions: readonly Action[] = [
  {
    id: 'logs',
    keys: ['l'],
    title: 'logs of its pods',
    group: 'row',
    risk: 'read',
    places: ['table', 'detail'],
    hint: { order: 3, word: 'logs' },
    suits: hasPods,
    whyNot: whyNoLogs,
    run: (context) => open(context, false),
  },
  {
    id: 'previous-logs',
    keys: ['p'],
    title: 'logs of the previous run',
    group: 'row',
    risk: 'read',
    places: ['table', 'detail'],
    whyNot: whyNoLogs,
    run: (context) => open(context, true),
  },
  range('0', 'the newest lines, and what comes', 'tail'),
  range('1', 'the oldest lines', 'head'),
  range('2', 'the last minute', 60),
  range('3', 'the last 5 minutes', 300),
  range('4', 'the last 15 minutes', 900),
  range('5', 'the last 30 minutes', 1800),
  range('6', 'the last hour', 3600),
  {
    id: 'first-error',
    keys: ['F'],
    title: 'first error of all ranks',
    group: 'move',
    risk: 'read',
    places: ['logs'],
    hint: { order: 2, word: 'first error' },
    run(context) {
      const found = context.text?.firstError?.();
      say(context, found ?? 'No line looks like an error so far.', found === undefined ? 'dim' : 'bad');
    },
  },
  change(
    'log-previous',
    ['p'],
    'this run, or the one before',
    ({ previous, generation }) => ({
      previous: !previous,
      generation: generation + 1,
      follow: true,
      anchor: undefined,
      match: undefined,
    }),
    { hint: { order: 4, word: 'previous' } },
  ),
  change(
    'log-all',
    ['a'],
    'all containers, or the main one',
    ({ containers, generation }) => ({
      containers: containers === 'all' ? 'main' : 'all',
      generation: generation + 1,
    }),
    { hint: { order: 8, word: 'containers' } },
  ),
  change(
    'log-scroll',
    ['s'],
    'go along with new lines',
    ({ follow }) => ({ follow: !follow, ...(follow ? {} : { anchor: undefined }) }),
    { hint: { order: 7, word: 'scroll' } },
  ),
  change('log-times', ['t'], 'times', ({ times }) => ({ times: !times }), {
    hint: { order: 8, word: 'time' },
  }),
  change('log-json', ['J'], 'lay out JSON', ({ json }) => ({ json: !json })),
  change('log-lock', ['L'], 'stay at this column', ({ locked }) => ({ locked: !locked })),
  change('log-fold', ['enter'], 'fold stack traces, or unfold them', ({ folded }) => ({ folded: !folded })),
  change('log-invert', ['!'], 'lines that do not match', ({ invert }) => ({
    invert: !invert,
    match: undefined,
  })),
  change('log-context', ['tab'], 'lines around matches', ({ context }) => ({
    context: contexts[(contexts.indexOf(context) + 1) % contexts.length] ?? 0,
  })),
  {
    id: 'log-mark',
    keys: ['m'],
    title: 'draw a line here',
    group: 'view',
    risk: 'read',
    places: ['logs'],
    run: ({ text }) => text?.mark?.(),
  },
  {
    id: 'log-clear',
    keys: ['C'],
    title: 'forget the lines so far',
    group: 'view',
    risk: 'read',
    places: ['logs'],
    run(context) {
      context.text?.clear?.();
      step(
        context,
        changeView<LogView>('logs', (view) => ({
          ...view,
          follow: true,
          anchor: undefined,
          match: undefined,
        })),
      );
    },
  },
];
