import { nearest } from '../actions/nearest.ts';
import { priorityOf } from '../checklist/classify.ts';
import { packSchema } from '../checklist/pack-schema.ts';
import { rulesOf } from '../checklist/rules.ts';
import { signatures } from '../checklist/signatures/index.ts';
import { firstProblem, type PackFile } from '../feed/rule-packs.ts';
import { commandFlags } from './command-flags.ts';
import { type ParsedFlags, parseFlags } from './flags.ts';
import { commandHelpText } from './help.ts';
import { type CommandIo, exitCode, UsageError } from './io.ts';
import { alignColumns } from './print.ts';
import { explain, statesByName, topics } from './rules-explain.ts';
import { packFiles } from './rules-source.ts';
import { runPackTest } from './rules-test.ts';

interface Asked {
  readonly parsed: ParsedFlags;
  /** What stands behind the command's word. */
  readonly words: readonly string[];
  readonly io: CommandIo;
}

const asJson = ({ parsed }: Asked): boolean => parsed.one('output') === 'json';

const printJson = ({ io }: Asked, value: unknown): void => {
  io.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
};

/** The packs behind the word and behind `--rules`; without any those of the configuration folder. */
const filesOf = ({ parsed, words, io }: Asked): Promise<readonly PackFile[]> =>
  packFiles([...words, ...parsed.many('rules')], io);

async function lint(asked: Asked): Promise<number> {
  const files = await filesOf(asked);
  const found = files.flatMap(({ path, loaded }) =>
    loaded.problems.map((problem) => ({ file: path, ...problem })),
  );
  const errors = found.filter(({ level }) => level === 'error').length;
  if (asJson(asked)) printJson(asked, { files: files.map(({ path }) => path), problems: found });
  else {
    for (const { file, line, message, level } of found)
      asked.io.stdout.write(`${file}:${line}: ${level === 'warning' ? 'warning: ' : ''}${message}\n`);
    if (found.length === 0)
      asked.io.stdout.write(`${files.length} ${files.length === 1 ? 'pack' : 'packs'}, no problem.\n`);
  }
  return errors === 0 ? exitCode.ok : exitCode.findings;
}

async function list(asked: Asked): Promise<number> {
  const files = await filesOf(asked);
  const rules = rulesOf(files.flatMap(({ loaded }) => loaded.pack ?? []));
  const disabled = new Set(
    (rules?.packs ?? []).flatMap((pack) =>
      [...pack.overrides].flatMap(([id, { isDisabled }]) => (isDisabled === true ? [id] : [])),
    ),
  );
  const states = [
    ...statesByName().map((state) => ({
      id: state.id,
      finding: state.key,
      pack: '',
      subjects: state.kinds,
      gate: state.gate,
      severity: disabled.has(state.id) || disabled.has(state.key) ? 'off' : state.severity,
      priority: priorityOf(state),
      title: state.title,
    })),
    ...files.flatMap(({ loaded }) =>
      (loaded.pack?.states ?? []).map((state) => ({
        id: state.id,
        finding: state.id,
        pack: state.pack,
        subjects: [state.subject],
        gate: state.state.gate,
        severity: state.state.severity,
        priority: state.priority,
        title: state.state.title,
      })),
    ),
  ];
  for (const file of files)
    if (file.loaded.pack === undefined) asked.io.stderr.write(`mltop: left out ${firstProblem(file)}\n`);
  if (asJson(asked)) printJson(asked, { states });
  else
    asked.io.stdout.write(
      alignColumns([
        ['ID', 'FINDING', 'PACK', 'GATE', 'SEVERITY', 'PRIORITY', 'TITLE'],
        ...states.map(({ id, finding, pack, gate, severity, priority, title }) => [
          id,
          finding,
          pack || '-',
          gate,
          severity,
          String(priority ?? '-'),
          title,
        ]),
      ]),
    );
  return exitCode.ok;
}

