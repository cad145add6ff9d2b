import { setFlagsFromString } from 'node:v8';
import { createMemory } from '../feed/memory.ts';
import type { TrueStates } from '../state/true-states.ts';
import type { WorkloadUse } from '../state/workload-use.ts';

const lookAtMemoryEveryMs = 10_000;

/** Of one second, for states that time changes. */
const tickBudgetMs = 4;

/** Of one slice, for judging all anew. */
const catchUpBudgetMs = 8;

export interface RoundsParts {
  readonly trueStates: TrueStates;
  readonly workloadUse: WorkloadUse;
  readonly refresh: () => void;
  /** An error in the background ends nothing. */
  readonly survived: (error: unknown) => void;
}

/** What goes on by itself beside the feeds: time, and the memory that is given back. */
export interface Rounds {
  /** While keys are pressed no memory is given back. */
  readonly keyPressed: () => void;
  /** All is judged anew, in slices, so that no frame waits for 100,000 rows. */
  readonly catchUp: () => void;
  readonly stop: () => void;
}

export function startRounds({ trueStates, workloadUse, refresh, survived }: RoundsParts): Rounds {
  let lastKeyMs = performance.now();
  const memory = createMemory({
    held: process.memoryUsage,
    collect: globalThis.gc && (() => globalThis.gc?.({ type: 'major', flavor: 'last-resort' })),
    limitGrowth: (percent) => setFlagsFromString(`--heap-growing-percent=${percent}`),
    quietMs: () => performance.now() - lastKeyMs,
    now: () => performance.now(),
  });
  const thrift = setInterval(memory.look, lookAtMemoryEveryMs);
  thrift.unref();
  const ticking = setInterval(() => {
    try {
      memory.watch();
      trueStates.tick(Date.now(), tickBudgetMs);
      workloadUse.renew(Date.now());
    } catch (error) {
      survived(error);
    }
  }, 1000);
  ticking.unref();

  const catchUp = (): void => {
    const isDone = trueStates.catchUp(Date.now(), catchUpBudgetMs);
    refresh();
    if (!isDone) setTimeout(catchUp, 10).unref();
  };

  return {
    keyPressed() {
      lastKeyMs = performance.now();
    },
    catchUp,
    stop() {
      clearInterval(ticking);
      clearInterval(thrift);
    },
  };
}
