import fc from 'fast-check';
import { expect, test } from 'vitest';
import { actions } from '../../src/actions/index.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { namespaces } from '../../src/resources/namespaces.ts';
import { anyResource, type Row } from '../../src/resources/resource.ts';
import { arm } from '../../src/state/arming.ts';
import { keyOf } from '../../src/state/cluster.ts';
import type { LinkState } from '../../src/state/link.ts';
import { displayWidth } from '../../src/ui/text.ts';
import {
  eventKind,
  fillRecorded,
  type Given,
  givenScreen,
  listed,
  nodeKind,
  noon,
  podKind,
} from './given.tsx';

const pod = (
  name: string,
  more: { namespace?: string; phase?: string; node?: string; uid?: string } = {},
): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: more.namespace ?? 'train',
    uid: more.uid ?? `uid-${name}`,
    creationTimestamp: new Date(noon - 3_600_000).toISOString(),
  },
  spec: { nodeName: more.node ?? 'h100-01', containers: [{ name: 'main', image: 'train:1' }] },
  status: {
    phase: more.phase ?? 'Running',
    conditions: [{ type: 'Ready', status: 'True' }],
    containerStatuses: [{ name: 'main', ready: true, restartCount: 0, state: { running: {} } }],
  },
});

function givenPods(...objects: KubeObject[]): Given {
  const given = givenScreen({ columns: 100, rows: 24 });
  given.cluster.apply(listed(podKind, objects), noon);
  given.text();
  return given;
}

const row = (given: Given): string =>
  given
    .text()
    .split('\n')
    .find((line) => line.startsWith('>')) ?? '';
const title = (given: Given): string => given.text().split('\n')[2] ?? '';
const names = (given: Given): string[] =>
  [...given.text().matchAll(/^[ >*](\S+)\s+(\S+)\s+\d\/\d/gm)].map(([, , name]) => name ?? '');

const sizes = [
  [80, 24],
  [120, 36],
  [200, 60],
  [40, 10],
  [20, 5],
] as const;

test.each(sizes)('a frame fills %i x %i exactly, in every view', (columns, rows) => {
  const given = givenScreen({ columns, rows });
  fillRecorded(given.cluster);
  for (const keys of [
    '',
    '\t',
    '\t',
    '\t',
    ':po\r',
    '\r',
    '?',
    '\x1b',
    '\x1b',
    '/crash',
    '\r',
    ':ns\r',
    ':',
  ]) {
    given.type(keys);
    const lines = given.text().split('\n');
    expect(lines).toHaveLength(rows);
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
  }
});

test('the header says where one is and what there is', () => {
  const given = givenScreen({ columns: 120, rows: 36 });
  fillRecorded(given.cluster);
  const [first = '', second = '', third = ''] = given.text().split('\n');
  expect(first).toMatch(/research {2}ns:all {2}RO .*k8s v1\.36\.3 {2}mltop 0\.1\.0 {3}● live {2}42ms/);
  expect(second).toMatch(/nodes 22\/24 {3}GPU \d+\/\d+ ▕.*▏.*✗ \d+ faults/);
  expect(third).toMatch(
    /\[Pods\] GPUs Nodes Events {4}Pods\(all\)\[284\] faults:\d+ .*faults first {2}1-\d+/,
  );
});

test('a production context is marked', () => {
  const given = givenPods(pod('a'));
  given.session.setState({ context: 'gke_prod-eu' });
  expect(given.text()).toContain(' PROD  gke_prod-eu');
});

test('sums that are not known are not zero', () => {
  const given = givenScreen();
  expect(given.text()).not.toContain('live');
  given.cluster.apply(listed(podKind, []), noon);
  expect(given.text()).toContain('live');
});

test('the cursor stays on its object while others come before it', () => {
  const given = givenPods(pod('b'), pod('d'));
  given.type('j');
  expect(row(given)).toContain(' d ');
  given.clock.now += 2000;
  given.cluster.apply(listed(podKind, [pod('a'), pod('b'), pod('c'), pod('d')]), noon);
  expect(row(given)).toContain(' d ');
  expect(names(given)).toEqual(['a', 'b', 'c', 'd']);
});

test('a deleted object stays under the cursor for ten seconds, marked as gone', () => {
  const given = givenPods(pod('a'), pod('b'), pod('c'));
  given.type('j');
  given.clock.now += 2000;
  given.cluster.apply(listed(podKind, [pod('a'), pod('c')]), given.clock.now);
  expect(row(given)).toContain(' b ');
  given.clock.now += 3000;
  expect(given.text()).toContain('gone b was deleted 3s ago');
  expect(title(given)).toContain('Pods(all)[2]');
  given.clock.now += 8000;
  expect(row(given)).toContain(' c ');
});

