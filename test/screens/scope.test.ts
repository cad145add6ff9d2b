import { expect, test } from 'vitest';
import type { KubeObject } from '../../src/kube/object.ts';
import { anyResource } from '../../src/resources/resource.ts';
import { services } from '../../src/resources/services.ts';
import { type Given, givenScreen, listed, nodeKind, noon, podKind } from './given.tsx';

const pod = (namespace: string, name: string, nodeName: string): KubeObject => ({
  metadata: { name, namespace, uid: name },
  spec: { nodeName, containers: [{ name: 'main' }] },
  status: { phase: 'Running' },
});

/** Two nodes with pods of two namespaces, of which one was chosen. */
function given(): Given {
  const screen = givenScreen({ columns: 100, rows: 24, namespaces: ['train'] });
  screen.cluster.apply(
    listed(podKind, [
      pod('train', 'mine', 'n1'),
      pod('serve', 'other', 'n1'),
      pod('train', 'elsewhere', 'n2'),
    ]),
    noon,
  );
  screen.cluster.apply(
    listed(nodeKind, [{ metadata: { name: 'n1', uid: 'n1' } }, { metadata: { name: 'n2', uid: 'n2' } }]),
    noon,
  );
  return screen;
}

const title = ({ text }: Given): string => text().split('\n')[2] ?? '';
const header = ({ text }: Given): string => text().split('\n')[0] ?? '';

test('Enter on a node shows its pods of all namespaces, whatever was chosen, and Esc brings the choice back', () => {
  const screen = given();
  screen.type(':nodes\r');
  screen.type('/n1\r\r');
  expect(title(screen)).toContain('Pods(all) n1[2]');
  expect(screen.text()).toContain('other');
  expect(screen.text()).toContain('All namespaces of n1; esc goes back to train.');
  expect(header(screen)).toContain('ns:all');
  screen.type('\r');
  screen.type('\x1b');
  expect(title(screen)).toContain('Pods(all) n1[2]');
  screen.type('\x1b');
  expect(title(screen)).toContain('Nodes');
  expect(header(screen)).toContain('ns:train');
});

test('another main view, a command and the history have the chosen namespaces again', () => {
  const screen = given();
  const enter = (): void => screen.type(':nodes\r/n1\r\r');
  enter();
  screen.type(':po\r');
  expect(title(screen)).toContain('Pods(train)[2]');
  enter();
  screen.type('\t');
  expect(header(screen)).toContain('ns:train');
  screen.type('[');
  expect(title(screen)).toContain('Pods(all) n1[2]');
});

test('a namespace that is chosen among the pods of a node is the choice from there on', () => {
  const screen = given();
  screen.type(':nodes\r/n1\r\r');
  screen.type('1');
  expect(title(screen)).toContain('Pods(train) n1[1]');
  screen.type(':nodes\r/n1\r\r');
  screen.type('0');
  expect(title(screen)).toContain('Pods(all) n1[2]');
  screen.type(':po\r');
  expect(title(screen)).toContain('Pods(all)[3]');
});

const labelled = (name: string, app: string): KubeObject => {
  const base = pod('train', name, 'n1');
  return { ...base, metadata: { ...base.metadata, labels: { app } } };
};

/** The pods of a service among others of its namespace. */
function atService(): Given {
  const screen = givenScreen({ columns: 100, rows: 24 });
  screen.cluster.apply(
    listed(podKind, [labelled('mine-0', 'mine'), labelled('mine-1', 'mine'), labelled('other', 'other')]),
    noon,
  );
  screen.cluster.apply(
    listed(anyResource(services), [
      { metadata: { name: 'mine', namespace: 'train', uid: 's' }, spec: { selector: { app: 'mine' } } },
    ]),
    noon,
  );
  screen.type(':services\r');
  screen.text();
  screen.type('\r');
  return screen;
}

test('the pods of an object are what the view is about: Esc leads back, and never to pods of others', () => {
  const screen = atService();
  expect(title(screen)).toContain('Pods(all) mine[2]');
  expect(title(screen)).not.toContain('-l app');
  expect(screen.text()).not.toContain('other');
  screen.type('\x1b');
  expect(title(screen)).toContain('Services');
});

test('a filter that is typed there narrows them, and Esc takes only it away', () => {
  const screen = atService();
  screen.type('/');
  expect(screen.text()).toMatch(/^ \/ +2$/m);
  screen.type('mine-1\r');
  expect(title(screen)).toContain('mine[1] /mine-1');
  screen.type('\x1b');
  expect(title(screen)).toContain('mine[2]');
  screen.type('/other\r');
  expect(screen.text()).toContain('Nothing matches "other"');
  expect(screen.text()).not.toContain('are hidden');
});

test('the history comes back to the pods of that object', () => {
  const screen = atService();
  screen.type(':nodes\r');
  screen.type('[');
  expect(title(screen)).toContain('Pods(all) mine[2]');
});

test('an object without pods says so', () => {
  const screen = atService();
  screen.cluster.apply(listed(podKind, [labelled('other', 'other')]), noon);
  screen.clock.now += 20_000;
  expect(screen.text()).toContain('No pods for mine.');
});

test('the kubectl of the pods of an object asks in its namespace', () => {
  const screen = atService();
  screen.type('K');
  expect(screen.done).toContain('copy kubectl --context research get pods -n train -l app=mine -o wide');
});
