import { expect, test } from 'vitest';
import type { KubeObject } from '../../src/kube/object.ts';
import { eventKind, givenScreen, listed, noon, podKind } from './given.tsx';

const pod: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    namespace: 'train',
    name: 'llama-0',
    uid: 'uid-0',
    creationTimestamp: new Date(noon - 3_600_000).toISOString(),
  },
  spec: { containers: [{ name: 'main', image: 'train:1' }] },
  status: { phase: 'Pending' },
};

const broken = (): never => {
  throw new ReferenceError('gate is not defined');
};

test('a view that cannot be drawn leaves the frame before it, says so, and esc leads back', () => {
  const given = givenScreen({ columns: 100, examination: broken });
  given.cluster.apply(listed(podKind, [pod]), noon);
  expect(given.text()).toContain('llama-0');
  given.type('D');
  expect(given.text()).toContain('llama-0');
  expect(given.text()).toContain('internal error in checklist: gate is not defined');
  given.type(':nod');
  expect(given.text()).toContain(':nod');
  given.type('\x1b');
  given.type('\x1b');
  expect(given.text()).not.toContain('internal error');
  expect(given.session.getState().views).toHaveLength(1);
});

test('a terminal that is resized in front of a broken view still gets a frame of its size', () => {
  const given = givenScreen({ columns: 100, examination: broken });
  given.cluster.apply(listed(podKind, [pod]), noon);
  given.text();
  given.type('D');
  const frame = given.screen.frame(60, 10);
  expect([frame.columns, frame.rows]).toEqual([60, 10]);
  expect(frame.body.join('')).toContain('internal error in checklist');
});

test('a key that fails is told of, and ctrl-c still quits', () => {
  const given = givenScreen({ columns: 100, examination: broken });
  given.cluster.apply(listed(podKind, [pod]), noon);
  given.text();
  given.type('Y');
  expect(given.text()).toContain('internal error in pods: gate is not defined');
  given.type('\x03');
  expect(given.session.getState().exit).toBe(0);
});

test('what nobody has read is a question mark, not 0', () => {
  const given = givenScreen({ columns: 100 });
  expect(given.text()).toContain('Pods(all)[?]');
  given.cluster.apply(listed(podKind, []), noon);
  expect(given.text()).toContain('Pods(all)[0]');
});

test('events that are too many say that only the newest are kept', async () => {
  const given = givenScreen({ columns: 160, rows: 24, table: 'events' });
  const event = (at: number): KubeObject => ({
    metadata: { namespace: 'train', name: `e${at}`, uid: `event-${at}` },
    type: 'Warning',
    reason: 'BackOff',
    lastTimestamp: new Date(noon - at * 1000).toISOString(),
    involvedObject: { kind: 'Pod', namespace: 'train', name: 'llama-0' },
  });
  given.cluster.apply(
    listed(
      eventKind,
      Array.from({ length: 12_000 }, (_, at) => event(at)),
    ),
    noon,
  );
  // They are sorted in slices, between which the keys have their turn.
  await expect.poll(() => given.text()).toMatch(/only the newest 10,\d\d\d are kept/);
});

test('rows whose right was lost say since when nothing newer is known', () => {
  const given = givenScreen({ columns: 120, rows: 36 });
  given.cluster.apply(listed(podKind, [pod]), noon);
  const reason = 'pods is forbidden';
  given.cluster.apply(
    [
      {
        type: 'link',
        resource: podKind,
        scope: '',
        link: { state: 'forbidden', sinceMs: noon, reason, retryAtMs: noon + 300_000 },
      },
    ],
    noon,
  );
  expect(given.text()).toContain('llama-0');
  expect(given.text()).toMatch(/since \d\d:\d\d:\d\d nothing newer is known: pods is forbidden/);
});
