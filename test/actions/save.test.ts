import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { saveFile } from '../../src/actions/save.ts';

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mltop-save-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('a file is written where only its owner reads it', async () => {
  const state = await emptyFolder();
  const path = await saveFile('pods.csv', 'NAME\r\n', { XDG_STATE_HOME: state });
  expect(path).toBe(join(state, 'mltop', 'screen-dumps', 'pods.csv'));
  expect(await readFile(path, 'utf8')).toBe('NAME\r\n');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('without XDG_STATE_HOME it goes under the home folder', async () => {
  const home = await emptyFolder();
  expect(await saveFile('a.csv', '', { HOME: home })).toBe(
    join(home, '.local', 'state', 'mltop', 'screen-dumps', 'a.csv'),
  );
});

test('a name from the cluster leads nowhere else', async () => {
  const state = await emptyFolder();
  const path = await saveFile('../../etc/x\u001b[31m.csv', '', { XDG_STATE_HOME: state });
  expect(path.startsWith(join(state, 'mltop', 'screen-dumps'))).toBe(true);
  expect(basename(path)).toMatch(/^[\w.-]+$/);
});

test('what is there already is not overwritten', async () => {
  const env = { XDG_STATE_HOME: await emptyFolder() };
  await saveFile('a.csv', 'first', env);
  await expect(saveFile('a.csv', 'second', env)).rejects.toThrow('EEXIST');
});
