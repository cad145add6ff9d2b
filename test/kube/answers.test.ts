import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { Connection, KubeRequest } from '../../src/kube/contract.ts';
import { discover, pathOf, servedKind } from '../../src/kube/discovery.ts';
import { jsonDecoder } from '../../src/kube/json-decoder.ts';
import { attributesOf, rightText, verbOf } from '../../src/kube/resource-path.ts';
import { allows, forgetRights, mayI, rulesIn, visibleNamespaces } from '../../src/kube/rights.ts';
import {
  type ApiServer,
  connectTo,
  podList,
  type Seen,
  sendJson,
  sendStatus,
  startServer,
} from './api-server.ts';

let cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
});

interface Recorded {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** What a real v1.36.3 API server answered. */
function recorded(name: string): Recorded {
  const text = readFileSync(new URL(`../recorded/http/${name}.txt`, import.meta.url), 'utf8').replaceAll(
    '\r',
    '',
  );
  const start = text.indexOf('HTTP/1.1');
  const end = text.indexOf('\n\n', start);
  const head = text.slice(start, end);
  return {
    status: Number(head.slice(9, 12)),
    contentType: /content-type: (.*)/i.exec(head)?.[1] ?? '',
    body: text.slice(end + 2).trimEnd(),
  };
}

function send(seen: Seen, { status, contentType, body }: Recorded): void {
  const response = seen.response as ServerResponse;
  response.writeHead(status, { 'content-type': contentType });
  response.end(body);
}

async function against(
  answer: (seen: Seen) => void,
): Promise<{ readonly connection: Connection; readonly server: ApiServer }> {
  const server = await startServer(answer);
  cleanups.push(server.close);
  const connection = await connectTo(server);
  cleanups.push(connection.close);
  return { connection, server };
}

const asking = async (name: string, request: KubeRequest): Promise<unknown> => {
  const { connection } = await against((seen) => send(seen, recorded(name)));
  return await connection.json(request);
};

describe("what a real API server refuses, in a person's words", () => {
  test.each<[string, KubeRequest, Record<string, unknown>]>([
    [
      '401-bad-token',
      { path: '/api/v1/pods' },
      {
        kind: 'unauthorized',
        status: 401,
        message: expect.stringMatching(/refuses the credentials of user ".*" \(401\): wrong or expired/),
        hint: expect.stringContaining('Log in again'),
      },
    ],
    [
      '403-viewer-nodes',
      { path: '/api/v1/nodes' },
      {
        kind: 'forbidden',
        reason: 'Forbidden',
        message: expect.stringContaining('User "viewer" cannot list resource "nodes"'),
        hint: 'Ask for the right to list nodes (kubectl auth can-i list nodes -A).',
      },
    ],
    [
      '403-viewer-watch',
      { path: '/api/v1/namespaces/ml/pods', query: { watch: true } },
      {
        kind: 'forbidden',
        hint: 'Ask for the right to watch pods in namespace ml (kubectl auth can-i watch pods -n ml).',
      },
    ],
    [
      '404-group',
      { path: '/apis/kueue.x-k8s.io/v1beta1/workloads' },
      {
        kind: 'not-found',
        message: 'The server does not have workloads.kueue.x-k8s.io (v1beta1)',
        hint: expect.stringContaining('CRD'),
      },
    ],
    [
      '404-pod',
      { path: '/api/v1/namespaces/research/pods/nope' },
      { kind: 'not-found', reason: 'NotFound', hint: 'It may have been deleted.' },
    ],
    [
      '503-metrics-backend-down',
      { path: '/apis/metrics.k8s.io/v1beta1/nodes' },
      { kind: 'unavailable', message: 'The server has metrics.k8s.io, but what answers for it is down' },
    ],
    [
      '410-continue-expired-events',
      { path: '/api/v1/namespaces/research/events' },
      { kind: 'gone', reason: 'Expired' },
    ],
    [
      '429-eviction-pdb',
      { method: 'POST', path: '/api/v1/namespaces/serving/pods/x/eviction', body: '{}' },
      {
        kind: 'too-many-requests',
        retryAfterMs: undefined,
        message: expect.stringContaining(
          'disruption budget: The disruption budget vllm-llama-70b needs 2 healthy pods and has 2 currently',
        ),
      },
    ],
    [
      '409-uid-precondition',
      { method: 'DELETE', path: '/api/v1/namespaces/x/pods/y' },
      { kind: 'conflict', status: 409 },
    ],
    [
      '422-invalid-pod',
      { method: 'POST', path: '/api/v1/namespaces/x/pods', body: '{}' },
      { kind: 'invalid', status: 422, answer: expect.objectContaining({ kind: 'Status' }) },
    ],
    ['406-accept', { path: '/api/v1/pods' }, { kind: 'invalid', status: 406 }],
  ])('%s', async (name, request, expected) => {
    await expect(asking(name, request)).rejects.toMatchObject(expected);
  });

  test('a Status in protobuf, for who asked for protobuf', async () => {
    const field = (number: number, ...bytes: number[]): number[] => [
      (number << 3) | 2,
      bytes.length,
      ...bytes,
    ];
    const text = (number: number, value: string): number[] => field(number, ...Buffer.from(value));
    // Status{message, reason, details{retryAfterSeconds: 7}, code: 429}
    const raw = [
      ...text(3, 'slow down'),
      ...text(4, 'TooManyRequests'),
      ...field(5, (5 << 3) | 0, 7),
      (6 << 3) | 0,
      0xad,
      0x03,
    ];
    const body = Buffer.from([...Buffer.from('k8s\0'), ...field(2, ...raw)]);
    const { connection } = await against((seen) => {
      (seen.response as ServerResponse).writeHead(429, {
        'content-type': 'application/vnd.kubernetes.protobuf',
      });
      (seen.response as ServerResponse).end(body);
    });
    await expect(connection.request({ path: '/api/v1/pods' })).rejects.toMatchObject({
      status: 429,
      message: 'slow down',
      reason: 'TooManyRequests',
      retryAfterMs: 7_000,
    });
  });

  test('a reason without a sentence is put into one', async () => {
    const { connection, server } = await against((seen) => sendStatus(seen, 429, 'TooManyRequests'));
    await expect(connection.json({ path: '/api/v1/pods' })).rejects.toMatchObject({
      kind: 'too-many-requests',
      message: `${server.url} answered 429: too many requests`,
    });
  });

  test('Retry-After is read from the header', async () => {
    const { connection } = await against((seen) =>
      sendStatus(seen, 429, 'TooManyRequests', 'busy', { 'retry-after': '12' }),
    );
    await expect(connection.json({ path: '/api/v1/pods' })).rejects.toMatchObject({
      retryAfterMs: 12_000,
      hint: expect.stringContaining('12 s'),
    });
  });
});

describe('answers that come from no API server', () => {
  test.each([
    ['a login page', 200, { 'content-type': 'text/html; charset=utf-8' }, '<html>log in</html>'],
    ['a redirect to one', 302, { location: 'https://sso.example/' }, ''],
    ['an error page', 502, { 'content-type': 'text/html' }, '<html>Bad Gateway</html>'],
  ])('%s', async (_name, status, headers, body) => {
    const { connection } = await against((seen) => {
      (seen.response as ServerResponse).writeHead(status, headers);
      (seen.response as ServerResponse).end(body);
    });
    await expect(connection.json({ path: '/api/v1/pods' })).rejects.toMatchObject({
      kind: 'bad-answer',
      hint: expect.stringContaining('login page'),
    });
  });

  test('text where JSON should be', async () => {
    const { connection } = await against((seen) => {
      seen.response.setHeader('content-type', 'application/json');
      seen.response.end('welcome');
    });
    await expect(connection.json({ path: '/version' })).rejects.toMatchObject({ kind: 'bad-answer' });
  });

  test('silence has a deadline', async () => {
    const { connection } = await against(() => {});
    await expect(connection.json({ path: '/version', timeoutMs: 50 })).rejects.toMatchObject({
      kind: 'timeout',
    });
  });

  test('a request given up ends at once', async () => {
    const { connection } = await against(() => {});
    const life = new AbortController();
    const asked = connection.json({ path: '/version', signal: life.signal });
    life.abort();
    await expect(asked).rejects.toMatchObject({ kind: 'timeout', message: '/version was given up' });
  });
});

describe('requests', () => {
  test('a gzipped answer is unpacked', async () => {
    const { connection } = await against((seen) => {
      (seen.response as ServerResponse).writeHead(200, {
        'content-type': 'application/json',
        'content-encoding': 'gzip',
      });
      (seen.response as ServerResponse).end(gzipSync(JSON.stringify({ big: 'x'.repeat(1_000_000) })));
    });
    expect((await connection.json<{ big: string }>({ path: '/x' })).big).toHaveLength(1_000_000);
  });

  test('a path before the API, as rancher has it', async () => {
    const server = await startServer((seen) => sendJson(seen, 200, { path: seen.path }));
    cleanups.push(server.close);
    const connection = await connectTo(server, { server: `${server.url}/k8s/clusters/c-1/` });
    cleanups.push(connection.close);
    expect(await connection.json({ path: '/version' })).toEqual({ path: '/k8s/clusters/c-1/version' });
  });

  test('fifty requests share one connection', async () => {
    const { connection, server } = await against((seen) => sendJson(seen, 200, {}));
    await Promise.all(Array.from({ length: 50 }, () => connection.json({ path: '/api' })));
    expect(server.connections()).toBe(1);
  });

  test('more streams than one connection carries open another', async () => {
    const { connection, server } = await against((seen) => {
      if (seen.path === '/api') return sendJson(seen, 200, {});
      (seen.response as ServerResponse).writeHead(200, { 'content-type': 'application/json' });
      (seen.response as ServerResponse).write('\n');
    });
    await Promise.all(Array.from({ length: 120 }, () => connection.stream({ path: '/watch' })));
    await connection.json({ path: '/api' });
    expect(server.connections()).toBe(2);
  });

  test('a plain http server, as kubectl proxy is', async () => {
    const server = await startServer((seen) => sendJson(seen, 200, { version: seen.version }), {
      tls: false,
    });
    cleanups.push(server.close);
    const connection = await connectTo(server);
    cleanups.push(connection.close);
    expect(await connection.json({ path: '/api' })).toEqual({ version: '1.1' });
  });

  test("a socket of one's own bears the same credentials", async () => {
    const { connection } = await against((seen) =>
      sendJson(seen, 200, { authorization: seen.headers['authorization'] }),
    );
    const { socket, headers } = await connection.dial();
    socket.write(
      `GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    );
    let text = '';
    for await (const chunk of socket) text += chunk;
    expect(text).toContain('"authorization":"Bearer secret"');
  });

  test('nothing is sent before the first call', async () => {
    const { server } = await against((seen) => sendJson(seen, 200, {}));
    expect(server.connections()).toBe(0);
  });
});

describe('the events of a watch in JSON', () => {
  const bodyOf = (names: readonly string[]): Buffer =>
    Buffer.from(
      names.map((name) => `${JSON.stringify({ type: 'ADDED', object: { metadata: { name } } })}\n`).join(''),
    );

  test('are the same however their bytes are cut, and however many pieces are read together', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'é', '🚀', '\u2028'), maxLength: 12 });
    fc.assert(
      fc.property(
        fc.array(name, { maxLength: 8 }),
        fc
          .array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 8 })
          .filter((sizes) => sizes.some((size) => size > 0)),
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
        (names, sizes, together) => {
          const body = bodyOf(names);
          const reader = jsonDecoder.events();
          const read: unknown[] = [];
          const readAll = (): void => {
            for (let event = reader.next(); event !== undefined; event = reader.next())
              read.push(event.object.metadata?.name);
          };
          let at = 0;
          for (let piece = 0; at < body.length; piece += 1) {
            // A piece of no bytes is one, too.
            const size = sizes[piece % sizes.length] ?? 1;
            reader.push(body.subarray(at, at + size));
            at += size;
            if (piece % (together[piece % together.length] ?? 1) === 0) readAll();
          }
          readAll();
          expect(read).toEqual(names);
        },
      ),
    );
  });
});

describe('discovery', () => {
  const kindsOf = async (answer: (seen: Seen) => void): Promise<Awaited<ReturnType<typeof discover>>> =>
    discover((await against(answer)).connection);

  test('a real 1.36 server, in its aggregated form', async () => {
    const found = await kindsOf((seen) =>
      send(seen, recorded(seen.path === '/api' ? 'discovery-api-v2' : 'discovery-apis-v2')),
    );
    expect(found.problems).toEqual([]);
    expect(servedKind(found, '', 'pods')).toMatchObject({
      version: 'v1',
      kind: 'Pod',
      isNamespaced: true,
      shortNames: ['po'],
      subresources: expect.arrayContaining(['log', 'exec', 'eviction']),
    });
    expect(servedKind(found, 'batch', 'jobs')).toMatchObject({
      kind: 'Job',
      verbs: expect.arrayContaining(['watch']),
    });
    expect(servedKind(found, 'kueue.x-k8s.io', 'workloads')).toBeUndefined();
  });

  test('who asks soon after another gets what that one got; a person who asks again gets it anew', async () => {
    const { connection, server } = await against((seen) =>
      send(seen, recorded(seen.path === '/api' ? 'discovery-api-v2' : 'discovery-apis-v2')),
    );
    const left = new AbortController();
    const givenUp = discover(connection, left.signal);
    left.abort();
    await expect(givenUp).rejects.toThrow();
    const found = await Promise.all([discover(connection), discover(connection)]);
    expect(found[0]).toBe(found[1]);
    expect(server.seen.map(({ path }) => path).sort()).toEqual(['/api', '/apis']);
    connection.retryNow();
    await discover(connection);
    expect(server.seen).toHaveLength(4);
  });

  test('what cannot be discovered is asked for again at once', async () => {
    let isDown = true;
    const { connection } = await against((seen) =>
      isDown
        ? sendStatus(seen, 503, 'ServiceUnavailable')
        : send(seen, recorded(seen.path === '/api' ? 'discovery-api-v2' : 'discovery-apis-v2')),
    );
    await expect(discover(connection)).rejects.toThrow();
    isDown = false;
    expect((await discover(connection)).problems).toEqual([]);
  });

  test('a group whose server is down is a problem, not an end', async () => {
    const found = await kindsOf((seen) =>
      send(seen, recorded(seen.path === '/api' ? 'discovery-api-v2' : 'discovery-apis-v2-stale-metrics')),
    );
    expect(found.problems).toEqual([
      { group: 'metrics.k8s.io', version: 'v1beta1', reason: expect.any(String) },
    ]);
    expect(servedKind(found, 'apps', 'deployments')).toBeDefined();
  });

  test('an old server, version by version; those that fail are told', async () => {
    const found = await kindsOf((seen) => {
      if (seen.path === '/api') return sendJson(seen, 200, { kind: 'APIVersions', versions: ['v1'] });
      if (seen.path === '/apis') return send(seen, recorded('discovery-apis-plain'));
      if (seen.path === '/apis/batch/v1') return send(seen, recorded('discovery-batch-v1'));
      return sendStatus(seen, 503, 'ServiceUnavailable', 'down');
    });
    expect(servedKind(found, 'batch', 'jobs')).toMatchObject({
      kind: 'Job',
      version: 'v1',
      subresources: ['status'],
    });
    expect(found.problems).toContainEqual({ group: 'apps', version: 'v1', reason: 'down' });
    expect(found.kinds.some(({ resource }) => resource.includes('/'))).toBe(false);
  });

  test('paths', () => {
    expect(pathOf({ group: '', version: 'v1', resource: 'pods', isNamespaced: true }, 'ml')).toBe(
      '/api/v1/namespaces/ml/pods',
    );
    expect(pathOf({ group: 'batch', version: 'v1', resource: 'jobs', isNamespaced: true })).toBe(
      '/apis/batch/v1/jobs',
    );
    expect(pathOf({ group: '', version: 'v1', resource: 'nodes', isNamespaced: false }, 'ml')).toBe(
      '/api/v1/nodes',
    );
  });
});

describe('paths in the words of RBAC', () => {
  test.each([
    [
      '/api/v1/pods',
      {
        group: '',
        version: 'v1',
        resource: 'pods',
        namespace: undefined,
        name: undefined,
        subresource: undefined,
      },
    ],
    [
      '/api/v1/namespaces/ml/pods/x/log',
      { group: '', version: 'v1', resource: 'pods', namespace: 'ml', name: 'x', subresource: 'log' },
    ],
    ['/api/v1/namespaces', { resource: 'namespaces', namespace: undefined }],
    ['/api/v1/namespaces/ml', { resource: 'namespaces', name: 'ml', namespace: undefined }],
    ['/api/v1/namespaces/ml/status', { resource: 'namespaces', name: 'ml', subresource: 'status' }],
    ['/apis/batch/v1/namespaces/ml/jobs', { group: 'batch', resource: 'jobs', namespace: 'ml' }],
    ['/apis/apps/v1/deployments', { group: 'apps', resource: 'deployments' }],
  ])('%s', (path, expected) => {
    expect(attributesOf(path)).toMatchObject(expected);
  });

  test('other paths have none', () => {
    expect(attributesOf('/version')).toBeUndefined();
    expect(attributesOf('/apis/apps/v1')).toBeUndefined();
    expect(rightText({ path: '/livez' })).toContain('/livez');
  });

  test('verbs', () => {
    expect(verbOf({ path: '/api/v1/pods' })).toBe('list');
    expect(verbOf({ path: '/api/v1/pods', query: { watch: true } })).toBe('watch');
    expect(verbOf({ path: '/api/v1/nodes/n' })).toBe('get');
    expect(verbOf({ method: 'DELETE', path: '/api/v1/nodes/n' })).toBe('delete');
  });
});

describe('rights', () => {
  const review = (seen: Seen): { verb?: string; namespace?: string } =>
    JSON.parse(seen.body).spec.resourceAttributes;

  test('are asked for once a minute, and again when forgotten', async () => {
    const { connection, server } = await against((seen) =>
      sendJson(seen, 201, {
        status: { allowed: review(seen).verb === 'list', reason: 'RBAC: allowed by …' },
      }),
    );
    const wish = { verb: 'list', group: '', resource: 'pods' };
    expect(await mayI(connection, wish)).toEqual({ allowed: 'yes', reason: 'RBAC: allowed by …' });
    expect(await mayI(connection, wish)).toMatchObject({ allowed: 'yes' });
    expect(await mayI(connection, { ...wish, verb: 'delete', namespace: 'ml' })).toMatchObject({
      allowed: 'no',
    });
    expect(server.seen.map(review)).toMatchObject([
      { verb: 'list', namespace: '' },
      { verb: 'delete', namespace: 'ml' },
    ]);
    forgetRights(connection);
    await mayI(connection, wish);
    expect(server.seen).toHaveLength(3);
  });

  test('a question that is refused leaves it open', async () => {
    const { connection } = await against((seen) => sendStatus(seen, 403, 'Forbidden', 'no questions'));
    expect(await mayI(connection, { verb: 'list', group: '', resource: 'pods' })).toEqual({
      allowed: 'unknown',
      reason: 'no questions',
    });
  });

  test('rules of a namespace; incomplete ones deny nothing', async () => {
    const resourceRules = [
      { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', 'pods/log'] },
      { verbs: ['*'], apiGroups: ['batch'], resources: ['*'] },
      { verbs: ['delete'], apiGroups: [''], resources: ['pods'], resourceNames: ['mine'] },
    ];
    const { connection } = await against((seen) =>
      sendJson(seen, 201, { status: { resourceRules, incomplete: false } }),
    );
    const rules = await rulesIn(connection, 'ml');
    const may = (verb: string, group: string, resource: string, more: object = {}): string =>
      allows(rules, { verb, group, resource, ...more });
    expect(may('list', '', 'pods')).toBe('yes');
    expect(may('get', '', 'pods', { subresource: 'log' })).toBe('yes');
    expect(may('create', '', 'pods', { subresource: 'exec' })).toBe('no');
    expect(may('delete', 'batch', 'jobs')).toBe('yes');
    expect(may('delete', '', 'pods')).toBe('no');
    expect(may('delete', '', 'pods', { name: 'mine' })).toBe('yes');
    expect(allows({ ...rules, incomplete: true }, { verb: 'create', group: '', resource: 'secrets' })).toBe(
      'unknown',
    );
  });

  const names = (...all: string[]): unknown => podList(1, ...all.map((name) => ({ metadata: { name } })));

  test("the ladder of namespaces: all, else OpenShift's projects, else what is given", async () => {
    let mayList = true;
    let hasProjects = true;
    const { connection } = await against((seen) => {
      if (seen.path === '/api/v1/namespaces')
        return mayList
          ? sendJson(seen, 200, names('b', 'a'))
          : sendStatus(seen, 403, 'Forbidden', 'namespaces is forbidden');
      return hasProjects ? sendJson(seen, 200, names('mine')) : sendStatus(seen, 404, 'NotFound');
    });
    expect(await visibleNamespaces(connection, ['x'])).toEqual({
      names: ['a', 'b'],
      source: 'all',
      reason: undefined,
    });
    mayList = false;
    expect(await visibleNamespaces(connection, ['x'])).toEqual({
      names: ['mine'],
      source: 'projects',
      reason: 'namespaces is forbidden',
    });
    hasProjects = false;
    expect(await visibleNamespaces(connection, ['x', 'x', ''])).toEqual({
      names: ['x'],
      source: 'given',
      reason: 'namespaces is forbidden',
    });
  });
});
