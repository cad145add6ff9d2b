import { contexts } from '../../resources/contexts.ts';
import { answerOf, closeDialog, openDialog, type TextDialog } from '../../state/dialog.ts';
import { isResource } from '../../state/source.ts';
import { type Action, type ActionContext, say } from '../action.ts';
import { inNamespace, kubectlLine } from '../kubectl.ts';
import { kubectlKind } from './delete.ts';

/** kubectl's name for a column that a table is narrowed by. */
const fieldOf: Readonly<Record<string, string>> = {
  NODE: 'spec.nodeName',
  NAME: 'metadata.name',
  STATUS: 'status.phase',
};

/** The arguments of the kubectl that shows what is shown; undefined where none does. */
export function viewWords({
  view,
  tables,
  session,
}: Pick<ActionContext, 'view' | 'tables' | 'session'>): readonly string[] | undefined {
  const { namespaces } = session.getState();
  if (view.kind !== 'table') return undefined;
  const table = tables.named(view.table);
  if (table === undefined) return undefined;
  if (table.name === contexts.name) return ['config', 'get-contexts'];
  if (!isResource(table)) return undefined;
  const scope = !table.namespaced
    ? []
    : namespaces === 'all' || namespaces.length > 1
      ? ['-A']
      : inNamespace(namespaces[0] ?? '');
  const field = view.where === undefined ? undefined : fieldOf[view.where.column];
  return [
    'get',
    table.name === 'pods' || table.name === 'nodes' ? table.name : kubectlKind(table),
    ...scope,
    '-o',
    'wide',
    ...(view.where === undefined || field === undefined
      ? []
      : ['--field-selector', `${field}=${view.where.equals}`]),
  ];
}

/** What kubectl has no word for, mltop prints on the command line. */
function ownLine({ view }: ActionContext): string | undefined {
  return view.kind === 'table' ? `mltop ${view.table} -o table` : undefined;
}

export const kubectlAction: Action = {
  id: 'kubectl',
  keys: ['K'],
  title: 'the kubectl that shows this; c copies it',
  group: 'general',
  risk: 'read',
  places: ['everywhere'],
  async run(context) {
    const { session, now, services, row } = context;
    const words = viewWords(context);
    const state = session.getState();
    const line = words === undefined ? ownLine(context) : kubectlLine(state, words);
    if (line === undefined) return say(context, 'No kubectl shows this.', 'dim');
    const more: string[] = [];
    const table = context.table;
    if (row !== undefined && table !== undefined && isResource(table))
      more.push(
        kubectlLine(state, [...inNamespace(row.namespace), 'describe', kubectlKind(table), row.name]),
      );
    const id = openDialog<TextDialog>(
      session,
      {
        kind: 'text',
        title: 'kubectl',
        body: [
          { text: `$ ${line}`, tone: 'strong' },
          ...(words === undefined ? [{ text: 'kubectl has no word for it.', tone: 'dim' as const }] : []),
          ...more.map((text) => ({ text: `$ ${text}` })),
        ],
        copies: line,
      },
      now,
    );
    if (id === undefined) return;
    const answered = await answerOf<TextDialog>(session, id);
    closeDialog(session, id);
    if (answered?.answer !== 'copy') return;
    try {
      say(context, `kubectl line ${await services.copy(line)}`, 'good');
    } catch (error) {
      say(context, error instanceof Error ? error.message : String(error), 'bad');
    }
  },
};