test('the same name with another UID is another row: the cursor does not follow', () => {
  const given = givenPods(pod('a'), pod('b', { uid: 'one' }), pod('c'));
  given.type('j');
  given.clock.now += 2000;
  given.cluster.apply(listed(podKind, [pod('a'), pod('b', { uid: 'two' }), pod('c')]), given.clock.now);
  expect(given.text()).toContain('gone b was deleted');
});

test('Enter opens what was looked at, though the order has changed since', () => {
  const given = givenPods(pod('a'), pod('b'));
  given.type('Oj');
  given.cluster.apply(listed(podKind, [pod('0'), pod('a'), pod('b')]), noon);
  given.type('\r');
  expect(given.text()).toContain('› train/b');
});

test('a burst of keys is so many keys', () => {
  const given = givenPods(...Array.from({ length: 9 }, (_, at) => pod(`p-${at}`)));
  given.type('jjjjkG');
  expect(row(given)).toContain('p-8');
  given.type('gjj');
  expect(row(given)).toContain('p-2');
});

test('the filter narrows as it is typed, Esc brings back what was before', () => {
  const given = givenPods(pod('llama-0'), pod('llama-1'), pod('qwen-0'));
  given.type('/llam');
  expect(title(given)).toContain('[2/3] /llam');
  given.type('\x1b');
  expect(title(given)).toContain('Pods(all)[3]');
  given.type('/qwen\r');
  expect(names(given)).toEqual(['qwen-0']);
  given.type('\x1b');
  expect(names(given)).toHaveLength(3);
});

test('what is no regular expression is said at the prompt', () => {
  const given = givenPods(pod('a'));
  given.type('/a(');
  expect(given.text()).toContain('taken literally');
});

test('a column that does not exist is said while it is typed, which stays in sight, and in the title', () => {
  const given = givenPods(pod('a'));
  given.type('/XYZ:foo');
  expect(given.text()).toMatch(/^ \/XYZ:foo {2,}no column XYZ; there are NAMESPACE, NAME, READY/m);
  given.type('\r');
  expect(title(given)).toContain('no column XYZ; there are');
});

test('sorting shows its arrow; an age that ascends puts the youngest first', () => {
  const young = pod('young');
  const given = givenPods(pod('old'), {
    ...young,
    metadata: { ...young.metadata, creationTimestamp: new Date(noon - 1000).toISOString() },
  });
  given.type('A');
  expect(names(given)).toEqual(['young', 'old']);
  expect(title(given)).toContain('AGE↑');
  given.type('A');
  expect(names(given)).toEqual(['old', 'young']);
});

test('shift-arrows pick a column, O sorts by it', () => {
  const given = givenPods(pod('a'), pod('b'));
  given.type('\x1b[1;2C\x1b[1;2C');
  given.type('OO');
  expect(title(given)).toContain('NAME↓');
  expect(names(given)).toEqual(['b', 'a']);
});

test('ctrl-z shows faults only, and says so when there are none', () => {
  const given = givenPods(pod('fine'), pod('broken', { phase: 'Failed' }));
  given.type('\x1a');
  expect(names(given)).toEqual(['broken']);
  expect(title(given)).toContain('[1/2] faults only');
  const calm = givenPods(pod('fine'));
  calm.type('\x1a');
  expect(calm.text()).toContain('The 1 pod is well.');
});

test('Enter on a node shows its pods, Esc leads back', () => {
  const given = givenPods(pod('here', { node: 'n1' }), pod('there', { node: 'n2' }));
  given.cluster.apply(
    listed(nodeKind, [{ metadata: { name: 'n1', uid: 'n1' } }, { metadata: { name: 'n2', uid: 'n2' } }]),
    noon,
  );
  given.type(':no\r');
  given.type('/n2\r');
  given.type('\r');
  expect(names(given)).toEqual(['there']);
  expect(title(given)).toContain('Pods(all) n2[1]');
  given.type('\x1b');
  expect(title(given)).toContain('Nodes[1/2]');
});

test('o shows the node of a pod', () => {
  const given = givenPods(pod('a', { node: 'n1' }));
  given.cluster.apply(
    listed(nodeKind, [{ metadata: { name: 'n1', uid: 'n1' } }, { metadata: { name: 'n2', uid: 'n2' } }]),
    noon,
  );
  given.type('o');
  expect(title(given)).toContain('Nodes n1[1]');
});

