import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stateFolder } from './journal.ts';

/**
 * Writes a file only its owner can read, under `$XDG_STATE_HOME/mltop/screen-dumps`; gives its path. `name` is made
 * harmless: it may hold names of the cluster. Rejects with the system's error.
 */
export async function saveFile(
  name: string,
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const folder = join(stateFolder(env), 'screen-dumps');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, name.replace(/[^\w.-]+/g, '_').replace(/^\.+/, '_'));
  await writeFile(path, text, { mode: 0o600, flag: 'wx' });
  return path;
}
