import { cellText } from '../resources/columns.ts';
import type { Labels } from '../resources/pod-row.ts';
import type { Column, Row, Table } from '../resources/resource.ts';
import { columnsOf, isAge } from './order.ts';

/** What was typed after `/`, understood. */
export interface Filter<R extends Row> {
  readonly text: string;
  /** What the person should know about how it was read: `not a regular expression, taken literally`. */
  readonly note: string | undefined;
  readonly matches: (row: R, now: number) => boolean;
}

type Test<R extends Row> = (row: R, now: number) => boolean;

/** What a row says in words, lower case, without its age and what is measured: what a plain term is looked for in. */
export type Words<R extends Row> = (row: R, now: number) => string;

/**
 * Cells as words, kept by row: a row is replaced when it changes, so its identity is its version.
 * 100,000 pods take some 20 MB while a filter stands; they go with this function.
 */
export function createWords<R extends Row>(table: Table<R>): Words<R> {
  const kept = new WeakMap<R, string>();
  const columns = columnsOf(table).filter(({ title, live }) => !isAge(title) && live !== true);
  return (row, now) => {
    const known = kept.get(row);
    if (known !== undefined) return known;
    const words = columns
      .map((column) => cellText(column, row, now))
      .join(' ')
      .toLowerCase();
    kept.set(row, words);
    return words;
  };
}

/**
 * Reads the grammar: terms apart by spaces all hold; `!term` does not hold; `-l selector` labels; `-f abc` letters in
 * this order in the name; `COLUMN:regex`; `COLUMN>3`, `AGE<1h`, `MEM>=2Gi`; `key=value` a label; anything else a
 * regular expression, upper or lower case, over the row's cells. What is no regular expression is taken literally.
 */
export function parseFilter<R extends Row>(
  text: string,
  table: Table<R>,
  words: Words<R>,
): Filter<R> | undefined {
  const notes: string[] = [];
  const tests: Test<R>[] = [];
  const terms = splitTerms(text);
  for (let at = 0; at < terms.length; at++) {
    const term = terms[at] ?? '';
    if (term === '-l') {
      const [selector, used] = takeSelector(terms, at + 1);
      at += used;
      const test = parseSelector(selector);
      if (test === undefined)
        notes.push(selector === '' ? '-l wants a selector' : `"${selector}" is no label selector`);
      else tests.push((row) => test(labelsOf(row)));
    } else if (term === '-f') {
      at += 1;
      const letters = (terms[at] ?? '').toLowerCase();
      tests.push((row) => isFuzzy(letters, `${row.namespace}/${row.name}`.toLowerCase()));
    } else if (term !== '!' && term !== '') {
      tests.push(parseTerm(term, table, words, notes));
    }
  }
  if (tests.length === 0 && notes.length === 0) return undefined;
  const matches: Test<R> = (row, now) => {
    for (const test of tests) if (!test(row, now)) return false;
    return true;
  };
  return { text, note: notes.length > 0 ? notes.join('; ') : undefined, matches };
}

/** True where all that `next` lets through, `previous` lets through too: only its matches need another look. */
export function narrows(previous: string, next: string): boolean {
  return /^[\w./-]+$/.test(next) && previous.length > 0 && !/^-/.test(next) && next.startsWith(previous);
}

function parseTerm<R extends Row>(term: string, table: Table<R>, words: Words<R>, notes: string[]): Test<R> {
  if (term.startsWith('!')) {
    const test = parseTerm(term.slice(1), table, words, notes);
    return (row, now) => !test(row, now);
  }
  const parts = /^([A-Za-z][\w/%-]*)(:|>=|<=|>|<|==|!=|=)(.*)$/s.exec(term);
  if (parts !== null) {
    const [, name = '', sign = '', wanted = ''] = parts;
    const column = columnNamed(table, name);
    // A sign with nothing after it yet: the person is still typing, so everything stays.
    if (column !== undefined) return wanted === '' ? () => true : columnTest(column, sign, wanted, notes);
    // `reg:v1` is an image; titles are capitals, and nothing but a column is compared.
    if (/[<>]/.test(sign) || name === name.toUpperCase()) notes.push(noColumn(table, name, sign));
  }
  const selector = /[^=!<>]=/.test(term) ? parseSelector(term) : undefined;
  if (selector !== undefined) return (row) => selector(labelsOf(row));
  const pattern = toPattern(term, notes);
  return (row, now) => pattern(words(row, now));
}

