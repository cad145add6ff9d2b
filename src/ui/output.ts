import { EventEmitter } from 'node:events';
import { createScreen } from './diff.ts';

/**
 * The seam between Ink and the terminal. Ink (in its debug mode) hands over whole frames; here the newest one is compared
 * with what the terminal shows, and only the difference is written: one write at a time, never blocking, and when the link
 * is slow the frames in between are dropped. Frames are absolute, so dropping one loses nothing.
 */
export interface FrameOutput {
  readonly size: () => { readonly columns: number; readonly rows: number };
  /** Calls back after the size has changed. */
  readonly onResize: (listener: () => void) => () => void;
  /** A whole frame, lines separated by `\n`. */
  readonly frame: (text: string) => void;
  /** Bytes that are no frame (title, clipboard, queries), in order with the frames; dropped while held. */
  readonly control: (bytes: string) => void;
  /** The terminal is someone else's: frames are kept, not written, until `release`, which paints everything again. */
  readonly hold: () => void;
  readonly release: () => void;
  /** Calls back when the terminal is ours again and everything has to be painted. */
  readonly onRelease: (listener: () => void) => () => void;
  /** True while the newest frame has not reached the terminal: no use in making another one for new data. */
  readonly isBackedUp: () => boolean;
  /** Resolves when everything has been written, or after `withinMs`. */
  readonly settled: (withinMs: number) => Promise<void>;
  /** The terminal answered the question that flow control asks. */
  readonly acknowledge: () => void;
  /** Something came from the terminal: whoever holds it sees it. */
  readonly heard: () => void;
  /** The terminal is known to answer queries: slow links are measured from end to end from now on. */
  readonly startFlowControl: () => void;
  readonly close: () => void;
  readonly stats: FrameStats;
}

export interface FrameStats {
  frames: number;
  dropped: number;
  bytes: number;
}

export interface FrameOutputOptions {
  readonly stdout: TerminalSink;
  /** The terminal has gone away (EPIPE, EIO): nothing can be shown any more. */
  readonly onBroken?: (error: Error) => void;
}

/** What a terminal's output stream has; `process.stdout` where it is a terminal. */
export interface TerminalSink {
  readonly columns: number;
  readonly rows: number;
  readonly write: (bytes: string, done?: (error?: Error | null) => void) => boolean;
  readonly on: (event: 'resize' | 'error', listener: (error: Error) => void) => unknown;
  readonly off: (event: 'resize' | 'error', listener: (error: Error) => void) => unknown;
}

/** A write this small arrives in one piece anyhow, so it needs no synchronised update (DEC mode 2026) around it. */
const smallWrite = 120;
/** Bytes without an answer from which on the terminal is asked for one, and bytes that may be under way at most. */
const askFrom = 1024;
const mostUnderWay = 2048;
/** An answer that takes longer than this, and the time of the bytes before it at 8 kbit/s, is overdue. */
const answerWithinMs = 2000;
/** While nothing at all comes, the question is asked again so often; each fifth time with the newest frame before it. */
const framesEvery = 5;
const question = '\x1b[5n';

export function createFrameOutput({ stdout, onBroken = () => undefined }: FrameOutputOptions): FrameOutput {
  const events = new EventEmitter();
  const stats: FrameStats = { frames: 0, dropped: 0, bytes: 0 };
  const size = (): { columns: number; rows: number } => ({
    columns: stdout.columns || 80,
    rows: stdout.rows || 24,
  });
  let screen = createScreen(size().columns, size().rows);
  let newest: string | undefined;
  /** The last frame, written or not: what `release` and a resize paint again. */
  let last: string | undefined;
  let writing = 0;
  let isHeld = false;
  let isClosed = false;
  const flow = createFlow(
    () => flush(),
    (bytes) => {
      if (!isHeld && !isClosed && writing === 0) write(bytes);
    },
  );

  function write(bytes: string): void {
    writing++;
    stats.bytes += bytes.length;
    stdout.write(bytes, () => {
      writing--;
      flush();
      if (writing === 0 && newest === undefined) events.emit('settled');
    });
  }

  function flush(): void {
    if (newest === undefined || isHeld || isClosed || writing > 0 || flow.isFull()) return;
    const text = newest;
    newest = undefined;
    const change = screen.paint(text.split('\n'));
    if (change === '') {
      events.emit('settled');
      return;
    }
    stats.frames++;
    const bytes = change.length <= smallWrite ? change : `\x1b[?2026h${change}\x1b[?2026l`;
    write(bytes + flow.account(bytes.length));
  }

  function frame(text: string): void {
    if (isClosed) return;
    if (newest !== undefined) stats.dropped++;
    newest = text;
    last = text;
    flush();
  }

  const onResize = (): void => {
    screen = createScreen(size().columns, size().rows);
    events.emit('resize');
  };
  const onError = (error: Error): void => {
    isClosed = true;
    newest = undefined;
    events.emit('settled');
    onBroken(error);
  };
  stdout.on('resize', onResize);
  stdout.on('error', onError);

  return {
    size,
    frame,
    stats,
    onResize(listener) {
      events.on('resize', listener);
      return () => events.off('resize', listener);
    },
    control(bytes) {
      if (!isClosed && !isHeld) write(bytes);
    },
    hold() {
      isHeld = true;
    },
    release() {
      isHeld = false;
      screen.forget();
      newest = newest ?? last;
      flow.reset();
      flush();
      events.emit('release');
    },
    onRelease(listener) {
      events.on('release', listener);
      return () => events.off('release', listener);
    },
    isBackedUp: () => newest !== undefined || writing > 0,
    settled(withinMs) {
      if (isClosed || (writing === 0 && (newest === undefined || isHeld))) return Promise.resolve();
      return new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          events.off('settled', done);
          resolve();
        };
        const timer = setTimeout(done, withinMs);
        events.once('settled', done);
      });
    },
    acknowledge: flow.acknowledge,
    heard: flow.heard,
    startFlowControl: flow.enable,
    close() {
      isClosed = true;
      newest = undefined;
      flow.reset();
      stdout.off('resize', onResize);
      // The error listener stays: a late EPIPE must not become an uncaught exception.
    },
  };
}

