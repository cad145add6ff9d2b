import { type Action, type ActionContext, say } from '../action.ts';
import { askForm } from '../ask.ts';
import { inNamespace } from '../kubectl.ts';
import { kindOf, kubectlKind } from './delete.ts';
import { nameOf } from './impact.ts';
import { objectAt, patching } from './plan.ts';
import { noRow, writeAction } from './write-action.ts';

interface Pairs {
  /** A null removes the key. */
  readonly set: Readonly<Record<string, string | null>>;
}

const keyPattern = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/** `team=ml tier-`, or what is wrong with it. */
function parsePairs(line: string, isLabel: boolean): Pairs | string {
  const words = line.match(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g) ?? [];
  if (words.length === 0) return 'Write key=value to set, key- to remove.';
  const set: Record<string, string | null> = {};
  for (const word of words) {
    const equals = word.indexOf('=');
    const key = equals === -1 ? word.replace(/-$/, '') : word.slice(0, equals);
    const value = equals === -1 ? null : word.slice(equals + 1).replace(/(["'])(.*?)\1/gs, '$2');
    if (equals === -1 && !word.endsWith('-')) return `"${word}" is neither key=value nor key-.`;
    if (!keyPattern.test(key)) return `"${key}" cannot be a key.`;
    if (isLabel && value !== null && !labelValue.test(value))
      return `"${value}" cannot be a label's value: at most 63 letters, digits, - _ and .`;
    set[key] = value;
  }
  return { set };
}

function metaAction(field: 'labels' | 'annotations'): Action {
  const isLabel = field === 'labels';
  const verb = isLabel ? 'label' : 'annotate';
  const title = isLabel ? 'Label' : 'Annotate';
  return writeAction({
    id: verb,
    keys: [],
    title: `${verb}: set or remove ${field}`,
    places: ['table'],
    risk: 'reversible',
    whyNot: (context: ActionContext) =>
      noRow(context) ?? (kindOf(context) === undefined ? 'These rows are no objects of the API.' : undefined),
    kubectl: (context) => {
      const kind = kindOf(context);
      const { row } = context;
      return kind === undefined || row === undefined
        ? undefined
        : [...inNamespace(row.namespace), verb, kubectlKind(kind), row.name, 'KEY=VALUE'];
    },
    async plan(context) {
      const resource = kindOf(context);
      const { rows } = context;
      const [first] = rows;
      if (resource === undefined || first === undefined) return undefined;
      const values = await askForm(context, {
        title: `${title} ${rows.length === 1 ? first.name : `${rows.length} ${resource.name}`}`,
        body: [{ text: 'key=value sets, key- removes; several apart by spaces', tone: 'dim' }],
        fields: [{ label: field }],
        verb: 'Next',
        check: ([text = '']) => {
          const parsed = parsePairs(text, isLabel);
          return typeof parsed === 'string' ? parsed : undefined;
        },
      });
      if (values === undefined) return undefined;
      const parsed = parsePairs(values[0] ?? '', isLabel);
      if (typeof parsed === 'string') {
        say(context, parsed, 'warn');
        return undefined;
      }
      const entries = Object.entries(parsed.set);
      return {
        action: verb,
        title: `${title} ${rows.length === 1 ? resource.kind.toLowerCase() : `${rows.length} ${resource.name}`}`,
        verb: title,
        risk: rows.length > 5 ? 'destructive' : 'reversible',
        names: rows.map((row) => nameOf(resource.kind, row)),
        toType:
          rows.length === 1
            ? { what: 'name', text: first.name }
            : { what: 'number of objects', text: String(rows.length) },
        impact: [
          ...entries.map(([key, value]) => ({
            label: value === null ? 'remove' : 'set',
            text: value === null ? key : `${key}=${value}`,
          })),
          ...(isLabel
            ? [{ label: 'note', text: 'Services, budgets and queues select by label', tone: 'dim' as const }]
            : []),
        ],
        kubectl: [
          ...inNamespace(first.namespace),
          verb,
          kubectlKind(resource),
          ...rows.filter((row) => row.namespace === first.namespace).map((row) => row.name),
          '--overwrite',
          ...entries.map(([key, value]) => (value === null ? `${key}-` : `${key}=${value}`)),
        ],
        operations: rows.map((row) =>
          patching(objectAt(resource, row), 'merge', { metadata: { [field]: parsed.set } }),
        ),
        done: `${isLabel ? 'Labelled' : 'Annotated'} ${rows.length === 1 ? first.name : `${rows.length} ${resource.name}`}.`,
      };
    },
  });
}

export const label: Action = metaAction('labels');
export const annotate: Action = metaAction('annotations');