test('w goes to the namespace of the row, 0 back to all', () => {
  const given = givenPods(pod('a', { namespace: 'serve' }), pod('b'));
  given.type('w');
  expect(title(given)).toContain('Pods(serve)[1]');
  given.type('0');
  expect(title(given)).toContain('Pods(all)[2]');
  given.type('1');
  expect(title(given)).toContain('Pods(serve)[1]');
  given.type('[');
  expect(title(given)).toContain('Pods(all)[2]');
});

test('marks: one by one, a range, none', () => {
  const given = givenPods(pod('a'), pod('b'), pod('c'), pod('d'));
  given.type(' ');
  given.type('j');
  given.type('V');
  expect(title(given)).toContain('marks:3');
  given.type('\x1c');
  expect(title(given)).not.toContain('marks');
});

test('c copies the name, of the marked rows where there are any', async () => {
  const given = givenPods(pod('a'), pod('b'));
  given.type('c');
  given.type('  c');
  await expect.poll(() => given.done).toEqual(['copy a', 'copy a\nb']);
});

test('ctrl-s saves what is shown as CSV', async () => {
  const given = givenPods(pod('a'), pod('=cmd()'));
  given.type('\x13');
  await expect.poll(() => given.done.length).toBe(1);
  expect(given.done[0]).toMatch(/^save pods-2026-11-21T11-44-15-000Z\.csv NAMESPACE,NAME,READY,/);
  expect(given.done[0]).toContain("'=cmd()");
});

test('unknown keys and ctrl-k say that they do nothing', () => {
  const given = givenPods(pod('a'));
  given.type('z');
  expect(given.text()).toContain('"z" does nothing here');
  given.type('\x0b');
  expect(given.text()).toContain('ctrl-k does nothing here');
  given.type('\x1b[200~rm -rf\x1b[201~');
  expect(given.text()).toContain('Paste ignored (6 characters)');
});

test('commands: an unknown one suggests, :q ends, :ctx NAME switches, :theme says what there is', () => {
  const given = givenPods(pod('a'));
  given.type(':podz\r');
  expect(given.text()).toContain('did you mean :pods?');
  given.type(':ctx staging\r');
  expect(given.done).toEqual(['context staging']);
  given.type(':theme neon\r');
  expect(given.text()).toContain('No theme "neon"');
  given.type(':q\r');
  expect(given.session.getState().exit).toBe(0);
});

test('the palette offers, Tab completes, ↓ picks', () => {
  const given = givenPods(pod('a'));
  given.type(':no');
  expect(given.text()).toContain('view  nodes');
  given.type('\t\r');
  expect(title(given)).toContain('Nodes[?]');
  given.type(':\x1b[B\r');
  expect(title(given)).toContain('Nodes[?]');
});

test('help lists the keys of the view, and narrows', () => {
  const given = givenScreen({ columns: 120, rows: 40 });
  given.type('?');
  expect(given.text()).toContain('show its node');
  given.type('/namespace\r');
  const text = given.text();
  expect(text).toContain('all namespaces');
  expect(text).not.toContain('show its node');
});

test('help sets apart what changes the cluster, dims it until writing is armed, and lists what has no key', () => {
  const given = givenScreen({ columns: 200, rows: 60 });
  given.type('?');
  const text = given.text();
  expect(text).toContain('CHANGE THE CLUSTER (press W first)');
  expect(text).toMatch(/m {12}evict/);
  expect(text).toMatch(/:apply {7}apply a file/);
  expect(text).toMatch(/:suspend {5}suspend/);
  expect(text).toMatch(/:ns NS,NS {4}choose namespaces/);
  given.session.setState(arm(given.clock.now)(given.session.getState()));
  expect(given.text()).toContain('CHANGE THE CLUSTER (armed)');
});

const state = (link: LinkState): readonly Parameters<Given['cluster']['apply']>[0][number][] => [
  { type: 'link', resource: podKind, scope: '', link },
];

test.each<[string, LinkState, RegExp]>([
  [
    'loading',
    { state: 'listing', soFar: 1500, expected: 10_000, sinceMs: noon },
    /Loading pods: 1,500 of about 10,000/,
  ],
  ['empty', { state: 'live', sinceMs: noon }, /No pods in all namespaces\./],
  [
    'forbidden',
    { state: 'forbidden', sinceMs: noon, reason: 'pods is forbidden: no', retryAtMs: noon + 60_000 },
    /You may not list pods in all namespaces\.[\s\S]*Ask for the right "list"[\s\S]*Refused since \d\d:\d\d:\d\d; asked again in 60s; <ctrl-r>/,
  ],
  ['unsupported', { state: 'unsupported', sinceMs: noon, reason: '404' }, /This cluster has no pods\./],
  [
    'broken',
    { state: 'reconnecting', sinceMs: noon, reason: 'connection refused', retryAtMs: noon + 8000 },
    /Pods cannot be read\.[\s\S]*connection refused[\s\S]*Next try in 8s; <ctrl-r> tries now/,
  ],
])('a table that is %s says so', (_, link, words) => {
  const given = givenScreen({ columns: 100, rows: 24 });
  given.cluster.apply(state(link), noon);
  expect(given.text()).toMatch(words);
});

