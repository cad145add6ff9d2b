import { quantity as amountOf } from '../resources/fields.ts';
import type { AttributeValue, Device } from './cluster.ts';

/** What a device selector says of a device. `unknown`: an expression, or a function of one, that is not evaluated here. */
export type CelVerdict = boolean | { readonly unknown: string };

/** A value while evaluating. A quantity and a version know how to compare; a fault is what CEL calls an error. */
type Cel =
  | { readonly kind: 'value'; readonly value: string | number | boolean | null }
  | { readonly kind: 'quantity'; readonly value: number }
  | { readonly kind: 'version'; readonly value: string }
  | { readonly kind: 'list'; readonly items: readonly Cel[] }
  | { readonly kind: 'map'; readonly get: (key: string) => Cel | undefined }
  | { readonly kind: 'fault'; readonly why: string }
  | { readonly kind: 'unknown'; readonly why: string };

type Scope = (name: string) => Cel | undefined;
type Node = (scope: Scope) => Cel;

const value = (of: string | number | boolean | null): Cel => ({ kind: 'value', value: of });
const fault = (why: string): Cel => ({ kind: 'fault', why });
const unknown = (why: string): Cel => ({ kind: 'unknown', why });
const isOdd = (cel: Cel): boolean => cel.kind === 'fault' || cel.kind === 'unknown';

const tokenForm =
  /\s*(?:(\d+\.\d+|\d+u?)|([rb]?"(?:\\.|[^"\\])*"|[rb]?'(?:\\.|[^'\\])*')|([A-Za-z_][A-Za-z0-9_]*)|(&&|\|\||==|!=|<=|>=|[-+*/%!<>()[\].,?:{}]))/y;

interface Token {
  readonly kind: 'number' | 'string' | 'name' | 'sign' | 'end';
  readonly text: string;
}

/** Longer expressions are refused by the API server as well (10 Ki). */
const longest = 10_240;

class Unparsed extends Error {}

function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  tokenForm.lastIndex = 0;
  while (tokenForm.lastIndex < source.trimEnd().length) {
    const at = tokenForm.lastIndex;
    const [, number, string, name, sign] = tokenForm.exec(source) ?? [];
    if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (string !== undefined) tokens.push({ kind: 'string', text: unquoted(string) });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign });
    else throw new Unparsed(`cannot read it at character ${at + 1}`);
  }
  return tokens;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

function unquoted(text: string): string {
  const raw = text.startsWith('r');
  const body = text.slice(/^[rb]/.test(text) ? 2 : 1, -1);
  return raw ? body : body.replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter);
}

/** A reader of the part of CEL that device selectors use. */
interface Reader {
  readonly peek: () => Token;
  readonly next: () => Token;
  readonly takes: (sign: string) => boolean;
  readonly expect: (sign: string) => void;
}

const end: Token = { kind: 'end', text: 'the end' };

function readerOf(tokens: readonly Token[]): Reader {
  let at = 0;
  const peek = () => tokens[at] ?? end;
  const takes = (sign: string) => {
    const token = peek();
    if (token.kind === 'string' || token.text !== sign) return false;
    at += 1;
    return true;
  };
  return {
    peek,
    next: () => {
      const token = peek();
      at += 1;
      return token;
    },
    takes,
    expect: (sign) => {
      if (!takes(sign)) throw new Unparsed(`expected ${sign} before ${peek().text}`);
    },
  };
}

function readTernary(reader: Reader): Node {
  const condition = readOr(reader);
  if (!reader.takes('?')) return condition;
  const yes = readTernary(reader);
  reader.expect(':');
  const no = readTernary(reader);
  return (scope) => {
    const chosen = condition(scope);
    if (isOdd(chosen)) return chosen;
    return chosen.kind === 'value' && chosen.value === true ? yes(scope) : no(scope);
  };
}

/** `||` and `&&` forgive an error on one side where the other side decides, as CEL says. */
function logic(left: Node, right: Node, decides: boolean): Node {
  return (scope) => {
    const first = left(scope);
    if (first.kind === 'value' && first.value === decides) return first;
    const second = right(scope);
    if (second.kind === 'value' && second.value === decides) return second;
    if (isOdd(first)) return first;
    return second;
  };
}

function readOr(reader: Reader): Node {
  let left = readAnd(reader);
  while (reader.takes('||')) left = logic(left, readAnd(reader), true);
  return left;
}

function readAnd(reader: Reader): Node {
  let left = readRelation(reader);
  while (reader.takes('&&')) left = logic(left, readRelation(reader), false);
  return left;
}

