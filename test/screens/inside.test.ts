import { expect, test } from 'vitest';
import { cleanObject } from '../../src/describe/clean.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { createInspection, type Inspection } from '../../src/state/inspection.ts';
import { createLogStore, type LogStore } from '../../src/state/log-store.ts';
import { shownView } from '../../src/state/session.ts';
import { recordedObjects } from '../recorded/read.ts';
import { fillRecorded, type Given, givenScreen, noon } from './given.tsx';

interface Inside extends Given {
  readonly inspection: Inspection;
  readonly logs: LogStore;
}

function given(columns = 80, rows = 24): Inside {
  const inspection = createInspection();
  const logs = createLogStore();
  const screen = givenScreen({ columns, rows, inspection, logs });
  fillRecorded(screen.cluster);
  return { ...screen, inspection, logs };
}

const recorded = (kind: string, name: string): KubeObject => {
  const found = recordedObjects(kind).objects.find(({ metadata }) => metadata?.name === name);
  if (found === undefined) throw new Error(`nothing recorded as ${name}`);
  return cleanObject({ apiVersion: 'v1', kind: kind === 'nodes' ? 'Node' : 'Pod', ...found });
};

/** Goes to a pod and lets its object arrive. */
function at(inside: Inside, keys: string, name = 'ft-oom-0'): void {
  inside.type(`/${name}\r`);
  inside.type(keys);
  const view = shownView(inside.session.getState());
  if (!('of' in view) || typeof view.of === 'string') return;
  const events = recordedObjects('events').objects.filter(
    (event) => (event['involvedObject'] as { name?: string })?.name === name,
  );
  inside.inspection.set({
    of: view.of,
    object: recorded('pods', name),
    related: { events },
    state: { state: 'live', sinceMs: noon },
    changedMs: noon,
  });
}

test.each([
  [80, 24],
  [120, 36],
])('describe at %ix%i: the text of kubectl, with its state and how far one has read', (columns, rows) => {
  const inside = given(columns, rows);
  at(inside, 'd');
  const text = inside.text();
  expect(text.split('\n')).toHaveLength(rows);
  expect(text).toContain('Name:                 ft-oom-0');
  expect(text).toContain('live');
  expect(text).toMatch(/\d+% of \d+ lines/);
  inside.type('G');
  expect(inside.text()).toContain('Back-off restartin');
  inside.type('g/OOMKilled\r');
  expect(inside.text()).toContain('1 of 1 matches');
  expect(inside.text()).toContain('Reason:       OOMKilled');
  inside.type('\x1b');
  expect(inside.text()).not.toContain('matches');
  inside.type('\x1b');
  expect(shownView(inside.session.getState()).kind).toBe('table');
});

test('one text of an object leads to the others, and Esc back to the table', () => {
  const inside = given();
  at(inside, 'd');
  inside.type('y');
  expect(inside.text()).toContain('apiVersion: v1');
  inside.type('1');
  expect(inside.text()).toMatch(/spec: +… \d+ lines/);
  inside.type('0E');
  expect(inside.text()).toContain('THE LAST HOUR');
  inside.type('\x1b');
  expect(shownView(inside.session.getState()).kind).toBe('table');
});

test('before the object has come, it says that it reads; where it may not be read, why', () => {
  const inside = given();
  inside.text();
  inside.type('d');
  expect(inside.text()).toContain('Reading it.');
  const view = shownView(inside.session.getState());
  if (view.kind !== 'describe') throw new Error('no describe');
  inside.inspection.set({
    of: view.of,
    object: undefined,
    related: {},
    state: { state: 'failed', reason: 'pods "x" is forbidden', hint: 'Ask for the right to get pods.' },
    changedMs: noon,
  });
  expect(inside.text()).toContain('is forbidden');
  expect(inside.text()).toContain('Ask for the right to get pods.');
});

test('held still, changes wait', () => {
  const inside = given();
  at(inside, 'dr');
  inside.text();
  const view = shownView(inside.session.getState());
  if (view.kind !== 'describe') throw new Error('no describe');
  inside.inspection.set({
    of: view.of,
    object: recorded('pods', 'sidecar-ok'),
    related: {},
    state: { state: 'live', sinceMs: noon },
    changedMs: noon + 1,
  });
  expect(inside.text()).toContain('ft-oom-0');
  expect(inside.text()).toContain('held still');
  inside.type('r');
  expect(inside.text()).toContain('Name:                 sidecar-ok');
});

