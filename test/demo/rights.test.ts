import { request } from 'node:https';
import { expect, test } from 'vitest';
import { ask, demoOf, list, names, pod } from './cluster.ts';

const objects = [
  pod('a', { namespace: 'train' }),
  pod('b', { namespace: 'serve' }),
  pod('c', { namespace: 'secret' }),
];
const viewerNamespaces = ['train', 'serve'];
const review = (attributes: Record<string, string>) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: attributes },
  }),
});

test('the viewer sees two namespaces and what everybody sees', async () => {
  const demo = await demoOf({ objects, viewerNamespaces });
  expect(names(await list(demo, '/api/v1/namespaces/train/pods', { user: 'viewer' }))).toEqual(['a']);
  expect((await ask(demo, '/api/v1/namespaces/secret/pods', { user: 'viewer' })).status).toBe(403);
  expect((await ask(demo, '/api/v1/pods', { user: 'viewer' })).status).toBe(403);
  expect((await ask(demo, '/version', { user: 'viewer' })).status).toBe(200);
});

test('nobody may ask who they are, and nothing else', async () => {
  const demo = await demoOf({ objects });
  expect((await ask(demo, '/api/v1/namespaces/train/pods', { user: 'nobody' })).status).toBe(403);
  expect((await ask(demo, '/apis', { user: 'nobody' })).status).toBe(200);
});

test('what a review says is what a request meets', async () => {
  const demo = await demoOf({ objects, viewerNamespaces, metrics: 'on' });
  const asked = [
    {
      path: '/api/v1/namespaces/train/pods',
      attributes: { verb: 'list', resource: 'pods', namespace: 'train' },
    },
    {
      path: '/api/v1/namespaces/secret/pods',
      attributes: { verb: 'list', resource: 'pods', namespace: 'secret' },
    },
    { path: '/api/v1/nodes', attributes: { verb: 'list', resource: 'nodes' } },
    {
      path: '/api/v1/namespaces/train/secrets',
      attributes: { verb: 'list', resource: 'secrets', namespace: 'train' },
    },
    {
      path: '/api/v1/namespaces/train/pods/a/log',
      attributes: { verb: 'get', resource: 'pods', subresource: 'log', namespace: 'train', name: 'a' },
    },
    {
      path: '/apis/metrics.k8s.io/v1beta1/namespaces/train/pods',
      attributes: { verb: 'list', group: 'metrics.k8s.io', resource: 'pods', namespace: 'train' },
    },
  ];
  for (const { path, attributes } of asked) {
    const answer = (
      await ask(demo, '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
        user: 'viewer',
        ...review(attributes),
      })
    ).json();
    const { status } = await ask(demo, path, { user: 'viewer' });
    expect({ path, allowed: (answer as { status: { allowed: boolean } }).status.allowed }).toEqual({
      path,
      allowed: status !== 403,
    });
  }
});

test('a right can be taken away while the server runs', async () => {
  const demo = await demoOf({ objects, viewerNamespaces });
  expect((await ask(demo, '/api/v1/namespaces/train/pods', { user: 'viewer' })).status).toBe(200);
  demo.rights.bindings = demo.rights.bindings.filter((binding) => binding.namespace !== 'train');
  expect((await ask(demo, '/api/v1/namespaces/train/pods', { user: 'viewer' })).status).toBe(403);
});

test('a token that was replaced is a 401', async () => {
  const demo = await demoOf({ objects });
  const old = demo.users.token('admin');
  const fresh = demo.users.rotate('admin');
  expect((await ask(demo, '/api/v1/pods', { token: old })).status).toBe(401);
  expect((await ask(demo, '/api/v1/pods', { token: fresh })).status).toBe(200);
});

test('a client certificate names its user and groups', async () => {
  const demo = await demoOf({ objects, viewerNamespaces });
  const pair = await demo.clientCertificate('viewer');
  const status = (path: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const sent = request(`${demo.url}${path}`, { ca: demo.caPem, agent: false, ...pair }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.on('error', reject);
      sent.end();
    });
  expect(await status('/api/v1/namespaces/train/pods')).toBe(200);
  expect(await status('/api/v1/nodes')).toBe(403);
});

test('only who may impersonate becomes somebody else', async () => {
  const demo = await demoOf({ objects, viewerNamespaces });
  const as = { headers: { 'impersonate-user': 'viewer', 'impersonate-group': 'viewers' } };
  expect((await ask(demo, '/api/v1/namespaces/train/pods', as)).status).toBe(200);
  expect((await ask(demo, '/api/v1/nodes', as)).status).toBe(403);
  expect((await ask(demo, '/api/v1/namespaces/train/pods', { user: 'nobody', ...as })).status).toBe(403);
});

/** What kubectl 1.33 posted for `auth can-i create pods --subresource=exec -n ml`, as far as the fields matter. */
function protobufReview(kind: string, spec: Buffer): Buffer {
  const field = (number: number, content: Buffer | string): Buffer => {
    const bytes = Buffer.from(content);
    return Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
  };
  const raw = Buffer.concat([field(1, ''), field(2, spec)]);
  const type = Buffer.concat([field(1, 'authorization.k8s.io/v1'), field(2, kind)]);
  return Buffer.concat([Buffer.from('k8s\0'), field(1, type), field(2, raw)]);
}

test('reviews in protobuf are read, other content types are not', async () => {
  const demo = await demoOf({ objects, viewerNamespaces });
  const attributes = Buffer.from('\x0a\x05train\x12\x04list\x1a\x00\x22\x00\x2a\x04pods\x32\x00\x3a\x00');
  const spec = Buffer.concat([Buffer.from([0x0a, attributes.length]), attributes]);
  const post = {
    method: 'POST',
    user: 'viewer',
    headers: { 'content-type': 'application/vnd.kubernetes.protobuf' },
  };
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  const answer = await ask(demo, path, { ...post, body: protobufReview('SelfSubjectAccessReview', spec) });
  expect(answer.status).toBe(201);
  expect(answer.json()).toMatchObject({
    spec: { resourceAttributes: { namespace: 'train', verb: 'list', resource: 'pods' } },
    status: { allowed: true },
  });
  expect((await ask(demo, path, { ...post, body: Buffer.from('nonsense') })).status).toBe(400);
  expect(
    (await ask(demo, path, { ...post, headers: { 'content-type': 'text/plain' }, body: '{}' })).status,
  ).toBe(415);
});
