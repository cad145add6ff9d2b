/** What the process holds, in bytes, as `process.memoryUsage` says. */
export interface Held {
  readonly rss: number;
  readonly heapUsed: number;
}

export interface MemoryOptions {
  readonly held: () => Held;
  /** One full collection that also returns V8's pool of free pages. Undefined where Node was started without `--expose-gc`. */
  readonly collect: (() => void) | undefined;
  /**
   * From now on a collection comes as soon as the heap is so many percent larger than after the one before. V8 reads its
   * flag `heap-growing-percent` at each collection (V8 13.6, heap/memory-controller.cc).
   */
  readonly limitGrowth: (percent: number) => void;
  /** Milliseconds since the last key. */
  readonly quietMs: () => number;
  /** Milliseconds on a clock that never jumps. */
  readonly now: () => number;
}

export interface Memory {
  /** Called each second. */
  readonly watch: () => void;
  /** Gives memory back if it is worth it and disturbs nobody; true when it did. */
  readonly look: () => boolean;
}

/** Nobody is at the keys who would notice a pause of a tenth of a second. */
const quietEnoughMs = 5000;
/** From this heap on the pause is 0.2 s and more, and waits until the person looks elsewhere. */
const largeHeap = 100 * 1024 * 1024;
const quietEnoughForLargeMs = 60_000;
const againAfterMs = 120_000;
/** So much more than after the last time. */
const growth = 1.15;

/** The first lists of a usual cluster are read with less than this; from here on a heap must not double. */
const startHeap = 64 * 1024 * 1024;
/** By then they are read. */
const startMs = 10_000;
const growthPercent = 25;

/**
 * Keeps the process small. While the first lists come in V8 grows as it likes, for collections cost time that a person
 * waits for; from then on the heap stays close to what lives in it: left alone it doubles under the garbage of lists that
 * are read again, and its pages, like the holes between network buffers that die late, are never given back.
 *
 * Gives back to the system what a first list or hours of events have left behind: V8 keeps the pages that it has freed, up
 * to as much again as the heap, and only returns them where nothing is allocated for 8 s, which a live cluster never lets
 * happen (V8 13.6, heap/memory-allocator, `flavor: 'last-resort'` of `gc`).
 */
export function createMemory({ held, collect, limitGrowth, quietMs, now }: MemoryOptions): Memory {
  let lowest = 0;
  let againMs = Number.NEGATIVE_INFINITY;
  let isLimited = false;
  const startedMs = now();
  return {
    watch() {
      if (isLimited || (held().heapUsed < startHeap && now() - startedMs < startMs)) return;
      isLimited = true;
      limitGrowth(growthPercent);
    },
    look() {
      if (collect === undefined || quietMs() < quietEnoughMs || now() < againMs) return false;
      const { rss, heapUsed } = held();
      if (rss < lowest * growth) return false;
      if (heapUsed > largeHeap && quietMs() < quietEnoughForLargeMs) return false;
      collect();
      lowest = held().rss;
      againMs = now() + againAfterMs;
      return true;
    },
  };
}
