/**
 * Regular expressions whose time is linear in the text, for patterns that come from rule packs: all ways through the
 * pattern are followed at once (Pike's machine), so that no pattern takes for ever. The syntax is that of JavaScript
 * without back-references and look-around, which cannot be matched so.
 */
export interface Pattern {
  readonly source: string;
  /**
   * The leftmost match that JavaScript would find; undefined when there is none, `'too long'` when the text times the
   * pattern was more than the budget.
   */
  readonly find: (input: string) => PatternMatch | undefined | 'too long';
}

export interface PatternMatch {
  readonly text: string;
  readonly index: number;
  /** What the named groups captured; those that took part. */
  readonly groups: Readonly<Record<string, string>>;
}

/** A pattern that cannot be used; `message` says why. */
export class PatternError extends Error {}

/** Longest pattern, most instructions of one, and most steps of one search: together they bound the time to a few ms. */
const longestSource = 500;
const mostInstructions = 1000;
const mostSteps = 3_000_000;

/** Code units that one place of the pattern accepts. */
interface CharSet {
  /** Pairs of first and last. */
  readonly ranges: readonly (readonly [number, number])[];
  readonly isNegated: boolean;
}

type Tree =
  | { readonly kind: 'set'; readonly set: CharSet; readonly literal: string | undefined }
  | { readonly kind: 'assert'; readonly what: '^' | '$' | 'b' | 'B' }
  | { readonly kind: 'sequence'; readonly parts: readonly Tree[] }
  | { readonly kind: 'choice'; readonly options: readonly Tree[] }
  | { readonly kind: 'group'; readonly body: Tree; readonly name: string }
  | {
      readonly kind: 'repeat';
      readonly body: Tree;
      readonly least: number;
      readonly most: number;
      readonly isLazy: boolean;
    };

const digits: CharSet['ranges'] = [[48, 57]];
const wordChars: CharSet['ranges'] = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
const spaces: CharSet['ranges'] = [
  [9, 13],
  [32, 32],
  [160, 160],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const lineEnds: CharSet['ranges'] = [
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
];
const classes: Readonly<Record<string, CharSet['ranges']>> = { d: digits, w: wordChars, s: spaces };
const controls: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, 0: 0 };

function complement(ranges: CharSet['ranges']): CharSet['ranges'] {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  const out: (readonly [number, number])[] = [];
  let from = 0;
  for (const [first, last] of sorted) {
    if (first > from) out.push([from, first - 1]);
    from = Math.max(from, last + 1);
  }
  if (from <= 0xffff) out.push([from, 0xffff]);
  return out;
}

/** With the other case of each letter: `(?i)`. */
function bothCases(ranges: CharSet['ranges']): CharSet['ranges'] {
  const more: (readonly [number, number])[] = [];
  for (const [first, last] of ranges) {
    const [upper, lower] = [
      [Math.max(first, 65), Math.min(last, 90)],
      [Math.max(first, 97), Math.min(last, 122)],
    ] as const;
    if (upper[0] <= upper[1]) more.push([upper[0] + 32, upper[1] + 32]);
    if (lower[0] <= lower[1]) more.push([lower[0] - 32, lower[1] - 32]);
    if (first === last && first > 127) {
      const char = String.fromCharCode(first);
      for (const other of [char.toLowerCase(), char.toUpperCase()])
        if (other.length === 1) more.push([other.charCodeAt(0), other.charCodeAt(0)]);
    }
  }
  return [...ranges, ...more];
}

