import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type IPty, spawn } from '@lydell/node-pty';
import xterm from '@xterm/headless';

export const repository: string = resolve(import.meta.dirname, '../..');
export const launcher: string = join(repository, 'bin/mltop');

export interface ProgramOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly command?: string;
  /** A link that is slow: what it still holds has not come, and nobody reads the pseudo-terminal while it is full. */
  readonly bytesPerSecond?: number;
}

/** What a slow link holds before the sender has to wait. */
const linkBytes = 64 * 1024;

/** Bytes that a slow link brings at once. */
const linkPiece = 80;

/** Keys by name; anything else is typed as it stands. */
const keyBytes: Readonly<Record<string, string>> = {
  Enter: '\r',
  Escape: '\x1b',
  Tab: '\t',
  'Shift-Tab': '\x1b[Z',
  Up: '\x1b[A',
  Down: '\x1b[B',
  Right: '\x1b[C',
  Left: '\x1b[D',
  PageUp: '\x1b[5~',
  PageDown: '\x1b[6~',
  Home: '\x1b[H',
  End: '\x1b[F',
  Space: ' ',
  Backspace: '\x7f',
};

/** `Ctrl-Z` is byte 26; names of `keyBytes`; the rest as typed. */
function bytesOf(key: string): string {
  const control = /^Ctrl-(.)$/.exec(key)?.[1];
  if (control !== undefined) return String.fromCharCode(control.toUpperCase().charCodeAt(0) & 31);
  return keyBytes[key] ?? key;
}

/** A program in a pseudo-terminal, its screen read through a terminal emulator. */
export class Program {
  readonly terminal: xterm.Terminal;
  readonly pty: IPty;
  /** Every byte that came, in order. */
  bytes = 0;
  /** performance.now() of the newest byte. */
  lastByteAt: number = performance.now();
  readonly startedAt: number = performance.now();
  #written: Promise<void> = Promise.resolve();
  #exit: Promise<number>;
  #exited = false;
  #linkFreeAt = 0;

  constructor(args: readonly string[], options: ProgramOptions = {}) {
    const columns = options.columns ?? 120;
    const rows = options.rows ?? 36;
    const {
      CI: _ci,
      CONTINUOUS_INTEGRATION: _ci2,
      NO_COLOR: _no,
      FORCE_COLOR: _force,
      TMUX: _tmux,
      ...inherited
    } = process.env;
    this.terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 0 });
    this.pty = spawn(options.command ?? launcher, [...args], {
      name: 'xterm-256color',
      cols: columns,
      rows,
      cwd: repository,
      env: { ...inherited, LANG: 'C.UTF-8', COLORTERM: 'truecolor', ...options.env } as Record<
        string,
        string
      >,
    });
    this.pty.onData((data) => {
      if (options.bytesPerSecond === undefined) this.#arrive(data);
      else this.#carry(data, options.bytesPerSecond);
    });
    this.terminal.onData((data) => {
      if (!this.#exited) this.pty.write(data);
    });
    this.#exit = new Promise((done) => {
      this.pty.onExit(({ exitCode }) => {
        this.#exited = true;
        done(exitCode);
      });
    });
  }

  #arrive(data: string): void {
    this.bytes += Buffer.byteLength(data);
    this.lastByteAt = performance.now();
    this.#written = new Promise((done) => this.terminal.write(data, done));
  }

  /** Over a slow link: piece after piece, each when the ones before it are through. */
  #carry(data: string, bytesPerSecond: number): void {
    for (let at = 0; at < data.length; at += linkPiece) {
      const piece = data.slice(at, at + linkPiece);
      const now = performance.now();
      this.#linkFreeAt = Math.max(now, this.#linkFreeAt) + (Buffer.byteLength(piece) / bytesPerSecond) * 1000;
      setTimeout(() => this.#arrive(piece), this.#linkFreeAt - now);
    }
    const waitMs = this.#linkFreeAt - performance.now() - (linkBytes / bytesPerSecond) * 1000;
    if (waitMs <= 0) return;
    this.pty.pause();
    setTimeout(() => this.pty.resume(), waitMs);
  }

  /** Types keys one after the other, each as a terminal sends it. */
  press(...keys: readonly string[]): void {
    for (const key of keys) this.pty.write(bytesOf(key));
  }

  resize(columns: number, rows: number): void {
    this.terminal.resize(columns, rows);
    this.pty.resize(columns, rows);
  }

  lines(): string[] {
    const buffer = this.terminal.buffer.active;
    return Array.from({ length: this.terminal.rows }, (_, y) =>
      (buffer.getLine(buffer.viewportY + y)?.translateToString(true, 0, this.terminal.cols) ?? '').trimEnd(),
    );
  }

  screen(): string {
    return this.lines().join('\n');
  }

  /** The screen once it matches, with the wait in ms since the call. Fails with the screen in the message. */
  async waitFor(
    pattern: RegExp | ((screen: string) => boolean),
    timeoutMs = 15_000,
  ): Promise<{ screen: string; ms: number }> {
    const start = performance.now();
    const matches = typeof pattern === 'function' ? pattern : (screen: string) => pattern.test(screen);
    for (;;) {
      await this.#written;
      const screen = this.screen();
      if (matches(screen)) return { screen, ms: performance.now() - start };
      if (performance.now() - start > timeoutMs) {
        throw new Error(`the screen never matched ${String(pattern)} in ${timeoutMs} ms:\n${screen}`);
      }
      await new Promise((next) => setTimeout(next, 5));
    }
  }

  /** Resolves once nothing came for `ms`. */
  async quiet(ms = 150, timeoutMs = 10_000): Promise<void> {
    const start = performance.now();
    while (performance.now() - this.lastByteAt < ms && performance.now() - start < timeoutMs) {
      await new Promise((next) => setTimeout(next, 10));
    }
    await this.#written;
  }

  /** The exit code once the program has ended by itself. */
  async exit(timeoutMs = 10_000): Promise<number> {
    const code = await Promise.race([
      this.#exit,
      new Promise<undefined>((late) => setTimeout(() => late(undefined), timeoutMs).unref()),
    ]);
    if (code === undefined) throw new Error(`the program did not end in ${timeoutMs} ms:\n${this.screen()}`);
    await this.#written;
    return code;
  }

  /** Resident memory in MB and CPU time in ms so far (Linux). */
  usage(): { rssMb: number; peakMb: number; cpuMs: number } {
    const status = readFileSync(`/proc/${this.pty.pid}/status`, 'utf8');
    const field = (name: string): number =>
      Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
    const stat = readFileSync(`/proc/${this.pty.pid}/stat`, 'utf8');
    const [user = 0, system = 0] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
      .map(Number);
    return { rssMb: field('VmRSS'), peakMb: field('VmHWM'), cpuMs: (user + system) * 10 };
  }

  /** Ends it whatever it does. */
  kill(): void {
    if (!this.#exited) this.pty.kill('SIGKILL');
  }
}
