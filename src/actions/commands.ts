import type { Row, Table } from '../resources/resource.ts';
import { splitTerms } from '../state/filter.ts';
import type { Namespaces } from '../state/session.ts';
import type { Tables } from './action.ts';
import { nearest } from './nearest.ts';

/** What was typed after `:`, understood. */
export type Command =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'quit' }
  /** An action of the list, by its id. */
  | { readonly kind: 'action'; readonly id: string }
  | {
      readonly kind: 'open';
      readonly table: Table<Row>;
      readonly namespaces: Namespaces | undefined;
      readonly filter: string;
      readonly context: string | undefined;
    }
  | { readonly kind: 'namespace'; readonly namespaces: Namespaces }
  | { readonly kind: 'context'; readonly name: string }
  | { readonly kind: 'theme'; readonly name: string }
  | { readonly kind: 'wrong'; readonly why: string };

const quits: readonly string[] = ['q', 'q!', 'qa', 'qa!', 'Q', 'quit', 'exit'];

/** Words that are another way to an action, for hands whose terminal keeps the key to itself. */
const actionWords: Readonly<Record<string, string>> = {
  help: 'help',
  '?': 'help',
  h: 'help',
  aliases: 'aliases',
  alias: 'aliases',
  a: 'aliases',
  wide: 'wide',
  faults: 'faults-only',
  refresh: 'retry',
  retry: 'retry',
  header: 'header',
  save: 'save',
  suspend: 'suspend',
  apply: 'apply',
  explain: 'explain',
  arm: 'arm',
};

/** The word after `:` that does it; undefined where only a key or the menu does. */
export const wordOf = (actionId: string): string | undefined =>
  Object.entries(actionWords).find(([, id]) => id === actionId)?.[0];

export interface PromptCommand {
  readonly usage: string;
  readonly title: string;
}

/** What can be typed after `:` beside the words of actions: for `?` and the README. */
export const promptCommands: readonly PromptCommand[] = [
  { usage: ':VIEW', title: 'a view by its name or alias; ctrl-a lists them' },
  { usage: ':VIEW NS,NS', title: 'in these namespaces; all: in all' },
  { usage: ':VIEW /RE', title: 'filtered; also -f LETTERS, -l SELECTOR, key=value' },
  { usage: ':VIEW @CTX', title: 'in another context' },
  { usage: ':ns NS,NS', title: 'choose namespaces; all: all of them' },
  { usage: ':ctx NAME', title: 'another context; without a name: the list' },
  { usage: ':theme NAME', title: 'other colours' },
  { usage: ':q', title: 'quit' },
];

/** k9s's grammar: `pod ns`, `pod /regex`, `pod -f fuzzy`, `pod app=x`, `pod @context`, `ns x`, `ctx x`, `q`. */
export function parseCommand(text: string, tables: Tables): Command {
  const words = splitTerms(text.trim().replace(/^:/, ''));
  const [first, ...rest] = words;
  if (first === undefined) return { kind: 'nothing' };
  if (quits.includes(first)) return { kind: 'quit' };
  const [argument] = rest;
  if (first === 'theme') {
    return argument === undefined
      ? { kind: 'wrong', why: ':theme wants a name' }
      : { kind: 'theme', name: argument };
  }
  const table = tables.named(first);
  if (table?.name === 'contexts' && argument !== undefined) {
    return { kind: 'context', name: argument.replace(/^@/, '') };
  }
  if (table?.name === 'namespaces' && argument !== undefined && !/^[/-]/.test(argument)) {
    const namespaces = namespacesOf(argument);
    return wrongName(namespaces) ?? { kind: 'namespace', namespaces };
  }
  if (table !== undefined) return openCommand(table, rest, text);
  const id = actionWords[first];
  if (id !== undefined) return { kind: 'action', id };
  const close = nearest(first.toLowerCase(), commandWords(tables));
  return {
    kind: 'wrong',
    why: `no view or command "${first}"${close === undefined ? '' : `; did you mean :${close}?`}`,
  };
}

