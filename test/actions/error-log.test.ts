import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createErrorLog } from '../../src/actions/error-log.ts';

const folder = mkdtempSync(join(tmpdir(), 'mltop-errors-'));
const noon = (): number => Date.parse('2026-11-21T12:00:00Z');

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('an error is kept once with its stack, for its owner alone', () => {
  const log = createErrorLog({ XDG_STATE_HOME: folder }, noon);
  const error = new TypeError('row is undefined');
  const said = log.report('jobs', error);
  expect(log.report('jobs', error)).toBe(said);
  expect(said).toBe(`internal error in jobs: row is undefined (details in ${folder}/mltop/mltop.log)`);
  const kept = readFileSync(log.path, 'utf8');
  expect(kept).toMatch(/^2026-11-21T12:00:00.000Z jobs: TypeError: row is undefined\n {4}at /);
  expect(kept.match(/row is undefined/g)).toHaveLength(1);
  expect(statSync(log.path).mode & 0o777).toBe(0o600);
});

test('where it cannot be kept, the sentence says why', () => {
  writeFileSync(`${folder}-file`, '');
  const log = createErrorLog({ XDG_STATE_HOME: `${folder}-file` }, noon);
  expect(log.report('pods', new Error('boom'))).toMatch(/boom \(details in .* could not be written: ENOTDIR/);
  rmSync(`${folder}-file`);
});