/** Reads the pattern's text. @throws PatternError */
function parse(source: string): Tree {
  let at = 0;
  let ignoresCase = false;
  let depth = 0;
  const names = new Set<string>();
  const fail = (message: string): never => {
    throw new PatternError(message);
  };
  if (source.startsWith('(?i)')) {
    ignoresCase = true;
    at = 4;
  }

  const setOf = (ranges: CharSet['ranges'], isNegated = false, literal?: string): Tree => ({
    kind: 'set',
    set: { ranges: ignoresCase ? bothCases(ranges) : ranges, isNegated },
    literal: ignoresCase ? undefined : literal,
  });
  const one = (char: string): Tree => setOf([[char.charCodeAt(0), char.charCodeAt(0)]], false, char);

  function choice(): Tree {
    const options = [sequence()];
    while (source[at] === '|') {
      at += 1;
      options.push(sequence());
    }
    return options.length === 1 ? (options[0] as Tree) : { kind: 'choice', options };
  }

  function sequence(): Tree {
    const parts: Tree[] = [];
    while (at < source.length && source[at] !== '|' && source[at] !== ')') parts.push(repeated());
    return parts.length === 1 ? (parts[0] as Tree) : { kind: 'sequence', parts };
  }

  function repeated(): Tree {
    const body = atom();
    const bounds = quantifier();
    if (bounds === undefined) return body;
    if (body.kind === 'assert') fail('nothing to repeat');
    const isLazy = source[at] === '?';
    if (isLazy) at += 1;
    if (quantifier() !== undefined) fail('a repetition behind a repetition');
    return { kind: 'repeat', body, least: bounds[0], most: bounds[1], isLazy };
  }

  function quantifier(): readonly [number, number] | undefined {
    const char = source[at];
    if (char === '*' || char === '+' || char === '?') {
      at += 1;
      return [char === '+' ? 1 : 0, char === '?' ? 1 : Number.POSITIVE_INFINITY];
    }
    const counted = /^\{(\d{1,5})(?:(,)(\d{1,5})?)?\}/.exec(source.slice(at, at + 16));
    if (counted === null) return undefined;
    at += counted[0].length;
    const least = Number(counted[1]);
    const most =
      counted[2] === undefined
        ? least
        : counted[3] === undefined
          ? Number.POSITIVE_INFINITY
          : Number(counted[3]);
    if (most < least) fail('numbers out of order in {}');
    return [least, most];
  }

  function atom(): Tree {
    const char = source[at] ?? '';
    at += 1;
    switch (char) {
      case '.':
        return setOf(lineEnds, true);
      case '^':
      case '$':
        return { kind: 'assert', what: char };
      case '[':
        return bracket();
      case '(':
        return group();
      case '\\':
        return escaped();
      case '*':
      case '+':
      case '?':
        return fail('nothing to repeat');
      default:
        return one(char);
    }
  }

  function group(): Tree {
    depth += 1;
    if (depth > 50) fail('more than 50 groups in each other');
    let name: string | undefined = '';
    if (source[at] === '?') {
      if (source.startsWith('?:', at)) at += 2;
      else {
        const named = /^\?<([A-Za-z_]\w*)>/.exec(source.slice(at, at + 80));
        if (named === null) fail('look-around and other (?…) groups cannot be matched in linear time');
        name = named?.[1] ?? '';
        if (names.has(name)) fail(`two groups are called ${name}`);
        names.add(name);
        at += named?.[0].length ?? 0;
      }
    }
    const body = choice();
    if (source[at] !== ')') fail('a group is not closed');
    at += 1;
    depth -= 1;
    return name === '' ? body : { kind: 'group', body, name };
  }

  function escaped(): Tree {
    const char = source[at] ?? '';
    if (char === 'b' || char === 'B') {
      at += 1;
      return { kind: 'assert', what: char };
    }
    const known = classes[char.toLowerCase()];
    if (known !== undefined) {
      at += 1;
      return setOf(known, char !== char.toLowerCase());
    }
    return one(String.fromCharCode(escapedUnit()));
  }

  /** The code unit behind a backslash. */
  function escapedUnit(): number {
    const char = source[at] ?? '';
    if (char === '') fail('a backslash at the end');
    if (/[1-9]/.test(char) || char === 'k') fail('a back-reference cannot be matched in linear time');
    const hex = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))/.exec(source.slice(at, at + 5));
    if (hex !== null) {
      at += hex[0].length;
      return Number.parseInt(hex[1] ?? hex[2] ?? '0', 16);
    }
    at += 1;
    const control = controls[char];
    if (control !== undefined) return control;
    if (/[A-Za-z]/.test(char)) fail(`\\${char} means nothing here`);
    return char.charCodeAt(0);
  }

  function bracket(): Tree {
    const isNegated = source[at] === '^';
    if (isNegated) at += 1;
    const ranges: (readonly [number, number])[] = [];
    while (source[at] !== ']') {
      if (at >= source.length) fail('a [ is not closed');
      const first = member();
      if (typeof first !== 'number') {
        ranges.push(...first);
        continue;
      }
      if (source[at] === '-' && source[at + 1] !== ']' && at + 1 < source.length) {
        at += 1;
        const last = member();
        if (typeof last !== 'number' || last < first) fail('a range out of order in []');
        else ranges.push([first, last]);
      } else ranges.push([first, first]);
    }
    at += 1;
    return setOf(ranges, isNegated);
  }

  function member(): number | CharSet['ranges'] {
    const char = source[at] ?? '';
    at += 1;
    if (char !== '\\') return char.charCodeAt(0);
    const letter = source[at] ?? '';
    const known = classes[letter.toLowerCase()];
    if (known !== undefined) {
      at += 1;
      return letter === letter.toLowerCase() ? known : complement(known);
    }
    if (letter === 'b') {
      at += 1;
      return 8;
    }
    return escapedUnit();
  }

  const tree = choice();
  if (at < source.length) fail('a ) without its (');
  return tree;
}

