import { isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import { builtInStates } from './built-in.ts';
import { checksFor, compileExit, compileState } from './pack-compile.ts';
import { fixesOf } from './pack-fixes.ts';
import { lintPack, type Problems } from './pack-lint.ts';
import type { Scene } from './pack-scene.ts';
import { fill } from './pack-template.ts';
import {
  type CauseOverride,
  type LintProblem,
  type LoadedPack,
  packSeverity,
  type RawOverride,
  type RawPack,
  type RulePack,
  type StateOverride,
} from './pack-types.ts';
import type { PodFacts } from './pod-facts.ts';

/** What a pack may be at most: it is data of somebody else. */
const mostCharacters = 256 * 1024;
const mostDepth = 30;
const mostProblems = 100;

const failed = (line: number, message: string): LoadedPack => ({
  pack: undefined,
  problems: [{ line, message, level: 'error' }],
});

/**
 * Reads a pack of YAML: data only, bounded, checked before it is used, each problem with its line. `version` is mltop's
 * own, for packs that need a newer one. Never throws.
 */
export function loadPack(source: string, version?: string): LoadedPack {
  if (source.length > mostCharacters)
    return failed(1, `larger than ${mostCharacters / 1024} KiB: split it into several packs`);
  // Nesting costs a call of the parser each; what is deeper than a pack can be is not handed to it.
  const deep = tooDeep(source);
  if (deep !== undefined) return failed(deep, `nested more than ${mostDepth} deep`);
  try {
    return load(source, version);
  } catch (error) {
    return failed(1, error instanceof RangeError ? 'nested too deeply' : `cannot be read: ${String(error)}`);
  }
}

/** Where a node of YAML begins. */
const offsetOf = (node: unknown): number =>
  (node as { readonly range?: readonly number[] | null } | null)?.range?.[0] ?? 0;

/** The line where brackets or indentation go deeper than any pack; a bound, not a parser: quotes are not looked at. */
function tooDeep(source: string): number | undefined {
  let [line, brackets] = [1, 0];
  for (const text of source.split('\n')) {
    const start = /^[ \t?-]*/.exec(text)?.[0] ?? '';
    // Each level of a block costs a column at least; `- - -` costs two.
    if (start.length > mostDepth * 8 || (start.match(/[-?]/g)?.length ?? 0) > mostDepth) return line;
    for (const char of text) {
      if (char === '[' || char === '{') brackets += 1;
      else if (char === ']' || char === '}') brackets = Math.max(0, brackets - 1);
      if (brackets > mostDepth * 10) return line;
    }
    line += 1;
  }
  return undefined;
}

function load(source: string, version: string | undefined): LoadedPack {
  const counter = new LineCounter();
  const document = parseDocument(source, { lineCounter: counter, merge: false, schema: 'core' });
  const found: LintProblem[] = [];
  const problems: Problems = {
    add(offset, message, level = 'error') {
      if (found.length < mostProblems) found.push({ line: counter.linePos(offset).line, message, level });
    },
  };
  for (const { pos, message } of [...document.errors, ...document.warnings])
    problems.add(pos[0], message.split('\n')[0] ?? '');
  if (found.length > 0) return { pack: undefined, problems: found };
  const root = document.contents;
  if (!isMap(root)) return failed(1, 'a rule pack is a map with apiVersion, kind and metadata');
  visit(document, (_, node, path) => {
    const offset = offsetOf(node);
    if (path.length > mostDepth * 3) {
      problems.add(offset, `nested more than ${mostDepth} deep`);
      return visit.BREAK;
    }
    if (typeof node === 'object' && node !== null && 'source' in node && !isScalar(node)) {
      problems.add(offset, 'aliases are not read: write it out');
      return visit.BREAK;
    }
    return undefined;
  });
  if (found.length > 0) return { pack: undefined, problems: found };
  putParams(root, problems);
  lintPack(root, problems, version);
  const ordered = found.sort((a, b) => a.line - b.line);
  if (ordered.some(({ level }) => level === 'error')) return { pack: undefined, problems: ordered };
  const lines = new Map<string, number>();
  for (const section of ['states', 'exitCodes']) {
    const list = root.get(section, true);
    for (const [position, node] of (isSeq(list) ? list.items : []).entries())
      lines.set(`${section}/${position}`, counter.linePos(offsetOf(node)).line);
  }
  return { pack: compile(document.toJS() as RawPack, lines), problems: ordered };
}

/** `{{ params.x }}` becomes the parameter before anything else is read: a whole value keeps its type. */
function putParams(root: unknown, problems: Problems): void {
  if (!isMap(root)) return;
  const params = root.get('params', true);
  const given = new Map<string, unknown>();
  if (isMap(params))
    for (const { key, value } of params.items)
      if (isScalar(value)) given.set(String(isScalar(key) ? key.value : key), value.value);
  visit(root, {
    Scalar(_, node) {
      if (typeof node.value !== 'string' || !node.value.includes('params.')) return;
      const whole = /^\{\{\s*params\.([\w-]+)\s*\}\}$/.exec(node.value);
      if (whole !== null && given.has(whole[1] ?? '')) {
        node.value = given.get(whole[1] ?? '');
        return;
      }
      node.value = node.value.replace(/\{\{\s*params\.([\w-]+)\s*\}\}/g, (hole, name: string) => {
        if (given.has(name)) return String(given.get(name));
        problems.add(node.range?.[0] ?? 0, `no parameter ${name} under params`);
        return hole;
      });
    },
  });
}

function compile(raw: RawPack, lines: ReadonlyMap<string, number>): RulePack {
  const { name } = raw.metadata;
  const overrides = new Map<string, StateOverride>();
  const causes = new Map<string, CauseOverride>();
  const limits: Record<string, number> = {};
  for (const change of raw.overrides ?? []) {
    Object.assign(limits, change.params);
    if (isCauseId(change.id)) causes.set(change.id, causeOverride(change, raw));
    else overrides.set(change.id, stateOverride(change, raw));
  }
  for (const { id, key, gate } of builtInStates) {
    for (const name of new Set([id, key])) {
      const more = checksFor({ id: name, gate }, raw);
      if (more !== undefined) overrides.set(name, { ...overrides.get(name), more });
    }
  }
  return {
    name,
    version: String(raw.metadata.version ?? ''),
    description: raw.metadata.description ?? '',
    states: [
      ...(raw.states ?? []).map((state, position) =>
        compileState(state, raw, lines.get(`states/${position}`) ?? 1),
      ),
      ...(raw.exitCodes ?? []).map((exit, position) =>
        compileExit(exit, raw, lines.get(`exitCodes/${position}`) ?? 1),
      ),
    ],
    overrides,
    causes,
    limits,
    tests: raw.tests ?? [],
    raw,
  };
}

/** `H4.limit` is a cause of state H4; `H4` and `oom.limit` are states. */
const isCauseId = (id: string): boolean => /^[A-N]\d+[a-z]?\./.test(id);

const sceneOf = (facts: PodFacts): Scene => ({ facts, bound: undefined });

function stateOverride(change: RawOverride, pack: RawPack): StateOverride {
  const label = change.label ?? change.text;
  return {
    ...(change.disabled === undefined ? {} : { isDisabled: change.disabled }),
    ...(change.severity === undefined ? {} : { severity: packSeverity[change.severity] }),
    ...(label === undefined ? {} : { label: (facts, headline) => fill(label, sceneOf(facts), { headline }) }),
    ...(change.fixes === undefined
      ? {}
      : { fixes: (facts) => fixesOf(change.fixes ?? [], pack, sceneOf(facts), {}) }),
  };
}

function causeOverride(change: RawOverride, pack: RawPack): CauseOverride {
  return {
    apply: (cause, facts) => ({
      ...cause,
      ...(change.text === undefined ? {} : { text: fill(change.text, sceneOf(facts), { text: cause.text }) }),
      ...(change.fixes === undefined ? {} : { fixes: fixesOf(change.fixes, pack, sceneOf(facts), {}) }),
    }),
  };
}
