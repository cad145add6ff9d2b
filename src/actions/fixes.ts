import type { Fix } from '../checklist/report.ts';
import { findTable, wordOf } from '../resources/index.ts';
import { nodes } from '../resources/nodes.ts';
import { pods } from '../resources/pods.ts';
import { anyResource, type Resource, type Row } from '../resources/resource.ts';
import { push, type Transition, tableView } from '../state/session.ts';
import { isResource } from '../state/source.ts';
import { logView, objectView } from '../state/text-views.ts';
import { type Action, type ActionContext, say, step, type Tables } from './action.ts';
import { planOfFix } from './fix-plans.ts';
import { deleteAction } from './write/delete.ts';
import { editAction } from './write/edit.ts';
import { carryOut } from './write/flow.ts';
import { cordon, drain, uncordon } from './write/nodes.ts';
import { restart, rolloutUndo, scale, setEnv, setImage, setResources } from './write/workloads.ts';
import { whyNotWrite } from './write/write-action.ts';

/** A kubectl command, taken apart as far as mltop can do the same. */
interface Command {
  /** `rollout restart`, `delete`, `cordon`. */
  readonly verb: string;
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  /** Behind the object: `web=web:2`. */
  readonly words: readonly string[];
  readonly flags: readonly string[];
}

const twoWords = new Set(['rollout', 'set']);
const withValue = new Set(['-c', '-o', '-l', '-p', '--type', '--patch']);