test.each([
  [80, 24],
  [120, 36],
])('Enter on a pod at %ix%i shows its containers, Enter on one of them its logs', (columns, rows) => {
  const inside = given(columns, rows);
  at(inside, '\r', 'sidecar-ok');
  const text = inside.text();
  expect(text.split('\n')).toHaveLength(rows);
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
  expect(text).toContain('>log-ship (sidecar)');
  expect(text).toContain('fetch (init)');
  expect(text).toContain('Completed exit 0');
  inside.type('jj');
  expect(inside.text()).toContain('>main');
  inside.type('\r');
  expect(shownView(inside.session.getState())).toMatchObject({
    kind: 'logs',
    containers: { only: 'main' },
    pods: { by: 'pod', name: 'sidecar-ok' },
  });
});

test('more containers than a low terminal has lines for: a line each, the cursor in sight', () => {
  const inside = given();
  at(inside, '\r');
  const view = shownView(inside.session.getState());
  if (view.kind !== 'detail') throw new Error('no detail');
  const containers = Array.from({ length: 30 }, (_, index) => ({ name: `part-${index}`, image: 'train:1' }));
  inside.inspection.set({
    of: view.of,
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'x' },
      spec: { containers },
      status: { phase: 'Running' },
    },
    related: {},
    state: { state: 'live', sinceMs: noon },
    changedMs: noon + 1,
  });
  inside.text();
  inside.type('j'.repeat(25));
  expect(inside.text()).toContain('>part-25');
  expect(inside.text().split('\n')).toHaveLength(24);
});

function withLines(inside: Inside, texts: readonly string[]): void {
  const source = inside.logs.addSource({
    namespace: 'research',
    pod: 'ft-oom-0',
    container: 'main',
    rank: undefined,
  });
  source.state = { state: 'following' };
  for (const [index, text] of texts.entries()) {
    inside.logs.push(source, { text, time: new Date(noon + index).toISOString(), cutBytes: 0 });
  }
  while (inside.logs.settle(noon, 1000));
}

test('logs go along with what comes, stop when one moves up, and go on at the end', () => {
  const inside = given();
  at(inside, 'l');
  withLines(
    inside,
    Array.from({ length: 100 }, (_, index) => `line ${index}`),
  );
  expect(inside.text()).toContain('line 99');
  inside.type('k');
  expect(inside.text()).not.toContain('line 99');
  expect(inside.text()).toContain('scroll:off');
  inside.type('g');
  expect(inside.text()).toContain('line 0');
  inside.type('G');
  expect(inside.text()).toContain('line 99');
  expect(inside.text()).not.toContain('scroll:off');
});

test('s holds the lines where they are while more come; 1 begins at the beginning', () => {
  const inside = given();
  at(inside, 'l');
  const texts = (from: number) => Array.from({ length: 50 }, (_, index) => `line ${from + index}`);
  withLines(inside, texts(0));
  inside.text();
  inside.type('s');
  inside.text();
  const [source] = inside.logs.sources();
  if (source === undefined) throw new Error('no source');
  for (const text of texts(50))
    inside.logs.push(source, { text, time: new Date(noon + 1000).toISOString(), cutBytes: 0 });
  while (inside.logs.settle(noon, 1000));
  expect(inside.text()).toContain('line 49');
  expect(inside.text()).not.toContain('line 50');
  expect(inside.text()).toContain('50 more below');
  inside.type('1');
  expect(inside.text()).toContain('line 0');
});

test('a filter leaves the lines that match, ! those that do not, tab brings their neighbours back', () => {
  const inside = given();
  at(inside, 'l');
  withLines(
    inside,
    Array.from({ length: 40 }, (_, index) => (index % 10 === 5 ? `needle ${index}` : `hay ${index}`)),
  );
  inside.type('/needle\r');
  expect(inside.text().match(/needle \d/g)).toHaveLength(4);
  expect(inside.text()).not.toContain('hay');
  inside.type('\t');
  expect(inside.text()).toContain('hay 14');
  inside.type('\t\t\t\t!');
  expect(inside.text()).not.toContain('needle 5');
  inside.type('!\x1b');
  expect(inside.text()).toContain('hay 39');
});

