/** Why a frame is wanted: a key is answered at once, data waits its turn. */
export type FrameReason = 'key' | 'data';

export interface FramePump {
  readonly request: (reason: FrameReason) => void;
  /** No more frames; what was requested is forgotten. */
  readonly stop: () => void;
}

export interface PumpParts {
  /** Renders the newest state; the frame is on its way when it returns. */
  readonly draw: () => void;
  /** The terminal has not taken the frame before. */
  readonly isBackedUp: () => boolean;
  /** Milliseconds that only grow. Default: `performance.now`. */
  readonly now?: () => number;
}

/** 10 data frames a second: below what the eye calls lag, and a tenth of the cost of drawing on every event. */
const dataFrameEveryMs = 100;
/** How soon to look again whether a slow terminal has caught up. */
const retryMs = 50;

/** At most one data frame per interval and none while the terminal is behind; keys draw in the same turn. */
export function createFramePump({ draw, isBackedUp, now = () => performance.now() }: PumpParts): FramePump {
  let timer: NodeJS.Timeout | undefined;
  let lastAt = Number.NEGATIVE_INFINITY;
  let isStopped = false;

  function drawNow(): void {
    clearTimeout(timer);
    timer = undefined;
    lastAt = now();
    draw();
  }

  function onTime(): void {
    timer = undefined;
    if (isBackedUp()) later(retryMs);
    else drawNow();
  }

  function later(ms: number): void {
    timer = setTimeout(onTime, ms);
    timer.unref();
  }

  return {
    request(reason) {
      if (isStopped) return;
      // A key frame also when the link is slow: it replaces the frame that waits, and it is what the person waits for.
      if (reason === 'key') return drawNow();
      if (timer !== undefined) return;
      later(isBackedUp() ? retryMs : Math.max(0, lastAt + dataFrameEveryMs - now()));
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
