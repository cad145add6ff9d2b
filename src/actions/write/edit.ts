import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeError } from '../../kube/kube-error.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { Resource, Row } from '../../resources/resource.ts';
import { sanitizeLine } from '../../resources/sanitize.ts';
import { type Action, say } from '../action.ts';
import { askMenu } from '../ask.ts';
import { inNamespace } from '../kubectl.ts';
import { kindOf, kubectlKind } from './delete.ts';
import { carryOut, wordsOf } from './flow.ts';
import { nameOf } from './impact.ts';
import {
  type Outcome,
  objectAt,
  objectPath,
  type Plan,
  type Running,
  replacement,
  type WriteContext,
} from './plan.ts';
import { noRow, whyNotWrite } from './write-action.ts';

/** As k9s looks for one, and git. */
function editorOf(env: Readonly<Record<string, string | undefined>>): string {
  const named = [env['K9S_EDITOR'], env['KUBE_EDITOR'], env['VISUAL'], env['EDITOR']];
  return named.find((one) => one !== undefined && one.trim() !== '') ?? 'vi';
}

/** Opens a file in the person's editor, which has the terminal to itself. Gives what went wrong. */
async function runEditor(context: WriteContext, path: string): Promise<string | undefined> {
  const editor = editorOf(context.hands.env);
  // An editor may bring flags (`code --wait`), as git and kubectl allow: a shell takes it apart.
  return context.hands.lend(
    () =>
      new Promise((resolve) => {
        const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', path], { stdio: 'inherit' });
        child.once('error', (error) => resolve(`"${editor}" cannot be run: ${error.message}`));
        child.once('exit', (code, signal) => {
          if (code === 0) resolve(undefined);
          else if (code === 127) resolve(`The editor "${editor}" is not there: set $EDITOR.`);
          else resolve(`"${editor}" ended with ${signal ?? code}`);
        });
      }),
  );
}

type EditTexts = typeof import('../../kube/edit-text.ts');

interface Draft {
  readonly texts: EditTexts;
  readonly resource: Resource;
  readonly row: Row;
  /** As it was read: what is sent differs from it by what the person did. */
  readonly before: KubeObject;
  readonly path: string;
}

/** The whole way of an edit; what was typed stays in its file until it has been accepted or thrown away. */
async function edit(context: WriteContext, resource: Resource, row: Row): Promise<void> {
  const read = context.hands.access()?.read;
  if (read === undefined) return;
  let before: KubeObject;
  try {
    before = await read.json({ path: objectPath(resource, row) });
  } catch (error) {
    return say(context, wordsOf(error), 'bad');
  }
  if (before.metadata?.uid !== row.uid)
    return say(context, `${row.name} has been made anew since: look again.`, 'warn');
  // Only who edits needs it: it brings a YAML parser.
  const texts = await import('../../kube/edit-text.ts');
  const folder = await mkdtemp(join(tmpdir(), 'mltop-edit-'));
  const path = join(folder, `${resource.kind.toLowerCase()}-${row.name.replace(/[^\w.-]/g, '_')}.yaml`);
  await writeFile(path, texts.editText(before), { mode: 0o600 });
  const isSettled = await untilAccepted(context, { texts, resource, row, before, path });
  if (isSettled) await rm(folder, { recursive: true, force: true });
  else say(context, `Your text is kept: ${path}`, 'warn');
}

/** Opens the editor again for as long as the person wants; true when the file is no longer needed. */
async function untilAccepted(context: WriteContext, draft: Draft): Promise<boolean> {
  let { before } = draft;
  const { readEdited, changesBetween } = draft.texts;
  const original = await readFile(draft.path, 'utf8');
  for (;;) {
    const wrong = await runEditor(context, draft.path);
    const text = await readFile(draft.path, 'utf8');
    if (wrong !== undefined) {
      if (text === original) {
        say(context, `${wrong}; nothing was changed.`, 'bad');
        return true;
      }
      if (await wantsAgain(context, wrong)) continue;
      return false;
    }
    const edited = readEdited(text);
    if ('problem' in edited) {
      const where = edited.line === undefined ? '' : ` in line ${edited.line}`;
      if (await wantsAgain(context, `No valid YAML${where}: ${sanitizeLine(edited.problem)}`)) continue;
      return false;
    }
    // Compared as the editor showed it: the server's own notes are not the person's changes.
    const shown = readEdited(original);
    const changes = 'object' in shown ? changesBetween(shown.object, edited.object) : undefined;
    if (changes === undefined) {
      say(context, 'Nothing was changed.', 'dim');
      return true;
    }
    const result = await attempt(context, { ...draft, before }, changes);
    if (result === 'done') return true;
    if (result === 'cancelled') {
      if (await wantsAgain(context, 'Not sent')) continue;
      return false;
    }
    const again = await askMenu(context, 'Not saved. What now?', [
      ...(result.isConflict ? [{ text: 'Put my changes on the newest version', note: 'and ask again' }] : []),
      { text: 'Edit again', note: 'with what I typed' },
      { text: 'Stop', note: `my text stays in ${draft.path}` },
    ]);
    const choice = again === undefined ? undefined : result.isConflict ? again : again + 1;
    if (choice === 0) {
      const read = context.hands.access()?.read;
      before =
        (await read?.json({ path: objectPath(draft.resource, draft.row) }).catch(() => undefined)) ?? before;
      const retried = await attempt(context, { ...draft, before }, changes);
      if (retried === 'done') return true;
      if (retried !== 'cancelled') say(context, retried.why, 'bad');
      return false;
    }
    if (choice === 1) continue;
    return false;
  }
}

