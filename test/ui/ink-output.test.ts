import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { inkOutputPlugin, patchOutput, upstreamHash } from '../../.build/ink-output.mjs';
import { parseCells } from '../../src/ui/cells.ts';

const file = fileURLToPath(new URL('../../node_modules/ink/build/output.js', import.meta.url));

interface Output {
  write: (
    x: number,
    y: number,
    text: string,
    options: { transformers: ((line: string, index: number) => string)[] },
  ) => void;
  clip: (clip: { x1?: number; x2?: number; y1?: number; y2?: number }) => void;
  unclip: () => void;
  get: () => { output: string; height: number };
}
type OutputClass = new (size: { width: number; height: number }) => Output;

/** Ink's output module in one piece, as the build makes it. */
async function load(plugins: Plugin[]): Promise<OutputClass> {
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
    plugins,
  });
  const [{ text } = { text: '' }] = outputFiles;
  return (await import(`data:text/javascript;base64,${Buffer.from(text).toString('base64')}`)).default;
}

let Stock: OutputClass;
let Patched: OutputClass;

beforeAll(async () => {
  [Stock, Patched] = await Promise.all([load([]), load([inkOutputPlugin()])]);
});

const width = 20;
const height = 6;

const text = fc
  .array(
    fc.tuple(
      fc.constantFrom('', '\x1b[31m', '\x1b[1;38;2;1;2;3m', '\x1b[7m', '\x1b[48;5;20m', '\x1b[0m'),
      fc.constantFrom('pod', ' ', '世界', '…', 'e\u0301', '👩‍👩‍👧', '\n', 'abcdefghijklm', '    '),
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((pieces) => `${pieces.flat().join('')}\x1b[0m`);
const bound = fc.option(fc.integer({ min: 0, max: 14 }), { nil: undefined });
const operation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('write' as const),
      x: fc.integer({ min: -2, max: 8 }),
      y: fc.integer({ min: -1, max: height }),
      text,
      isBold: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('clip' as const),
      x: bound,
      width: fc.nat(14),
      y: bound,
      height: fc.nat(5),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'unclip' as const }) },
);

test('whatever is written where, the patched output is the same screen as the stock one', () => {
  fc.assert(
    fc.property(fc.array(fc.array(operation, { maxLength: 8 }), { minLength: 1, maxLength: 4 }), (frames) => {
      for (const operations of frames) {
        const [stock, patched] = [Stock, Patched].map((Class) => {
          const output = new Class({ width, height });
          let depth = 0;
          for (const step of operations) {
            if (step.type === 'write') {
              output.write(step.x, step.y, step.text, {
                transformers: step.isBold ? [(line) => `\x1b[1m${line}\x1b[22m`] : [],
              });
            } else if (step.type === 'clip') {
              depth++;
              output.clip({
                ...(step.x === undefined ? {} : { x1: step.x, x2: step.x + step.width }),
                ...(step.y === undefined ? {} : { y1: step.y, y2: step.y + step.height }),
              });
            } else if (depth > 0) {
              depth--;
              output.unclip();
            }
          }
          const { output: frame, height: rows } = output.get();
          return { rows, cells: frame.split('\n').map((line) => parseCells(line, 60)) };
        });
        expect(patched).toEqual(stock);
      }
    }),
    { numRuns: 500 },
  );
});

test('Ink’s output module is the one that was patched; after an update, review .build/ink-output.mjs', () => {
  expect(createHash('sha256').update(readFileSync(file)).digest('hex')).toBe(upstreamHash);
  expect(() => patchOutput('something else')).toThrow('review .build/ink-output.mjs');
});
