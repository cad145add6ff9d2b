import { expect, onTestFinished, test } from 'vitest';
import { createTables } from '../../src/actions/tables.ts';
import { checkCommand } from '../../src/cli/check.ts';
import { startSurvey } from '../../src/feed/survey.ts';
import { events } from '../../src/resources/events.ts';
import { nodes } from '../../src/resources/nodes.ts';
import { pods } from '../../src/resources/pods.ts';
import { anyResource } from '../../src/resources/resource.ts';
import { createCluster } from '../../src/state/cluster.ts';
import { type FindingRow, findingTables } from '../../src/state/findings.ts';
import { createSession, goTo, type Namespaces, showNamespaces, tableView } from '../../src/state/session.ts';
import { createSurvey, type Surveyed } from '../../src/state/survey.ts';
import { createTrueStates } from '../../src/state/true-states.ts';
import { demoOf } from '../demo/cluster.ts';
import { connectTo, feedFrom } from '../live-feed.ts';

/** The alerts of the demo cluster, and what `mltop check` says of the same. */
async function given(namespaces: Namespaces, user = 'admin') {
  const demo = await demoOf({ still: true, viewerNamespaces: ['team-b'] });
  const { connection, kubeconfig } = await connectTo(demo, { user });
  const cluster = createCluster();
  const session = createSession({ table: 'pods', namespaces, nowMs: Date.now() });
  const states = createTrueStates(cluster, Date.now);
  const survey = createSurvey();
  const alerts = findingTables(states, cluster, { survey, namespaces: () => session.getState().namespaces });
  const tables = createTables(alerts);
  feedFrom(connection, {
    cluster,
    session,
    tableNamed: tables.named,
    always: [anyResource(pods), anyResource(nodes), anyResource(events)],
  });
  const listeners = new Set<() => void>();
  const surveying = startSurvey({
    connection,
    cluster,
    session,
    states,
    survey,
    rules: () => undefined,
    onChange: () => {
      for (const listener of listeners) listener();
    },
    clock: Date.now,
  });
  onTestFinished(() => {
    surveying.stop();
    states.stop();
  });
  const surveyed = (shown: Namespaces): Promise<Surveyed> =>
    new Promise((resolve) => {
      const look = (): void => {
        const latest = survey.latest(shown);
        if (latest === undefined) return;
        listeners.delete(look);
        resolve(latest);
      };
      listeners.add(look);
      look();
    });
  const rows = (name: string): readonly FindingRow[] =>
    (alerts.find((table) => table.name === name)?.derive(cluster, Date.now()) ?? []) as readonly FindingRow[];
  /** What `mltop check` lists with these flags, pods that are like another one too. */
  const checked = async (...flags: readonly string[]): Promise<readonly string[]> => {
    let out = '';
    await checkCommand([...flags, '-o', 'json'], {
      stdout: { write: (text: string) => (out += text) },
      stderr: { write: () => true },
      env: {},
      connectOptions: { userAgent: 'mltop-test', kubeconfig },
    });
    const { findings } = JSON.parse(out) as {
      readonly findings: readonly {
        readonly subject: { readonly kind: string; readonly namespace: string; readonly name: string };
        readonly alike?: readonly string[];
      }[];
    };
    return findings.flatMap(({ subject: { kind, namespace, name }, alike = [] }) =>
      [name, ...alike].map((one) => `${kind}/${namespace}/${one}`),
    );
  };
  return { session, surveyed, rows, checked };
}

test('the alerts are about the same subjects as mltop check -A', async () => {
  const { session, surveyed, rows, checked } = await given('all');
  session.setState(goTo(tableView('findings'))(session.getState()));
  const { roots, notRead } = await surveyed('all');
  expect(notRead).toEqual([]);
  const listed = await checked('-A');
  expect([...roots.keys()].sort()).toEqual([...listed].sort());
  const found = rows('findings');
  expect(found.reduce((sum, { count }) => sum + count, 0)).toBe(listed.length);
  // What has no pod is among them, and Enter knows where it is.
  expect(found.find(({ subject }) => subject.name === 'quota-job')).toMatchObject({
    of: 'jobs',
    name: expect.stringMatching(/^A1 no pod: quota/),
  });
});

test('of chosen namespaces the alerts are about these, and about what has none', async () => {
  const { session, surveyed, rows, checked } = await given(['team-b', 'team-c']);
  session.setState(goTo(tableView('findings'))(session.getState()));
  const { roots } = await surveyed(['team-b', 'team-c']);
  expect([...roots.keys()].sort()).toEqual([...(await checked('-n', 'team-b,team-c'))].sort());
  session.setState(showNamespaces(['team-b'])(session.getState()));
  await surveyed(['team-b']);
  expect(new Set(rows('findings').flatMap(({ namespaces }) => namespaces.split(',')))).toEqual(
    new Set(['team-b', '']),
  );
});

test('nothing is read while other views are shown', async () => {
  const { session, rows, surveyed } = await given('all');
  expect(rows('findings').every(({ of }) => of === 'pods' || of === 'nodes')).toBe(true);
  session.setState(goTo(tableView('findings-by-owner'))(session.getState()));
  await surveyed('all');
  expect(rows('findings-by-owner').some(({ name }) => name === 'Job/quota-job')).toBe(true);
});

test('who may look into one namespace gets what is found there, and is told what was not read', async () => {
  const { session, surveyed, checked } = await given('all', 'viewer');
  session.setState(goTo(tableView('findings'))(session.getState()));
  const { roots, notRead, covers } = await surveyed('all');
  expect(covers).toEqual(['team-b']);
  const mine = [...(await checked('-n', 'team-b'))].filter((key) => !key.includes('//'));
  expect([...roots.keys()].filter((key) => !key.includes('//')).sort()).toEqual(mine.sort());
  expect(roots.has('Job/team-b/quota-job')).toBe(true);
  expect(notRead.join('\n')).toMatch(/^PersistentVolume: .*forbidden/im);
});