const relations = ['==', '!=', '<=', '>=', '<', '>', 'in'];

function readRelation(reader: Reader): Node {
  let left = readSum(reader);
  for (;;) {
    const sign = relations.find((each) => reader.takes(each));
    if (sign === undefined) return left;
    const [first, second] = [left, readSum(reader)];
    left = (scope) => related(sign, first(scope), second(scope));
  }
}

function related(sign: string, left: Cel, right: Cel): Cel {
  if (isOdd(left)) return left;
  if (isOdd(right)) return right;
  if (sign === 'in') return contained(left, right);
  if (sign === '==' || sign === '!=') return value(equal(left, right) === (sign === '=='));
  if (left.kind !== 'value' || right.kind !== 'value' || left.value === null || right.value === null)
    return fault('no such overload');
  if (typeof left.value !== typeof right.value) return fault('no such overload');
  if (sign === '<') return value(left.value < right.value);
  if (sign === '<=') return value(left.value <= right.value);
  return value(sign === '>' ? left.value > right.value : left.value >= right.value);
}

function equal(left: Cel, right: Cel): boolean {
  if (left.kind === 'version' && right.kind === 'version')
    return compareVersions(left.value, right.value) === 0;
  if ('value' in left && 'value' in right) return left.kind === right.kind && left.value === right.value;
  if (left.kind !== 'list' || right.kind !== 'list' || left.items.length !== right.items.length) return false;
  return left.items.every((item, index) => equal(item, right.items[index] ?? fault('')));
}

function contained(item: Cel, whole: Cel): Cel {
  if (whole.kind === 'list') return value(whole.items.some((each) => equal(each, item)));
  if (whole.kind === 'map' && item.kind === 'value')
    return value(whole.get(String(item.value)) !== undefined);
  return fault('no such overload');
}

function readSum(reader: Reader): Node {
  let left = readProduct(reader);
  for (;;) {
    const sign = ['+', '-'].find((each) => reader.takes(each));
    if (sign === undefined) return left;
    const [first, second] = [left, readProduct(reader)];
    left = (scope) => arithmetic(sign, first(scope), second(scope));
  }
}

function readProduct(reader: Reader): Node {
  let left = readUnary(reader);
  for (;;) {
    const sign = ['*', '/', '%'].find((each) => reader.takes(each));
    if (sign === undefined) return left;
    const [first, second] = [left, readUnary(reader)];
    left = (scope) => arithmetic(sign, first(scope), second(scope));
  }
}

function arithmetic(sign: string, left: Cel, right: Cel): Cel {
  if (isOdd(left)) return left;
  if (isOdd(right)) return right;
  if (left.kind !== 'value' || right.kind !== 'value') return fault('no such overload');
  const [a, b] = [left.value, right.value];
  if (sign === '+' && typeof a === 'string' && typeof b === 'string') return value(a + b);
  if (typeof a !== 'number' || typeof b !== 'number') return fault('no such overload');
  if (sign === '+') return value(a + b);
  if (sign === '-') return value(a - b);
  if (sign === '*') return value(a * b);
  if (b === 0) return fault('division by zero');
  if (sign === '%') return value(a % b);
  return value(Number.isInteger(a) && Number.isInteger(b) ? Math.trunc(a / b) : a / b);
}

function readUnary(reader: Reader): Node {
  if (reader.takes('!')) {
    const inner = readUnary(reader);
    return (scope) => {
      const of = inner(scope);
      if (isOdd(of)) return of;
      return of.kind === 'value' && typeof of.value === 'boolean'
        ? value(!of.value)
        : fault('no such overload');
    };
  }
  if (reader.takes('-')) {
    const inner = readUnary(reader);
    return (scope) => arithmetic('-', value(0), inner(scope));
  }
  return readMember(reader);
}

function readMember(reader: Reader): Node {
  let target = readPrimary(reader);
  for (;;) {
    if (reader.takes('.')) {
      const name = reader.next();
      if (name.kind !== 'name') throw new Unparsed(`expected a name before ${name.text}`);
      const of = target;
      target = reader.takes('(')
        ? callOn(of, name.text, readArguments(reader))
        : (scope) => member(of(scope), name.text);
    } else if (reader.takes('[')) {
      const [of, key] = [target, readTernary(reader)];
      reader.expect(']');
      target = (scope) => indexed(of(scope), key(scope));
    } else return target;
  }
}

function readArguments(reader: Reader, closing = ')'): Node[] {
  const given: Node[] = [];
  if (reader.takes(closing)) return given;
  do given.push(readTernary(reader));
  while (reader.takes(','));
  reader.expect(closing);
  return given;
}

