import { createWorld, type World } from '../scenario/world.ts';
import type { ServedStore } from '../store.ts';

/** What every controller works with. */
export interface Bench {
  readonly store: ServedStore;
  readonly now: () => number;
  /** The story's hands, with the clock set to now. */
  world(): World;
  /** Runs something a little later, unless the cluster has stopped by then. */
  later(ms: number, run: () => void): void;
  stop(): void;
}

export function createBench(store: ServedStore, now: () => number): Bench {
  const timers = new Set<NodeJS.Timeout>();
  const world = createWorld(store, now());
  return {
    store,
    now,
    world() {
      world.setNow(now());
      return world;
    },
    later(ms, run) {
      const timer = setTimeout(() => {
        timers.delete(timer);
        run();
      }, ms);
      timer.unref();
      timers.add(timer);
    },
    stop() {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}
