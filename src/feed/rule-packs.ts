import { type FSWatcher, watch } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { LoadedPack, RulePack } from '../checklist/pack-types.ts';
import { loadPack } from '../checklist/rule-pack.ts';
import { type Rules, rulesOf } from '../checklist/rules.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** A file of rules as it was read. */
export interface PackFile {
  readonly path: string;
  readonly text: string;
  readonly loaded: LoadedPack;
}

/** The files that packs are read from, and those that were named and are not there. */
export interface PackFiles {
  readonly files: readonly PackFile[];
  readonly unreadable: readonly string[];
}

/** Where packs lie when nobody names one. */
const rulesFolder = (env: Env): string =>
  join(env['XDG_CONFIG_HOME'] ?? join(env['HOME'] ?? homedir(), '.config'), 'mltop', 'rules');

/** More than a pack may have is not worth reading into memory. */
const mostBytes = 1024 * 1024;

const isPack = (name: string): boolean => /\.ya?ml$/.test(name) && !name.startsWith('.');

const yamlIn = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder))
    .filter(isPack)
    .sort()
    .map((name) => join(folder, name));

async function read(path: string, version: string | undefined): Promise<PackFile | undefined> {
  try {
    const { size } = await stat(path);
    const text = size > mostBytes ? ' '.repeat(mostBytes) : await readFile(path, 'utf8');
    return { path, text, loaded: loadPack(text, version) };
  } catch {
    return undefined;
  }
}

/** The packs of the files and folders that were named, else of the configuration folder, in the order in which they count. */
export async function readPacks(named: readonly string[], env: Env, version?: string): Promise<PackFiles> {
  const paths: string[] = [];
  const unreadable: string[] = [];
  for (const path of named.length > 0 ? named : [rulesFolder(env)]) {
    const found = await yamlIn(path).catch((error: NodeJS.ErrnoException) =>
      error.code === 'ENOTDIR' ? [path] : undefined,
    );
    if (found !== undefined) paths.push(...found);
    else if (named.length > 0) unreadable.push(path);
  }
  const files: PackFile[] = [];
  for (const path of paths) {
    const file = await read(path, version);
    if (file === undefined) unreadable.push(path);
    else files.push(file);
  }
  return { files, unreadable };
}

/** `acme.yaml:7: unknown key` and so on: the first thing that makes a pack unusable. */
export function firstProblem({ path, loaded }: PackFile): string {
  const first = loaded.problems.find(({ level }) => level === 'error');
  return `${path}:${first?.line ?? 1}: ${first?.message ?? 'not a rule pack'}`;
}

/** The rule packs that are in force, read again whenever one of their files changes. */
export interface RulePacks {
  /** Undefined where there are none. */
  readonly added: () => Rules | undefined;
  readonly stop: () => void;
}

export interface RulePacksOptions {
  readonly env: Env;
  /** Files and folders of the command line; none: the configuration folder. */
  readonly named?: readonly string[];
  /** mltop's own, for packs that need a newer one. */
  readonly version?: string;
  readonly onChange: () => void;
  /** A pack was read again and holds from now on. */
  readonly onReload?: (text: string) => void;
  /** A pack that is not right, with its file and line: its rules of before stay. */
  readonly onProblem: (text: string) => void;
}

/** Editors write a file in several steps. */
const settleMs = 150;
/** A folder that is not there may be made while the screen is open. */
const lookAgainMs = 3000;

export function watchRulePacks(options: RulePacksOptions): RulePacks {
  const { env, named = [], version, onChange, onReload, onProblem } = options;
  /** The last good one of each file. */
  const good = new Map<string, { readonly text: string; readonly pack: RulePack }>();
  const told = new Map<string, string>();
  const watchers = new Map<string, FSWatcher>();
  let added: Rules | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let isFirst = true;

  async function readAll(): Promise<void> {
    const { files, unreadable } = await readPacks(named, env, version);
    if (isStopped) return;
    const paths = new Set(files.map(({ path }) => path));
    let hasChanged = false;
    for (const path of good.keys())
      if (!paths.has(path) && !unreadable.includes(path)) {
        good.delete(path);
        hasChanged = true;
      }
    for (const file of files) hasChanged = take(file) || hasChanged;
    for (const path of unreadable) tell(path, '', `${path}: cannot be read`);
    isFirst = false;
    if (!hasChanged) return;
    const packs = [...good].sort(byPlace([...paths])).map(([, { pack }]) => pack);
    added = rulesOf(packs);
    onChange();
  }

  /** True where other rules hold now. */
  function take(file: PackFile): boolean {
    const { path, text, loaded } = file;
    const before = good.get(path);
    if (loaded.pack === undefined) {
      // One line of the screen has to hold it: which file of that name it is, its owner knows.
      const problem = firstProblem({ ...file, path: basename(path) });
      tell(path, text, `rules ${problem}${before === undefined ? '' : '; its rules of before stay'}`);
      return false;
    }
    const wasBroken = told.delete(path);
    if (before?.text === text) {
      if (wasBroken) onReload?.(`rules ${basename(path)}: right again`);
      return false;
    }
    good.set(path, { text, pack: loaded.pack });
    const { name, states } = loaded.pack;
    if (!isFirst)
      onReload?.(`rules ${name}: ${states.length === 1 ? '1 state' : `${states.length} states`} read`);
    return true;
  }

  /** Each problem once, until the file is another one. */
  function tell(path: string, text: string, problem: string): void {
    if (told.get(path) === text) return;
    told.set(path, text);
    onProblem(problem);
  }

  function readSoon(): void {
    clearTimeout(timer);
    timer = setTimeout(() => void readAll(), settleMs);
    timer.unref();
  }

  /** True where a folder came to be watched. */
  async function follow(): Promise<boolean> {
    let isNew = false;
    for (const path of named.length > 0 ? named : [rulesFolder(env)]) {
      const isFolder = await stat(path).then(
        (found) => found.isDirectory(),
        () => undefined,
      );
      if (isFolder === undefined || isStopped) continue;
      // An editor replaces a file, so that its folder is what is watched.
      const folder = isFolder ? path : dirname(path);
      if (watchers.has(folder)) continue;
      try {
        const watcher = watch(folder, readSoon);
        watcher.unref();
        watcher.on('error', () => {
          watcher.close();
          watchers.delete(folder);
        });
        watchers.set(folder, watcher);
        isNew = true;
      } catch {
        // Not to be watched, as on some network file systems: read once, and again with the next start.
      }
    }
    return isNew;
  }

  void follow().then(readAll);
  const again = setInterval(() => {
    void follow().then((isNew) => {
      if (isNew) readSoon();
    });
  }, lookAgainMs);
  again.unref();
  return {
    added: () => added,
    stop() {
      isStopped = true;
      clearTimeout(timer);
      clearInterval(again);
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}

/** In the order in which they were read; what cannot be read just now keeps a place behind. */
const byPlace =
  (paths: readonly string[]) =>
  (a: readonly [string, unknown], b: readonly [string, unknown]): number =>
    (paths.indexOf(a[0]) + 1 || paths.length + 1) - (paths.indexOf(b[0]) + 1 || paths.length + 1);
