import type { GpuRow } from '../accelerators/gpus.ts';
import { cellText } from '../resources/columns.ts';
import { acceleratorCount } from '../resources/devices.ts';
import { wordOf } from '../resources/index.ts';
import type { PodRow } from '../resources/pod-row.ts';
import type { Row } from '../resources/resource.ts';
import { type Cluster, keyOf } from '../state/cluster.ts';
import { columnOf } from '../state/order.ts';
import { podIndex } from '../state/pod-index.ts';
import {
  changeTable,
  goTo,
  markAll,
  moveTo,
  push,
  pushInAll,
  shownView,
  type Transition,
  tableView,
  toggleMark,
} from '../state/session.ts';
import { type Action, type ActionContext, say, step } from './action.ts';
import { findingPlace } from './findings.ts';
import { membersOf } from './group.ts';
import { podsOf } from './inspect.ts';

const noRow = ({ row }: ActionContext): string | undefined =>
  row === undefined ? 'There is no row here.' : undefined;

const noNamespace = ({ row }: ActionContext): string | undefined =>
  row === undefined
    ? 'There is no row here.'
    : row.namespace === ''
      ? 'This row has no namespace.'
      : undefined;

/** The node that a row is on, of kinds that are on one. */
const nodeOf = (row: Row | undefined): string => (row as Partial<PodRow> | undefined)?.node ?? '';

/** Of the pods on a node, those with devices are what its devices are about; what DRA gave is in no pod's requests. */
const holdsDevices = (cluster: Cluster, node: string): boolean =>
  Array.from(podIndex(cluster).onNode(node)).some(({ spec }) => (acceleratorCount(spec.requests) ?? 0) > 0);

const podsOfNode = (node: string) =>
  tableView('pods', { where: { column: 'NODE', equals: node }, crumb: node });

/** Tables whose rows have pods, and open as something else: a node's, or as ranks. */
const opensOwnWay: ReadonlySet<string> = new Set(['nodes', 'gpus', 'workloads', 'pending']);

/** What Enter does on a row of this table. */
function open(context: ActionContext): void {
  const { table, row } = context;
  if (table === undefined || row === undefined) return;
  if (table.name === 'contexts') context.services.switchContext(row.name);
  else {
    const found = findingPlace(table, row) ?? membersOf(row);
    if (found !== undefined) {
      step(context, found);
      return;
    }
    const pods = opensOwnWay.has(table.name) ? undefined : podsOf(table, row);
    const { namespaces } = context.session.getState();
    step(context, pods === undefined ? viewOf(context.cluster, wordOf(table), row) : push(pods));
    const view = shownView(context.session.getState());
    if (view.kind === 'table' && view.chosen !== undefined)
      say(context, `All namespaces of ${view.crumb}; esc goes back to ${String(namespaces)}.`, 'dim');
  }
}

function viewOf(cluster: Cluster, table: string, row: Row): Transition {
  switch (table) {
    case 'nodes':
      return pushInAll(podsOfNode(row.name));
    case 'gpus':
      return push(
        tableView('devices', { where: { column: 'NODE', equals: nodeOf(row) }, crumb: nodeOf(row) }),
      );
    case 'devices':
    case 'gpuhealth':
      return pushInAll({
        ...podsOfNode(nodeOf(row)),
        ...(holdsDevices(cluster, nodeOf(row)) ? { crumb: `${nodeOf(row)} with GPUs`, within: 'GPU>0' } : {}),
      });
    case 'workloads':
    case 'pending':
      return push(
        tableView('ranks', {
          where: { column: 'WORKLOAD', equals: row.uid },
          crumb: `${row.namespace}/${row.name}`,
        }),
      );
    case 'gpu-namespaces':
      return goTo(tableView('workloads'), [row.name]);
    case 'ranks':
    case 'pods':
      return push({
        kind: 'detail',
        of: { table: 'pods', key: keyOf(row), namespace: row.namespace, name: row.name },
        cursor: 0,
        top: 0,
      });
    case 'namespaces':
      return goTo(tableView('pods'), [row.name]);
    default: {
      const title = row.namespace === '' ? row.name : `${row.namespace}/${row.name}`;
      return push({ kind: 'facts', table, key: keyOf(row), title, top: 0 });
    }
  }
}

async function copyOf(context: ActionContext, texts: readonly string[], what: string): Promise<void> {
  try {
    const how = await context.services.copy(texts.join('\n'));
    say(context, texts.length === 1 ? `"${texts[0]}" ${how}` : `${texts.length} ${what} ${how}`, 'good');
  } catch (error) {
    say(context, error instanceof Error ? error.message : String(error), 'bad');
  }
}

/** From the row that was marked last, or the first, to the cursor. */
function markRange(context: ActionContext): void {
  const { view, visible, row } = context;
  if (view.kind !== 'table' || visible === undefined || row === undefined) return;
  const here = view.cursor.index;
  const from =
    [...view.marks]
      .map((key) => visible.indexOf(key, 0))
      .filter((index) => index !== -1)
      .at(-1) ?? here;
  const keys: string[] = [];
  for (let at = Math.min(from, here); at <= Math.max(from, here); at++) {
    const marked = visible.at(at);
    if (marked !== undefined) keys.push(keyOf(marked));
  }
  step(context, markAll(keys));
}

