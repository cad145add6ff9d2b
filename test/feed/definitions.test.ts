import { expect, onTestFinished, test } from 'vitest';
import { createTables } from '../../src/actions/tables.ts';
import { startDefinitions } from '../../src/feed/definitions.ts';
import { discover } from '../../src/kube/discovery.ts';
import { createSession, goTo, tableView } from '../../src/state/session.ts';
import { demoOf } from '../demo/cluster.ts';
import { connectTo } from '../live-feed.ts';

/** The kinds of the demo cluster as a person of it sees them; the definitions are read as views are opened. */
async function given(user: string) {
  const demo = await demoOf({ still: true });
  const { connection } = await connectTo(demo, { user });
  const tables = createTables([]);
  tables.learn((await discover(connection)).kinds);
  const session = createSession({ table: 'pods', namespaces: 'all', nowMs: Date.now() });
  const stop = startDefinitions({ connection, session, ...tables });
  onTestFinished(stop);
  return {
    columns: (word: string) => tables.named(word)?.columns.map(({ title }) => title),
    isDefined: (word: string) => tables.undefinedKind(word) === undefined,
    open: (word: string) => session.setState(goTo(tableView(word))(session.getState())),
  };
}

test('a kind is printed as kubectl prints it, once it is opened', async () => {
  const { columns, isDefined, open } = await given('admin');
  expect(isDefined('nodeclaims')).toBe(false);
  open('nodeclaims');
  await expect.poll(() => isDefined('nodeclaims')).toBe(true);
  expect(columns('nodeclaims')).toEqual(['NAME', 'NODE', 'READY', 'AGE']);
  expect(isDefined('clusterpolicies')).toBe(false);
});

test('a kind of Kubernetes itself has no definition, and who may not read one sees the kind all the same', async () => {
  const admin = await given('admin');
  admin.open('runtimeclasses');
  await expect.poll(() => admin.isDefined('runtimeclasses')).toBe(true);
  expect(admin.columns('runtimeclasses')).toEqual(['NAME', 'STATUS', 'AGE']);
  const viewer = await given('viewer');
  viewer.open('nodeclaims');
  await expect.poll(() => viewer.isDefined('nodeclaims')).toBe(true);
  expect(viewer.columns('nodeclaims')).toEqual(['NAME', 'STATUS', 'AGE']);
});
