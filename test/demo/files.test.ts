import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { ForeignKubeconfig, readObjects } from '../../src/demo/index.ts';
import { ask, demoOf, pod } from './cluster.ts';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'mltop-demo-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

async function read(name: string, content: string | Buffer) {
  const path = join(await folder(), name);
  await writeFile(path, content);
  return readObjects([path]);
}

const namesOf = ({
  objects,
}: {
  objects: readonly { kind?: string; metadata?: { name?: string } }[];
}): string[] => objects.map((object) => `${object.kind}/${object.metadata?.name}`);
const line = (name: string): string => JSON.stringify(pod(name));
const pasted = (name: string): string =>
  `apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${name}\nspec:\n  nodeName: n1\n`;
const bare = JSON.stringify({ metadata: { name: 'a', namespace: 'x' } });

test.each([
  ['pods.jsonl', `${line('a')}\n\n${line('b')}\n`],
  ['one-line.txt', `{"kind":"List","apiVersion":"v1","items":[${line('a')},${line('b')}]}`],
  ['pretty.json', JSON.stringify({ kind: 'List', apiVersion: 'v1', items: [pod('a'), pod('b')] }, null, 2)],
  ['array.json', `[${line('a')},${line('b')}]`],
  [
    'typed.json',
    JSON.stringify({
      kind: 'PodList',
      apiVersion: 'v1',
      items: [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }],
    }),
  ],
  [
    'two.yaml',
    'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: b\n',
  ],
  [
    'list.yaml',
    'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n- {apiVersion: v1, kind: Pod, metadata: {name: b}}\n',
  ],
  [
    'recorded.jsonl',
    `{"server":"v1.30.1","recordedAt":"2026-01-01T00:00:00Z","path":"/api/v1/pods","kind":"Pod","namespaced":true,"count":2}\n{"metadata":{"name":"a"}}\n{"metadata":{"name":"b"}}\n`,
  ],
  ['pods.jsonl', '{"metadata":{"name":"a"}}\n{"metadata":{"name":"b"}}\n'],
  [
    'watch.jsonl',
    `{"type":"ADDED","object":${line('a')}}\n{"type":"BOOKMARK","object":{"kind":"Pod","metadata":{}}}\n{"type":"MODIFIED","object":${line('b')}}\n`,
  ],
])('%s is read', async (name, content) => {
  expect(namesOf(await read(name, content))).toEqual(['Pod/a', 'Pod/b']);
  expect(namesOf(await read(`${name}.gz`, gzipSync(content)))).toEqual(['Pod/a', 'Pod/b']);
});

test('what is no object is left out and said', async () => {
  const found = await read(
    'mixed.jsonl',
    `${line('a')}\n{"kind":"Table","rows":[]}\n3\n{"apiVersion":"v1","kind":"Pod","metadata":{}}\n`,
  );
  expect(namesOf(found)).toEqual(['Pod/a']);
  expect(found.notes.map((note) => note.replace(/^.*: /, ''))).toEqual([
    'left out a Table, which has no objects in it.',
    'left out a bare number.',
    'left out a Pod without a name.',
  ]);
});

test.each([
  ['broken.jsonl', `\n{"kind":\n`, /broken\.jsonl:2: not JSON/],
  ['broken.yaml', 'apiVersion: v1\nkind: [Pod\n', /broken\.yaml:\d: not YAML/],
  ['nameless.jsonl', `\n${bare}\n${bare}`, /nameless\.jsonl:2: a says neither apiVersion nor kind/],
])('%s is refused with its line', async (name, content, message) => {
  await expect(read(name, content)).rejects.toThrow(message);
});

test.each([
  ['half.jsonl', `${line('a')}\n{"kind":\n${line('b')}\n`, /half\.jsonl:2: not JSON/],
  ['half.yaml', `${pasted('a')}---\nkind: [Pod\n---\n${pasted('b')}`, /half\.yaml:\d+: not YAML/],
])('what can be read of %s is read, and the rest is named by its line', async (name, content, message) => {
  const found = await read(name, content);
  expect(namesOf(found)).toEqual(['Pod/a', 'Pod/b']);
  expect(found.broken.join()).toMatch(message);
});

test.each([
  ['prompts', `$ kubectl get pod a -o yaml\n${pasted('a')}root@cp:~# oc get pod b -oyaml\n${pasted('b')}`],
  ['a fence', `\`\`\`yaml\n${pasted('a')}---\n${pasted('b')}\`\`\`\n`],
  ['CRLF', `${pasted('a')}---\n${pasted('b')}`.replaceAll('\n', '\r\n')],
  ['two answers without a separator', `${pasted('a')}${pasted('b')}`],
  [
    'two of JSON',
    [line('a'), line('b')].map((text) => JSON.stringify(JSON.parse(text), undefined, 2)).join('\n'),
  ],
  ['quotes and cuts', `${pasted('a')}...\n---\n${pasted('b')}`.replaceAll(/^/gm, '> ')],
  ['tabs', `${pasted('a')}---\n${pasted('b')}`.replaceAll('\n  ', '\n\t')],
  [
    'no apiVersion',
    `items:\n- metadata: {name: a}\n  spec: {containers: []}\n- metadata: {name: b}\n  status: {qosClass: x}\n`,
  ],
  [
    'a recording',
    `{"now":"2026-01-01T00:00:00Z","serverVersion":"v1.36.3","listed":[],"objects":[${line('a')},${line('b')}],"logs":{}}`,
  ],
])('a paste with %s is read', async (_title, content) => {
  const found = await read('paste.txt', content);
  expect(namesOf(found)).toEqual(['Pod/a', 'Pod/b']);
  expect(found.broken).toEqual([]);
});

