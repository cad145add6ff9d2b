import { resolvePath } from './files.ts';
import { type Container, inputOf, NoSuchProgram, type Streams } from './process.ts';
import { programs } from './programs.ts';

/** A shell of the smallest kind: `;`, `&&`, `||`, pipes, quotes, variables, and output to files. */
type Token = { readonly word: string; readonly quoted: boolean } | { readonly operator: string };

function expand(text: string, container: Container, last: number): string {
  return text.replace(
    /\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+)|(\?))/g,
    (_, braced?: string, otherwise?: string, bare?: string, status?: string) =>
      status === undefined
        ? (container.environment.get(braced ?? bare ?? '') ?? otherwise ?? '')
        : String(last),
  );
}

function tokensOf(line: string, container: Container, last: number): Token[] {
  const tokens: Token[] = [];
  let word: string | undefined;
  let quoted = false;
  const end = (): void => {
    if (word !== undefined) tokens.push({ word, quoted });
    word = undefined;
    quoted = false;
  };
  for (let at = 0; at < line.length; ) {
    const rest = line.slice(at);
    const operator = /^(2>&1|1?>&2|2>>|2>|>>|>|&&|\|\||;|\||\n)/.exec(rest)?.[0];
    const single = /^'([^']*)'?/.exec(rest);
    const double = /^"((?:\\.|[^"\\])*)"?/.exec(rest);
    if (operator !== undefined && !(/^\d/.test(operator) && word !== undefined)) {
      end();
      tokens.push({ operator: operator === '\n' ? ';' : operator });
      at += operator.length;
    } else if (/^\s/.test(rest)) {
      end();
      at += 1;
    } else if (rest.startsWith('#') && word === undefined) break;
    else if (single !== null) {
      word = (word ?? '') + (single[1] ?? '');
      quoted = true;
      at += single[0].length;
    } else if (double !== null) {
      word = (word ?? '') + expand((double[1] ?? '').replace(/\\(["\\])/g, '$1'), container, last);
      quoted = true;
      at += double[0].length;
    } else if (rest.startsWith('\\')) {
      word = (word ?? '') + (rest[1] ?? '');
      at += 2;
    } else {
      const plain = /^[^\s'"\\;|>&]+|^./.exec(rest)?.[0] ?? '';
      word = (word ?? '') + expand(plain, container, last);
      at += plain.length;
    }
  }
  end();
  return tokens;
}

class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super('exit');
    this.code = code;
  }
}

/** One program with its redirections. */
async function simple(
  tokens: readonly Token[],
  streams: Streams,
  container: Container,
  last: number,
): Promise<number> {
  const words: string[] = [];
  let { out, err } = streams;
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined) continue;
    if ('word' in token) {
      words.push(token.word);
      continue;
    }
    if (token.operator === '2>&1') {
      err = (bytes) => out(bytes);
      continue;
    }
    if (token.operator.endsWith('>&2')) {
      out = (bytes) => err(bytes);
      continue;
    }
    const target = tokens[at + 1];
    const path =
      target !== undefined && 'word' in target ? resolvePath(container.directory, target.word) : '/dev/null';
    at += 1;
    let content = token.operator.endsWith('>>')
      ? (container.files.read(path) ?? Buffer.alloc(0))
      : Buffer.alloc(0);
    const write = (bytes: Buffer | string): void => {
      content = Buffer.concat([content, Buffer.from(bytes)]);
      if (path !== '/dev/null') container.files.write(path, content);
    };
    write('');
    if (token.operator.startsWith('2')) err = write;
    else out = write;
  }
  const [name = '', ...args] = words;
  const assignment = /^(\w+)=(.*)$/s.exec(name);
  if (assignment !== null && args.length === 0) {
    container.environment.set(assignment[1] ?? '', assignment[2] ?? '');
    return 0;
  }
  switch (name) {
    case '':
      return last;
    case 'exit':
      throw new Exit(args[0] === undefined ? last : Number(args[0]) & 255);
    case 'cd': {
      const path = resolvePath(container.directory, args[0] ?? '/root');
      if (!container.files.isDirectory(path)) {
        err(`sh: 1: cd: can't cd to ${args[0] ?? ''}\n`);
        return 2;
      }
      container.directory = path;
      return 0;
    }
    case 'export': {
      for (const pair of args) {
        const [, key = '', value = ''] = /^(\w+)=(.*)$/s.exec(pair) ?? [];
        if (key !== '') container.environment.set(key, value);
      }
      return 0;
    }
    case 'command':
      if (args[0] === '-v' || args[0] === '-V') {
        const path = pathOf(args[1] ?? '');
        if (path !== undefined) out(`${path}\n`);
        return path === undefined ? 127 : 0;
      }
      return args.length === 0 ? 0 : run(args, { ...streams, out, err }, container);
    case 'exec':
      // In its place: what ends it ends the shell.
      if (args.length > 0) throw new Exit(await run(args, { ...streams, out, err }, container, streams.tty));
      return 0;
    default:
      try {
        return await run(words, { input: streams.input, out, err }, container);
      } catch (error) {
        if (!(error instanceof NoSuchProgram)) throw error;
        err(`sh: 1: ${name}: not found\n`);
        return 127;
      }
  }
}

