import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ForeignKubeconfig } from './kubeconfig.ts';
import { type Demo, type DemoOptions, startDemo } from './start.ts';
import { warm } from './warm.ts';

export interface ServeOptions extends DemoOptions {
  /** Where the kubeconfig goes; a place of its own when left out, and removed again at the end. */
  readonly kubeconfig?: string;
  /** Takes one line of text, without its line feed; standard output when left out. */
  readonly say?: (line: string) => void;
}

interface Written {
  readonly path: string;
  readonly remove: () => void;
}

/** Writes the kubeconfig where nothing else of anybody's is. */
async function writeOwn(demo: Demo): Promise<Written> {
  const { XDG_RUNTIME_DIR: runtime, XDG_CACHE_HOME: cache } = process.env;
  const name = `demo-${new URL(demo.url).port}.kubeconfig`;
  try {
    const path = join(runtime ?? cache ?? join(homedir(), '.cache'), 'mltop', name);
    await demo.writeKubeconfig(path);
    return { path, remove: () => rmSync(path, { force: true }) };
  } catch (error) {
    if (error instanceof ForeignKubeconfig) throw error;
    const folder = await mkdtemp(join(tmpdir(), 'mltop-'));
    const remove = (): void => rmSync(folder, { recursive: true, force: true });
    // Whatever stops it from being written leaves no folder either.
    const path = await demo.writeKubeconfig(join(folder, name)).catch((failure: unknown) => {
      remove();
      throw failure;
    });
    return { path, remove };
  }
}

async function writeGiven(demo: Demo, path: string): Promise<Written> {
  return { path: await demo.writeKubeconfig(path), remove: () => {} };
}

const interrupted = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });

/**
 * `mltop demo --serve`: serves until it is interrupted. Once it answers it says `serving https://127.0.0.1:PORT` on a line
 * of its own, and how to reach it.
 */
export async function serveDemo(options: ServeOptions = {}): Promise<void> {
  const say = options.say ?? ((line: string) => void process.stdout.write(`${line}\n`));
  const stopped = interrupted();
  const demo = await startDemo(options);
  try {
    const { path, remove } =
      options.kubeconfig === undefined ? await writeOwn(demo) : await writeGiven(demo, options.kubeconfig);
    // After a crash, too.
    process.once('exit', remove);
    for (const note of demo.notes) say(note);
    say(`kubeconfig ${path}`);
    say('contexts demo (admin), demo-viewer (two namespaces, read only), demo-nobody (no rights)');
    if (demo.httpUrl !== undefined) say(`plain ${demo.httpUrl}`);
    const warmed = warm(demo.store, stopped);
    say(`serving ${demo.url}`);
    say(`try: kubectl --kubeconfig ${path} get pods -A`);
    await stopped;
    // Before anything else is waited for: a second Ctrl-C ends the process where it stands.
    remove();
    await warmed;
  } finally {
    await demo.close();
  }
}
