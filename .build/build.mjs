// Builds dist/: one ESM entry that imports nothing statically, and lazily loaded chunks beside it.
import { cpSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { inkOutputPlugin } from './ink-output.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
// Built beside and moved into place at the end: a build that fails leaves the last good one.
const fresh = `${root}.dist-${process.pid}`;
process.once('exit', () => rmSync(fresh, { recursive: true, force: true }));

await build({
  absWorkingDir: root,
  entryPoints: { mltop: 'src/main.tsx' },
  outdir: fresh,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  // React's development build is 5x slower and leaked performance entries (facebook/react#35761).
  define: { 'process.env.NODE_ENV': '"production"' },
  // CommonJS packages inside an ESM bundle still call require().
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  // A crash prints the source line; in one 40 kB line nobody can read it.
  lineLimit: 160,
  legalComments: 'external',
  // Halves the cost of a frame; see the plugin.
  plugins: [inkOutputPlugin()],
  logLevel: 'warning',
});
cpSync(`${root}src/demo/catalogue`, `${fresh}/catalogue`, { recursive: true });
rmSync(`${root}dist`, { recursive: true, force: true });
renameSync(fresh, `${root}dist`);
