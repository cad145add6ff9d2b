import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One temporary directory around those of all test files: hooks of a file that fails to load, or is skipped, never run. */
export function setup(): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'mltop-run-'));
  process.env['TMPDIR'] = directory;
  return () => rmSync(directory, { recursive: true, force: true });
}
