/** Data is painted at most this often; keys at once. */
const dataFrameEveryMs = 100;

/** Frames of data take this share of the time at most, and become rarer for it, down to four a second. */
const dataFrameShare = 0.06;
const dataFrameAtLeastEveryMs = 250;

/** Ages are text that changes by itself. */
export const tickEveryMs = 1000;

/** A spinner that turns faster costs a frame each time. */
const spinEveryMs = 250;

const spinnerFrames: readonly string[] = ['|', '/', '-', '\\'];

/** The spinner of this moment. */
export const spinnerAt = (now: number): string =>
  spinnerFrames[Math.floor(now / spinEveryMs) % spinnerFrames.length] ?? '';

/** When the next frame is drawn, by what asks for it. Keys do not ask: they are drawn by who pressed them. */
export interface Pace {
  /** At the end of this turn of the loop: several causes are one frame. */
  readonly soon: () => void;
  /** Data came: as soon as data may have a frame again. */
  readonly data: () => void;
  /** A spinner on the screen turns. */
  readonly spin: () => void;
  readonly stop: () => void;
}

export interface PaceParts {
  readonly draw: () => void;
  /** Once a second; false where nothing on the screen can have changed by itself. */
  readonly tick: () => boolean;
  /** The terminal has not taken the last frame yet: data waits. */
  readonly isBackedUp: () => boolean;
}

export function createPace({ draw, tick, isBackedUp }: PaceParts): Pace {
  let isQueued = false;
  let dataTimer: NodeJS.Timeout | undefined;
  let spinTimer: NodeJS.Timeout | undefined;
  /** When the next frame of data may be drawn, on the clock of `performance.now`. */
  let dataAgainMs = Number.NEGATIVE_INFINITY;

  function data(): void {
    dataTimer ??= setTimeout(
      () => {
        dataTimer = undefined;
        const startedMs = performance.now();
        dataAgainMs = startedMs + dataFrameEveryMs;
        if (isBackedUp()) {
          data();
          return;
        }
        draw();
        const pauseMs = (performance.now() - startedMs) / dataFrameShare;
        dataAgainMs = startedMs + Math.min(Math.max(pauseMs, dataFrameEveryMs), dataFrameAtLeastEveryMs);
      },
      Math.max(0, dataAgainMs - performance.now()),
    );
  }

  const ticker = setInterval(() => {
    if (tick() && !isBackedUp()) draw();
  }, tickEveryMs);

  return {
    soon() {
      if (isQueued) return;
      isQueued = true;
      setImmediate(() => {
        isQueued = false;
        draw();
      });
    },
    data,
    spin() {
      spinTimer ??= setTimeout(() => {
        spinTimer = undefined;
        draw();
      }, spinEveryMs);
    },
    stop() {
      clearInterval(ticker);
      clearTimeout(dataTimer);
      clearTimeout(spinTimer);
    },
  };
}