test('a table is named as it is written, one row in the singular', () => {
  const given = givenScreen({ columns: 100, rows: 24 });
  given.type(':gpus\r');
  expect(given.text()).toContain('Asking for GPUs');
  const one = givenPods(pod('a'));
  one.type('/zzz\r');
  expect(one.text()).toContain('1 pod is hidden; <esc> clears the filter.');
});

test('who may list pods nowhere is told so of what the header names, not of the last place that was tried', () => {
  const given = givenScreen({ columns: 100, rows: 24 });
  const link = { state: 'forbidden', sinceMs: noon, reason: 'no', retryAtMs: noon + 60_000 } as const;
  given.cluster.apply(
    ['', 'default'].map((scope) => ({ type: 'link', resource: podKind, scope, link })),
    noon,
  );
  expect(given.text()).toContain('ns:all');
  expect(given.text()).toContain('You may not list pods in all namespaces.');
  // One that may be read after all speaks for the table.
  given.cluster.apply(
    [{ type: 'link', resource: podKind, scope: 'train', link: { state: 'live', sinceMs: noon } }],
    noon,
  );
  expect(given.text()).not.toContain('You may not list');
});

test('not connected: what happened, and what to do', () => {
  const given = givenScreen({ columns: 100, rows: 24 });
  given.session.setState({
    connection: { state: 'failed', what: 'No kubeconfig', hint: 'Set KUBECONFIG.', retryAtMs: undefined },
  });
  expect(given.text()).toMatch(/No kubeconfig[\s\S]*Set KUBECONFIG\.[\s\S]*<ctrl-r> tries again/);
  expect(given.text()).toContain('✗ not connected');
  given.type('\x12');
  expect(given.done).toEqual(['retry']);
});

test('rows that may be old say since when', () => {
  const given = givenPods(pod('a'));
  given.cluster.apply(state({ state: 'stale', sinceMs: noon - 14_000, reason: 'no answer for 10 s' }), noon);
  expect(given.text()).toMatch(/◐ stale 14s/);
  expect(given.text()).toMatch(/since \d\d:\d\d:\d\d nothing newer is known: no answer for 10 s/);
  expect(names(given)).toEqual(['a']);
});

test('objects that cannot be read are counted', () => {
  const given = givenPods(pod('a'));
  given.cluster.apply([{ type: 'malformed', resource: podKind, scope: '' }], noon);
  expect(title(given)).toContain('1 unreadable');
});

test('events follow the newest while nobody moves', () => {
  const event = (name: string, at: number): KubeObject => ({
    metadata: { name, namespace: 'train', uid: name },
    type: 'Warning',
    reason: name,
    lastTimestamp: new Date(at).toISOString(),
  });
  const given = givenScreen({ columns: 100, rows: 24, table: 'events' });
  given.cluster.apply(listed(eventKind, [event('First', noon - 5000)]), noon);
  expect(row(given)).toContain('First');
  given.cluster.apply(listed(eventKind, [event('First', noon - 5000), event('Second', noon - 1000)]), noon);
  expect(row(given)).toContain('Second');
});

test('an equal frame is the same frame: nothing is drawn at rest', () => {
  const given = givenPods(pod('a'));
  const before = given.screen.frame(100, 24);
  given.screen.refresh();
  expect(given.screen.frame(100, 24)).toBe(before);
});

const anyKey = fc.constantFrom(
  ...actions.flatMap(({ keys }) => keys).filter((key) => key !== 'ctrl-c'),
  ':',
  '/',
  'x',
  '(',
  'a',
);

function press(given: Given, name: string): void {
  const ctrl = name.startsWith('ctrl-');
  const shift = name.startsWith('shift-');
  const bare = name.replace(/^(ctrl|shift)-/, '');
  const text = !ctrl && !shift && bare.length === 1 ? bare : '';
  given.screen.press({ name: bare, ctrl, shift, meta: false, text });
}

