import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Frame } from '../../src/ui/Frame.tsx';
import { Lines } from '../../src/ui/Lines.tsx';
import { createSlots } from '../../src/ui/slots.ts';
import { themeNamed } from '../../src/ui/theme.ts';
import { openTerminal } from './terminal.tsx';

const theme = themeNamed('dark', { level: 3 });
const columns = 30;
const rows = 12;

test('a line takes the place of its holder, and an overlay lies over it', () => {
  const slots = createSlots();
  const [below, above, gone] = [slots.take(), slots.take(), slots.take()];
  slots.set(below, 'a row of the table');
  slots.set(above, '\x1b[31m│box│\x1b[0m');
  expect(slots.fill(`${below}\nplain`, 20)).toBe('a row of the table\nplain');
  expect(slots.fill(`${below}    ${above}`, 20)).toContain('a row\x1b[31m│box│\x1b[mhe table');
  slots.free(gone);
  expect(slots.take()).toBe(gone);
});

const span = fc.record({
  text: fc.constantFrom('pod', '世界', ' ', 'worker-11', '…', '      '),
  role: fc.constantFrom('plain' as const, 'bad' as const, 'selection' as const, 'dim' as const),
});
const spans = fc.array(span, { maxLength: 6 });

test('the screen is the one that Ink itself would draw, whatever lies over what', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(spans, { maxLength: rows }),
      fc.array(spans, { maxLength: 5 }),
      fc.integer({ min: 4, max: columns - 4 }),
      async (body, box, width) => {
        const overlay =
          box.length === 0 ? undefined : { lines: box.map((line) => theme.line(line, width)), width };
        const App = (size: { columns: number; rows: number }) => (
          <Frame
            theme={theme}
            {...size}
            header={[]}
            title={{ left: [{ text: ' title' }] }}
            strip={[]}
            hints={[]}
            overlay={overlay}
          >
            <Lines lines={body.map((line) => theme.line(line, columns))} height={rows - 3} />
          </Frame>
        );
        const [ours, stock] = await Promise.all([
          openTerminal(App, { columns, rows }),
          openTerminal(App, { columns, rows, renderer: 'stock' }),
        ]);
        const cells = (terminal: typeof ours): string =>
          Array.from({ length: rows * columns }, (_, at) => {
            const { text, bg, fg } = terminal.cell(Math.floor(at / columns), at % columns);
            return text.trim() === '' ? ` ${bg}` : `${text}${fg}/${bg}`;
          }).join('|');
        const screens = [cells(ours), cells(stock)];
        await ours.close();
        await stock.close();
        expect(screens[0]).toBe(screens[1]);
      },
    ),
    { numRuns: 40 },
  );
}, 60_000);
