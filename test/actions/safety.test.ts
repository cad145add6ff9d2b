import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Action } from '../../src/actions/action.ts';
import { actions } from '../../src/actions/index.ts';
import type { KubeRequest } from '../../src/kube/contract.ts';
import { KubeError } from '../../src/kube/kube-error.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { guard, mutates } from '../../src/kube/write-gate.ts';
import { findTable } from '../../src/resources/index.ts';
import { arm, armedForMs, disarm, permitOf } from '../../src/state/arming.ts';
import { goTo, tableView } from '../../src/state/session.ts';
import type { Key } from '../../src/ui/keys.ts';
import { recordedObjects } from '../recorded/read.ts';
import { type Given, givenScreen, listed, noon } from '../screens/given.tsx';
import { type Answer, handsOver, isDryRun, type Wire, wireTo } from './hands.ts';

const kinds = ['pods', 'nodes', 'events'] as const;
const more: Readonly<Record<string, readonly KubeObject[]>> = {
  deployments: [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'serve', uid: 'u-web', resourceVersion: '7' },
      spec: { replicas: 2, template: { spec: { containers: [{ name: 'main', image: 'web:1' }] } } },
    },
  ],
  jobs: [
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'train', namespace: 'team', uid: 'u-train', resourceVersion: '8' },
      spec: { suspend: false },
      status: { active: 2 },
    },
  ],
  cronjobs: [
    {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'nightly', namespace: 'team', uid: 'u-nightly', resourceVersion: '9' },
      spec: { schedule: '0 0 * * *', jobTemplate: { spec: {} } },
    },
  ],
};
const tables = [...kinds, ...Object.keys(more)];
const objects = new Map<string, readonly KubeObject[]>([
  ...kinds.map((kind) => [kind, recordedObjects(kind).objects] as const),
  ...Object.entries(more),
]);
const uids = new Map(
  [...objects.values()].flat().map(({ metadata }) => [metadata?.name ?? '', metadata?.uid]),
);

/** A server that allows everything and knows what is on the screen. */
const obliging: Answer = ({ path, method = 'GET' }) => {
  if (path.endsWith('selfsubjectaccessreviews')) return { status: { allowed: true } };
  if (path.endsWith('selfsubjectreviews')) return { status: { userInfo: { username: 'ada' } } };
  if (method !== 'GET') return {};
  const name = decodeURIComponent(path.split('/').at(-1) ?? '');
  const found = [...objects.values()].flat().find(({ metadata }) => metadata?.name === name);
  return found ?? { items: [] };
};

const turns = async (count = 6): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((next) => setImmediate(next));
};

interface Board extends Given {
  readonly wire: Wire;
  /** Presses keys by name, each a second after the other, and lets what they start go on. */
  readonly press: (...names: readonly string[]) => Promise<void>;
}

function keyOf(name: string): Key {
  const ctrl = name.startsWith('ctrl-');
  const shift = name.startsWith('shift-');
  const bare = name.replace(/^(ctrl|shift)-/, '');
  return { name: bare, ctrl, shift, meta: false, text: ctrl || shift || bare.length > 1 ? '' : bare };
}

function board(table: string, answer: Answer = obliging, isArmed = false): Board {
  const wire = wireTo(answer);
  const given = givenScreen({ hands: (clock) => handsOver(wire.access, clock) });
  for (const [name, items] of objects) {
    const resource = findTable(name);
    if (resource !== undefined) given.cluster.apply(listed(resource, items), noon);
  }
  given.session.setState(goTo(tableView(table))(given.session.getState()));
  if (isArmed) given.session.setState(arm(noon)(given.session.getState()));
  given.screen.frame(120, 36);
  given.screen.refresh();
  return {
    ...given,
    wire,
    async press(...names) {
      for (const name of names) {
        given.clock.now += 1000;
        given.screen.press(keyOf(name));
        await turns();
        given.screen.refresh();
      }
    },
  };
}