test('no sequence of keys breaks the screen', () => {
  fc.assert(
    fc.property(fc.array(anyKey, { maxLength: 40 }), fc.boolean(), (keys, dies) => {
      const given = givenScreen({ columns: 80, rows: 24 });
      const objects = Array.from({ length: 30 }, (_, at) =>
        pod(`p-${at}`, { namespace: at % 2 === 0 ? 'train' : 'serve' }),
      );
      given.cluster.apply(listed(podKind, objects), noon);
      for (const [at, key] of keys.entries()) {
        press(given, key);
        if (dies && at === 10) given.cluster.apply(listed(podKind, objects.slice(5)), noon);
      }
      const frame = given.screen.frame(80, 24);
      expect(frame.body.length).toBeLessThanOrEqual(frame.bodyHeight);
      const view = given.session.getState().views.at(-1);
      if (view?.kind === 'table' && view.table === 'pods' && view.cursor.key !== undefined) {
        expect([...given.cluster.rowsOf(podKind)].some((one) => keyOf(one) === view.cursor.key) || dies).toBe(
          true,
        );
      }
    }),
    { numRuns: 60 },
  );
});

test('↑ in an empty prompt brings back what was run or filtered before', () => {
  const given = givenPods(pod('llama-0'), pod('bert-0'));
  given.type('/llama\r\x1b');
  expect(names(given)).toEqual(['bert-0', 'llama-0']);
  given.type('/\x1b[A\r');
  expect(names(given)).toEqual(['llama-0']);
  given.type(':nodes\r:pods\r');
  given.type(':\x1b[A\x1b[A');
  expect(given.text()).toMatch(/^ :nodes/m);
  given.type('\x1b[B\r');
  expect(title(given)).toContain('Pods(all)');
});

test('Esc and a key in one piece, as a slow link brings them, are two keys', () => {
  const given = givenPods(pod('llama-0'));
  given.type('?');
  expect(title(given)).toContain('Help');
  given.type('\x1b:');
  expect(title(given)).not.toContain('Help');
  expect(given.text()).toMatch(/^ :/m);
});

test('a terminal too low for the header says in the title what must not be missed', () => {
  const given = givenScreen({ columns: 60, rows: 10 });
  given.cluster.apply(listed(podKind, [pod('llama-0')]), noon);
  given.session.setState({ context: 'gke_prod-eu' });
  expect(given.text().split('\n')[0]).toContain(' PROD  gke_prod-eu');
});

test('the facts of an object are whole, over as many lines as they need', () => {
  const given = givenScreen({ columns: 60, rows: 30, table: 'events' });
  const message =
    'Readiness probe failed: Get "http://10.8.18.4:8000/health": connection refused, then closed';
  given.cluster.apply(
    listed(eventKind, [
      {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: 'a.1', namespace: 'train', uid: 'e1' },
        type: 'Warning',
        reason: 'Unhealthy',
        message,
        involvedObject: { kind: 'Pod', namespace: 'train', name: 'a' },
      },
    ]),
    noon,
  );
  given.text();
  given.type('\r');
  expect(given.text().replace(/\s+/g, ' ')).toContain(message);
});

test('a context that the kubeconfig does not have costs nothing', () => {
  const context = (name: string): Row => ({ uid: name, namespace: '', name, createdAt: undefined }) as Row;
  const given = givenScreen({ columns: 100, contexts: [context('research'), context('staging')] });
  given.type(':ctx stagging\r');
  expect(given.text()).toContain('has no context "stagging"; there are research, staging');
  expect(given.done).toEqual([]);
  given.type(':ctx staging\r');
  expect(given.done).toEqual(['context staging']);
});

test('a namespace that is not there is said to be none, not to be empty', () => {
  const given = givenScreen({ columns: 100 });
  const namespaceKind = anyResource(namespaces);
  const known = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'train', uid: 'n1' } };
  given.cluster.apply([...listed(podKind, []), ...listed(namespaceKind, [known])], noon);
  given.type(':ns trian\r');
  expect(given.text()).toContain('There is no namespace trian.');
  given.type(':ns train\r');
  expect(given.text()).toContain('No pods in namespace train.');
});

test('K of a view that kubectl does not have gives the closest, in the right scope', async () => {
  const given = givenScreen({ columns: 100 });
  given.cluster.apply([...listed(podKind, [pod('a')]), ...listed(nodeKind, [])], noon);
  given.type(':gpus\rK');
  await expect.poll(() => given.done).toContain('copy kubectl --context research get nodes -o wide');
  given.type(':ctx\rK');
  await expect.poll(() => given.done.at(-1)).toBe('copy kubectl --context research config get-contexts');
});
