import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadTable } from '../../src/cli/rows.ts';
import { pods } from '../../src/resources/pods.ts';
import { Program } from '../e2e/program.ts';
import { openTarget, type Target } from './target.ts';

let target: Target;
let program: Program;

const flags = (): string[] => [
  '--kubeconfig',
  target.kubeconfig,
  ...(target.context === undefined ? [] : ['--context', target.context]),
];
/** Namespace and name under the cursor; the cells behind them may change by themselves. */
const cursorLine = (screen: string): string => /^>\S+(?: +\S+)?/m.exec(screen)?.[0].replace(/ +/g, ' ') ?? '';
/** `Pods(all)[10,000]` → 10000. */
const titleCount = (screen: string): number =>
  Number((/Pods\(all\)\[(?:[\d,]+\/)?([\d,]+)\]/.exec(screen)?.[1] ?? 'NaN').replaceAll(',', ''));

beforeAll(async () => {
  target = await openTarget();
  program = new Program(['pods', '-A', ...flags()], { columns: 200, rows: 60 });
}, 120_000);

afterAll(async () => {
  program.kill();
  await target.close();
});

test('the screen shows every pod of the cluster, live', async () => {
  const { rows } = await loadTable(target.connection, pods, { namespaces: 'all' }, Date.now());
  // Between two reads a real cluster may gain or lose a few.
  const slack = target.real ? Math.max(5, rows.length * 0.02) : 0;
  await program.waitFor((screen) => Math.abs(titleCount(screen) - rows.length) <= slack, 120_000);
  await program.waitFor(/live/, 30_000);
});

test('the keys move, filter, sort, switch views and come back', async () => {
  program.press('g');
  await program.quiet();
  const first = cursorLine(program.screen());
  program.press('j');
  await program.waitFor((screen) => cursorLine(screen) !== first);
  program.press('G');
  await program.quiet();
  program.press('g');
  await program.quiet();
  program.press('/', 'zzz-nothing-has-this-name', 'Enter');
  await program.waitFor(/\[0\/[\d,]+\]/);
  program.press('Escape');
  await program.waitFor((screen) => titleCount(screen) > 0 && !/\[0\//.test(screen));
  program.press(':', 'nodes', 'Enter');
  await program.waitFor(/Nodes\[[\d,]+\]/, 30_000);
  program.press(':', 'events', 'Enter');
  await program.waitFor(/Events[^\n]*\[[\d,]+/, 30_000);
  program.press(':', 'gpus', 'Enter');
  await program.waitFor(/\[GPUs\]/, 30_000);
  program.press(':', 'pods', 'Enter');
  await program.waitFor(/Pods\(all\)/, 30_000);
});

test('it quits with 0 and leaves the terminal as it was', async () => {
  program.press(':', 'q', 'Enter');
  expect(await program.exit()).toBe(0);
  expect(program.terminal.buffer.active.type).toBe('normal');
});