test('F goes to what began it and says what it means; a traceback unfolds', () => {
  const inside = given();
  at(inside, 'l');
  withLines(inside, [
    ...Array.from({ length: 60 }, (_, index) => `step ${index}`),
    'Traceback (most recent call last):',
    '  File "train.py", line 3, in <module>',
    'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB',
    ...Array.from({ length: 60 }, (_, index) => `later ${index}`),
  ]);
  inside.type('F');
  const text = inside.text();
  expect(text).toContain('CUDA out of memory');
  expect(text).toContain('[+1 lines, enter unfolds]');
  expect(text).toContain('GPU memory full');
  inside.type('\r');
  expect(inside.text()).toContain('File "train.py"');
});

test('K shows and copies the kubectl of what is seen', async () => {
  const inside = given(120, 36);
  at(inside, 'd');
  inside.type('K');
  await expect
    .poll(() => inside.done)
    .toContain('copy kubectl --context research -n research describe pod ft-oom-0');
  // Too long for one line of the screen: it is shown whole.
  await expect.poll(() => inside.text()).toMatch(/describe\s+(│\s+│\s+)?pod ft-oom-0/);
  inside.type('\x1b');
  await expect.poll(() => inside.text()).not.toContain('The same with kubectl');
  inside.type('\x1b');
  inside.text();
  inside.type('lK');
  await expect
    .poll(() => inside.done.at(-1))
    .toBe('copy kubectl --context research -n research logs ft-oom-0 --tail=200 -f --timestamps');
});

test('what is shown is saved and copied', async () => {
  const inside = given();
  at(inside, 'y');
  inside.text();
  inside.type('c\x13');
  await expect.poll(() => inside.done.length).toBe(2);
  expect(inside.done[0]).toContain('copy apiVersion: v1');
  expect(inside.done[1]).toMatch(/^save yaml-pods-research-ft-oom-0-.*\.txt apiVersion: v1/);
});

test("a secret's values need x twice", () => {
  const inside = given();
  inside.session.setState(({ views }) => ({
    views: [...views, { ...shownDescribe, kind: 'yaml' as const }],
  }));
  inside.type('x');
  expect(inside.text()).toContain('Press x again');
  expect(shownView(inside.session.getState())).toMatchObject({ reveal: 'asked' });
  inside.type('x');
  expect(shownView(inside.session.getState())).toMatchObject({ reveal: 'yes' });
});

const shownDescribe = {
  of: { table: 'secrets', key: 'u', namespace: 'train', name: 'hf' },
  place: { top: 0, row: 0, left: 0, wrap: false, follow: false, query: '', match: undefined },
  filter: '',
  top: 0,
  managedFields: false,
  depth: undefined,
  reveal: 'no' as const,
  paused: false,
};

test('J goes from a pod to its owner', () => {
  const inside = given();
  inside.type('/ft-oom-0\rJ');
  expect(shownView(inside.session.getState())).toMatchObject({
    kind: 'table',
    table: 'statefulsets',
    where: { column: 'NAME', equals: 'ft-oom' },
  });
});

test('on a narrow terminal the title keeps the ends of the name, and what stands at its right', () => {
  const inside = given(40, 24);
  at(inside, 'l');
  const title = inside.text().split('\n')[2] ?? '';
  expect(title).toMatch(/^ … . research\/ft-oom-0 logs +\S.*lost 0$/);
});

test('ranks of parts that each number from 0 are told apart by their pods', () => {
  const inside = given(120, 24);
  at(inside, 'l');
  for (const [pod, rank] of [
    ['vllm-0', 0],
    ['vllm-0-1', 1],
    ['vllm-1', 0],
  ] as const)
    inside.logs.addSource({ namespace: 'research', pod, container: 'main', rank });
  expect(inside.text()).toMatch(/pods vllm-0\S vllm-0-1\S vllm-1\S/);
  expect(inside.text()).not.toMatch(/ranks 0/);
});
