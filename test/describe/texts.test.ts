import { expect, test } from 'vitest';
import { cleanObject } from '../../src/describe/clean.ts';
import { describe } from '../../src/describe/index.ts';
import { eventTexts, groupEvents } from '../../src/describe/object-events.ts';
import { yamlLines } from '../../src/describe/yaml.ts';
import type { KubeObject } from '../../src/kube/object.ts';

const now = Date.parse('2026-11-21T12:00:00Z');
const secret: KubeObject = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name: 'hf',
    namespace: 'train',
    annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"token":"aGZfc2VjcmV0"}}' },
  },
  type: 'Opaque',
  data: { token: Buffer.from('hf_secret').toString('base64') },
};

const everyText = (object: KubeObject): string =>
  [
    describe(object, { events: [] }, now),
    ...yamlLines(object, { managedFields: true, depth: undefined }),
  ].join('\n');

test("a secret's values are shown nowhere, but their sizes are", () => {
  const shown = everyText(cleanObject(secret));
  expect(shown).not.toMatch(/hf_secret|aGZfc2VjcmV0/);
  expect(shown).toContain('(9 bytes)');
});

test('asked for twice, they are decoded, and binary stays a size', () => {
  expect(everyText(cleanObject(secret, true))).toContain('hf_secret');
  const binary = { ...secret, data: { key: Buffer.from([0xff, 0xfe, 0x00]).toString('base64') } };
  expect(everyText(cleanObject(binary, true))).toContain('3 bytes that are no text');
});

test('environment variables named like secrets are masked wherever a template stands', () => {
  const container = {
    name: 'main',
    env: [
      { name: 'HF_TOKEN', value: 'hf_abc' },
      { name: 'WORLD_SIZE', value: '8' },
      { name: 'TOKEN_PATH', value: '/run/token' },
    ],
  };
  const job: KubeObject = {
    kind: 'PyTorchJob',
    spec: { pytorchReplicaSpecs: { Worker: { template: { spec: { containers: [container] } } } } },
  };
  const shown = everyText(cleanObject(job));
  expect(shown).not.toContain('hf_abc');
  expect(shown).toContain('/run/token');
  expect(shown).toContain('8');
});

test('hostile text moves nothing', () => {
  const pod: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'x', labels: { a: '\x1b[2Jgone' }, annotations: { b: '\x1b]52;c;aGk=\x07' } },
    status: { message: 'one\rtwo\u202e' },
  };
  expect(everyText(cleanObject(pod))).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
});

const pod: KubeObject = {
  kind: 'Pod',
  apiVersion: 'v1',
  spec: { containers: [{ image: 'a', name: 'main', ports: [{ containerPort: 80 }] }] },
  metadata: {
    namespace: 'train',
    name: 'a',
    managedFields: [{ manager: 'kubelet' }, { manager: 'kubectl' }],
  },
};

test('YAML is sorted as kubectl sorts it, and lists stand at the level of their key', () => {
  expect(yamlLines(pod, { managedFields: false, depth: undefined })).toEqual([
    'apiVersion: v1',
    'kind: Pod',
    'metadata:',
    '  name: a',
    '  namespace: train',
    'spec:',
    '  containers:',
    '  - image: a',
    '    name: main',
    '    ports:',
    '    - containerPort: 80',
    '# managedFields hidden (2); m shows them',
  ]);
  expect(yamlLines(pod, { managedFields: true, depth: undefined }).join('\n')).toContain('manager: kubelet');
});

test('YAML folds below a depth and says how much it hides', () => {
  expect(yamlLines(pod, { managedFields: false, depth: 1 })).toEqual([
    'apiVersion: v1',
    'kind: Pod',
    'metadata:  … 2 lines',
    'spec:  … 5 lines',
    '# managedFields hidden (2); m shows them',
  ]);
});

const event = (
  uid: string,
  reason: string,
  message: string,
  minutesAgo: number,
  more: Readonly<Record<string, unknown>> = {},
): KubeObject => ({
  metadata: { uid, name: uid },
  type: reason === 'Pulled' ? 'Normal' : 'Warning',
  reason,
  message,
  firstTimestamp: new Date(now - minutesAgo * 60_000).toISOString(),
  lastTimestamp: new Date(now - minutesAgo * 60_000).toISOString(),
  source: { component: 'kubelet' },
  ...more,
});

test('events that say the same are one, the newest wording first; the same event twice counts once', () => {
  const groups = groupEvents([
    event('1', 'BackOff', 'restarting failed container in pod a-1 after 10s', 30, { count: 4 }),
    event('2', 'BackOff', 'restarting failed container in pod a-1 after 20s', 10, { count: 2 }),
    event('2', 'BackOff', 'restarting failed container in pod a-1 after 20s', 10, { count: 3 }),
    event('3', 'Pulled', 'image present', 40),
  ]);
  expect(groups.map(({ reason, count, message }) => [reason, count, message])).toEqual([
    ['BackOff', 7, 'restarting failed container in pod a-1 after 20s'],
    ['Pulled', 1, 'image present'],
  ]);
});

test('the timeline shows when in the last hour', () => {
  const text = eventTexts(
    [event('1', 'BackOff', 'x', 30, { count: 4, lastTimestamp: new Date(now - 60_000).toISOString() })],
    now,
  )
    .map((line) => line.map((part) => part.text).join(''))
    .join('\n');
  expect(text).toContain('···············●─────────────●');
});

test('where the line has no room for a timeline there is none, and the message stands further left', () => {
  const lines = eventTexts(
    [event('1', 'FailedPrepareDynamicResources', 'no device', 30)],
    now,
    undefined,
    80,
  ).map((line) => line.map((part) => part.text).join(''));
  expect(lines[0]).not.toContain('THE LAST HOUR');
  expect(lines.every((line) => line.length < 80)).toBe(true);
  expect(lines.at(-1)).toBe('    no device');
});

test('no events is not "none": the server forgets', () => {
  expect(eventTexts([], now)[0]?.[0]?.text).toBe('No events retained.');
  expect(eventTexts(undefined, now)[0]?.[0]?.text).toContain('cannot be read');
});