interface Flow {
  readonly enable: () => void;
  /** Counts written bytes; gives the question to append, or nothing. */
  readonly account: (bytes: number) => string;
  readonly acknowledge: () => void;
  readonly heard: () => void;
  readonly isFull: () => boolean;
  readonly reset: () => void;
}

/**
 * How much is under way between us and the person's eyes. The kernel takes up to 64 kB for a pseudo terminal before a write
 * waits, and SSH takes more: at 64 kbit/s that is many seconds of frames that nobody wants any more. So every kilobyte or so
 * the terminal is asked for its status (DSR 5), and what it has not answered for is under way.
 *
 * An answer that does not come means one of two things. Keys come all the same: the answer was lost, or this terminal gives
 * none (another one was attached); it is not waited for until one comes. Nothing comes at all: the link hangs, and what is
 * written now would have to be waited for when it is back; so little is written until then.
 */
function createFlow(onRoom: () => void, ask: (bytes: string) => void): Flow {
  let isKnown = false;
  let isTrusted = false;
  let underWay = 0;
  let asked: number | undefined;
  let wasHeard = false;
  let overdueTimes = 0;
  let questions = 0;
  let timer: NodeJS.Timeout | undefined;
  const reset = (): void => {
    clearTimeout(timer);
    underWay = 0;
    asked = undefined;
    overdueTimes = 0;
  };
  const wait = (): void => {
    wasHeard = false;
    timer = setTimeout(overdue, answerWithinMs + underWay);
    timer.unref();
  };
  function overdue(): void {
    if (wasHeard || !isTrusted) {
      isTrusted = false;
      reset();
      onRoom();
      return;
    }
    overdueTimes++;
    if (overdueTimes % framesEvery === 0) {
      const before = questions;
      asked = undefined;
      underWay = mostUnderWay;
      onRoom();
      // The frame that went took a question along.
      if (questions > before) return;
      asked = underWay;
    }
    ask(question);
    wait();
  }
  return {
    reset,
    enable() {
      isKnown = true;
      isTrusted = true;
    },
    account(bytes) {
      if (!isKnown) return '';
      underWay += bytes;
      if (asked !== undefined || underWay < askFrom) return '';
      asked = underWay;
      questions++;
      clearTimeout(timer);
      wait();
      return question;
    },
    acknowledge() {
      isTrusted = isKnown;
      overdueTimes = 0;
      if (asked === undefined) return;
      clearTimeout(timer);
      underWay = Math.max(0, underWay - asked);
      asked = undefined;
      onRoom();
    },
    heard() {
      wasHeard = true;
    },
    isFull: () => isTrusted && asked !== undefined && underWay >= mostUnderWay,
  };
}

/** Switches between waiting writes (Node's default for a terminal) and queued ones. Where Node has no such switch, nothing happens. */
export function setBlocking(stdout: object, isBlocking: boolean): void {
  const handle: unknown = Reflect.get(stdout, '_handle');
  if (typeof handle !== 'object' || handle === null || !('setBlocking' in handle)) return;
  const { setBlocking: set } = handle;
  if (typeof set === 'function') set.call(handle, isBlocking);
}