const member = (target: Cel, name: string): Cel => indexed(target, value(name));

function indexed(target: Cel, key: Cel): Cel {
  if (isOdd(target)) return target;
  if (isOdd(key)) return key;
  if (key.kind !== 'value') return fault('no such overload');
  if (target.kind === 'map')
    return target.get(String(key.value)) ?? fault(`no such key: ${String(key.value)}`);
  if (target.kind === 'list') return target.items[Number(key.value)] ?? fault('index out of bounds');
  return fault('no such overload');
}

/** Methods that bring variables of their own (all, exists, map …) are not evaluated. */
function callOn(target: Node, method: string, given: readonly Node[]): Node {
  return (scope) => {
    const of = target(scope);
    if (isOdd(of)) return of;
    const [argument = value(null)] = given.map((node) => node(scope));
    if (isOdd(argument)) return argument;
    return methodOf(method, of, argument) ?? unknown(`${method}() is not evaluated here`);
  };
}

function methodOf(method: string, of: Cel, argument: Cel): Cel | undefined {
  const order = comparison(of, argument);
  if (order !== undefined) {
    if (method === 'compareTo') return value(Math.sign(order));
    if (method === 'isGreaterThan') return value(order > 0);
    if (method === 'isLessThan') return value(order < 0);
  }
  if (of.kind === 'version' && ['major', 'minor', 'patch'].includes(method)) {
    return value(versionNumbers(of.value)[['major', 'minor', 'patch'].indexOf(method)] ?? 0);
  }
  if (of.kind === 'quantity' && method === 'asInteger') return value(of.value);
  if (of.kind === 'quantity' && method === 'isInteger') return value(Number.isInteger(of.value));
  if (of.kind === 'list' && method === 'size') return value(of.items.length);
  if (of.kind !== 'value' || typeof of.value !== 'string') return undefined;
  return textMethod(method, of.value, argument);
}

function textMethod(method: string, text: string, argument: Cel): Cel | undefined {
  if (method === 'lowerAscii') return value(text.toLowerCase());
  if (method === 'upperAscii') return value(text.toUpperCase());
  if (method === 'size') return value(text.length);
  if (argument.kind !== 'value' || typeof argument.value !== 'string') return undefined;
  if (method === 'startsWith') return value(text.startsWith(argument.value));
  if (method === 'endsWith') return value(text.endsWith(argument.value));
  if (method === 'contains') return value(text.includes(argument.value));
  return method === 'matches' ? matched(text, argument.value) : undefined;
}

