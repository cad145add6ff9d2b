import { type FSWatcher, watch } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { AddedStates } from '../checklist/evaluate.ts';
import { addedStates, loadPack, type RulePack } from '../checklist/rule-pack.ts';

/** The rule packs of the configuration folder, read again whenever one of its files changes. */
export interface RulePacks {
  /** Undefined where there are none. */
  readonly added: () => AddedStates | undefined;
  readonly stop: () => void;
}

export interface RulePacksOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onChange: () => void;
  /** A pack that is not right, with its file and line: its rules of before stay. */
  readonly onProblem: (text: string) => void;
}

/** Editors write a file in several steps. */
const settleMs = 150;

/** Where packs lie when nobody names one. */
const rulesFolder = (env: RulePacksOptions['env']): string =>
  join(env['XDG_CONFIG_HOME'] ?? join(env['HOME'] ?? homedir(), '.config'), 'mltop', 'rules');

export function watchRulePacks({ env, onChange, onProblem }: RulePacksOptions): RulePacks {
  const folder = rulesFolder(env);
  /** The last good one of each file. */
  const good = new Map<string, RulePack>();
  let added: AddedStates | undefined;
  let timer: NodeJS.Timeout | undefined;
  let watcher: FSWatcher | undefined;
  let isStopped = false;

  async function read(): Promise<void> {
    const names = (await readdir(folder).catch(() => [])).filter((name) => /\.ya?ml$/.test(name)).sort();
    for (const name of good.keys()) if (!names.includes(name)) good.delete(name);
    for (const name of names) {
      const text = await readFile(join(folder, name), 'utf8').catch(() => undefined);
      if (text === undefined) continue;
      const { pack, problems } = loadPack(text);
      if (pack !== undefined) good.set(name, pack);
      else {
        const [first] = problems;
        const kept = good.has(name) ? '; its rules of before stay' : '';
        onProblem(`${join(folder, name)}:${first?.line ?? 1}: ${first?.message ?? 'not a rule pack'}${kept}`);
      }
    }
    if (isStopped) return;
    const packs = [...good.keys()].sort().flatMap((name) => good.get(name) ?? []);
    if (packs.length === 0 && added === undefined) return;
    added = packs.length === 0 ? undefined : addedStates(packs);
    onChange();
  }

  function readSoon(): void {
    clearTimeout(timer);
    timer = setTimeout(() => void read(), settleMs);
    timer.unref();
  }

  try {
    watcher = watch(folder, readSoon);
    watcher.on('error', () => watcher?.close());
    watcher.unref();
  } catch {
    // No such folder: no packs, and none will come while this runs.
  }
  void read();
  return {
    added: () => added,
    stop() {
      isStopped = true;
      clearTimeout(timer);
      watcher?.close();
    },
  };
}
