import { wrap } from './text.ts';
import type { Role, Theme } from './theme.ts';

/** What stands in place of rows: why there are none, and what to do. */
export interface Message {
  /** Colours the title: `dim` for nothing there, `bad` for broken, `warn` for forbidden, `pending` for loading. */
  readonly role: Role;
  readonly title: string;
  readonly lines?: readonly string[];
}

/** A block a third down the body, wrapped to its width, exactly `height` lines. */
export function messageLines(
  theme: Theme,
  message: Message,
  width: number,
  height: number,
): readonly string[] {
  const room = Math.max(1, Math.min(width - 4, 100));
  const block = [
    ...wrap(message.title, room).map((text) => ({ text, role: message.role })),
    ...(message.lines ?? [])
      .flatMap((line) => wrap(line, room))
      .map((text) => ({ text, role: 'plain' as const })),
  ];
  const above = Math.max(0, Math.min(Math.floor((height - block.length) / 3), height - block.length));
  const blank = ' '.repeat(Math.max(0, width));
  const lines = block.map(({ text, role }) => theme.line([{ text: '  ' }, { text, role }], width));
  return [
    ...Array.from({ length: above }, () => blank),
    ...lines,
    ...Array.from({ length: height }, () => blank),
  ].slice(0, Math.max(0, height));
}
