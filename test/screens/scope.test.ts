import { expect, test } from 'vitest';
import type { KubeObject } from '../../src/kube/object.ts';
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