function mark(context: ActionContext): void {
  const { view, visible, row } = context;
  if (view.kind !== 'table' || visible === undefined || row === undefined) return;
  step(context, toggleMark(keyOf(row)));
  const next = visible.at(view.cursor.index + 1);
  if (next !== undefined) step(context, moveTo(view.cursor.index + 1, keyOf(next)));
}

/** RFC 4180, with every column of the table, wide ones too, as values and not as people read them. */
function csvOf(context: Pick<ActionContext, 'table' | 'visible' | 'now'>): string {
  const { table, visible, now } = context;
  if (table === undefined || visible === undefined) return '';
  const columns = [...(table.namespaced ? [columnOf(table, 'NAMESPACE')] : []), ...table.columns].filter(
    (column) => column !== undefined,
  );
  const quoted = (text: string): string => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  // A spreadsheet runs a cell that begins so; the text is the cluster's, not the person's.
  const harmless = (text: string): string =>
    /^[=+\-@\t\r]/.test(text) && !/^-?\d/.test(text) ? `'${text}` : text;
  const lines = [columns.map(({ title }) => quoted(title)).join(',')];
  for (const row of visible.all()) {
    lines.push(columns.map((column) => quoted(harmless(cellText(column, row, now)))).join(','));
  }
  return `${lines.join('\r\n')}\r\n`;
}

export const rowActions: readonly Action[] = [
  {
    id: 'open',
    keys: ['enter'],
    title: 'open: facts, or its pods',
    group: 'row',
    risk: 'read',
    places: ['table'],
    hint: { order: 1, word: 'open' },
    whyNot: noRow,
    run: open,
  },
  {
    id: 'node',
    keys: ['o'],
    title: 'show its node',
    group: 'row',
    risk: 'read',
    places: ['pods', 'ranks'],
    hint: { order: 5, word: 'node' },
    whyNot: (context) => noRow(context) ?? (nodeOf(context.row) === '' ? 'It is on no node yet.' : undefined),
    run(context) {
      const node = nodeOf(context.row);
      step(context, push(tableView('nodes', { where: { column: 'NAME', equals: node }, crumb: node })));
    },
  },
  {
    id: 'fit',
    keys: ['f'],
    title: 'what fits now on this model, and how to make room',
    group: 'view',
    risk: 'read',
    places: ['gpus', 'devices'],
    hint: { order: 6, word: 'fit' },
    run(context) {
      const model = (context.row as Partial<GpuRow> | undefined)?.model;
      const where = model === undefined ? undefined : { column: 'MODEL', equals: model };
      step(context, push(tableView('fit', { where, crumb: model })));
    },
  },
  {
    id: 'copy-name',
    keys: ['c', 'C'],
    title: 'copy the name',
    group: 'row',
    risk: 'read',
    places: ['table'],
    hint: { order: 8, word: 'copy' },
    whyNot: noRow,
    run: (context) =>
      copyOf(
        context,
        context.rows.map((row) => row.name),
        'names',
      ),
  },
  {
    id: 'copy-namespace',
    keys: ['n'],
    title: 'copy the namespace',
    group: 'row',
    risk: 'read',
    places: ['table'],
    whyNot: noNamespace,
    run: (context) => copyOf(context, [...new Set(context.rows.map((row) => row.namespace))], 'namespaces'),
  },
  {
    id: 'warp',
    keys: ['w'],
    title: 'warp to its namespace',
    group: 'row',
    risk: 'read',
    places: ['table'],
    whyNot: noNamespace,
    run(context) {
      const { view, row } = context;
      if (view.kind !== 'table' || row === undefined) return;
      step(context, goTo({ ...view, filter: '', marks: new Set() }, [row.namespace]));
    },
  },
  {
    id: 'use-namespace',
    keys: ['u'],
    title: 'use this namespace',
    group: 'row',
    risk: 'read',
    places: ['namespaces'],
    whyNot: noRow,
    run(context) {
      const { row } = context;
      if (row === undefined) return;
      step(context, goTo(tableView('namespaces'), [row.name]));
      say(context, `Namespace ${row.name} from here on.`, 'good');
    },
  },
  {
    id: 'mark',
    keys: ['space'],
    title: 'mark, and go down',
    group: 'row',
    risk: 'read',
    places: ['table'],
    whyNot: noRow,
    run: mark,
  },
  {
    id: 'mark-range',
    keys: ['ctrl-space', 'V'],
    title: 'mark up to here',
    group: 'row',
    risk: 'read',
    places: ['table'],
    whyNot: noRow,
    run: markRange,
  },
  {
    id: 'clear-marks',
    keys: ['ctrl-\\'],
    title: 'clear all marks',
    group: 'row',
    risk: 'read',
    places: ['table'],
    run: (context) => step(context, changeTable({ marks: new Set() })),
  },
  {
    id: 'save',
    keys: ['ctrl-s'],
    title: 'save the table as CSV',
    group: 'row',
    risk: 'read',
    places: ['table'],
    async run(context) {
      const { table, now } = context;
      if (table === undefined) return;
      const stamp = new Date(now).toISOString().replace(/[:.]/g, '-');
      try {
        const path = await context.services.save(`${table.name}-${stamp}.csv`, csvOf(context));
        say(context, `Saved ${path}`, 'good');
      } catch (error) {
        say(context, `Not saved: ${error instanceof Error ? error.message : String(error)}`, 'bad');
      }
    },
  },
];
