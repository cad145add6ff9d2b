import xterm from '@xterm/headless';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createScreen } from '../../src/ui/diff.ts';
import { themeNamed } from '../../src/ui/theme.ts';

const columns = 24;
const rows = 10;

/** Everything that the terminal shows: text and how each cell looks. */
function shownBy(terminal: xterm.Terminal): string[] {
  const buffer = terminal.buffer.active;
  return Array.from({ length: terminal.rows }, (_, row) => {
    const line = buffer.getLine(row);
    return Array.from({ length: terminal.cols }, (_, column) => {
      const cell = line?.getCell(column);
      if (cell === undefined) return '?';
      const chars = cell.getWidth() === 0 ? '' : cell.getChars() || ' ';
      const ground = `${cell.getBgColorMode()}:${cell.getBgColor()}${cell.isUnderline()}${cell.isInverse()}${cell.isStrikethrough()}`;
      return chars === ' '
        ? ` ${ground}`
        : `${chars}${ground}${cell.getFgColorMode()}:${cell.getFgColor()}${cell.isBold()}${cell.isDim()}${cell.isItalic()}`;
    }).join('|');
  });
}

/** Without automatic wrap, as `terminal.ts` sets every terminal. */
function emulator(): xterm.Terminal {
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  terminal.write('\x1b[?7l');
  return terminal;
}
const write = (terminal: xterm.Terminal, bytes: string): Promise<void> =>
  new Promise((resolve) => terminal.write(bytes, resolve));

const piece = fc.tuple(
  fc.constantFrom(
    '',
    '\x1b[31m',
    '\x1b[1;38;2;1;2;3m',
    '\x1b[7m',
    '\x1b[48;5;20m',
    '\x1b[2m',
    '\x1b[4;33m',
    '\x1b[9m',
    '\x1b[39m',
    '\x1b[22m',
    '\x1b[49m',
  ),
  fc.constantFrom('a', 'pod', ' ', '            ', '世界', '…', '█', '👩‍👩‍👧', '7', 'Running', 'e\u0301'),
  fc.constantFrom('', '\x1b[0m', '\x1b[m'),
);
const line = fc.array(piece, { maxLength: 8 }).map((pieces) => `${pieces.flat().join('')}\x1b[0m`);
/** Frames drawn from one stock of lines, so that rows stay, move and scroll. */
const film = fc.array(line, { minLength: 4, maxLength: 14 }).chain((stock) =>
  fc.array(
    fc
      .tuple(
        fc.nat(stock.length - 1),
        fc.array(fc.nat(stock.length - 1), { minLength: rows, maxLength: rows }),
        fc.boolean(),
      )
      .map(([start, picks, inOrder]) =>
        picks.map((pick, row) =>
          inOrder && row > 0 && row < rows - 1
            ? (stock[(start + row) % stock.length] ?? '')
            : (stock[pick] ?? ''),
        ),
      ),
    { minLength: 1, maxLength: 6 },
  ),
);

describe('diffing', () => {
  test('whatever frames follow each other, the terminal shows what a full paint shows', async () => {
    await fc.assert(
      fc.asyncProperty(film, async (frames) => {
        const [patched, whole] = [emulator(), emulator()];
        const screen = createScreen(columns, rows);
        for (const frame of frames) {
          await write(patched, screen.paint(frame));
          await write(whole, `\x1bc\x1b[?7l${createScreen(columns, rows).paint(frame)}`);
          expect(shownBy(patched)).toEqual(shownBy(whole));
        }
        patched.dispose();
        whole.dispose();
      }),
      { numRuns: 120 },
    );
  }, 60_000);

  test('nothing but cells reaches the terminal', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({
            unit: fc.constantFrom(
              'a',
              '\x1b',
              '[',
              ']',
              'm',
              'H',
              '2',
              'J',
              ';',
              '\x07',
              '\r',
              '\b',
              '世',
              'c',
            ),
          }),
          { maxLength: 6 },
        ),
        (lines) => {
          const bytes = createScreen(columns, rows).paint(lines);
          expect(bytes.replace(/\x1b\[[\d;]*[mHKXCr]|\r\n/g, '')).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
        },
      ),
    );
  });

  test('an unchanged frame costs nothing', () => {
    const screen = createScreen(columns, rows);
    expect(screen.paint(['one', 'two'])).not.toBe('');
    expect(screen.paint(['one', 'two'])).toBe('');
  });

  test('a changed cell costs its place and itself', () => {
    const screen = createScreen(columns, rows);
    screen.paint(['restarts 13', 'two']);
    expect(screen.paint(['restarts 14', 'two'])).toBe('\x1b[1;11H4');
  });

  test('a scrolled row costs a scroll and the new row', () => {
    const screen = createScreen(columns, rows);
    const pods = Array.from({ length: 20 }, (_, index) => `pod number ${index}`);
    screen.paint(['head', ...pods.slice(0, 8), 'foot']);
    expect(screen.paint(['head', ...pods.slice(1, 9), 'foot'])).toBe(
      '\x1b[2;9r\x1b[2H\x1b[M\x1b[r\x1b[9Hpod number 8',
    );
    expect(screen.paint(['head', ...pods.slice(0, 8), 'foot'])).toBe(
      '\x1b[2;9r\x1b[2H\x1b[L\x1b[r\x1b[2Hpod number 0',
    );
  });

  test('after forgetting, everything is painted again, and no screen is cleared for it', () => {
    const screen = createScreen(columns, rows);
    screen.paint(['one']);
    screen.forget();
    const bytes = screen.paint(['one']);
    expect(bytes).toContain('one');
    expect(bytes).not.toMatch(/\x1b\[\d?J/);
  });

  test('a painted line of a theme survives the way through cells', () => {
    const theme = themeNamed('dark', { level: 3 });
    const painted = theme.line(
      [
        { text: '✗ Crash', role: 'bad' },
        { text: ' x', role: 'dim' },
      ],
      12,
    );
    expect(createScreen(12, 1).paint([painted])).toBe(
      '\x1b[r\x1b[m\x1b[H\x1b[1;38;2;255;107;107m✗ Crash \x1b[0;38;2;152;161;176mx\x1b[K\x1b[m',
    );
  });
});
