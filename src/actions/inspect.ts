import type { EventRow } from '../resources/events.ts';
import { wordOf } from '../resources/index.ts';
import type { OwnedRow } from '../resources/meta.ts';
import type { PodRow } from '../resources/pod-row.ts';
import type { Row, Table } from '../resources/resource.ts';
import { keyOf } from '../state/cluster.ts';
import { choiceOf, selectorOf } from '../state/pod-choice.ts';
import { changeView, push, shownTable, tableView, type View } from '../state/session.ts';
import { isResource } from '../state/source.ts';
import { type DetailView, type ObjectRef, type ObjectView, objectView } from '../state/text-views.ts';
import { groupOf } from '../workloads/group.ts';
import { type Action, type ActionContext, say, step } from './action.ts';
import { tell } from './ask.ts';
import { inNamespace, kubectlLine } from './kubectl.ts';
import { openContainer } from './logs.ts';

/** A kubectl line that is longer does not fit under a narrow screen, and it is there to be read. */
const lineAtMost = 56;

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Tables that kubectl has no view for, and that say something of nodes. */
const aboutNodes: ReadonlySet<string> = new Set(['gpus', 'gpus-by-model', 'devices', 'gpuhealth', 'fit']);

function isKind({ tables }: ActionContext, name: string): boolean {
  const table = tables.named(name);
  return table !== undefined && isResource(table);
}

const hasNoView = (context: ActionContext): boolean =>
  context.view.kind === 'table' && context.view.table !== 'contexts' && !isKind(context, context.view.table);

/** A row of the GPU table is a node, a rank is a pod. */
const kindBehind: Readonly<Record<string, string>> = { gpus: 'nodes', ranks: 'pods' };

/** What is under the cursor, or what the shown text is about. Of a table without a kind, the kind its rows stand for. */
function objectOf(context: ActionContext): ObjectRef | undefined {
  const { view, table, row, tables } = context;
  if ('of' in view && typeof view.of === 'object') return view.of;
  if (table === undefined || row === undefined) return undefined;
  const kind = isResource(table) ? table : tables.named(kindBehind[table.name] ?? table.name);
  if (kind === undefined || !isResource(kind)) return undefined;
  return { table: wordOf(kind), key: keyOf(row), namespace: row.namespace, name: row.name };
}

const whyNoObject = (context: ActionContext): string | undefined =>
  objectOf(context) !== undefined
    ? undefined
    : context.row === undefined
      ? 'There is no row here.'
      : 'This row stands for no single object.';

/** One text of an object in place of another, so that Esc leads back to the table. */
function openText(kind: ObjectView['kind']): (context: ActionContext) => void {
  return (context) => {
    const of = objectOf(context);
    if (of === undefined) return;
    const { session, view } = context;
    const next = objectView(kind, of);
    const isText = view.kind === 'describe' || view.kind === 'yaml' || view.kind === 'object-events';
    if (isText) session.setState(({ views }) => ({ views: [...views.slice(0, -1), next] }));
    else step(context, push(next));
  };
}

function text(
  id: string,
  keys: readonly string[],
  title: string,
  kind: ObjectView['kind'],
  hint: NonNullable<Action['hint']>,
): Action {
  return {
    id,
    keys,
    title,
    group: 'row',
    risk: 'read',
    places: ['table', 'detail', 'object'],
    hint,
    whyNot: whyNoObject,
    run: openText(kind),
  };
}

const change = (
  id: string,
  keys: readonly string[],
  title: string,
  places: readonly string[],
  to: (view: ObjectView) => Partial<ObjectView>,
  more: Partial<Action> = {},
): Action => ({
  id,
  keys,
  title,
  group: 'view',
  risk: 'read',
  places,
  run(context) {
    const { view } = context;
    if ('place' in view)
      step(
        context,
        changeView<ObjectView>(view.kind, (shown) => ({ ...shown, ...to(shown) })),
      );
  },
  ...more,
});

interface OwnerRef {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}

/** The owner of what is under the cursor; of an event, what it is about; of a bare pod, the job that its labels name. */
function ownerOf({ table, row }: ActionContext): OwnerRef | undefined {
  if (table === undefined || row === undefined) return undefined;
  if (table.name === 'events') {
    const { kind, name, namespace } = (row as EventRow).object;
    return { kind, name, namespace };
  }
  const owner = (row as Partial<OwnedRow>).owner;
  if (owner !== undefined) return { kind: owner.kind, name: owner.name, namespace: row.namespace };
  if (table.name !== 'pods') return undefined;
  const group = groupOf(row as PodRow);
  return group.kind === 'Pod' || group.name === row.name
    ? undefined
    : { kind: group.kind, name: group.name, namespace: row.namespace };
}

function goToOwner(context: ActionContext): void {
  const owner = ownerOf(context);
  if (owner === undefined) return;
  const table = context.tables.named(owner.kind);
  if (table === undefined) {
    say(
      context,
      `Its owner is ${owner.kind} ${owner.name}; this cluster does not list that kind here.`,
      'warn',
    );
    return;
  }
  step(
    context,
    push(tableView(wordOf(table), { where: { column: 'NAME', equals: owner.name }, crumb: owner.name })),
  );
}