/** Tests a text that is lower case. Plain words go without the regular expression engine. */
function toPattern(term: string, notes: string[]): (lower: string) => boolean {
  const literal = term.toLowerCase();
  if (/^[\w/@:,#%&~ -]*$/.test(term)) return (lower) => lower.includes(literal);
  try {
    const regex = new RegExp(term, 'i');
    return (lower) => regex.test(lower);
  } catch {
    notes.push(`"${term}" is no regular expression, taken literally`);
    return (lower) => lower.includes(literal);
  }
}

const squeezed = (title: string): string => title.toLowerCase().replace(/[^a-z0-9%]/g, '');

function noColumn<R extends Row>(table: Table<R>, name: string, sign: string): string {
  const titles = columnsOf(table).map(({ title }) => title);
  const near = titles.filter((title) => squeezed(title).startsWith(squeezed(name)));
  const instead = /[!=]=?$/.test(sign) && !/[<>]/.test(sign) ? ', so it is read as a label' : '';
  return `no column ${name}${instead}; there are ${(near.length > 0 ? near : titles).join(', ')}`;
}

/** By its whole title, or by the one title that starts so (three letters or more). */
function columnNamed<R extends Row>(table: Table<R>, name: string): Column<R> | undefined {
  const wanted = squeezed(name);
  const columns = columnsOf(table);
  const exact = columns.find(({ title }) => squeezed(title) === wanted);
  if (exact !== undefined || wanted.length < 3) return exact;
  const starting = columns.filter(({ title }) => squeezed(title).startsWith(wanted));
  return starting.length === 1 ? starting[0] : undefined;
}

function columnTest<R extends Row>(
  column: Column<R>,
  sign: string,
  wanted: string,
  notes: string[],
): Test<R> {
  if (sign === ':') {
    const pattern = toPattern(wanted, notes);
    return (row, now) => pattern(cellText(column, row, now).toLowerCase());
  }
  if (sign === '=' || sign === '==' || sign === '!=') {
    const literal = wanted.toLowerCase();
    const equals: Test<R> = (row, now) =>
      cellText(column, row, now).toLowerCase() === literal ||
      String(column.value(row) ?? '').toLowerCase() === literal;
    return sign === '!=' ? (row, now) => !equals(row, now) : equals;
  }
  const limit = isAge(column.title) ? durationMs(wanted) : quantity(wanted);
  if (limit === undefined) {
    notes.push(`"${wanted}" is no ${isAge(column.title) ? 'duration like 90s, 5m, 2h, 3d' : 'number'}`);
    return () => true;
  }
  const holds = comparison(sign, limit);
  return (row, now) => {
    const amount = amountOf(column, row, now);
    return amount !== undefined && holds(amount);
  };
}

function comparison(sign: string, limit: number): (amount: number) => boolean {
  if (sign === '>') return (amount) => amount > limit;
  if (sign === '>=') return (amount) => amount >= limit;
  if (sign === '<') return (amount) => amount < limit;
  return (amount) => amount <= limit;
}

function amountOf<R extends Row>(column: Column<R>, row: R, now: number): number | undefined {
  const value = column.value(row);
  if (value === undefined) return undefined;
  const amount = typeof value === 'number' ? value : quantity(value);
  if (amount === undefined || Number.isNaN(amount)) return undefined;
  return isAge(column.title) ? now - amount : amount;
}

const unitMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  y: 365 * 86_400_000,
};

/** `90s`, `1h30m`, `3d`; a bare number is seconds. */
export function durationMs(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  if (!/^(\d+(\.\d+)?[smhdwy])+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)([smhdwy])/g)) {
    total += Number(amount) * (unitMs[unit ?? 's'] ?? 0);
  }
  return total;
}