async function wantsAgain(context: WriteContext, why: string): Promise<boolean> {
  const picked = await askMenu(context, why, [
    { text: 'Edit again', note: 'with what I typed' },
    { text: 'Stop', note: 'my text stays in its file' },
  ]);
  return picked === 0;
}

type Attempt = 'done' | 'cancelled' | { readonly why: string; readonly isConflict: boolean };

/** Asks, and sends the edited object. */
async function attempt(context: WriteContext, draft: Draft, changes: unknown): Promise<Attempt> {
  let result: Attempt = 'cancelled';
  await carryOut(
    context,
    editPlan(draft, changes, (next) => {
      result = next;
    }),
  );
  return result;
}

const shownChanges = 10;

function editPlan(
  { texts, resource, row, before }: Draft,
  changes: unknown,
  settle: (result: Attempt) => void,
): Plan {
  const edited = texts.withChanges(before, changes) as KubeObject;
  const object = {
    ...edited,
    metadata: { ...edited.metadata, uid: row.uid, resourceVersion: before.metadata?.resourceVersion ?? '' },
  };
  const operation = replacement(objectAt(resource, row), object);
  const lines = texts.changeLines(changes).map((text) => ({ text: sanitizeLine(text, 200) }));
  return {
    action: 'edit',
    title: `Edit ${resource.kind.toLowerCase()}`,
    verb: 'Save',
    risk: 'disruptive',
    names: [nameOf(resource.kind, row)],
    toType: { what: 'name', text: row.name },
    impact: [
      ...lines.slice(0, shownChanges),
      ...(lines.length > shownChanges
        ? [{ text: `and ${lines.length - shownChanges} more changes`, tone: 'dim' as const }]
        : []),
    ],
    kubectl: [...inNamespace(row.namespace), 'edit', kubectlKind(resource), row.name],
    operations: [operation],
    rehearse: async (write, signal) => {
      try {
        await write.request({ ...operation.request({ dryRun: true, version: undefined }), signal });
      } catch (error) {
        settle({ why: wordsOf(error), isConflict: isConflict(error) });
        throw error;
      }
      return [];
    },
    execute: (running) => save(running, operation, row, settle),
    done: '',
  };
}

async function save(
  running: Running,
  operation: Parameters<Running['send']>[0],
  row: Row,
  settle: (result: Attempt) => void,
): Promise<Outcome> {
  try {
    await running.send(operation);
    settle('done');
    return { text: `Saved ${row.name}.`, isBad: false };
  } catch (error) {
    settle({ why: wordsOf(error), isConflict: isConflict(error) });
    return { text: wordsOf(error), isBad: true };
  }
}

const isConflict = (error: unknown): boolean => error instanceof KubeError && error.kind === 'conflict';

export const editAction: Action = {
  id: 'edit',
  keys: ['e'],
  title: 'edit in your editor ($EDITOR)',
  group: 'row',
  risk: 'disruptive',
  places: ['table'],
  whyNot: (context) =>
    noRow(context) ??
    (kindOf(context) === undefined ? 'These rows are no objects of the API.' : undefined) ??
    whyNotWrite(context),
  kubectl: (context) => {
    const kind = kindOf(context);
    const { row } = context;
    return kind === undefined || row === undefined
      ? undefined
      : [...inNamespace(row.namespace), 'edit', kubectlKind(kind), row.name];
  },
  async run(context) {
    const resource = kindOf(context);
    const { hands } = context.services;
    if (resource === undefined || context.row === undefined || hands === undefined) return;
    try {
      await edit({ ...context, hands }, resource, context.row);
    } catch (error) {
      say(context, `Not edited: ${wordsOf(error)}`, 'bad');
    }
  },
};