async function explainRule(asked: Asked): Promise<number> {
  const [id, ...more] = asked.words;
  if (id === undefined || more.length > 0)
    throw new UsageError(
      'rules explain takes one id',
      `mltop rules list shows them; also ${Object.keys(topics).join(', ')}.`,
    );
  const files = await filesOf({ ...asked, words: [] });
  const rules = rulesOf(files.flatMap(({ loaded }) => loaded.pack ?? []));
  const found = explain(id, files, rules);
  if (found === undefined) {
    const close = nearest(id, [
      ...statesByName().flatMap((state) => [state.id, state.key]),
      ...signatures.map((entry) => entry.id),
      ...files.flatMap(({ loaded }) => (loaded.pack?.states ?? []).map((state) => state.id)),
      ...Object.keys(topics),
    ]);
    throw new UsageError(
      `${id}: no such rule`,
      close === undefined ? 'mltop rules list shows them.' : `Did you mean ${close}?`,
    );
  }
  if (asJson(asked)) printJson(asked, found.json);
  else asked.io.stdout.write(`${found.lines.join('\n')}\n`);
  return exitCode.ok;
}

async function runTests(asked: Asked): Promise<number> {
  const files = await filesOf(asked);
  const broken = files.find(({ loaded }) => loaded.pack === undefined);
  if (broken !== undefined)
    throw new UsageError(firstProblem(broken), `mltop rules lint ${broken.path} lists all problems.`);
  const results: { readonly file: string; readonly name: string; readonly differences: readonly string[] }[] =
    [];
  for (const { path, loaded } of files) {
    const rules = loaded.pack && rulesOf([loaded.pack]);
    if (rules === undefined) continue;
    for (const test of loaded.pack?.tests ?? [])
      results.push({ file: path, ...(await runPackTest(test, rules, path)) });
  }
  const failed = results.filter(({ differences }) => differences.length > 0);
  if (asJson(asked))
    printJson(asked, { passed: results.length - failed.length, failed: failed.length, results });
  else {
    for (const { file, name, differences } of failed)
      asked.io.stdout.write(`${file}: ${name}: ${differences.join('; ')}\n`);
    asked.io.stdout.write(`${results.length - failed.length} passed, ${failed.length} failed\n`);
  }
  return failed.length === 0 ? exitCode.ok : exitCode.findings;
}

const help = `mltop rules list [FILE|DIR…]      every state that the checklist knows, and those of your packs
mltop rules lint [FILE|DIR…]      problems of rule packs, with their lines
mltop rules test [FILE|DIR…]      run the tests that stand in packs
mltop rules explain ID            what a rule asks: of a state, a signature or an exit code, built in or yours;
                                  of the language: ${Object.keys(topics).join(', ')}
mltop rules schema                a JSON Schema of rule packs, for editors

Exit codes: 0 ok, 1 lint found errors or a test failed, 2 wrong command line or a file that cannot be read.
`;

async function schema(asked: Asked): Promise<number> {
  printJson(asked, packSchema());
  return exitCode.ok;
}

const subcommands: Readonly<Record<string, (asked: Asked) => Promise<number>>> = {
  list,
  lint,
  test: runTests,
  explain: explainRule,
  schema,
};

/** `mltop rules`. @throws UsageError for a wrong command line or an unreadable pack. */
export async function rulesCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  const parsed = parseFlags(argv, commandFlags.rules);
  const [word, ...words] = parsed.positionals;
  if (parsed.on('help') || word === 'help') {
    io.stdout.write(commandHelpText('rules', help));
    return exitCode.ok;
  }
  const command = word === undefined ? undefined : subcommands[word];
  if (command === undefined) {
    const close = word === undefined ? undefined : nearest(word, Object.keys(subcommands));
    throw new UsageError(
      word === undefined ? 'rules needs a command' : `rules ${word}: not a command`,
      close === undefined ? `One of ${Object.keys(subcommands).join(', ')}.` : `Did you mean ${close}?`,
    );
  }
  return command({ parsed, words, io });
}