const writing = actions.filter(({ risk }) => risk !== 'read');
const everyKey = [
  ...new Set([
    ...actions.flatMap(({ keys }) => keys),
    'enter',
    'esc',
    'tab',
    'left',
    'y',
    'a',
    '1',
    'backspace',
  ]),
].filter((key) => !['W', 'ctrl-c', ':'].includes(key));

const mutating = ({ sent }: Wire): readonly string[] =>
  sent
    .filter((request) => request.method === 'DIAL' || mutates(request as KubeRequest))
    .map(({ method, path }) => `${method} ${path}`);

describe('read-only', () => {
  test('whatever is typed, nothing leaves that could change something, not even a dry-run', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...tables),
        fc.array(fc.constantFrom(...everyKey), { minLength: 1, maxLength: 25 }),
        async (table, keys) => {
          const { press, wire, screen } = board(table);
          await press(...keys);
          screen.stop();
          expect(mutating(wire)).toEqual([]);
        },
      ),
      { numRuns: 30 },
    );
  }, 60_000);

  test.each(writing.map((action) => [action.id, action] as const))(
    '%s sends nothing, even when it is run past its own refusal',
    async (_id, action) => {
      for (const table of [
        'pods',
        'deployments',
        ...action.places.filter((place) => tables.includes(place)),
      ]) {
        const given = board(table);
        await run(action, given);
        given.screen.stop();
        expect(mutating(given.wire)).toEqual([]);
      }
    },
  );

  test('every action that writes says so, and how to arm', () => {
    const given = board('pods');
    for (const action of writing) {
      const why = action.whyNot?.(contextIn(given));
      expect(`${action.id}: ${why ?? ''}`).toMatch(/: \S/);
    }
    given.screen.stop();
  });

  test('MLTOP_READONLY cannot be overridden: W says why', async () => {
    const wire = wireTo(obliging);
    const given = givenScreen({
      hands: (clock) => handsOver(wire.access, clock),
      writeLock: 'Read-only: MLTOP_READONLY is set in this environment.',
    });
    given.type('W');
    given.session.setState(arm(noon)(given.session.getState()));
    expect(given.session.getState().armed).toBeUndefined();
    expect(given.session.getState().notice?.text).toMatch(/MLTOP_READONLY/);
    given.screen.stop();
  });
});

function contextIn(given: Board): Parameters<Action['run']>[0] {
  // The context that a key would get: caught from an action that only looks.
  const { session, cluster } = given;
  const view = session.getState().views.at(-1);
  const table = view?.kind === 'table' ? findTable(view.table) : undefined;
  if (view === undefined || table === undefined) throw new Error('no table is shown');
  const rows = [...cluster.rowsOf(table)];
  const wire = given.wire;
  return {
    session,
    cluster,
    tables: { all: [], named: findTable, home: [] },
    view,
    table,
    visible: undefined,
    row: rows[0],
    rows: rows.slice(0, 1),
    columns: [],
    page: 20,
    textLines: 0,
    containers: 0,
    now: given.clock.now,
    services: {
      copy: async () => 'copied',
      save: async (name) => name,
      retryNow: () => {},
      switchContext: () => {},
      setTheme: () => undefined,
      hands: handsOver(wire.access, () => given.clock.now),
    },
  } as Parameters<Action['run']>[0];
}

/** Starts an action as its key would, and answers all that it asks with Enter until it asks no more. */
async function run(action: Action, given: Board): Promise<void> {
  void Promise.resolve(action.run(contextIn(given))).catch(() => {});
  await turns();
  for (let asked = 0; asked < 4 && given.session.getState().dialog !== undefined; asked++)
    await given.press('enter');
}

