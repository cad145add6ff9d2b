import { mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Writes a file only its owner can read, under `$XDG_STATE_HOME/mltop/screen-dumps`; gives its path. `name` is made
 * harmless: it may hold names of the cluster. Rejects with the system's error.
 */
export async function saveFile(
  name: string,
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const state = env['XDG_STATE_HOME'] ?? '';
  const folder = join(
    state === '' ? join(env['HOME'] ?? homedir(), '.local', 'state') : state,
    'mltop',
    'screen-dumps',
  );
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, name.replace(/[^\w.-]+/g, '_').replace(/^\.+/, '_'));
  await writeFile(path, text, { mode: 0o600, flag: 'wx' });
  return path;
}
