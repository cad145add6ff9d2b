import { existsSync, globSync } from 'node:fs';
import { loadavg } from 'node:os';
import { basename, join } from 'node:path';

// `npm run bench -- [SUITE] [--flag …]`: a suite is a file of this folder that measures when it is loaded, and reads its
// flags from the command line. Without a name: what a person waits for.
const notSuites = ['run', 'cluster', 'measure', 'wire', 'soak', 'soak-compare', 'frame-app'];
const named = process.argv[2]?.startsWith('-') === false ? process.argv.splice(2, 1)[0] : undefined;
const suite = named ?? 'start';

if (notSuites.includes(suite) || !existsSync(join(import.meta.dirname, `${suite}.ts`))) {
  const suites = globSync('*.ts', { cwd: import.meta.dirname })
    .map((file) => basename(file, '.ts'))
    .filter((name) => !notSuites.includes(name));
  process.stderr.write(`no suite "${suite}"; there are ${suites.sort().join(', ')}\n`);
  process.exit(2);
}
// A figure of a busy machine says little: the load stands beside it.
const load = (): string =>
  `load ${loadavg()
    .slice(0, 2)
    .map((share) => share.toFixed(1))
    .join(' ')}`;
process.stdout.write(`${suite}, ${load()} before\n`);
await import(`./${suite}.ts`);
process.stdout.write(`${load()} after\n`);
