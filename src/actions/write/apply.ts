import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from '../../kube/contract.ts';
import { KubeError } from '../../kube/kube-error.ts';
import type { KubeObject } from '../../kube/object.ts';
import { sanitizeLine } from '../../resources/sanitize.ts';
import type { DialogLine } from '../../state/dialog.ts';
import type { Action } from '../action.ts';
import { askForm, tell } from '../ask.ts';
import { wordsOf } from './flow.ts';
import {
  applying,
  type ObjectAt,
  type Operation,
  type Plan,
  pathOfObject,
  type WriteContext,
} from './plan.ts';
import { writeAction } from './write-action.ts';

/** Larger than any manifest that a person reads before applying it. */
const fileAtMost = 5 * 1024 * 1024;
const shownLines = 12;

interface Item {
  readonly object: KubeObject;
  readonly at: ObjectAt;
  /** As it is now; undefined: it will be made. */
  readonly before: KubeObject | undefined;
}

export const applyAction: Action = writeAction({
  id: 'apply',
  keys: [],
  title: 'apply a file, after a look at what it changes',
  places: ['table'],
  risk: 'disruptive',
  kubectl: () => ['apply', '--server-side', '-f', 'FILE'],
  async plan(context) {
    const values = await askForm(context, {
      title: 'Apply a file',
      body: [{ text: 'YAML or JSON; several objects apart by ---', tone: 'dim' }],
      fields: [{ label: 'file' }],
      verb: 'Next',
      check: ([path = '']) => (path === '' ? 'Write the path of a file.' : undefined),
    });
    const path = values?.[0];
    if (path === undefined) return undefined;
    try {
      return applyPlan(path, await itemsOf(context, path));
    } catch (error) {
      await tell({ session: context.session, now: context.hands.clock() }, 'Apply', wordsOf(error));
      return undefined;
    }
  },
});

const invalid = (message: string, hint: string): KubeError =>
  new KubeError(message, { kind: 'invalid', hint });

/** The objects of a file, each with what the cluster has of it now. Rejects with what is wrong, and where. */
async function itemsOf(context: WriteContext, typed: string): Promise<readonly Item[]> {
  const read = context.hands.access()?.read;
  if (read === undefined) throw invalid('There is no connection to a cluster', 'Wait for it.');
  const path = typed.startsWith('~/') ? join(homedir(), typed.slice(2)) : typed;
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || !found.isFile()) throw invalid(`There is no file ${path}.`, 'Look at the path.');
  if (found.size > fileAtMost) throw invalid(`${path} is larger than 5 MB.`, 'Use kubectl apply for it.');
  const { readObjects } = await import('../../kube/edit-text.ts');
  const parsed = readObjects(await readFile(path, 'utf8'));
  if ('problem' in parsed)
    throw invalid(
      `${path}${parsed.line === undefined ? '' : ` line ${parsed.line}`}: ${parsed.problem}.`,
      'Correct it.',
    );
  if (parsed.objects.length === 0) throw invalid(`${path} has no objects.`, 'Look at the file.');
  const { discover } = await import('../../kube/discovery.ts');
  const { kinds } = await discover(read);
  return Promise.all(
    parsed.objects.map(async (object): Promise<Item> => {
      const at = placeOf(object, kinds, read);
      const before = await read.json({ path: pathOfObject(at) }).catch((error: unknown) => {
        if (error instanceof KubeError && error.kind === 'not-found') return undefined;
        throw error;
      });
      return { object, at: { ...at, uid: before?.metadata?.uid ?? '' }, before };
    }),
  );
}

function placeOf(
  { apiVersion = '', kind = '', metadata }: KubeObject,
  kinds: Awaited<ReturnType<typeof import('../../kube/discovery.ts').discover>>['kinds'],
  read: Connection,
): ObjectAt {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  const name = metadata?.name ?? '';
  if (apiVersion === '' || kind === '' || name === '')
    throw invalid(`An object lacks apiVersion, kind or metadata.name (${kind} ${name}).`, 'Write all three.');
  const served = kinds.find((one) => one.group === group && one.version === version && one.kind === kind);
  if (served === undefined)
    throw invalid(`The server does not have ${kind} of ${apiVersion}.`, 'Its CRD may not be installed.');
  const namespace = served.isNamespaced ? (metadata?.namespace ?? read.namespace) : '';
  return { group, version, resource: served.resource, namespace, name, uid: '' };
}

const labelOf = ({ object, at }: Item): string =>
  `${(object.kind ?? '').toLowerCase()} ${at.namespace === '' ? at.name : `${at.namespace}/${at.name}`}`;

function applyPlan(path: string, items: readonly Item[]): Plan {
  const operations = items.map(({ at, object }): Operation => applying(at, object));
  const fresh = items.filter(({ before }) => before === undefined).length;
  const [first] = items;
  return {
    action: 'apply',
    title: `Apply ${items.length === 1 ? '1 object' : `${items.length} objects`}`,
    verb: 'Apply',
    risk: items.length > 5 ? 'destructive' : fresh === items.length ? 'reversible' : 'disruptive',
    names: items.map(labelOf),
    toType:
      items.length === 1
        ? { what: 'name', text: first?.at.name ?? '' }
        : { what: 'number of objects', text: String(items.length) },
    impact: [{ label: 'effect', text: `${fresh} made, ${items.length - fresh} changed or left as they are` }],
    kubectl: ['apply', '--server-side', '-f', path],
    operations,
    rehearse: (write, signal) => differences(write, items, operations, signal),
    done: `Applied ${path}.`,
  };
}

/** What the server would make of each object, beside what it is now. */
async function differences(
  write: Connection,
  items: readonly Item[],
  operations: readonly Operation[],
  signal: AbortSignal,
): Promise<readonly DialogLine[]> {
  const { changeLines, changesBetween } = await import('../../kube/edit-text.ts');
  const lines: DialogLine[] = [];
  for (const [index, operation] of operations.entries()) {
    const item = items[index];
    if (item === undefined) continue;
    const after = await write.json({ ...operation.request({ dryRun: true, version: undefined }), signal });
    if (item.before === undefined) {
      lines.push({ label: 'made', text: labelOf(item), tone: 'good' });
      continue;
    }
    const changes = changesBetween(saidOf(item.before), saidOf(after));
    if (changes === undefined) lines.push({ label: 'same', text: labelOf(item), tone: 'dim' });
    else
      for (const text of changeLines(changes))
        lines.push({ label: 'change', text: sanitizeLine(`${item.at.name}: ${text}`, 200) });
  }
  const more = lines.length - shownLines;
  return more <= 0
    ? lines
    : [...lines.slice(0, shownLines), { text: `and ${more} more changes`, tone: 'dim' }];
}

/** Without what the server writes down by itself. */
function saidOf({ status: _status, metadata, ...rest }: KubeObject): Readonly<Record<string, unknown>> {
  const { labels, annotations, finalizers } = metadata ?? {};
  return { ...rest, metadata: { labels, annotations, finalizers } };
}