/** RE2 is not JavaScript's dialect, and a pattern from the cluster could run for minutes in it: only plain ones are tried. */
const plainPattern = /^\^?(?:[\w\s:/-]|\\[.+*?()|[\]\\-]|\.\*?|\||\(\?:|\(|\)|\[[\w-]+\]\+?)*\$?$/;

function matched(text: string, pattern: string): Cel {
  if (pattern.length > 200 || (pattern.match(/[*+]/g) ?? []).length > 3 || !plainPattern.test(pattern)) {
    return unknown('matches() with this pattern is not evaluated here');
  }
  try {
    return value(new RegExp(pattern).test(text));
  } catch {
    return fault('invalid pattern');
  }
}

function comparison(left: Cel, right: Cel): number | undefined {
  if (left.kind === 'quantity' && right.kind === 'quantity') return left.value - right.value;
  return left.kind === 'version' && right.kind === 'version'
    ? compareVersions(left.value, right.value)
    : undefined;
}

const versionNumbers = (text: string): number[] =>
  (/^v?(\d+(?:\.\d+)*)/.exec(text)?.[1] ?? '0').split('.').map(Number);

/** Semantic versions: numbers first, and a version before its release where it carries a pre-release part. */
function compareVersions(left: string, right: string): number {
  const [a, b] = [versionNumbers(left), versionNumbers(right)];
  for (let part = 0; part < 3; part += 1) {
    const difference = (a[part] ?? 0) - (b[part] ?? 0);
    if (difference !== 0) return difference;
  }
  const preOf = (text: string) => /^[^+-]*-([^+]*)/.exec(text)?.[1];
  const [first, second] = [preOf(left), preOf(right)];
  if (first === second) return 0;
  if (first === undefined) return 1;
  return second === undefined || first < second ? -1 : 1;
}

function readPrimary(reader: Reader): Node {
  const token = reader.next();
  if (token.kind === 'number') return constant(value(Number(token.text.replace('u', ''))));
  if (token.kind === 'string') return constant(value(token.text));
  if (token.kind === 'name') return readName(reader, token.text);
  if (token.text === '(') {
    const inner = readTernary(reader);
    reader.expect(')');
    return inner;
  }
  if (token.text === '[') {
    const items = readArguments(reader, ']');
    return (scope) => {
      const all = items.map((item) => item(scope));
      return all.find(isOdd) ?? { kind: 'list', items: all };
    };
  }
  throw new Unparsed(`${token.text} is not expected`);
}

const constant =
  (cel: Cel): Node =>
  () =>
    cel;

function readName(reader: Reader, name: string): Node {
  if (name === 'true' || name === 'false') return constant(value(name === 'true'));
  if (name === 'null') return constant(value(null));
  if (!reader.takes('(')) return (scope) => scope(name) ?? unknown(`${name} is not known here`);
  const given = readArguments(reader);
  if (name === 'has') return (scope) => present(given[0]?.(scope));
  return (scope) => {
    const [first = value(null)] = given.map((node) => node(scope));
    return isOdd(first) ? first : functionOf(name, first);
  };
}

function present(cel: Cel | undefined): Cel {
  if (cel === undefined || cel.kind === 'unknown') return cel ?? fault('has() needs a field');
  return value(cel.kind !== 'fault');
}

function functionOf(name: string, argument: Cel): Cel {
  if (argument.kind !== 'value') return unknown(`${name}() is not evaluated here`);
  const text = String(argument.value);
  if (name === 'quantity') {
    const amount = amountOf(text);
    return amount === undefined ? fault('invalid quantity') : { kind: 'quantity', value: amount };
  }
  if (name === 'semver')
    return /^\d+\.\d+\.\d+/.test(text) ? { kind: 'version', value: text } : fault('invalid version');
  if (name === 'isQuantity') return value(amountOf(text) !== undefined);
  if (name === 'size') return value(text.length);
  if (name === 'int') return value(Math.trunc(Number(text)));
  return name === 'string' ? value(text) : unknown(`${name}() is not evaluated here`);
}

const celOf = (attribute: AttributeValue): Cel =>
  typeof attribute === 'object' ? { kind: 'version', value: attribute.version } : value(attribute);

/** `device.attributes["gpu.nvidia.com"].type`: the domain first, then the name in it; an unknown domain is empty. */
function byDomain<T>(entries: ReadonlyMap<string, T>, read: (of: T) => Cel): Cel {
  const inDomain = (domain: string): Cel => ({
    kind: 'map',
    get: (name) => {
      const found = entries.get(`${domain}/${name}`);
      return found === undefined ? undefined : read(found);
    },
  });
  return { kind: 'map', get: inDomain };
}

function scopeOf(device: Device): Scope {
  const fields = new Map<string, Cel>([
    ['driver', value(device.driver)],
    ['attributes', byDomain(device.attributes, celOf)],
    ['capacity', byDomain(device.capacity, (amount) => ({ kind: 'quantity', value: amount }))],
    ['allowMultipleAllocations', value(device.shared)],
  ]);
  const root: Cel = { kind: 'map', get: (name) => fields.get(name) };
  return (name) => (name === 'device' ? root : undefined);
}

const parsed = new Map<string, Node | Unparsed>();

function parse(source: string): Node | Unparsed {
  const known = parsed.get(source);
  if (known !== undefined) return known;
  if (parsed.size > 1000) parsed.clear();
  const made = readWhole(source);
  parsed.set(source, made);
  return made;
}

function readWhole(source: string): Node | Unparsed {
  if (source.length > longest) return new Unparsed('it is too long');
  try {
    const reader = readerOf(tokensOf(source));
    const node = readTernary(reader);
    return reader.peek().kind === 'end' ? node : new Unparsed(`${reader.peek().text} is not expected`);
  } catch (error) {
    // Deep nesting ends in a RangeError: such an expression is not evaluated either.
    return error instanceof Unparsed ? error : new Unparsed('it is nested too deeply');
  }
}

/**
 * Does a selector match a device? An error of evaluation (an attribute that the device lacks) fails the whole
 * allocation on the node in the scheduler; here it counts as no match.
 */
export function selects(expression: string, device: Device): CelVerdict {
  const node = parse(expression);
  if (node instanceof Unparsed) return { unknown: `CEL not understood: ${node.message}` };
  const result = node(scopeOf(device));
  if (result.kind === 'unknown') return { unknown: `CEL: ${result.why}` };
  return result.kind === 'value' && result.value === true;
}
