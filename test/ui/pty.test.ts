import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type IPty, spawn } from '@lydell/node-pty';
import xterm from '@xterm/headless';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inkOutputPlugin } from '../../.build/ink-output.mjs';

const folder = mkdtempSync(join(tmpdir(), 'mltop-fixture-'));
const program = join(folder, 'fixture.mjs');

beforeAll(async () => {
  await build({
    entryPoints: [fileURLToPath(new URL('fixture.tsx', import.meta.url))],
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [inkOutputPlugin()],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  readonly pty: IPty;
  readonly screen: () => string;
  readonly terminal: xterm.Terminal;
  readonly until: (holds: () => boolean) => Promise<void>;
  readonly ended: Promise<{ exitCode: number; signal?: number | undefined }>;
}

/** The fixture in a pseudo terminal, read through an emulator that answers its questions. */
async function run(env: Readonly<Record<string, string>> = {}): Promise<Run> {
  const terminal = new xterm.Terminal({ cols: 60, rows: 12, allowProposedApi: true });
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(CI|CONTINUOUS_INTEGRATION|NO_COLOR|FORCE_COLOR|COLORFGBG)$/.test(name),
    ),
  );
  const pty = spawn(process.execPath, [program], {
    cols: 60,
    rows: 12,
    env: { ...clean, TERM: 'xterm-256color', ...env },
  });
  const ended = new Promise<{ exitCode: number; signal?: number | undefined }>((resolve) =>
    pty.onExit(resolve),
  );
  pty.onData((bytes) => terminal.write(bytes));
  terminal.onData((reply) => pty.write(reply));
  const screen = (): string => {
    const buffer = terminal.buffer.active;
    return Array.from(
      { length: buffer.length },
      (_, row) => buffer.getLine(row)?.translateToString(true) ?? '',
    ).join('\n');
  };
  async function until(holds: () => boolean): Promise<void> {
    const endAt = Date.now() + 15_000;
    while (!holds()) {
      if (Date.now() > endAt) throw new Error(`The screen did not come to that:\n${screen()}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  await until(() => screen().includes('<q>quit') && screen().includes('typed: unknown'));
  return { pty, screen, terminal, until, ended };
}

/** What a terminal must be like after any program: the normal screen, a cursor, wrapping, no modes left on. */
async function expectRestored(terminal: xterm.Terminal): Promise<void> {
  // The emulator reads what it was given a turn later.
  await new Promise<void>((resolve) => terminal.write('', resolve));
  expect(terminal.buffer.active.type).toBe('normal');
  expect(terminal.modes.wraparoundMode).toBe(true);
  expect(terminal.modes.bracketedPasteMode).toBe(false);
}

describe('the terminal is given back', () => {
  test.each([
    ['q', 'after quitting', 0, undefined, 'bye'],
    ['x', 'after process.exit', 7, undefined, ''],
    ['t', 'after SIGTERM', undefined, 15, ''],
    ['h', 'after SIGHUP', undefined, 1, ''],
    ['c', 'after SIGINT', undefined, 2, ''],
    ['u', 'after an error in a key', 1, undefined, 'thrown by a key'],
    ['r', 'after a promise that nobody caught', 1, undefined, 'a promise nobody caught'],
    ['e', 'after an error in a component', 3, undefined, 'broken in render'],
  ])(
    '%s: %s',
    async (key, _when, exitCode, signal, message) => {
      const { pty, terminal, screen, ended } = await run();
      expect(terminal.buffer.active.type).toBe('alternate');
      expect(terminal.modes.wraparoundMode).toBe(false);
      pty.write(key);
      const end = await ended;
      await new Promise<void>((resolve) => terminal.write('', resolve));
      if (exitCode !== undefined) expect(end.exitCode).toBe(exitCode);
      if (signal !== undefined) expect(end.signal).toBe(signal);
      await expectRestored(terminal);
      expect(screen()).toContain(message);
    },
    30_000,
  );
});

describe('the terminal is lent', () => {
  test('a child has screen and keys to itself, and afterwards everything is as before', async () => {
    const { pty, terminal, screen, until, ended } = await run();
    pty.write('s');
    await until(() => screen().includes('child has the terminal'));
    await expectRestored(terminal);
    pty.write('qqq\r');
    await until(() => screen().includes('child read qqq'));
    pty.write('\r');
    await until(
      () => screen().includes('typed: unknown true true s') && terminal.buffer.active.type === 'alternate',
    );
    expect(terminal.modes.bracketedPasteMode).toBe(true);
    pty.write('jq');
    expect((await ended).exitCode).toBe(0);
    await expectRestored(terminal);
  }, 30_000);

  test.runIf(process.platform === 'linux')(
    ':suspend stops the process with the terminal restored, and fg brings everything back',
    async () => {
      const { pty, terminal, screen, until, ended } = await run();
      pty.write('z');
      await until(() => terminal.buffer.active.type === 'normal');
      await expectRestored(terminal);
      await until(() => readFileSync(`/proc/${pty.pid}/stat`, 'utf8').includes(' T '));
      process.kill(pty.pid, 'SIGCONT');
      await until(
        () => screen().includes('typed: unknown true true z') && terminal.buffer.active.type === 'alternate',
      );
      pty.write('q');
      expect((await ended).exitCode).toBe(0);
    },
    30_000,
  );

  test.runIf(process.platform === 'linux')(
    'asked to stop from outside, it puts the terminal back first',
    async () => {
      const { pty, terminal, screen, until, ended } = await run();
      process.kill(pty.pid, 'SIGTSTP');
      await until(() => terminal.buffer.active.type === 'normal');
      await expectRestored(terminal);
      await until(() => readFileSync(`/proc/${pty.pid}/stat`, 'utf8').includes(' T '));
      process.kill(pty.pid, 'SIGCONT');
      await until(() => terminal.buffer.active.type === 'alternate' && screen().includes('<q>quit'));
      pty.write('q');
      expect((await ended).exitCode).toBe(0);
    },
    30_000,
  );

  test('stopped from outside and continued, the screen is painted again', async () => {
    const { pty, terminal, screen, until, ended } = await run();
    process.kill(pty.pid, 'SIGSTOP');
    terminal.write('\x1b[?1049l\x1b[2J\x1b[Hshell prompt');
    await until(() => screen().includes('shell prompt'));
    process.kill(pty.pid, 'SIGCONT');
    await until(() => screen().includes('<q>quit') && !screen().includes('shell prompt'));
    pty.write('q');
    expect((await ended).exitCode).toBe(0);
  }, 30_000);
});

test('a resize is painted whole, and rows that are too long never wrap', async () => {
  const { pty, terminal, screen, until, ended } = await run();
  for (const [columns, rows] of [
    [40, 8],
    [100, 20],
    [33, 10],
  ] as const) {
    terminal.resize(columns, rows);
    pty.resize(columns, rows);
    await until(
      () =>
        screen().includes(`fixture ${columns}x${rows}`) &&
        screen().split('\n').at(-1)?.includes('<q>quit') === true,
    );
    expect(screen().split('\n')[0]).toBe(` fixture ${columns}x${rows}`);
  }
  pty.write('q');
  expect((await ended).exitCode).toBe(0);
}, 30_000);

test('with somebody to tell, a promise nobody caught ends nothing', async () => {
  const { pty, until, screen, ended, terminal } = await run({ SURVIVE: '1' });
  pty.write('r');
  await until(() => screen().includes('typed: survived Error: a promise nobody caught'));
  pty.write('q');
  expect((await ended).exitCode).toBe(0);
  await until(() => screen().includes('bye'));
  await expectRestored(terminal);
});