type Instruction =
  | { readonly do: 'set'; readonly ascii: Uint8Array; readonly set: CharSet }
  | { readonly do: 'split'; first: number; second: number }
  | { readonly do: 'jump'; to: number }
  | { readonly do: 'save'; readonly slot: number }
  | { readonly do: 'assert'; readonly what: '^' | '$' | 'b' | 'B' }
  | { readonly do: 'match' };

const holds = ({ ranges, isNegated }: CharSet, unit: number): boolean =>
  ranges.some(([first, last]) => unit >= first && unit <= last) !== isNegated;

function assemble(tree: Tree, names: string[]): readonly Instruction[] {
  const program: Instruction[] = [];
  const emit = <I extends Instruction>(instruction: I): I => {
    if (program.length >= mostInstructions)
      throw new PatternError(`too big: its repetitions make more than ${mostInstructions} steps`);
    program.push(instruction);
    return instruction;
  };
  const write = (node: Tree): void => {
    switch (node.kind) {
      case 'set': {
        const ascii = Uint8Array.from({ length: 128 }, (_, unit) => (holds(node.set, unit) ? 1 : 0));
        emit({ do: 'set', ascii, set: node.set });
        break;
      }
      case 'assert':
        emit({ do: 'assert', what: node.what });
        break;
      case 'sequence':
        for (const part of node.parts) write(part);
        break;
      case 'choice': {
        const ends: { to: number }[] = [];
        for (const [position, option] of node.options.entries()) {
          if (position === node.options.length - 1) {
            write(option);
            break;
          }
          const split = emit({ do: 'split' as const, first: program.length + 1, second: 0 });
          write(option);
          ends.push(emit({ do: 'jump' as const, to: 0 }));
          split.second = program.length;
        }
        for (const end of ends) end.to = program.length;
        break;
      }
      case 'group': {
        const slot = names.length * 2;
        names.push(node.name);
        emit({ do: 'save', slot });
        write(node.body);
        emit({ do: 'save', slot: slot + 1 });
        break;
      }
      case 'repeat':
        repeat(node);
    }
  };
  const repeat = ({ body, least, most, isLazy }: Extract<Tree, { readonly kind: 'repeat' }>): void => {
    // A named group that is written out several times keeps its one name: the last that took part counts.
    for (let count = 0; count < least; count++) write(body);
    const skips: { first: number; second: number }[] = [];
    const optional = (): void => {
      const split = emit({ do: 'split' as const, first: program.length + 1, second: program.length + 1 });
      skips.push(split);
    };
    const start = program.length;
    if (most === Number.POSITIVE_INFINITY) {
      optional();
      write(body);
      emit({ do: 'jump', to: start });
    } else
      for (let count = least; count < most; count++) {
        optional();
        write(body);
      }
    for (const skip of skips) {
      if (isLazy) skip.first = program.length;
      else skip.second = program.length;
    }
  };
  write(tree);
  emit({ do: 'match' });
  return program;
}

/** Texts that begin every match, and that stand in every match: looking for them first is nearly free. */
function literalsOf(tree: Tree): { readonly prefix: string; readonly must: string } {
  const parts = tree.kind === 'sequence' ? tree.parts : [tree];
  let [run, prefix, must] = ['', '', ''];
  let isFirst = true;
  for (const part of parts) {
    const literal = part.kind === 'set' ? part.literal : undefined;
    if (literal !== undefined) {
      run += literal;
      continue;
    }
    if (isFirst) prefix = run;
    isFirst = false;
    if (run.length > must.length) must = run;
    run = '';
  }
  if (isFirst) prefix = run;
  if (run.length > must.length) must = run;
  return { prefix, must };
}

const isWord = (unit: number): boolean =>
  (unit >= 48 && unit <= 57) || (unit >= 65 && unit <= 90) || unit === 95 || (unit >= 97 && unit <= 122);
const isLineEnd = (unit: number): boolean => unit === 10 || unit === 13 || unit === 0x2028 || unit === 0x2029;

/** Compiles a pattern; `^` and `$` are those of lines. @throws PatternError with the reason */
export function compilePattern(source: string): Pattern {
  if (source.length > longestSource) throw new PatternError(`longer than ${longestSource} characters`);
  const tree = parse(source);
  const names: string[] = [];
  const program = assemble(tree, names);
  const { prefix, must } = literalsOf(tree);
  return {
    source,
    find: (input) =>
      must !== '' && !input.includes(must) ? undefined : search(program, names, prefix, input),
  };
}

