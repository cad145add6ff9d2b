import { type Context, createContext } from 'react';
import { layered } from './cells.ts';

/**
 * Ready lines travel beside Ink. Ink would measure, sanitise and take apart every painted line for every frame (60 % of a
 * frame's time at 200x60), only to print it again. So a line's place in the layout is held by one character of a private
 * area, which never changes, and the line itself waits in a slot until the frame that Ink has laid out is written.
 */
export interface Slots {
  /** A place-holder of one cell. */
  readonly take: () => string;
  readonly free: (holder: string) => void;
  readonly set: (holder: string, line: string) => void;
  /** The frame with its lines in place. A line in an overlay lies over the line that it covers. */
  readonly fill: (frame: string, columns: number) => string;
}

/** Plane 15 is for private use: no text has a meaning there, and each character is one cell wide. */
const firstHolder = 0xf0000;
const holders = /[\u{f0000}-\u{ffffd}]/gu;

export function createSlots(): Slots {
  const lines = new Map<string, string>();
  const freed: string[] = [];
  let taken = 0;

  function fillRow(row: string, columns: number): string {
    const only = lines.get(row);
    if (only !== undefined) return only;
    const layers: { x: number; line: string }[] = [];
    const rest = row.replace(holders, (holder, at: number) => {
      const line = lines.get(holder);
      if (line === undefined) return holder;
      layers.push({ x: at, line });
      return ' ';
    });
    return layers.length === 0 ? row : layered(rest, row, layers, columns);
  }

  return {
    take: () => freed.pop() ?? String.fromCodePoint(firstHolder + taken++),
    free(holder) {
      lines.delete(holder);
      freed.push(holder);
    },
    set(holder, line) {
      lines.set(holder, line);
    },
    fill: (frame, columns) =>
      frame
        .split('\n')
        .map((row) => fillRow(row, columns))
        .join('\n'),
  };
}

/** Set by `mount`; without it (stock Ink, ink-testing-library) lines are ordinary text. */
export const SlotsContext: Context<Slots | undefined> = createContext<Slots | undefined>(undefined);
