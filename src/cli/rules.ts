import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { nearest } from '../actions/nearest.ts';
import { podStates } from '../checklist/classify.ts';
import { type AddedStates, evaluate, objectStates } from '../checklist/evaluate.ts';
import { buildIndex } from '../checklist/evidence-index.ts';
import { addedStates, loadPack, type RulePack } from '../checklist/rule-pack.ts';
import { signatures } from '../checklist/signatures.ts';
import type { KubeObject } from '../kube/object.ts';
import { type CommandIo, exitCode, UsageError } from './io.ts';
import { alignColumns } from './print.ts';

/** Where packs lie when nobody names one. */
async function defaultPaths(io: CommandIo): Promise<readonly string[]> {
  const folder = join(
    io.env['XDG_CONFIG_HOME'] ?? join(io.env['HOME'] ?? homedir(), '.config'),
    'mltop',
    'rules',
  );
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}

const read = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch(() => {
    throw new UsageError(`${path}: cannot be read`, 'Name a rule pack.');
  });

/**
 * The packs of the flags, else of the configuration folder. A broken pack of the folder is left out with a line on
 * stderr; a broken one that was named is an error.
 */
export async function loadPacks(paths: readonly string[], io: CommandIo): Promise<AddedStates | undefined> {
  const packs: RulePack[] = [];
  for (const path of paths.length > 0 ? paths : await defaultPaths(io)) {
    const { pack, problems } = loadPack(await read(path));
    if (pack !== undefined) packs.push(pack);
    else {
      const [first] = problems;
      const message = `${path}:${first?.line ?? 1}: ${first?.message ?? 'not a rule pack'}`;
      if (paths.length > 0) throw new UsageError(message, `mltop rules lint ${path} lists all problems.`);
      io.stderr.write(`mltop: left out ${message}\n`);
    }
  }
  return packs.length === 0 ? undefined : addedStates(packs);
}

async function lint(paths: readonly string[], io: CommandIo): Promise<number> {
  const files = paths.length > 0 ? paths : await defaultPaths(io);
  let count = 0;
  for (const path of files) {
    for (const { line, message } of loadPack(await read(path)).problems) {
      io.stdout.write(`${path}:${line}: ${message}\n`);
      count += 1;
    }
  }
  if (count === 0) io.stdout.write(`${files.length} ${files.length === 1 ? 'pack' : 'packs'}, no problem.\n`);
  return count === 0 ? exitCode.ok : exitCode.findings;
}

async function list(paths: readonly string[], io: CommandIo): Promise<number> {
  const rows = [...podStates, ...objectStates].map((state) => [
    state.id,
    state.key,
    state.gate,
    state.severity,
    state.title,
  ]);
  const unique = [...new Map(rows.map((row) => [`${row[0]} ${row[1]}`, row])).values()].sort((a, b) =>
    (a[0] ?? '').localeCompare(b[0] ?? '', 'en', { numeric: true }),
  );
  for (const path of paths.length > 0 ? paths : await defaultPaths(io)) {
    const { pack } = loadPack(await read(path));
    for (const state of pack?.states ?? [])
      unique.push([state.id, pack?.name ?? '', state.gate, state.severity, state.label]);
  }
  io.stdout.write(alignColumns([['ID', 'FINDING', 'GATE', 'SEVERITY', 'TITLE'], ...unique]));
  return exitCode.ok;
}

function explainRule(id: string | undefined, io: CommandIo): number {
  if (id === undefined) throw new UsageError('rules explain needs an id', 'mltop rules list shows them.');
  const found = [...podStates, ...objectStates].filter((state) => state.id === id || state.key === id);
  const [first] = found;
  const hits = signatures.filter((entry) => entry.state === id || entry.id === id);
  if (first === undefined && hits.length === 0) {
    const close = nearest(
      id,
      [...podStates, ...objectStates].flatMap((state) => [state.id, state.key]),
    );
    throw new UsageError(
      `${id}: no such rule`,
      close === undefined ? 'mltop rules list shows them.' : `Did you mean ${close}?`,
    );
  }
  if (first !== undefined)
    io.stdout.write(
      `${first.id}  ${first.key}\n${first.title}\ngate ${first.gate}, severity ${first.severity}\n`,
    );
  for (const hit of hits)
    io.stdout.write(
      `log signature ${hit.id} (rank ${hit.rank}): ${hit.meaning}\n  /${hit.pattern.source}/\n  look at: ${hit.checks}\n`,
    );
  return exitCode.ok;
}

async function runTests(paths: readonly string[], io: CommandIo): Promise<number> {
  let [passed, failed] = [0, 0];
  for (const path of paths.length > 0 ? paths : await defaultPaths(io)) {
    const { pack, problems } = loadPack(await read(path));
    if (pack === undefined)
      throw new UsageError(
        `${path}:${problems[0]?.line ?? 1}: ${problems[0]?.message ?? ''}`,
        `mltop rules lint ${path} lists all problems.`,
      );
    for (const { name, given, want } of pack.tests) {
      const objects = [
        ...(given.objects ?? []),
        ...(given.pod === undefined ? [] : [given.pod]),
      ] as readonly KubeObject[];
      const index = buildIndex({
        objects,
        logs: given.logs ?? {},
        ...(given.now === undefined ? {} : { now: Date.parse(given.now) }),
      });
      const subject = objects.find((object) => object.kind === 'Pod') ?? objects[0];
      const report =
        subject === undefined ? undefined : evaluate(index, subject, { added: addedStates([pack]) });
      const fits =
        report?.state === want.state && (want.cause === undefined || report.causes[0]?.id === want.cause);
      if (fits) passed += 1;
      else {
        failed += 1;
        io.stdout.write(
          `${path}: ${name}: wanted ${want.state}${want.cause === undefined ? '' : ` with cause ${want.cause}`}, got ${report?.state ?? 'no subject'}${report?.causes[0] === undefined ? '' : ` with cause ${report.causes[0].id}`}\n`,
        );
      }
    }
  }
  io.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed === 0 ? exitCode.ok : exitCode.findings;
}

const help = `mltop rules list [FILE…]      every state that the checklist knows, and those of your packs
mltop rules lint [FILE…]      problems of rule packs, with their lines
mltop rules test [FILE…]      run the tests that stand in packs
mltop rules explain ID        what a rule asks

Packs lie in ~/.config/mltop/rules/*.yaml.
`;

/** `mltop rules`. @throws UsageError for a wrong command line or an unreadable pack. */
export async function rulesCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  const [word, ...rest] = argv;
  switch (word) {
    case 'list':
      return list(rest, io);
    case 'lint':
      return lint(rest, io);
    case 'test':
      return runTests(rest, io);
    case 'explain':
      return explainRule(rest[0], io);
    case undefined:
    case 'help':
    case '-h':
    case '--help':
      io.stdout.write(help);
      return word === undefined ? exitCode.usage : exitCode.ok;
    default:
      throw new UsageError(`rules ${word}: not a command`, 'list, lint, test or explain.');
  }
}
