import { stringify } from 'yaml';
import { objectStates } from '../checklist/built-in.ts';
import { podStates, priorityOf } from '../checklist/classify.ts';
import { exitMeaning } from '../checklist/exit-codes.ts';
import { defaultLimits, limitHelp } from '../checklist/limits.ts';
import { metrics, namedFacts } from '../checklist/named-facts.ts';
import { loops } from '../checklist/pack-scene.ts';
import { templateWords } from '../checklist/pack-template.ts';
import type { AddedState, RawPack } from '../checklist/pack-types.ts';
import { conditionWords, operators } from '../checklist/predicate.ts';
import { gates } from '../checklist/report.ts';
import type { Rules } from '../checklist/rules.ts';
import { signatures } from '../checklist/signatures/index.ts';
import type { State } from '../checklist/state.ts';
import type { PackFile } from '../feed/rule-packs.ts';

type BuiltIn = Pick<State<never>, 'id' | 'key' | 'gate' | 'severity' | 'title'> & {
  readonly kinds: readonly string[];
};

/** Every built-in state once, with the kinds that it is asked of. */
export function statesByName(): readonly BuiltIn[] {
  const found = new Map<string, BuiltIn>();
  for (const state of podStates) found.set(`${state.id} ${state.key}`, { ...state, kinds: ['Pod'] });
  for (const state of objectStates) {
    const name = `${state.id} ${state.key}`;
    const before = found.get(name);
    found.set(name, { ...state, kinds: [...new Set([...(before?.kinds ?? []), ...state.kinds])] });
  }
  return [...found.values()].sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
}

/** What `rules explain` says of one thing: as text by its lines, as JSON by its fields. */
export interface Explained {
  readonly lines: readonly string[];
  readonly json: Readonly<Record<string, unknown>>;
}

/** Words that explain a part of the language instead of a rule. */
export const topics: Readonly<Record<string, () => readonly string[]>> = {
  facts: () =>
    namedFacts.map(({ id, args, help }) => {
      const given = Object.entries(args).map(([name, need]) => (need === 'needed' ? name : `[${name}]`));
      return `${`${id}${given.length === 0 ? '' : ` {${given.join(', ')}}`}`.padEnd(38)} ${help}`;
    }),
  metrics: () => metrics.map((name) => `${name.padEnd(38)} share, 0 to 1`),
  params: () =>
    limitHelp.map(
      ({ name, state, help }) => `${`${state} ${name}`.padEnd(24)} ${defaultLimits[name]}: ${help}`,
    ),
  gates: () => gates.map(({ id, title }, position) => `${`g${position} ${id}`.padEnd(18)} ${title}`),
  conditions: () => [
    `parts      ${conditionWords.join(', ')}`,
    `operators  ${operators.join(', ')}`,
    `forEach    ${loops.join(', ')}; each is $c in turn`,
    'paths      of the pod; with owner., node., ns. or $c. before of that; [type=Ready], [*] for any',
    `templates  {{ ${[...templateWords.filter((word) => !word.startsWith('$')), 'params.x', 'captures.x', 'facts.x', 'a.path'].join(' }} {{ ')} }}`,
    'filters    quantity, age, shell, trunc(40), json',
  ],
};

const codeOf = (id: string): number | undefined => {
  const match = /^(?:exit[- ]?)?(\d{1,3})$/.exec(id);
  return match === null ? undefined : Number(match[1]);
};

/** A rule by its id, built in or of a pack; a log signature; an exit code; a part of the language. Undefined for none. */
export function explain(
  id: string,
  files: readonly PackFile[],
  rules: Rules | undefined,
): Explained | undefined {
  const topic = topics[id];
  if (topic !== undefined) return { lines: topic(), json: { id, lines: topic() } };
  const added = files.flatMap((file) =>
    (file.loaded.pack?.states ?? [])
      .filter((state) => state.id === id)
      .map((state) => explainAdded(state, file, file.loaded.pack?.raw)),
  );
  const parts = files.flatMap((file) => explainPart(id, file));
  const states = statesByName().filter((state) => state.id === id || state.key === id);
  const hits = signatures.filter((entry) => entry.state === id || entry.id === id);
  const code = codeOf(id);
  const found = [
    ...added,
    ...parts,
    ...states.map((state) => explainState(state, rules)),
    ...hits.map((hit) => ({
      lines: [
        `log signature ${hit.id} (rank ${hit.rank}): ${hit.meaning}`,
        `  /${hit.pattern.source}/`,
        `  look at: ${hit.checks}`,
      ],
      json: {
        kind: 'signature',
        id: hit.id,
        rank: hit.rank,
        state: hit.state,
        meaning: hit.meaning,
        pattern: hit.pattern.source,
        look: hit.checks,
      },
    })),
    ...(code === undefined ? [] : [explainCode(code, files)]),
  ];
  if (found.length === 0) return undefined;
  return {
    lines: found.flatMap(({ lines }, position) => (position === 0 ? lines : ['', ...lines])),
    json: { id, rules: found.map(({ json }) => json) },
  };
}

