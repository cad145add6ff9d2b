import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const made = new Set<string>();

/** A new folder of this test file's own; it is removed when the file ends. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `mltop-${name}-`));
  made.add(folder);
  return folder;
}

/** How long what is being removed may take, and programs that are ending. */
const patienceMs = 3000;

/** A temporary directory for everything that one test file does, the programs that it starts included; gives its end. */
export function ownTemporaryDirectory(): () => Promise<void> {
  const before = process.env['TMPDIR'];
  const directory = mkdtempSync(join(tmpdir(), 'mltop-tests-'));
  process.env['TMPDIR'] = directory;
  const left = (): string[] => readdirSync(directory).filter((name) => !isOfTools(name));
  return async () => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    for (const folder of made) rmSync(folder, { recursive: true, force: true });
    const deadline = performance.now() + patienceMs;
    while (left().length > 0 && performance.now() < deadline) await pause(20);
    const names = left();
    rmSync(directory, { recursive: true, force: true });
    if (names.length > 0) throw new Error(`Left behind in the temporary directory: ${names.join(', ')}`);
  };
}

/** Caches that Node and tsx keep between runs, on purpose. */
const isOfTools = (name: string): boolean => name === 'node-compile-cache' || name.startsWith('tsx-');