test('the logs of a recording are served, those of the run before too, and with their own times', async () => {
  const path = join(await folder(), 'recording.json');
  const crashed = {
    ...pod('a'),
    status: {
      phase: 'Running',
      containerStatuses: [
        {
          name: 'main',
          state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
          lastState: { terminated: { exitCode: 1 } },
        },
      ],
    },
  };
  const logs = {
    'train/a/main': '2026-01-01T00:00:01Z loading\n2026-01-01T00:00:02.5Z step 1\n',
    'train/a/main@previous': '2026-01-01T00:00:00Z out of memory\n',
  };
  await writeFile(
    path,
    JSON.stringify({ now: '2026-01-01T00:01:00Z', listed: [], objects: [crashed], logs }),
  );
  const demo = await demoOf({ from: [path] });
  const log = '/api/v1/namespaces/train/pods/a/log';
  expect((await ask(demo, log)).text).toBe('loading\nstep 1\n');
  expect((await ask(demo, `${log}?timestamps=true&tailLines=1`)).text).toMatch(
    /^2026-01-01T00:00:02\.50*Z step 1\n$/,
  );
  expect((await ask(demo, `${log}?previous=true`)).text).toBe('out of memory\n');
});

test('a file that is not there is refused by its name', async () => {
  await expect(readObjects(['/nowhere/pods.json'])).rejects.toThrow(
    /^\/nowhere\/pods\.json: cannot be read: ENOENT/,
  );
});

test('a dump brings its own kinds: from their definitions, or guessed', async () => {
  const path = join(await folder(), 'dump.jsonl');
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'rayjobs.ray.io' },
    spec: {
      group: 'ray.io',
      scope: 'Namespaced',
      names: { kind: 'RayJob', plural: 'rayjobs', singular: 'rayjob', shortNames: ['rj'] },
      versions: [{ name: 'v1', served: true }],
    },
  };
  const objects = [
    definition,
    { apiVersion: 'ray.io/v1', kind: 'RayJob', metadata: { name: 'r', namespace: 'x' } },
    { apiVersion: 'made.up/v1', kind: 'Policy', metadata: { name: 'p' } },
  ];
  await writeFile(path, objects.map((object) => JSON.stringify(object)).join('\n'));
  const demo = await demoOf({ from: [path] });
  expect((await ask(demo, '/apis/ray.io/v1/namespaces/x/rayjobs/r')).status).toBe(200);
  expect((await ask(demo, '/apis/made.up/v1/policies/p')).status).toBe(200);
  expect((await ask(demo, '/apis/ray.io/v1')).text).toContain('"shortNames":["rj"]');
  expect((await ask(demo, '/api/v1/namespaces/x')).status).toBe(200);
});

test('the kubeconfig overwrites itself and nothing else', async () => {
  const demo = await demoOf({ objects: [pod('a')] });
  const path = join(await folder(), 'sub', 'config');
  await demo.writeKubeconfig(path);
  await demo.writeKubeconfig(path, 'viewer');
  const config = parse(await readFile(path, 'utf8')) as {
    'current-context': string;
    contexts: { name: string; context: { namespace?: string } }[];
  };
  expect(config['current-context']).toBe('demo-viewer');
  expect(config.contexts.map(({ name }) => name)).toEqual(['demo', 'demo-viewer', 'demo-nobody']);
  expect(config.contexts[1]?.context.namespace).toBe('train');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await writeFile(path, 'mine');
  await expect(demo.writeKubeconfig(path)).rejects.toThrow(ForeignKubeconfig);
  expect(await readFile(path, 'utf8')).toBe('mine');
});

test('every request is noted once its status is known', async () => {
  const requestsFile = join(await folder(), 'requests.jsonl');
  const demo = await demoOf({ objects: [pod('a')], requestsFile });
  await ask(demo, '/api/v1/pods?limit=1&labelSelector=a%3Db', { headers: { 'user-agent': 'test/1' } });
  await ask(demo, '/api/v1/nodes', { user: 'nobody', headers: { 'user-agent': 'test/1' } });
  const noted = (await readFile(requestsFile, 'utf8'))
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as unknown);
  expect(noted).toEqual([
    {
      method: 'GET',
      path: '/api/v1/pods',
      query: 'limit=1&labelSelector=a%3Db',
      userAgent: 'test/1',
      accept: 'application/json',
      status: 200,
    },
    {
      method: 'GET',
      path: '/api/v1/nodes',
      query: '',
      userAgent: 'test/1',
      accept: 'application/json',
      status: 403,
    },
  ]);
});

test('the plain listener answers as the admin, to this machine only', async () => {
  const demo = await demoOf({ objects: [pod('a')], plainHttp: true });
  expect((await fetch(`${demo.httpUrl}/api/v1/pods`)).status).toBe(200);
  const { request } = await import('node:http');
  const status = await new Promise((resolve) =>
    request(`${demo.httpUrl}/api/v1/pods`, { headers: { host: 'evil.example' } }, (response) =>
      resolve(response.statusCode),
    ).end(),
  );
  expect(status).toBe(403);
});