function openCommand(table: Table<Row>, words: readonly string[], whole: string): Command {
  let namespaces: Namespaces | undefined;
  let context: string | undefined;
  const filters: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const next = words[at + 1];
    if (word.startsWith('/')) {
      // A regular expression runs to the end of the line, spaces and quotes included.
      filters.push(whole.slice(whole.search(/\s\//) + 2).replace(/\s+@\S+$/, ''));
      context ??= /\s@(\S+)$/.exec(whole)?.[1];
      break;
    }
    if (word.startsWith('@')) context = word.slice(1);
    else if (word === '-A') namespaces = 'all';
    else if (word === '-n' || word === '-f' || word === '-l') {
      at += 1;
      if (next === undefined) return { kind: 'wrong', why: `${word} wants a value` };
      if (word === '-n') namespaces = namespacesOf(next);
      else filters.push(`${word} ${quotedIfSpaced(next)}`);
    } else if (/[=!]/.test(word)) filters.push(`-l ${quotedIfSpaced(word)}`);
    else if (/\s(in|notin)\s*\(/.test(word)) filters.push(`-l ${quotedIfSpaced(word)}`);
    else if (next === 'in' || next === 'notin') {
      filters.push(`-l ${word} ${next} ${words[at + 2] ?? ''}`);
      at += 2;
    } else if (namespaces !== undefined)
      return { kind: 'wrong', why: `"${word}" after the namespace is not understood` };
    else namespaces = namespacesOf(word);
  }
  return wrongName(namespaces) ?? { kind: 'open', table, namespaces, filter: filters.join(' '), context };
}

/** No server has a namespace of such a name; a person who typed it meant something else. */
function wrongName(namespaces: Namespaces | undefined): Command | undefined {
  if (namespaces === undefined || namespaces === 'all') return undefined;
  const wrong = namespaces.find((name) => !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name));
  if (namespaces.length > 0 && wrong === undefined) return undefined;
  return { kind: 'wrong', why: `"${wrong ?? ''}" cannot be a namespace; a filter begins with /` };
}

const quotedIfSpaced = (text: string): string => (/\s/.test(text) ? `"${text}"` : text);

const namespacesOf = (word: string): Namespaces =>
  word === 'all' || word === '*' ? 'all' : word.split(',').filter((name) => name !== '');

/** Every first word that means something. */
const commandWords = (tables: Tables): readonly string[] => [
  ...tables.all.flatMap((table) => [table.name, ...table.aliases]),
  ...Object.keys(actionWords),
  'theme',
  'quit',
];

export interface Suggestion {
  /** The whole line that it completes to. */
  readonly text: string;
  readonly kind: 'view' | 'alias' | 'namespace' | 'context' | 'command' | 'history';
  readonly note: string;
}

export interface SuggestionSources {
  readonly tables: Tables;
  readonly namespaces: readonly string[];
  readonly contexts: readonly string[];
  readonly themes: readonly string[];
  /** The newest first. */
  readonly history: readonly string[];
}

/** What the typed text may become, the likeliest first. */
export function suggestions(typed: string, sources: SuggestionSources, atMost = 10): readonly Suggestion[] {
  const text = typed.trimStart();
  const { tables, history } = sources;
  const found: Suggestion[] = [];
  const parts = /^(\S+)\s+(?:(.*\s))?(\S*)$/.exec(text);
  if (parts === null) found.push(...firstWords(text, tables));
  else
    found.push(
      ...laterWords(
        parts[1] ?? '',
        text.slice(0, text.length - (parts[3] ?? '').length),
        parts[3] ?? '',
        sources,
      ),
    );
  const remembered = history
    .filter((line) => line !== text && line.startsWith(text))
    .map((line): Suggestion => ({ text: line, kind: 'history', note: '' }));
  // With nothing typed the person most likely wants what was wanted before.
  const ordered = text === '' ? [...remembered, ...found] : [...found, ...remembered];
  const seen = new Set<string>();
  return ordered.filter((one) => !seen.has(one.text) && seen.add(one.text)).slice(0, atMost);
}

function firstWords(text: string, tables: Tables): Suggestion[] {
  const lower = text.toLowerCase();
  const views = tables.all.flatMap((table): Suggestion[] => {
    const note = table.title;
    if (table.name.startsWith(lower)) return [{ text: table.name, kind: 'view', note }];
    const alias = table.aliases.find((word) => word.startsWith(lower));
    return alias === undefined || lower === ''
      ? []
      : [{ text: alias, kind: 'alias', note: `${note} (${table.name})` }];
  });
  const commands = [...Object.keys(actionWords).filter((word) => word.length > 1), 'theme', 'quit']
    .filter((word) => lower !== '' && word.startsWith(lower))
    .map((word): Suggestion => ({ text: word, kind: 'command', note: '' }));
  // A word that is complete comes first, or Enter would run something longer.
  return [...views, ...commands].sort((a, b) => Number(b.text === lower) - Number(a.text === lower));
}

function laterWords(first: string, before: string, last: string, sources: SuggestionSources): Suggestion[] {
  const { tables, namespaces, contexts, themes } = sources;
  const starting = (words: readonly string[], kind: Suggestion['kind'], mark = ''): Suggestion[] =>
    words
      .filter((word) => `${mark}${word}`.startsWith(last))
      .map((word) => ({ text: `${before}${mark}${word}`, kind, note: '' }));
  if (first === 'theme') return starting(themes, 'command');
  const table = tables.named(first);
  if (table?.name === 'contexts') return starting(contexts, 'context');
  if (table === undefined) return [];
  const at = last.startsWith('@') ? starting(contexts, 'context', '@') : [];
  const scoped = table.namespaced || table.name === 'namespaces';
  return scoped ? [...at, ...starting(['all', ...namespaces], 'namespace')] : at;
}