function split(
  tokens: readonly Token[],
  operators: readonly string[],
): { readonly before: string; readonly tokens: Token[] }[] {
  const parts: { before: string; tokens: Token[] }[] = [{ before: ';', tokens: [] }];
  for (const token of tokens) {
    if ('operator' in token && operators.includes(token.operator))
      parts.push({ before: token.operator, tokens: [] });
    else parts.at(-1)?.tokens.push(token);
  }
  return parts;
}

async function pipeline(
  tokens: readonly Token[],
  streams: Streams,
  container: Container,
  last: number,
): Promise<number> {
  const parts = split(tokens, ['|']);
  let { input } = streams;
  let code = 0;
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1) return simple(part.tokens, { ...streams, input }, container, last);
    const held: Buffer[] = [];
    code = await simple(
      part.tokens,
      { ...streams, input, out: (bytes) => held.push(Buffer.from(bytes)) },
      container,
      last,
    );
    input = inputOf(Buffer.concat(held));
  }
  return code;
}

async function script(text: string, streams: Streams, container: Container, last = 0): Promise<number> {
  let code = last;
  for (const part of split(tokensOf(text, container, last), [';', '&&', '||'])) {
    if (container.signal.aborted) return 137;
    if (
      (part.before === '&&' && code !== 0) ||
      (part.before === '||' && code === 0) ||
      part.tokens.length === 0
    )
      continue;
    code = await pipeline(part.tokens, streams, container, code);
  }
  return code;
}

const exited = (error: unknown): number => {
  if (error instanceof Exit) return error.code;
  throw error;
};

/** Reads lines and runs them, without a terminal: `kubectl exec -i pod -- sh < script`. */
async function fromInput(streams: Streams, container: Container): Promise<number> {
  let held = '';
  let code = 0;
  for (let part = await streams.input.next(); part !== undefined; part = await streams.input.next()) {
    held += part.toString();
    const lines = held.split('\n');
    held = lines.pop() ?? '';
    for (const line of lines) code = await script(line, streams, container, code);
  }
  return held === '' ? code : script(held, streams, container, code);
}

/** With a terminal: a prompt, what is typed comes back, Backspace, Ctrl-C, Ctrl-D. */
async function interactive(streams: Streams, container: Container): Promise<number> {
  const cooked = (bytes: Buffer | string): void => streams.out(bytes.toString().replace(/\r?\n/g, '\r\n'));
  const inner: Streams = { ...streams, out: cooked, err: cooked };
  const prompt = (): void => streams.out(`${container.directory === '/root' ? '~' : container.directory} # `);
  let line = '';
  let code = 0;
  prompt();
  for (let part = await streams.input.next(); part !== undefined; part = await streams.input.next()) {
    for (const key of part.toString()) {
      if (key === '\r' || key === '\n') {
        streams.out('\r\n');
        code = await script(line, inner, container, code);
        line = '';
        prompt();
      } else if (key === '\u007f' || key === '\b') {
        if (line !== '') streams.out('\b \b');
        line = line.slice(0, -1);
      } else if (key === '\u0003') {
        streams.out('^C\r\n');
        line = '';
        prompt();
      } else if (key === '\u0004') {
        if (line === '') return code;
      } else if (key >= ' ') {
        line += key;
        streams.out(key);
      }
    }
  }
  return code;
}

const bareName = (name: string): string => name.replace(/^(\/usr)?(\/local)?\/s?bin\//, '');

/** Where a program is, as `command -v` prints it; undefined for one that the image does not have. */
function pathOf(name: string): string | undefined {
  if (shells.test(name)) return `/bin/${name.replace(/^.*\//, '')}`;
  return programs[bareName(name)] === undefined ? undefined : `/usr/bin/${bareName(name)}`;
}

const shells = /^(?:\/(?:usr\/)?bin\/)?(?:sh|bash|ash|dash)$/;

/**
 * Runs a command in a container, as the runtime would.
 * @throws NoSuchProgram for one that the image does not have.
 */
export async function run(
  words: readonly string[],
  streams: Streams,
  container: Container,
  tty = false,
): Promise<number> {
  const [name = '', ...args] = words;
  try {
    if (shells.test(name)) {
      const at = args.findIndex((arg) => /^-[a-z]*c$/.test(arg));
      if (at >= 0) return await script(args[at + 1] ?? '', { ...streams, tty }, container);
      return await (tty ? interactive(streams, container) : fromInput(streams, container));
    }
    const program = programs[bareName(name)];
    if (program === undefined) throw new NoSuchProgram(name);
    return await program(args, streams, container);
  } catch (error) {
    return exited(error);
  }
}
