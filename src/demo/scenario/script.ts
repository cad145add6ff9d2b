import type { World } from './world.ts';

/** A part of the story that repeats: its steps happen at their time in every round, for as long as the demo runs. */
export interface Track {
  readonly name: string;
  readonly periodMs: number;
  /** When the first round begins, counted from the start of the demo; 0 when left out. */
  readonly startMs?: number;
  readonly steps: readonly Step[];
}

export interface Step {
  /** Counted from the beginning of the round. */
  readonly atMs: number;
  run(world: World, round: number): void;
}

/** Plays tracks on a clock that somebody else moves: the same times always give the same cluster. */
export interface Player {
  /** Runs every step that is due up to this moment (epoch milliseconds), in the order of their times. */
  advanceTo(nowMs: number): void;
}

export function createPlayer(world: World, tracks: readonly Track[], startMs: number): Player {
  const cursors = tracks.map((track) => ({ track, round: 0, step: 0 }));
  const dueAt = ({ track, round, step }: (typeof cursors)[number]): number =>
    startMs + (track.startMs ?? 0) + round * track.periodMs + (track.steps[step]?.atMs ?? 0);
  const earliest = (): (typeof cursors)[number] | undefined => {
    let first: (typeof cursors)[number] | undefined;
    for (const cursor of cursors) if (first === undefined || dueAt(cursor) < dueAt(first)) first = cursor;
    return first;
  };
  return {
    advanceTo(nowMs) {
      for (let cursor = earliest(); cursor !== undefined && dueAt(cursor) <= nowMs; cursor = earliest()) {
        world.setNow(dueAt(cursor));
        cursor.track.steps[cursor.step]?.run(world, cursor.round);
        cursor.step++;
        if (cursor.step < cursor.track.steps.length) continue;
        cursor.step = 0;
        cursor.round++;
      }
    },
  };
}
