import type { Connection, Reflector, ReflectorTarget } from '../../src/kube/contract.ts';
import { startReflector } from '../../src/kube/reflector.ts';
import type { StreamState } from '../../src/kube/stream-state.ts';
import type { Timing } from '../../src/kube/timing.ts';

/** What a screen would know: rows by uid, and every state it was told. */
export interface Recorder extends Reflector {
  readonly names: () => string[];
  readonly uids: () => string[];
  readonly states: StreamState[];
  readonly stateNames: () => string[];
  readonly lists: () => number;
  /** Resolves once `test` holds; looks after each call of a handler, and at short intervals for what is not told. */
  readonly until: (test: () => boolean) => Promise<void>;
  readonly untilState: (state: StreamState['state']) => Promise<StreamState>;
}

/** Follows `target` the way the feed does: puts and removes at once, absent rows only at the end of a list. */
export function record(connection: Connection, target: ReflectorTarget, timing?: Timing): Recorder {
  let rows = new Map<string, string>();
  let fresh: Map<string, string> | undefined;
  let lists = 0;
  const states: StreamState[] = [];
  const listeners = new Set<() => void>();
  const changed = (): void => {
    for (const listener of [...listeners]) listener();
  };
  const reflector = startReflector(
    connection,
    target,
    {
      listStart: () => {
        fresh = new Map();
      },
      put: ({ metadata }) => {
        (fresh ?? rows).set(metadata?.uid ?? '', metadata?.name ?? '');
        if (fresh !== undefined) rows.set(metadata?.uid ?? '', metadata?.name ?? '');
        changed();
      },
      remove: ({ metadata }) => {
        rows.delete(metadata?.uid ?? '');
        fresh?.delete(metadata?.uid ?? '');
        changed();
      },
      listEnd: () => {
        rows = fresh ?? rows;
        fresh = undefined;
        lists += 1;
        changed();
      },
      state: (state) => {
        states.push(state);
        changed();
      },
    },
    timing,
  );
  const until = (test: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!test()) return;
        clearInterval(timer);
        listeners.delete(look);
        resolve();
      };
      const timer = setInterval(look, 10);
      listeners.add(look);
      look();
    });
  return {
    ...reflector,
    names: () => [...rows.values()].sort(),
    uids: () => [...rows.keys()].sort(),
    states,
    stateNames: () => states.map(({ state }) => state),
    lists: () => lists,
    until,
    untilState: async (state) => {
      await until(() => states.at(-1)?.state === state);
      return states.at(-1) as StreamState;
    },
  };
}
