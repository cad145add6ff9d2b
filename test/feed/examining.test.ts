import { expect, onTestFinished, test } from 'vitest';
import { createTables } from '../../src/actions/tables.ts';
import type { Demo } from '../../src/demo/index.ts';
import { startExamining } from '../../src/feed/examining.ts';
import { events } from '../../src/resources/events.ts';
import { nodes } from '../../src/resources/nodes.ts';
import { pods } from '../../src/resources/pods.ts';
import { anyResource } from '../../src/resources/resource.ts';
import type { Cluster } from '../../src/state/cluster.ts';
import { checklistView, type Examination } from '../../src/state/examination.ts';
import { createSession, moveTo, pop, push, type SessionStore } from '../../src/state/session.ts';
import { type Subject, subjectNamed } from '../../src/state/subject.ts';
import { createTrueStates } from '../../src/state/true-states.ts';
import { demoOf } from '../demo/cluster.ts';
import { connectTo, feedFrom, until } from '../live-feed.ts';

interface Given {
  readonly demo: Demo;
  readonly cluster: Cluster;
  readonly session: SessionStore;
  /** Resolves once the examination of this object is so. */
  readonly until: (subject: Subject, isSo: (examination: Examination) => boolean) => Promise<Examination>;
  readonly of: (subject: Subject) => Examination | undefined;
  readonly look: (subject: Subject) => void;
}

const named = (kind: string, namespace: string, name: string): Subject => {
  const subject = subjectNamed(kind, '', namespace, name);
  if (subject === undefined) throw new Error(`No kind ${kind}.`);
  return subject;
};

/** The demo cluster, its rows, and eyes that look at what a test says. */
async function given(user = 'admin', namespaces: 'all' | readonly string[] = 'all'): Promise<Given> {
  const demo = await demoOf({ still: true });
  const { connection } = await connectTo(demo, { user });
  const { cluster, session } = feedFrom(connection, {
    session: createSession({ table: 'pods', namespaces, nowMs: Date.now() }),
    always: [anyResource(pods), anyResource(nodes), anyResource(events)],
  });
  const states = createTrueStates(cluster, Date.now);
  const listeners = new Set<() => void>();
  const examining = startExamining({
    connection,
    cluster,
    session,
    states,
    tableNamed: createTables([]).named,
    rules: () => undefined,
    onChange: () => {
      for (const listener of listeners) listener();
    },
    clock: Date.now,
  });
  onTestFinished(() => {
    examining.stop();
    states.stop();
  });
  await until(cluster, () => cluster.hasListed(anyResource(pods)) && cluster.count(anyResource(pods)) > 5);
  return {
    demo,
    cluster,
    session,
    of: examining.of,
    look: (subject) => session.setState(push(checklistView(subject))(session.getState())),
    until: (subject, isSo) =>
      new Promise((resolve) => {
        const look = (): void => {
          const examination = examining.of(subject);
          if (examination === undefined || !isSo(examination)) return;
          listeners.delete(look);
          resolve(examination);
        };
        listeners.add(look);
        look();
      }),
  };
}

const isDone = ({ progress }: Examination): boolean => progress === 'done';

test('the checklist of a pod: its object, events, owner, node and the log of the run before', async () => {
  const { look, until } = await given();
  const subject = named('Pod', 'team-b', 'dataprep-oom');
  look(subject);
  const { report } = await until(subject, isDone);
  expect(report?.headline).toBe('OOM at limit 8Gi');
  expect(report?.causes[0]).toMatchObject({ id: 'H4.limit', verdict: 'proven' });
  expect(
    report?.items.some(({ title, status }) => title === 'What the program said' && status !== 'unknown'),
  ).toBe(true);
});

test('of a pod that finds no node, every node is asked: the rows are enough for that', async () => {
  const { look, until } = await given();
  const subject = named('Pod', 'team-a', 'llama-sft-worker-0');
  look(subject);
  const { report } = await until(subject, ({ report: found }) =>
    /largest free \d/.test(found?.headline ?? ''),
  );
  expect(
    report?.items.some(({ evidence }) => evidence.some(({ label }) => label === 'NodeResourcesFit')),
  ).toBe(true);
});

test('the row under the cursor is looked at by itself; one that is well is not', async () => {
  const { cluster, session, until, of } = await given();
  const rows = [...cluster.rowsOf(pods)];
  const router = rows.find(({ name }) => name.startsWith('router-'));
  const fine =
    rows.find(({ name }) => name === 'pretrain-8') ??
    rows.find(({ phase, trouble }) => phase === 'Running' && trouble === undefined);
  if (router === undefined || fine === undefined) throw new Error('The demo cluster is another one.');
  session.setState(moveTo(0, fine.uid)(session.getState()));
  session.setState(moveTo(0, router.uid)(session.getState()));
  const subject = named('Pod', router.namespace, router.name);
  const { report } = await until(subject, isDone);
  expect(report?.state).toBe('E4');
  expect(report?.causes[0]?.verdict).toBe('proven');
  expect(of(named('Pod', fine.namespace, fine.name))).toBeUndefined();
});

test('what may not be read is said, and the rest is judged all the same', async () => {
  const { demo, look, until } = await given('viewer');
  const namespace = demo.viewerNamespaces[0] ?? '';
  const pod = demo.store.list('', 'pods', namespace)[0];
  const subject = named('Pod', namespace, pod?.metadata?.name ?? '');
  look(subject);
  const { report, partial } = await until(subject, isDone);
  expect(report).toBeDefined();
  expect(partial.join('\n')).toMatch(/forbidden/i);
});

test('of each fix it is known whether one may do it', async () => {
  const { demo, look, until } = await given('viewer');
  demo.rights.bindings = [
    ...demo.rights.bindings,
    { name: 'viewers', namespace: 'team-b', role: 'view', group: 'viewers' },
  ];
  const subject = named('Pod', 'team-b', 'notebook-7d9f4-x2x9q');
  look(subject);
  const { report } = await until(subject, isDone);
  const fixes = (report?.causes ?? []).flatMap((cause) => cause.fixes);
  expect(fixes.find(({ argv }) => argv.includes('delete'))?.right).toEqual({
    allowed: 'no',
    missing: ['delete pods in team-b'],
  });
});

test('a change of the pod is seen, and its end', async () => {
  const { demo, look, until } = await given();
  const subject = named('Pod', 'team-b', 'dataprep-oom');
  const uid =
    demo.store.get({ group: '', plural: 'pods', namespace: 'team-b', name: 'dataprep-oom' })?.metadata?.uid ??
    '';
  const whole = { ...subject, uid };
  look(whole);
  await until(whole, isDone);
  const pod = demo.store.get({ group: '', plural: 'pods', namespace: 'team-b', name: 'dataprep-oom' });
  if (pod === undefined) throw new Error('The demo cluster is another one.');
  demo.store.put({ ...pod, status: { phase: 'Succeeded' } } as never);
  await until(whole, ({ report }) => report?.status === 'Succeeded');
  demo.store.remove({ group: '', plural: 'pods', namespace: 'team-b', name: 'dataprep-oom' });
  await until(whole, ({ progress }) => progress === 'gone');
});

test('who moves on gets the next one, and what was asked for the first is let go', async () => {
  const { look, until, session } = await given();
  look(named('Pod', 'team-b', 'dataprep-oom'));
  session.setState(pop(session.getState()));
  const next = named('Deployment', 'serve', 'guardrail');
  look(next);
  const { report } = await until(next, isDone);
  expect(report?.causes[0]?.id).toBe('G1.key-missing');
});
