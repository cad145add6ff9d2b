import { PassThrough, Writable } from 'node:stream';
import xterm from '@xterm/headless';
import type { ComponentType } from 'react';
import { type Key, keyName } from '../../src/ui/keys.ts';
import { type Mounted, mount, type ScreenSize } from '../../src/ui/mount.tsx';
import type { FrameReason } from '../../src/ui/pump.ts';
import { createTerminal, type Terminal } from '../../src/ui/terminal.ts';

/** Bytes of keys by the names that `keyName` gives; anything else is typed as it is. */
const bytesOf: Readonly<Record<string, string>> = {
  enter: '\r',
  tab: '\t',
  'shift-tab': '\x1b[Z',
  esc: '\x1b',
  space: ' ',
  backspace: '\x7f',
  delete: '\x1b[3~',
  up: '\x1b[A',
  down: '\x1b[B',
  right: '\x1b[C',
  left: '\x1b[D',
  home: '\x1b[H',
  end: '\x1b[F',
  pageup: '\x1b[5~',
  pagedown: '\x1b[6~',
  'shift-left': '\x1b[1;2D',
  'shift-right': '\x1b[1;2C',
  'ctrl-space': '\x00',
  'ctrl-\\': '\x1c',
};

function bytesOfKey(name: string): string {
  const known = bytesOf[name];
  if (known !== undefined) return known;
  const control = /^ctrl-([a-z])$/.exec(name)?.[1];
  if (control !== undefined) return String.fromCharCode(control.charCodeAt(0) - 0x60);
  return name.startsWith('alt-') ? `\x1b${name.slice(4)}` : name;
}

export interface FakeTerminal {
  /** Presses keys by name (`ctrl-d`, `enter`, `j`) and resolves when the screen has settled. */
  readonly press: (...keys: readonly string[]) => Promise<void>;
  /** Types a text, a key each. */
  readonly type: (text: string) => Promise<void>;
  readonly paste: (text: string) => Promise<void>;
  readonly resize: (columns: number, rows: number) => Promise<void>;
  /** The screen as text, a line a row, without the blanks at the ends. */
  readonly frame: () => string;
  readonly lines: () => readonly string[];
  /** The colours and attributes of a cell, as the terminal sees them: `fg`, `bg` as numbers (-1 for the default). */
  readonly cell: (
    row: number,
    column: number,
  ) => {
    readonly text: string;
    readonly fg: number;
    readonly bg: number;
    readonly bold: boolean;
    readonly inverse: boolean;
  };
  /** Resolves when the screen satisfies it; rejects with the screen after `withinMs`. */
  readonly until: (holds: (frame: string) => boolean, withinMs?: number) => Promise<void>;
  readonly settled: () => Promise<void>;
  /** Bytes written to the terminal so far. */
  readonly bytes: () => number;
  /** Everything written since the last call. */
  readonly written: () => string;
  readonly terminal: Terminal;
  readonly requestFrame: (reason: FrameReason) => void;
  readonly close: () => Promise<void>;
}

export interface FakeOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly onKey?: (key: Key, name: string) => void;
  readonly renderer?: 'frames' | 'stock';
}

/** A terminal of a fixed size with our own output, input and Ink behind it, read through a real terminal emulator. */
export async function openTerminal(
  App: ComponentType<ScreenSize>,
  options: FakeOptions = {},
): Promise<FakeTerminal> {
  const { columns = 80, rows = 24, onKey = () => undefined, renderer = 'frames' } = options;
  // A line feed also returns the carriage, as the kernel's terminal does for programs that leave ONLCR on.
  const emulator = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, convertEol: true });
  let sent = '';
  let total = 0;
  const sink = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      sent += String(chunk);
      total += Buffer.byteLength(String(chunk));
      emulator.write(String(chunk), () => done());
    },
  });
  const stdout = Object.assign(sink, { columns, rows });
  const stdin = new PassThrough();
  const terminal = createTerminal({
    stdin,
    stdout,
    stderr: { write: () => true },
    env: { TERM: 'xterm-256color' },
    onGone: () => undefined,
  });
  terminal.start();
  const mounted: Mounted = mount(App, { terminal, renderer, onKey: (key) => onKey(key, keyName(key)) });

  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  async function settled(): Promise<void> {
    // Input, React and the emulator each take a turn; nothing of it waits for a clock.
    for (let turns = 0; turns < 3; turns++) await turn();
    await terminal.output.settled(5000);
    await new Promise<void>((resolve) => emulator.write('', resolve));
  }
  const lines = (): string[] => {
    const buffer = emulator.buffer.active;
    return Array.from(
      { length: emulator.rows },
      (_, row) => buffer.getLine(row)?.translateToString(true, 0, emulator.cols).trimEnd() ?? '',
    );
  };
  const frame = (): string => lines().join('\n');
  async function send(bytes: string): Promise<void> {
    stdin.write(bytes);
    await settled();
  }
  await settled();

  return {
    terminal,
    frame,
    lines,
    settled,
    requestFrame: mounted.requestFrame,
    async press(...keys) {
      for (const key of keys) {
        await send(bytesOfKey(key));
        // A lone escape byte is a key only after a while.
        if (key === 'esc') await new Promise((resolve) => setTimeout(resolve, 40)).then(settled);
      }
    },
    type: send,
    paste: (text) => send(`\x1b[200~${text}\x1b[201~`),
    async resize(toColumns, toRows) {
      Object.assign(stdout, { columns: toColumns, rows: toRows });
      emulator.resize(toColumns, toRows);
      sink.emit('resize');
      await settled();
    },
    cell(row, column) {
      const cell = emulator.buffer.active.getLine(row)?.getCell(column);
      return {
        text: cell?.getChars() ?? '',
        fg: cell?.getFgColor() ?? -1,
        bg: cell?.getBgColor() ?? -1,
        bold: Boolean(cell?.isBold()),
        inverse: Boolean(cell?.isInverse()),
      };
    },
    async until(holds, withinMs = 5000) {
      const endAt = performance.now() + withinMs;
      while (!holds(frame())) {
        if (performance.now() > endAt) throw new Error(`The screen did not come to that:\n${frame()}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    bytes: () => total,
    written() {
      const bytes = sent;
      sent = '';
      return bytes;
    },
    async close() {
      await mounted.unmount();
      await terminal.stop();
      emulator.dispose();
    },
  };
}