const unitFactor: Readonly<Record<string, number>> = {
  '': 1,
  '%': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 1024,
  mi: 1024 ** 2,
  gi: 1024 ** 3,
  ti: 1024 ** 4,
};

/** `3`, `1.5k`, `2Gi`, `80%`; undefined for anything else. */
export function quantity(text: string): number | undefined {
  const parts = /^(-?\d+(?:\.\d+)?)([kmgt]i?|%)?$/i.exec(text);
  if (parts === null) return undefined;
  return Number(parts[1]) * (unitFactor[(parts[2] ?? '').toLowerCase()] ?? 1);
}

function labelsOf(row: Row): Labels {
  const labels = (row as Row & { readonly labels?: Labels }).labels;
  return labels ?? {};
}

/** The letters, in their order, with anything between. */
export function isFuzzy(letters: string, text: string): boolean {
  let at = 0;
  for (const letter of letters) {
    at = text.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

/** Splits at spaces, except inside quotes and parentheses; quotes go. */
export function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let term = '';
  let quote = '';
  let depth = 0;
  for (const letter of text) {
    if (quote !== '') {
      if (letter === quote) quote = '';
      else term += letter;
    } else if ((letter === '"' || letter === "'") && text.indexOf(letter, text.indexOf(letter) + 1) !== -1) {
      quote = letter;
    } else if (/\s/.test(letter) && depth === 0) {
      if (term !== '') terms.push(term);
      term = '';
    } else {
      if (letter === '(') depth += 1;
      if (letter === ')') depth = Math.max(0, depth - 1);
      term += letter;
    }
  }
  if (term !== '') terms.push(term);
  // An open parenthesis that never closes is no reason to swallow the rest.
  return depth > 0 ? text.split(/\s+/).filter((part) => part !== '') : terms;
}

/** The words of one selector after `-l`, and how many terms they are: `app in (a, b)` is three. */
function takeSelector(terms: readonly string[], from: number): [string, number] {
  const first = terms[from] ?? '';
  const operator = terms[from + 1] ?? '';
  if (/^(in|notin)$/.test(operator)) return [`${first} ${operator} ${terms[from + 2] ?? ''}`, 3];
  if (/^(in|notin)\(/.test(operator)) return [`${first} ${operator}`, 2];
  return [first, 1];
}

export type LabelTest = (labels: Labels) => boolean;

/** Kubernetes' label selectors; undefined where it is none. */
export function parseSelector(text: string): LabelTest | undefined {
  const tests: LabelTest[] = [];
  for (const part of splitRequirements(text)) {
    const test = parseRequirement(part.trim());
    if (test === undefined) return undefined;
    tests.push(test);
  }
  return tests.length === 0 ? undefined : (labels) => tests.every((test) => test(labels));
}

const splitRequirements = (text: string): string[] =>
  text.split(/,(?![^(]*\))/).filter((part) => part.trim() !== '');

const labelKey = /^[A-Za-z0-9]([\w./-]*[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([\w.-]*[A-Za-z0-9])?)?$/;

function parseRequirement(part: string): LabelTest | undefined {
  const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(part);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    if (!labelKey.test(key)) return undefined;
    return operator === 'in'
      ? (labels) => values.includes(labels[key] ?? '\0')
      : (labels) => !values.includes(labels[key] ?? '\0');
  }
  const equality = /^([^=!]+?)\s*(==|!=|=)\s*(.*)$/.exec(part);
  if (equality !== null) {
    const [, key = '', operator, value = ''] = equality;
    if (!labelKey.test(key) || !labelValue.test(value)) return undefined;
    return operator === '!=' ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
  }
  const key = part.replace(/^!\s*/, '');
  if (!labelKey.test(key)) return undefined;
  return part.startsWith('!') ? (labels) => labels[key] === undefined : (labels) => labels[key] !== undefined;
}