/** The pods of a row as a table; undefined where it has none, or where they cannot be asked for by label. */
export function podsOf(table: Table<Row>, row: Row): View | undefined {
  const choice = choiceOf(table, row);
  if (choice === undefined || choice.by === 'pod') return undefined;
  if (choice.by === 'node')
    return tableView('pods', { where: { column: 'NODE', equals: choice.node }, crumb: row.name });
  const { selector } = row as Row & {
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  };
  const own = Object.entries(selector?.matchLabels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  const labels = selectorOf(choice) ?? own;
  if (labels === '') return undefined;
  return tableView('pods', {
    where: { column: 'NAMESPACE', equals: row.namespace },
    crumb: row.name,
    within: `-l ${labels}`,
  });
}

const kubectlKind = (context: ActionContext, table: string): string => {
  const kind = context.tables.named(table);
  if (kind === undefined || !isResource(kind)) return table;
  const isBuiltIn = kind.group === '' || !kind.group.includes('.') || kind.group.endsWith('.k8s.io');
  return isBuiltIn ? kind.kind.toLowerCase() : `${kind.name}.${kind.group}`;
};

/** The kubectl that shows what this view shows. */
function kubectlOf(context: ActionContext): readonly string[] {
  const { view, session } = context;
  switch (view.kind) {
    case 'describe':
      return [
        ...inNamespace(view.of.namespace),
        'describe',
        kubectlKind(context, view.of.table),
        view.of.name,
      ];
    case 'yaml':
      return [
        ...inNamespace(view.of.namespace),
        'get',
        kubectlKind(context, view.of.table),
        view.of.name,
        '-o',
        'yaml',
        ...(view.managedFields ? ['--show-managed-fields'] : []),
      ];
    case 'object-events':
      return [
        ...(view.of.namespace === '' ? ['-A'] : inNamespace(view.of.namespace)),
        'events',
        '--for',
        `${kubectlKind(context, view.of.table)}/${view.of.name}`,
      ];
    case 'detail':
      return [
        ...inNamespace(view.of.namespace),
        'get',
        kubectlKind(context, view.of.table),
        view.of.name,
        '-o',
        'wide',
      ];
    case 'logs': {
      const { pods, containers, previous, range, times } = view;
      const which =
        pods.by === 'pod'
          ? [pods.name]
          : [
              ...(selectorOf(pods) === undefined ? [] : ['-l', selectorOf(pods) ?? '']),
              '--prefix',
              '--max-log-requests=32',
            ];
      const container =
        typeof containers === 'object'
          ? ['-c', containers.only]
          : containers === 'all'
            ? ['--all-containers']
            : [];
      const since =
        typeof range === 'number' ? [`--since=${range}s`] : range === 'tail' ? ['--tail=200'] : [];
      const scope = 'namespace' in pods ? inNamespace(pods.namespace) : [];
      return [
        ...scope,
        'logs',
        ...which,
        ...container,
        ...since,
        ...(previous ? ['-p'] : range === 'head' ? [] : ['-f']),
        ...(times ? ['--timestamps'] : []),
      ];
    }
    case 'table': {
      const { namespaces } = session.getState();
      if (view.table === 'contexts') return ['config', 'get-contexts'];
      // What kubectl has no view for is made of nodes, or else of pods.
      const kind = context.tables.named(
        aboutNodes.has(view.table) ? 'nodes' : isKind(context, view.table) ? view.table : 'pods',
      );
      const ofOne = view.where?.column === 'NAMESPACE' ? view.where.equals : undefined;
      const scope =
        kind?.namespaced !== true
          ? []
          : ofOne !== undefined
            ? inNamespace(ofOne)
            : namespaces === 'all' || namespaces.length !== 1
              ? ['-A']
              : inNamespace(namespaces[0] ?? '');
      const name =
        kind !== undefined && isResource(kind)
          ? `${kind.name}${kind.group === '' || !kind.group.includes('.') || kind.group.endsWith('.k8s.io') ? '' : `.${kind.group}`}`
          : 'pods';
      const labels = /^-l (\S+)$/.exec(view.within ?? view.filter)?.[1];
      const node =
        view.where?.column === 'NODE' ? [`--field-selector=spec.nodeName=${view.where.equals}`] : [];
      return ['get', name, ...scope, ...(labels === undefined ? [] : ['-l', labels]), ...node, '-o', 'wide'];
    }
    default:
      return kubectlOf({ ...context, view: shownTable(session.getState()) });
  }
}

export const inspectActions: readonly Action[] = [
  text('describe', ['d'], 'describe', 'describe', { order: 4, word: 'describe' }),
  text('yaml', ['y'], 'YAML, secrets masked', 'yaml', { order: 7, word: 'yaml' }),
  text('object-events', ['E'], 'its events', 'object-events', { order: 8, word: 'events' }),
  {
    id: 'owner',
    keys: ['J'],
    title: 'owner; of an event, its object',
    group: 'row',
    risk: 'read',
    places: ['table'],
    whyNot: (context) =>
      context.row === undefined
        ? 'There is no row here.'
        : ownerOf(context) === undefined
          ? 'Nothing owns it.'
          : undefined,
    run: goToOwner,
  },
  {
    id: 'kubectl',
    keys: ['K'],
    title: 'kubectl of this view, copied',
    group: 'general',
    risk: 'read',
    places: ['everywhere'],
    async run(context) {
      const line = kubectlLine(context.session.getState(), kubectlOf(context));
      const how = await context.services.copy(line).catch(wordsOf);
      const title = hasNoView(context) ? 'The closest with kubectl' : 'The same with kubectl';
      if (line.length <= lineAtMost) say(context, `${line}   ${how}`, 'good');
      else await tell(context, title, `${line}\n\n${how}`);
    },
  },
  {
    id: 'search',
    keys: ['/'],
    title: 'search; in logs: filter',
    group: 'general',
    risk: 'read',
    places: ['page'],
    hint: { order: 3, word: 'search' },
    run: (context) => step(context, openSearch),
  },
  change('pause', ['r'], 'hold still, or go on', ['object'], ({ paused }) => ({ paused: !paused })),
  change(
    'managed-fields',
    ['m'],
    'managedFields',
    ['yaml'],
    ({ managedFields }) => ({ managedFields: !managedFields }),
    { hint: { order: 5, word: 'managed' } },
  ),
  change('unfold', ['0'], 'unfold everything', ['yaml'], () => ({ depth: undefined })),
  ...[1, 2, 3, 4, 5, 6].map((depth) =>
    change(
      `fold-${depth}`,
      [String(depth)],
      `fold what is deeper than ${depth}`,
      ['yaml'],
      () => ({ depth, top: 0 }),
      depth === 2 ? { hint: { order: 6, word: 'fold' } } : {},
    ),
  ),
  {
    id: 'decode',
    keys: ['x'],
    title: "show a secret's values (asks)",
    group: 'view',
    risk: 'read',
    places: ['yaml'],
    whyNot: ({ view }) =>
      view.kind === 'yaml' && view.of.table === 'secrets' ? undefined : 'Only secrets have values to decode.',
    run(context) {
      const { view } = context;
      if (view.kind !== 'yaml') return;
      const next = view.reveal === 'no' ? 'asked' : view.reveal === 'asked' ? 'yes' : 'no';
      step(
        context,
        changeView<ObjectView>('yaml', (shown) => ({ ...shown, reveal: next })),
      );
      if (next === 'asked')
        say(
          context,
          'Values will stand readable on this screen. Press x again to show them, esc to leave.',
          'warn',
        );
      if (next === 'yes') say(context, 'Values are shown; x masks them again.', 'warn');
      if (next === 'no') say(context, 'Values are masked again.', 'dim');
    },
  },
  {
    id: 'open-container',
    keys: ['enter'],
    title: 'logs of this container',
    group: 'row',
    risk: 'read',
    places: ['detail'],
    hint: { order: 1, word: 'logs' },
    whyNot: ({ container }) => (container === undefined ? 'There is no container here.' : undefined),
    run: (context) => openContainer(context, false),
  },
  {
    id: 'detail-node',
    keys: ['o'],
    title: 'show its node',
    group: 'row',
    risk: 'read',
    places: ['detail'],
    hint: { order: 6, word: 'node' },
    whyNot: (context) => (nodeOf(context) === '' ? 'It is on no node yet.' : undefined),
    run(context) {
      const node = nodeOf(context);
      step(context, push(tableView('nodes', { where: { column: 'NAME', equals: node }, crumb: node })));
    },
  },
  containerMove('container-down', ['j', 'down'], 'next container', 1),
  containerMove('container-up', ['k', 'up'], 'container before', -1),
];

const openSearch: Parameters<typeof step>[1] = (session) => {
  const view = session.views.at(-1);
  const former = view !== undefined && 'filter' in view ? view.filter : '';
  return {
    prompt: {
      mode: 'filter',
      line: { text: former, cursor: former.length, back: 0, draft: former },
      picked: undefined,
      former,
    },
    notice: undefined,
  };
};

function nodeOf({ view, cluster, tables }: ActionContext): string {
  if (view.kind !== 'detail') return '';
  const kind = tables.named('pods');
  const row = kind !== undefined && isResource(kind) ? cluster.get(kind, view.of.key) : undefined;
  return (row as PodRow | undefined)?.node ?? '';
}

function containerMove(id: string, keys: readonly string[], title: string, by: number): Action {
  return {
    id,
    keys,
    title,
    group: 'move',
    risk: 'read',
    places: ['detail'],
    run: (context) =>
      step(
        context,
        changeView<DetailView>('detail', (view) => ({
          ...view,
          cursor: Math.max(0, Math.min(view.cursor + by, context.containers - 1)),
        })),
      ),
  };
}