describe('armed', () => {
  /** Opens what a write action asks last: its dialog with Cancel and the verb. */
  async function confirming(given: Board, action: Action): Promise<boolean> {
    void Promise.resolve(action.run(contextIn(given))).catch(() => {});
    await turns();
    for (let asked = 0; asked < 6; asked++) {
      const { dialog } = given.session.getState();
      if (dialog === undefined) return false;
      if (dialog.kind === 'confirm') return true;
      if (dialog.kind === 'form' && dialog.problem !== undefined) await given.press('1', '=', 'a');
      await given.press('enter');
    }
    return given.session.getState().dialog?.kind === 'confirm';
  }

  const refusing: Answer = (request) => {
    if (isDryRun(request))
      throw new KubeError('denied by admission', { kind: 'forbidden', status: 403, hint: 'Ask.' });
    return obliging(request);
  };

  const waysOut: readonly (readonly [string, Answer, (given: Board) => Promise<void>])[] = [
    ['Esc', obliging, ({ press }) => press('esc')],
    ['Enter on Cancel', obliging, ({ press }) => press('enter')],
    [
      'a wrong name',
      obliging,
      async ({ press, session }) => {
        const { dialog } = session.getState();
        const isTyped = dialog?.kind === 'confirm' && dialog.typing !== undefined;
        await press(...(isTyped ? ['x', 'y', 'tab', 'enter', 'esc'] : ['esc']));
      },
    ],
    [
      'a refused dry-run',
      refusing,
      async ({ press, wire }) => {
        // A command in a container has none that could be refused.
        const isTried = wire.sent.some((request) => request.method !== 'DIAL' && isDryRun(request));
        await press(...(isTried ? ['tab', 'enter', 'enter', 'esc'] : ['esc']));
      },
    ],
    [
      'five minutes that are over',
      obliging,
      async (given) => {
        given.clock.now += armedForMs;
        const { dialog } = given.session.getState();
        const name = dialog?.kind === 'confirm' ? (dialog.typing?.expected ?? '') : '';
        await given.press(...name, ...(name === '' ? ['tab'] : []), 'enter', 'esc', 'esc');
      },
    ],
    [
      'disarming',
      obliging,
      async (given) => {
        given.session.setState(disarm(given.session.getState()));
        await given.press('tab', 'enter', 'esc', 'esc');
      },
    ],
  ];

  test.each(waysOut)('%s changes nothing, whatever the action and its rows', async (_name, answer, leave) => {
    let reached = 0;
    for (const action of writing) {
      for (const table of tables) {
        // What is for every table is tried where it is most and where it is least dangerous.
        const isHere = action.places.includes(table);
        if (!isHere && !(action.places.includes('table') && (table === 'pods' || table === 'nodes')))
          continue;
        const given = board(table, answer, true);
        if (await confirming(given, action)) {
          reached += 1;
          await leave(given);
        }
        given.screen.stop();
        expect([action.id, table, given.wire.changes()]).toEqual([action.id, table, []]);
      }
    }
    expect(reached).toBeGreaterThan(10);
  });

  test('keys of the first 300 ms answer nothing: they were meant for something else', async () => {
    const given = board('deployments', obliging, true);
    given.screen.press(keyOf('ctrl-d'));
    await turns();
    for (const key of ['tab', 'enter', 'enter']) given.screen.press(keyOf(key));
    await turns();
    expect(given.session.getState().dialog).toMatchObject({ kind: 'confirm', focus: 0 });
    expect(given.wire.changes()).toEqual([]);
    given.screen.stop();
  });

  test('whatever is typed, each delete carries the UID of its object, each patch too, and each was tried before', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...tables),
        fc.constantFrom(...writing),
        fc.array(fc.constantFrom('space', 'j', 'k', 'tab', 'enter'), { maxLength: 6 }),
        async (table, action, before) => {
          fc.pre(action.places.includes(table) || action.places.includes('table'));
          const given = board(table, obliging, true);
          await given.press(...before.filter((key) => key !== 'enter' && key !== 'tab'));
          if (action.keys[0] === undefined)
            void Promise.resolve(action.run(contextIn(given))).catch(() => {});
          else await given.press(action.keys[0]);
          await turns();
          for (let step = 0; step < 8; step++) {
            const { dialog } = given.session.getState();
            if (dialog === undefined) break;
            if (dialog.kind === 'confirm') {
              const name = dialog.typing?.expected ?? '';
              await given.press(...name, ...(name === '' ? ['tab'] : []), 'enter');
            } else await given.press('enter');
          }
          given.screen.stop();
          for (const request of given.wire.sent) {
            if (request.method === 'DELETE') {
              const body = JSON.parse(String((request as KubeRequest).body)) as Record<string, unknown>;
              const name = decodeURIComponent(request.path.split('/').at(-1) ?? '');
              expect(body['preconditions']).toMatchObject({ uid: uids.get(name) });
            }
            if (request.method === 'PATCH')
              expect(String((request as KubeRequest).body)).toMatch(/"uid":"|metadata\/uid/);
          }
          const real = given.wire.changes();
          const tried = given.wire.sent.filter((request) => request.method !== 'DIAL' && isDryRun(request));
          if (real.some((line) => !line.startsWith('DIAL'))) expect(tried.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);
});

describe('the gate', () => {
  const methods = ['POST', 'PUT', 'PATCH', 'DELETE'] as const;

  test('without a permit only questions pass', async () => {
    const { access, sent } = wireTo(obliging);
    for (const method of methods) {
      await expect(access.read.request({ method, path: '/api/v1/namespaces/a/pods/b' })).rejects.toThrow(
        /not armed/,
      );
      await expect(access.read.json({ method, path: '/api/v1/nodes/n' })).rejects.toThrow(/not armed/);
      await expect(access.read.stream({ method, path: '/api/v1/nodes/n' })).rejects.toThrow(/not armed/);
    }
    await expect(access.read.dial()).rejects.toThrow(/not armed/);
    expect(sent).toEqual([]);
    const question = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    await access.read.json({ method: 'POST', path: question });
    await access.read.json({ path: '/api/v1/pods' });
    expect(sent).toHaveLength(2);
    // A name in a path does not make a question of a change.
    for (const path of [`${question}/x`, `/api/v1/namespaces/x/pods/${encodeURIComponent(question)}`])
      expect(mutates({ method: 'POST', path })).toBe(true);
    expect(mutates({ method: 'DELETE', path: question })).toBe(true);
  });

  test('a permit ends with its five minutes, with disarming, and with arming anew', async () => {
    const { session } = givenScreen();
    const clock = { now: noon };
    const fresh = (): { readonly isValid: () => boolean } => {
      session.setState({ armed: undefined });
      clock.now = noon;
      session.setState(arm(noon)(session.getState()));
      return permitOf(session, () => clock.now);
    };
    const timed = fresh();
    expect(timed.isValid()).toBe(true);
    clock.now = noon + armedForMs - 1;
    expect(timed.isValid()).toBe(true);
    clock.now = noon + armedForMs;
    expect(timed.isValid()).toBe(false);
    // A clock that is set back does not make it longer.
    clock.now = noon - 10_000;
    expect(timed.isValid()).toBe(false);
    const old = fresh();
    session.setState(arm(noon)(session.getState()));
    expect(old.isValid()).toBe(false);
    const other = fresh();
    session.setState({ armed: undefined });
    expect(other.isValid()).toBe(false);
  });

  test('what has a permit may still lose it between two requests', async () => {
    const { access, sent } = wireTo(obliging);
    let valid = true;
    const write = access.write({ isValid: () => valid });
    await write.json({ method: 'PATCH', path: '/api/v1/nodes/n' });
    valid = false;
    await expect(write.json({ method: 'PATCH', path: '/api/v1/nodes/n' })).rejects.toThrow(/not armed/);
    expect(() => access.forwarder({ isValid: () => false })).toThrow(/not armed/);
    expect(sent).toHaveLength(1);
  });

  test('nothing but the gate gives a connection to actions', () => {
    expect(Object.keys(guard(wireTo(obliging).access.read)).sort()).toEqual(['forwarder', 'read', 'write']);
  });
});