/** Undefined for what is no kubectl, names no object, or names several. */
function commandIn(argv: readonly string[]): Command | undefined {
  const [program, ...words] = argv;
  if (program !== 'kubectl') return undefined;
  let namespace = '';
  const plain: string[] = [];
  const flags: string[] = [];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '-n' || word === '--namespace') namespace = words.shift() ?? '';
    else if (withValue.has(word)) flags.push(word, words.shift() ?? '');
    else if (word.startsWith('-')) flags.push(word);
    else plain.push(word);
  }
  const verb = plain.splice(0, twoWords.has(plain[0] ?? '') ? 2 : 1).join(' ');
  const [first = '', second = ''] = plain;
  if (verb === 'cordon' || verb === 'uncordon' || verb === 'drain')
    return { verb, namespace: '', kind: 'node', name: first, words: [], flags };
  if (verb === 'logs')
    return { verb, namespace, kind: 'pod', name: first.replace(/^pods?\//, ''), words: [], flags };
  const slash = first.indexOf('/');
  return slash > 0
    ? {
        verb,
        namespace,
        kind: first.slice(0, slash),
        name: first.slice(slash + 1),
        words: plain.slice(1),
        flags,
      }
    : { verb, namespace, kind: first, name: second, words: plain.slice(2), flags };
}

/** What mltop does in place of kubectl, each with its own dialog and dry-run. */
const changes: Readonly<Record<string, Action>> = {
  cordon,
  uncordon,
  drain,
  delete: deleteAction,
  edit: editAction,
  'rollout restart': restart,
  'rollout undo': rolloutUndo,
  'set image': setImage,
  'set resources': setResources,
  'set env': setEnv,
  scale,
};

/** What a plan of its own does, exactly as it is written. */
const speltOut = new Set(['patch', 'label', 'annotate', 'taint']);

/** Where the same is shown that the command would print; undefined where nowhere is. */
function viewFor(tables: Tables, command: Command): Transition | undefined {
  const { verb, namespace, kind, name, flags } = command;
  if (verb === 'logs' && name !== '') {
    const container = flags[flags.indexOf('-c') + 1];
    return push(
      logView(
        name,
        { by: 'pod', namespace, name },
        {
          previous: flags.includes('--previous'),
          ...(flags.includes('-c') && container !== undefined ? { containers: { only: container } } : {}),
        },
      ),
    );
  }
  const table = tables.named(kind);
  if (table === undefined || (verb !== 'describe' && verb !== 'get')) return undefined;
  if (name === '') return push(tableView(wordOf(table)));
  const format = flags[flags.indexOf('-o') + 1] ?? '';
  if (verb === 'get' && !(flags.includes('-o') && /^(?:yaml|json)/.test(format)))
    return push(tableView(wordOf(table), { where: { column: 'NAME', equals: name }, crumb: name }));
  return push(
    objectView(verb === 'describe' ? 'describe' : 'yaml', {
      table: wordOf(table),
      key: `${namespace}/${name}`,
      namespace,
      name,
    }),
  );
}

/** The kind that a command changes, where mltop can do that; undefined where it cannot. */
function kindOf(tables: Tables, { verb, kind, name }: Command): Resource | undefined {
  const found = tables.named(kind) ?? findTable(kind);
  const isDone = changes[verb] !== undefined || speltOut.has(verb);
  return isDone && name !== '' && found !== undefined && isResource(found) ? anyResource(found) : undefined;
}

/** What the key does of a fix where that is not all of it; `''` where it shows or does the whole. */
export function whatRuns(tables: Tables, fix: Fix): string {
  const command = commandIn(fix.argv);
  if (command !== undefined && viewFor(tables, command) !== undefined)
    return fix.risk === 'read' ? '' : 'r only shows it';
  if (command === undefined || kindOf(tables, command) === undefined)
    return 'for your own shell: c copies it';
  return command.verb === 'edit' ? 'r opens your editor' : '';
}

/** The row of an object: of kinds whose rows are here, else read for this. */
async function rowOf(
  { cluster, services }: ActionContext,
  resource: Resource,
  namespace: string,
  name: string,
): Promise<Row | undefined> {
  if (resource.name === pods.name || resource.name === nodes.name) {
    for (const row of cluster.rowsOf(resource))
      if (row.name === name && row.namespace === namespace) return row;
    return undefined;
  }
  const access = services.hands?.access();
  if (access === undefined) return undefined;
  const { group, apiVersion, name: plural } = resource;
  const root = group === '' ? `/api/${apiVersion}` : `/apis/${group}/${apiVersion}`;
  const scope = resource.namespaced ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  const object = await access.read.json({ path: `${root}${scope}/${plural}/${encodeURIComponent(name)}` });
  return resource.toRow(object, { server: undefined });
}

/**
 * Does what a fix says: what only reads is shown, what changes something goes through the action that does the same,
 * with its dialog, its dry-run and its audit line. What mltop has no action for is for the person's own shell.
 */
export async function runFix(context: ActionContext, fix: Fix): Promise<void> {
  const command = commandIn(fix.argv);
  const view = command === undefined ? undefined : viewFor(context.tables, command);
  if (view !== undefined) {
    step(context, view);
    return;
  }
  const action = command === undefined ? undefined : changes[command.verb];
  const found = command === undefined ? undefined : kindOf(context.tables, command);
  if (command === undefined || found === undefined) {
    say(context, 'mltop has no action for this one: c copies the command.', 'warn');
    return;
  }
  // Before anything is asked of the server: whether writing is armed at all.
  const reason = whyNotWrite(context);
  if (reason !== undefined) {
    say(context, `${reason} c copies the command.`, 'warn');
    return;
  }
  try {
    const resource = found;
    const row = await rowOf(context, resource, command.namespace, command.name);
    if (row === undefined) {
      say(context, `${command.kind} ${command.name} is not there.`, 'warn');
      return;
    }
    const { hands } = context.services;
    const read = hands?.access()?.read;
    const spelt = { ...command, title: fix.title, risk: fix.risk, kubectl: fix.argv.slice(1) };
    const plan = read === undefined ? undefined : await planOfFix(spelt, { resource, row, read });
    if (plan !== undefined && hands !== undefined) return await carryOut({ ...context, hands }, plan);
    if (action === undefined)
      return say(context, 'Something in it is left for you to fill in: c copies it.', 'warn');
    const over = { ...context, table: found, row, rows: [row] };
    const why = action.whyNot?.(over);
    if (why === undefined) await action.run(over);
    else say(context, why, 'warn');
  } catch (error) {
    say(context, error instanceof Error ? error.message : String(error), 'bad');
  }
}
