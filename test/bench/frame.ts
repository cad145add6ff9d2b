import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { inkOutputPlugin } from '../../.build/ink-output.mjs';
import type { FrameFigure, SlowLinkFigure } from './frame-app.tsx';

/**
 * Milliseconds and bytes per frame, as they ship: bundled, in production mode, with Ink's output patched, and for
 * comparison with stock Ink. `npx tsx test/bench/frame.ts [columns rows [turns]]`.
 */
export async function measureBundled(
  columns: number,
  rows: number,
  turns: number,
  isPatched: boolean,
): Promise<FrameFigure[]> {
  return withBundle(isPatched, ({ measureFrames }) => measureFrames(columns, rows, turns));
}

/** A key held over 64 kbit/s at 120x36, with and without asking the terminal what has come through. */
export async function measureSlow(asks: boolean): Promise<SlowLinkFigure> {
  return withBundle(true, ({ measureSlowLink }) => measureSlowLink(120, 36, 8000, 100, asks));
}

async function withBundle<T>(
  isPatched: boolean,
  measure: (app: typeof import('./frame-app.tsx')) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(import.meta.dirname, '.frame-'));
  try {
    const outfile = join(folder, 'frame.mjs');
    await build({
      entryPoints: [join(import.meta.dirname, 'frame-app.tsx')],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node22',
      define: { 'process.env.NODE_ENV': '"production"' },
      banner: {
        js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
      },
      plugins: [inkOutputPlugin({ isStock: !isPatched })],
      jsx: 'automatic',
      logLevel: 'error',
    });
    return await measure(await import(pathToFileURL(outfile).href));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  const [columns = 200, rows = 60, turns = 200] = process.argv.slice(2).map(Number);
  for (const isPatched of [true, false]) {
    console.log(`${isPatched ? 'patched' : 'stock'} Ink output, ${columns}x${rows}, ${turns} frames`);
    console.table(
      (await measureBundled(columns, rows, turns, isPatched)).map(({ scene, p50Ms, p99Ms, bytes }) => ({
        scene,
        'p50 ms': Number(p50Ms.toFixed(2)),
        'p99 ms': Number(p99Ms.toFixed(2)),
        bytes,
      })),
    );
  }
  for (const asks of [true, false]) {
    const { lateMs, bytes } = await measureSlow(asks);
    console.log(
      `100 keys held over 64 kbit/s, ${asks ? 'asking the terminal' : 'asking nothing'}: right ${lateMs.toFixed(0)} ms after the last key, ${bytes} bytes`,
    );
  }
}