type Saves = readonly (number | undefined)[];

interface Threads {
  readonly at: Int32Array;
  readonly starts: Int32Array;
  readonly saves: Saves[];
  count: number;
}

function search(
  program: readonly Instruction[],
  names: readonly string[],
  prefix: string,
  input: string,
): ReturnType<Pattern['find']> {
  const size = program.length;
  const list = (): Threads => ({
    at: new Int32Array(size),
    starts: new Int32Array(size),
    saves: [],
    count: 0,
  });
  let [now, next] = [list(), list()];
  const seen = new Int32Array(size).fill(-1);
  let steps = 0;
  let found: { readonly start: number; readonly end: number; readonly saves: Saves } | undefined;
  const nothing: Saves = [];

  const asserted = (what: '^' | '$' | 'b' | 'B', position: number): boolean => {
    const before = position === 0 ? -1 : input.charCodeAt(position - 1);
    const after = position === input.length ? -1 : input.charCodeAt(position);
    if (what === '^') return before === -1 || isLineEnd(before);
    if (what === '$') return after === -1 || isLineEnd(after);
    return (isWord(before) !== isWord(after)) === (what === 'b');
  };

  /** Follows everything that takes no character, in the order of preference. */
  const follow = (threads: Threads, from: number, position: number, start: number, saves: Saves): void => {
    const waiting: { readonly at: number; readonly saves: Saves }[] = [{ at: from, saves }];
    for (let here = waiting.pop(); here !== undefined; here = waiting.pop()) {
      if (seen[here.at] === position) continue;
      seen[here.at] = position;
      steps += 1;
      const instruction = program[here.at] as Instruction;
      switch (instruction.do) {
        case 'jump':
          waiting.push({ at: instruction.to, saves: here.saves });
          break;
        case 'split':
          waiting.push({ at: instruction.second, saves: here.saves });
          waiting.push({ at: instruction.first, saves: here.saves });
          break;
        case 'save': {
          const kept = [...here.saves];
          kept[instruction.slot] = position;
          waiting.push({ at: here.at + 1, saves: kept });
          break;
        }
        case 'assert':
          if (asserted(instruction.what, position)) waiting.push({ at: here.at + 1, saves: here.saves });
          break;
        default:
          threads.at[threads.count] = here.at;
          threads.starts[threads.count] = start;
          threads.saves[threads.count] = here.saves;
          threads.count += 1;
      }
    }
  };

  for (let position = 0; position <= input.length; position++) {
    if (now.count === 0) {
      if (found !== undefined) break;
      if (prefix !== '') {
        const jump = input.indexOf(prefix, position);
        if (jump < 0) break;
        position = jump;
      }
    }
    // What came here from before is preferred to what starts here; `seen` was filled at this position by it.
    if (found === undefined) follow(now, 0, position, position, nothing);
    const unit = position < input.length ? input.charCodeAt(position) : -1;
    next.count = 0;
    for (let index = 0; index < now.count; index++) {
      steps += 1;
      const here = now.at[index] as number;
      const instruction = program[here] as Instruction;
      const saves = now.saves[index] as Saves;
      if (instruction.do === 'match') {
        found = { start: now.starts[index] as number, end: position, saves };
        // Whatever is less preferred than this does not matter any more.
        break;
      }
      if (instruction.do !== 'set' || unit < 0) continue;
      const fits = unit < 128 ? instruction.ascii[unit] === 1 : holds(instruction.set, unit);
      if (fits) follow(next, here + 1, position + 1, now.starts[index] as number, saves);
    }
    if (steps > mostSteps) return 'too long';
    [now, next] = [next, now];
  }
  if (found === undefined) return undefined;
  const groups: Record<string, string> = {};
  for (const [index, name] of names.entries()) {
    const [start, end] = [found.saves[index * 2], found.saves[index * 2 + 1]];
    if (start !== undefined && end !== undefined && end >= start) groups[name] = input.slice(start, end);
  }
  return { text: input.slice(found.start, found.end), index: found.start, groups };
}

/** Whether a shell-like pattern with `*` fits the whole text: linear, without going back more than to the last `*`. */
export function globs(glob: string, text: string): boolean {
  let [at, here, star, mark] = [0, 0, -1, 0];
  while (here < text.length) {
    if (glob[at] === '*') {
      star = at;
      at += 1;
      mark = here;
    } else if (glob[at] === text[here]) {
      at += 1;
      here += 1;
    } else if (star >= 0) {
      at = star + 1;
      mark += 1;
      here = mark;
    } else return false;
  }
  while (glob[at] === '*') at += 1;
  return at === glob.length;
}
