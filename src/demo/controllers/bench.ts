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
  let known: World | undefined;
  return {
    store,
    now,
    world() {
      // Made when it is first needed: from then on it follows every pod.
      known ??= createWorld(store, now());
      known.setNow(now());
      return known;
    },
    later(ms, run) {
      const timer = setTimeout(() => {
        timers.delete(timer);
        try {
          run();
        } catch (error) {
          // Objects of files may lack what every real one has; the cluster goes on without this step.
          process.emitWarning(error instanceof Error ? error : String(error));
        }
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