function explainState(state: BuiltIn, rules: Rules | undefined): Explained {
  const params = limitHelp.filter((limit) => limit.state === state.id);
  const priority = priorityOf(state);
  const changes = (rules?.packs ?? []).flatMap((pack) =>
    (pack.raw.overrides ?? [])
      .filter(
        (change) => change.id === state.id || change.id === state.key || change.id.startsWith(`${state.id}.`),
      )
      .map((change) => ({ pack: pack.name, ...change })),
  );
  const limits = rules?.limits ?? defaultLimits;
  return {
    lines: [
      `${state.id}  ${state.key}`,
      state.title,
      `of ${state.kinds.join(', ')}; gate ${state.gate}, severity ${state.severity}${priority === undefined ? '' : `, priority ${priority}`}`,
      ...params.map(({ name, help }) => `param ${name} (${limits[name]}): ${help}`),
      ...changes.map(({ pack, ...change }) => `changed by ${pack}: ${JSON.stringify(change)}`),
    ],
    json: {
      kind: 'state',
      id: state.id,
      key: state.key,
      title: state.title,
      subjects: state.kinds,
      gate: state.gate,
      severity: state.severity,
      ...(priority === undefined ? {} : { priority }),
      params: Object.fromEntries(params.map(({ name }) => [name, limits[name]])),
      overrides: changes,
    },
  };
}

const yamlLines = (value: unknown): readonly string[] =>
  stringify(value, { lineWidth: 110 })
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`);

function explainAdded(state: AddedState, { path }: PackFile, pack: RawPack | undefined): Explained {
  const checks = (pack?.checks ?? []).filter((check) => check.for.includes(state.id));
  const named = new Set([
    ...('cause' in state.raw && state.raw.cause !== undefined ? [state.raw.cause] : []),
    ...checks.flatMap(({ onFail }) => (onFail?.cause === undefined ? [] : [onFail.cause])),
  ]);
  const tellers = [state.id, ...checks.map(({ id }) => id)];
  const causes = (pack?.causes ?? []).filter(
    ({ id, verdict }) =>
      named.has(id) ||
      Object.values(verdict ?? {}).some((ids) => tellers.some((teller) => ids?.includes(teller) === true)),
  );
  const fixes = (pack?.fixes ?? []).filter(({ id }) => causes.some((cause) => cause.fixes?.includes(id)));
  const { id: _id, ...asked } = 'id' in state.raw ? state.raw : { id: '', ...state.raw };
  const where = `${path}:${state.line}`;
  return {
    lines: [
      `${state.id}  ${state.pack}  ${where}`,
      state.state.title,
      `of ${state.subject}; gate ${state.state.gate}, severity ${state.state.severity}, priority ${state.priority ?? 'before the built-in ones'}`,
      ...yamlLines(asked),
      ...(checks.length === 0 ? [] : ['checks', ...yamlLines(checks)]),
      ...(causes.length === 0 ? [] : ['causes', ...yamlLines(causes)]),
      ...(fixes.length === 0 ? [] : ['fixes', ...yamlLines(fixes)]),
    ],
    json: {
      kind: 'state',
      id: state.id,
      pack: state.pack,
      file: path,
      line: state.line,
      title: state.state.title,
      subjects: [state.subject],
      gate: state.state.gate,
      severity: state.state.severity,
      ...(state.priority === undefined ? {} : { priority: state.priority }),
      rule: state.raw,
      checks,
      causes,
      fixes,
    },
  };
}

const partWords = { checks: 'check', causes: 'cause', fixes: 'fix' } as const;

/** A check, a cause or a fix of a pack. */
function explainPart(id: string, { path, loaded }: PackFile): readonly Explained[] {
  const raw = loaded.pack?.raw;
  return (['checks', 'causes', 'fixes'] as const).flatMap((section) =>
    (raw?.[section] ?? [])
      .filter((entry) => entry.id === id)
      .map((entry) => ({
        lines: [`${id}  ${partWords[section]}  ${path}`, ...yamlLines(entry)],
        json: { kind: section, id, pack: raw?.metadata.name ?? '', file: path, rule: entry },
      })),
  );
}

function explainCode(code: number, files: readonly PackFile[]): Explained {
  const { meaning, look } = exitMeaning(code);
  const own = files.flatMap(({ path, loaded }) =>
    (loaded.pack?.raw.exitCodes ?? [])
      .filter((entry) => [entry.code].flat().includes(code))
      .map((entry) => ({ ...entry, file: path })),
  );
  return {
    lines: [
      `exit code ${code}: ${meaning}`,
      `  look at: ${look}`,
      ...own.map(({ file, image, means }) => `  ${image ?? 'any image'}: ${means}  (${file})`),
    ],
    json: { kind: 'exitCode', code, meaning, look, packs: own },
  };
}
