import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { connect } from '../../src/kube/connection.ts';
import type { Connection, ConnectOptions } from '../../src/kube/contract.ts';
import { realTiming, refusalWaitMs, type Timing } from '../../src/kube/timing.ts';
import { temporaryFolder } from '../folder.ts';
import {
  type ApiServer,
  bookmark,
  connectTo,
  openWatch,
  pod,
  podList,
  quickTiming,
  type Seen,
  type ServerOptions,
  sendJson,
  sendStatus,
  startServer,
} from './api-server.ts';
import { authority, makeAuthority } from './certificates.ts';
import { type Recorder, record } from './recorder.ts';
import { type Relay, startRelay } from './relay.ts';

const pods = { path: '/api/v1/pods' };
const isWatch = ({ query }: Seen): boolean => query.get('watch') === 'true';
const isPods = ({ path }: Seen): boolean => path === '/api/v1/pods';

let cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
});

type Answer = (seen: Seen) => void | Promise<void>;

interface World {
  readonly server: ApiServer;
  readonly connection: Connection;
  readonly seen: Recorder;
  readonly watches: () => Seen[];
  readonly lists: () => Seen[];
}

interface WorldOptions extends ServerOptions {
  readonly serverVersion?: string;
  readonly timing?: Partial<Timing>;
  readonly connect?: Partial<ConnectOptions>;
  /** Dials this port instead of the server's. */
  readonly through?: number;
}

/** A server that answers version and liveness, and `answer` for the rest; a reflector that follows its pods. */
async function world(answer: Answer, options: WorldOptions = {}): Promise<World> {
  const server = await startServer((seen) => {
    if (seen.path === '/version')
      return sendJson(seen, 200, { gitVersion: options.serverVersion ?? 'v1.30.0' });
    if (seen.path === '/livez') return sendJson(seen, 200, 'ok');
    return answer(seen);
  }, options);
  cleanups.push(server.close);
  const timing = { ...quickTiming, ...options.timing };
  const connection = await connectTo(server, {
    timing,
    ...(options.through !== undefined && { server: `https://127.0.0.1:${options.through}` }),
    ...options.connect,
  });
  cleanups.push(connection.close);
  const seen = record(connection, pods);
  cleanups.push(seen.stop);
  const asked = (test: (one: Seen) => boolean) => (): Seen[] =>
    server.seen.filter((one) => isPods(one) && test(one));
  return { server, connection, seen, watches: asked(isWatch), lists: asked((one) => !isWatch(one)) };
}

/** One answer for each watch in turn; the last one repeats. Lists get `list`. */
function scripted(list: unknown, ...watches: ((seen: Seen) => void)[]): Answer {
  let count = 0;
  return (seen) => {
    if (!isWatch(seen)) return sendJson(seen, 200, list);
    const next = watches[Math.min(count, watches.length - 1)];
    count += 1;
    next?.(seen);
  };
}

const versionOf = (seen: Seen | undefined): string | null | undefined => seen?.query.get('resourceVersion');
const quietWatch = (seen: Seen): void => {
  openWatch(seen);
};

describe('the plain way', () => {
  test('a list, then what changes, over one HTTP/2 connection', async () => {
    const { seen, server } = await world(
      scripted(podList(10, pod('a', 3), pod('b', 4)), (watch) => {
        const stream = openWatch(watch);
        stream.send('ADDED', pod('c', 11));
        stream.send('DELETED', pod('a', 12));
      }),
    );
    await seen.until(() => seen.names().join() === 'b,c');
    expect([...new Set(seen.stateNames())]).toEqual(['listing', 'live']);
    expect(new Set(server.seen.map(({ version }) => version))).toEqual(new Set(['2.0']));
    expect(server.connections()).toBe(1);
    expect(server.seen.at(-1)?.headers['user-agent']).toBe('mltop/test');
  });

  test('an object replaced under the same name is another row', async () => {
    const { seen } = await world(
      scripted(podList(10, pod('a', 3, 'old')), (watch) => {
        const stream = openWatch(watch);
        stream.send('ADDED', pod('a', 12, 'new'));
        stream.send('DELETED', pod('a', 11, 'old'));
        stream.send('ADDED', pod('z', 13));
      }),
    );
    await seen.until(() => seen.names().join() === 'a,z');
  });

  test('pages are asked for one after the other, compressed, at most 500 at a time', async () => {
    const { seen, lists } = await world((request) => {
      if (isWatch(request)) return quietWatch(request);
      const at = Number(request.query.get('continue') ?? 0);
      const metadata = {
        resourceVersion: '10',
        ...(at < 2 && { continue: String(at + 1), remainingItemCount: 2 - at }),
      };
      return sendJson(request, 200, { ...podList(10, pod(`p${at}`, 1)), metadata });
    });
    await seen.untilState('live');
    expect(seen.names()).toEqual(['p0', 'p1', 'p2']);
    expect(lists().map(({ query }) => query.get('limit'))).toEqual(['500', '500', '500']);
    expect(lists()[0]?.headers['accept-encoding']).toBe('gzip');
  });

  test('one list is in flight at a time; pages of several alternate', async () => {
    let inFlight = 0;
    let most = 0;
    const { connection, server } = await world((request) => {
      if (isWatch(request)) return quietWatch(request);
      inFlight += 1;
      most = Math.max(most, inFlight);
      const next = Number(request.query.get('continue') ?? 0) + 1;
      setTimeout(() => {
        inFlight -= 1;
        sendJson(request, 200, {
          ...podList(10),
          metadata: { resourceVersion: '10', ...(next < 4 && { continue: String(next) }) },
        });
      }, 5);
    });
    const others = ['/api/v1/nodes', '/api/v1/services'].map((path) => record(connection, { path }));
    for (const other of others) cleanups.push(other.stop);
    await Promise.all(others.map((other) => other.untilState('live')));
    expect(most).toBe(1);
    const order = server.seen
      .filter((one) => !isWatch(one) && one.path.startsWith('/api/v1/'))
      .map(({ path }) => path);
    expect(new Set(order.slice(0, 3)).size).toBe(3);
  });

  test('selectors travel with lists and watches', async () => {
    const { connection, server } = await world(scripted(podList(1), quietWatch));
    const other = record(connection, { ...pods, labelSelector: 'app=x', fieldSelector: 'spec.nodeName=n1' });
    cleanups.push(other.stop);
    await other.untilState('live');
    const mine = server.seen.filter(
      ({ query }) =>
        query.get('labelSelector') === 'app=x' && query.get('fieldSelector') === 'spec.nodeName=n1',
    );
    expect(mine.map((one) => isWatch(one))).toEqual([false, true]);
  });

  test('malformed objects end nothing', async () => {
    const { seen } = await world(
      scripted({ ...podList(10), items: [null, 'text', {}, { metadata: null }, pod('a', 1)] }, (watch) => {
        const stream = openWatch(watch);
        stream.send('ADDED', { metadata: { uid: 'x', name: 'no version' } });
        stream.send('ADDED', { kind: 'Pod' });
        stream.send('ADDED', pod('b', 12));
      }),
    );
    await seen.until(() => seen.names().includes('b'));
    expect(seen.names()).toContain('no version');
    expect(seen.stateNames()).not.toContain('reconnecting');
  });

  test('a null list is an empty one', async () => {
    const { seen } = await world(scripted({ ...podList(10), items: null }, quietWatch));
    await seen.untilState('live');
    expect(seen.names()).toEqual([]);
  });

  test('an object of 1.5 MB, characters torn by chunks and U+2028 arrive whole', async () => {
    const line = `${JSON.stringify({ type: 'ADDED', object: { ...pod('größe\u2028🚀', 11), spec: { note: '🚀'.repeat(400_000) } } })}\n`;
    const { seen } = await world(
      scripted(podList(10), (watch) => {
        const stream = openWatch(watch);
        const bytes = Buffer.from(line);
        for (let at = 0; at < bytes.length; at += 9_973) stream.raw(bytes.subarray(at, at + 9_973));
      }),
    );
    await seen.until(() => seen.names().length === 1);
    expect(seen.names()).toEqual(['größe\u2028🚀']);
  });
});

describe('the streaming list', () => {
  test('is used from 1.34 on, and is complete at its bookmark', async () => {
    const { seen, lists, watches } = await world(
      scripted(podList(1), (watch) => {
        const stream = openWatch(watch);
        stream.send('ADDED', pod('a', 30));
        stream.send('ADDED', pod('b', 4));
        stream.send('BOOKMARK', bookmark(31, true));
        stream.send('DELETED', pod('a', 32));
      }),
      { serverVersion: 'v1.34.1' },
    );
    await seen.until(() => seen.names().join() === 'b');
    await seen.untilState('live');
    expect(lists()).toEqual([]);
    expect(Object.fromEntries(watches()[0]?.query ?? [])).toMatchObject({
      sendInitialEvents: 'true',
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: 'true',
    });
    expect(watches()[0]?.query.has('resourceVersion')).toBe(false);
  });

  test.each(['v1.33.2', 'v1.31.0', 'v1.26.9', 'nonsense'])('is not tried on %s', async (serverVersion) => {
    const { seen, lists } = await world(scripted(podList(10, pod('a', 1)), quietWatch), { serverVersion });
    await seen.untilState('live');
    expect(lists()).toHaveLength(1);
  });

  test('pages take its place where the gate is off (422)', async () => {
    const { seen } = await world(
      (request) => {
        if (request.query.has('sendInitialEvents'))
          return sendStatus(request, 422, 'Invalid', 'sendInitialEvents is forbidden for watch');
        return isWatch(request) ? quietWatch(request) : sendJson(request, 200, podList(10, pod('a', 1)));
      },
      { serverVersion: 'v1.36.0' },
    );
    await seen.untilState('live');
    expect(seen.names()).toEqual(['a']);
    expect(seen.stateNames()).not.toContain('reconnecting');
  });

  test('pages take its place where the parameter is ignored and no bookmark comes', async () => {
    const { seen } = await world(scripted(podList(10, pod('a', 1)), quietWatch), {
      serverVersion: 'v1.36.0',
      timing: { watchListSilenceMs: 60 },
    });
    await seen.untilState('live');
    expect(seen.names()).toEqual(['a']);
  });

  test('far away, compressed pages take its place until 1.37', async () => {
    const far = { timing: { farMs: -1 } };
    const old = await world(scripted(podList(10, pod('a', 1)), quietWatch), {
      serverVersion: 'v1.36.0',
      ...far,
    });
    await old.seen.untilState('live');
    expect(old.lists()).toHaveLength(1);
    const complete = (watch: Seen): void => openWatch(watch).send('BOOKMARK', bookmark(31, true));
    const compressed = await world(scripted(podList(10), complete), { serverVersion: 'v1.37.0', ...far });
    await compressed.seen.untilState('live');
    expect(compressed.lists()).toEqual([]);
  });

  test('one that breaks off removes nothing', async () => {
    let hold: (() => void) | undefined;
    const full = (watch: Seen): void => {
      const stream = openWatch(watch);
      stream.send('ADDED', pod('a', 1));
      stream.send('ADDED', pod('b', 2));
      stream.send('BOOKMARK', bookmark(10, true));
      hold = () => {
        stream.send('ERROR', {
          kind: 'Status',
          code: 410,
          reason: 'Expired',
          message: 'too old resource version',
        });
        stream.end();
      };
    };
    const broken = (watch: Seen): void => {
      const stream = openWatch(watch);
      stream.send('ADDED', pod('c', 3));
      setTimeout(stream.cut, 20);
    };
    const after = (watch: Seen): void => {
      const stream = openWatch(watch);
      stream.send('ADDED', pod('c', 3));
      stream.send('BOOKMARK', bookmark(20, true));
    };
    const { seen } = await world(scripted(podList(1), full, broken, after), { serverVersion: 'v1.36.0' });
    await seen.untilState('live');
    hold?.();
    await seen.untilState('reconnecting');
    expect(seen.names()).toEqual(['a', 'b', 'c']);
    await seen.untilState('live');
    expect(seen.names()).toEqual(['c']);
  });
});

describe('faults of the watch', () => {
  test('a clean end is resumed at the last version, bookmarks included, and says nothing', async () => {
    const { seen, watches, lists } = await world(
      scripted(
        podList(10, pod('a', 3)),
        (watch) => {
          const stream = openWatch(watch);
          stream.send('MODIFIED', pod('a', 11));
          stream.send('BOOKMARK', bookmark(57));
          setTimeout(stream.end, 30);
        },
        quietWatch,
      ),
    );
    await seen.until(() => watches().length === 2);
    expect(watches().map(versionOf)).toEqual(['10', '57']);
    expect(lists()).toHaveLength(1);
    expect(seen.stateNames()).not.toContain('reconnecting');
  });

  test('the time asked for is a random one between 5 and 10 minutes', async () => {
    const { seen, watches } = await world(scripted(podList(10), quietWatch));
    await seen.untilState('live');
    const seconds = Number(watches()[0]?.query.get('timeoutSeconds'));
    expect(seconds).toBeGreaterThanOrEqual(300);
    expect(seconds).toBeLessThanOrEqual(600);
  });

  test('an end at once is backed off from', async () => {
    const short = (watch: Seen): void => openWatch(watch).end();
    const { seen } = await world(scripted(podList(10), short, short, quietWatch), {
      timing: { shortWatchMs: 1_000 },
    });
    const state = await seen.untilState('reconnecting');
    expect(state).toMatchObject({ reason: 'the server ended the watch at once' });
    await seen.untilState('live');
  });

  test('a cut in the middle of a line is resumed at the last whole one', async () => {
    const { seen, watches, lists } = await world(
      scripted(
        podList(10),
        (watch) => {
          const stream = openWatch(watch);
          stream.send('ADDED', pod('a', 11));
          stream.raw('{"type":"ADDED","object":{"metadata":{"name":"tor');
          setTimeout(stream.cut, 30);
        },
        (watch) => openWatch(watch).send('ADDED', pod('torn', 12)),
      ),
    );
    await seen.until(() => seen.names().join() === 'a,torn');
    expect(watches().map(versionOf)).toEqual(['10', '11']);
    expect(lists()).toHaveLength(1);
    expect(seen.stateNames()).toContain('reconnecting');
    await seen.untilState('live');
  });

  test('a server that goes away is said to be away, with the age of what is shown, and is found again', async () => {
    const { seen, server } = await world(scripted(podList(10, pod('a', 1)), quietWatch), {
      timing: { backoffMaxMs: 60_000, backoffFirstMs: 30_000, random: () => 1 },
    });
    await seen.untilState('live');
    const before = Date.now();
    await server.close();
    const state = await seen.untilState('reconnecting');
    expect(state).toMatchObject({ reason: expect.stringMatching(/refused|cut/) });
    expect((state as { sinceMs: number }).sinceMs).toBeLessThanOrEqual(before + 50);
    expect(seen.names()).toEqual(['a']);
    // The back-off is half a minute; the server's return ends it.
    const again = await startServer(server.answer, { port: server.port });
    cleanups.push(again.close);
    await seen.untilState('live');
  });

  test('a cluster made anew, with other certificates and another kubeconfig, is found too', async () => {
    const { caFile } = await authority();
    const other = await makeAuthority();
    const answer: Answer = (request) => {
      if (request.path === '/version') return sendJson(request, 200, { gitVersion: 'v1.30.0' });
      if (request.path === '/livez') return sendJson(request, 200, 'ok');
      return isWatch(request) ? quietWatch(request) : sendJson(request, 200, podList(10));
    };
    const first = await startServer(answer);
    const kubeconfig = join(temporaryFolder('config'), 'config');
    const write = (ca: string): void =>
      writeFileSync(
        kubeconfig,
        JSON.stringify({
          'current-context': 'c',
          clusters: [{ name: 'c', cluster: { server: first.url, 'certificate-authority': ca } }],
          contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
          users: [{ name: 'u', user: { token: 't' } }],
        }),
      );
    write(caFile);
    const connection = await connect({
      kubeconfig,
      userAgent: 'mltop/test',
      timing: { ...quickTiming, backoffMaxMs: 60_000, backoffFirstMs: 30_000, random: () => 1 },
    });
    cleanups.push(connection.close);
    const seen = record(connection, pods);
    cleanups.push(seen.stop);
    await seen.untilState('live');
    await first.close();
    await seen.untilState('reconnecting');
    const second = await startServer(answer, { port: first.port, ...other.server });
    cleanups.push(second.close);
    write(other.caFile);
    await seen.untilState('live');
  });

  test.each([
    [
      'as an event',
      (watch: Seen): void => {
        const stream = openWatch(watch);
        stream.send('ERROR', {
          kind: 'Status',
          code: 410,
          reason: 'Expired',
          message: 'too old resource version: 10 (99)',
        });
        stream.end();
      },
    ],
    ['as an answer', (watch: Seen): void => sendStatus(watch, 410, 'Expired')],
    [
      'without a code, on a stream that stays open',
      (watch: Seen): void =>
        openWatch(watch).send('ERROR', { kind: 'Status', reason: 'Gone', message: 'gone' }),
    ],
  ])('410 %s: listed again; what is absent disappears at its end', async (_name, expire) => {
    let lists = 0;
    const { seen } = await world((request) => {
      if (isWatch(request)) return versionOf(request) === '10' ? expire(request) : quietWatch(request);
      lists += 1;
      return sendJson(
        request,
        200,
        lists === 1 ? podList(10, pod('a', 1), pod('b', 2)) : podList(99, pod('b', 2)),
      );
    });
    await seen.until(() => seen.lists() === 2);
    expect(seen.names()).toEqual(['b']);
    await seen.untilState('live');
    expect(seen.stateNames()).not.toContain('reconnecting');
  });

  test('429 with Retry-After: waits as asked, same version, no list', async () => {
    const { seen, watches, lists } = await world(
      scripted(
        podList(10),
        (watch) => sendStatus(watch, 429, 'TooManyRequests', 'too many requests', { 'retry-after': '30' }),
        quietWatch,
      ),
    );
    const state = await seen.untilState('reconnecting');
    expect((state as { retryAtMs: number }).retryAtMs).toBeGreaterThan(Date.now() + 25_000);
    seen.retryNow();
    await seen.untilState('live');
    expect(watches().map(versionOf)).toEqual(['10', '10']);
    expect(lists()).toHaveLength(1);
  });

  test('a storm of 503 is backed off from, same version, no list', async () => {
    const storm = (watch: Seen): void => sendStatus(watch, 503, 'ServiceUnavailable');
    const { seen, watches, lists } = await world(
      scripted(podList(10), storm, storm, storm, storm, quietWatch),
    );
    await seen.untilState('live');
    expect(watches().map(versionOf)).toEqual(['10', '10', '10', '10', '10']);
    expect(lists()).toHaveLength(1);
    expect(seen.stateNames()).toContain('reconnecting');
  });

  test('504, a version too large: listed again without one', async () => {
    const { seen, lists } = await world(
      scripted(
        podList(10),
        (watch) => sendStatus(watch, 504, 'Timeout', 'Too large resource version: 10, current: 5'),
        quietWatch,
      ),
    );
    await seen.until(() => seen.lists() === 2);
    await seen.untilState('live');
    expect(lists().every(({ query }) => !query.has('resourceVersion'))).toBe(true);
  });

  test('another ERROR event: resumed; after the third, a server that lists is listed again if the watch still fails', async () => {
    const error = (watch: Seen): void =>
      openWatch(watch).send('ERROR', { kind: 'Status', code: 500, message: 'etcd is unhappy' });
    const { seen, watches, lists } = await world(
      scripted(podList(10), error, error, error, error, quietWatch),
    );
    expect(await seen.untilState('reconnecting')).toMatchObject({ reason: 'etcd is unhappy' });
    await seen.until(() => seen.lists() === 2);
    await seen.untilState('live');
    expect(watches().map(versionOf)).toEqual(['10', '10', '10', '10', '10']);
    // One object tells whether the server lists.
    expect(lists().map(({ query }) => query.get('limit'))).toEqual(['500', '1', '500']);
  });

  test('a server that fails at everything is no reason to list again', async () => {
    let isBroken = true;
    let count = 0;
    const { seen, watches, lists } = await world((request) => {
      if (!isWatch(request))
        return isBroken && count > 0
          ? sendStatus(request, 500, 'InternalError')
          : sendJson(request, 200, podList(10, pod('a', 1)));
      count += 1;
      return isBroken ? sendStatus(request, 500, 'InternalError') : quietWatch(request);
    });
    await seen.until(() => lists().filter(({ query }) => query.get('limit') === '1').length >= 3);
    isBroken = false;
    await seen.untilState('live');
    expect(seen.lists()).toBe(1);
    expect(new Set(watches().map(versionOf))).toEqual(new Set(['10']));
  });

  test('another request that is served cuts the wait after a 500 short, once', async () => {
    let isBroken = true;
    const { seen, lists, connection } = await world(
      (request) => {
        if (isBroken) return sendStatus(request, 500, 'InternalError');
        return isWatch(request) ? quietWatch(request) : sendJson(request, 200, podList(10, pod('a', 1)));
      },
      { timing: { backoffFirstMs: 60_000, backoffMaxMs: 60_000, random: () => 1 } },
    );
    await seen.untilState('reconnecting');
    await connection.request({ path: '/livez' });
    await seen.until(() => seen.states.filter(({ state }) => state === 'reconnecting').length === 2);
    isBroken = false;
    // It was no sign the first time: now the wait is kept, until a person asks.
    await connection.request({ path: '/livez' });
    expect(lists()).toHaveLength(2);
    seen.retryNow();
    await seen.untilState('live');
  });

  test('a corrupt line is never skipped: what it said is asked for again', async () => {
    const { seen, watches } = await world(
      scripted(
        podList(10),
        (watch) => {
          const stream = openWatch(watch);
          stream.send('ADDED', pod('a', 11));
          stream.raw('{"type":"ADDED","object":{"metadata":{"na\u0000\n');
          stream.send('ADDED', pod('c', 13));
        },
        (watch) => {
          const stream = openWatch(watch);
          stream.send('ADDED', pod('b', 12));
          stream.send('ADDED', pod('c', 13));
        },
      ),
    );
    await seen.until(() => seen.names().join() === 'a,b,c');
    expect(watches().map(versionOf)).toEqual(['10', '11']);
  });

  test('a list that is a web page is told apart', async () => {
    const { seen } = await world((request) => {
      request.response.setHeader('content-type', 'text/html');
      request.response.end('<html>Please log in</html>');
    });
    expect(await seen.untilState('reconnecting')).toMatchObject({
      reason: expect.stringContaining('no Kubernetes API server'),
    });
  });

  test('a watch that brings nothing for long, while the connection answers, is opened again at the same version', async () => {
    const { seen, watches } = await world(scripted(podList(10), quietWatch), {
      timing: { quietWatchMs: 60 },
    });
    await seen.until(() => watches().length >= 2);
    expect(watches().map(versionOf).slice(0, 2)).toEqual(['10', '10']);
    expect([...new Set(seen.stateNames())]).toEqual(['listing', 'live']);
  });

  test('versions that went back are noticed: all is listed again', async () => {
    let restored = false;
    const { seen } = await world(
      (request) => {
        if (isWatch(request)) return quietWatch(request);
        return sendJson(request, 200, restored ? podList(40, pod('old', 1)) : podList(1_000, pod('a', 1)));
      },
      { timing: { quietWatchMs: 60 } },
    );
    await seen.untilState('live');
    restored = true;
    await seen.until(() => seen.names().join() === 'old');
  });
});

describe('faults of the list', () => {
  test('a continue token that expired starts the list again, and nothing is doubled', async () => {
    let expired = false;
    const { seen, lists } = await world((request) => {
      if (isWatch(request)) return quietWatch(request);
      const token = request.query.get('continue');
      if (token === null)
        return sendJson(request, 200, {
          ...podList(10, pod('a', 1)),
          metadata: { resourceVersion: '10', continue: 'next' },
        });
      if (expired) return sendJson(request, 200, podList(10, pod('b', 2)));
      expired = true;
      return sendStatus(request, 410, 'Expired');
    });
    await seen.untilState('live');
    expect(seen.names()).toEqual(['a', 'b']);
    expect(lists()).toHaveLength(4);
    expect(seen.lists()).toBe(1);
  });

  test('a page in the middle that is refused for now is asked for again, not the ones before it', async () => {
    let refused = 0;
    const { seen, lists } = await world((request) => {
      if (isWatch(request)) return quietWatch(request);
      const token = request.query.get('continue');
      if (token === null)
        return sendJson(request, 200, {
          ...podList(10, pod('a', 1)),
          metadata: { resourceVersion: '10', continue: 'next' },
        });
      refused += 1;
      if (refused < 3) return sendStatus(request, refused === 1 ? 429 : 503, 'TooManyRequests');
      return sendJson(request, 200, podList(10, pod('b', 2)));
    });
    await seen.untilState('live');
    expect(seen.names()).toEqual(['a', 'b']);
    expect(lists().map(({ query }) => query.get('continue'))).toEqual([null, 'next', 'next', 'next']);
  });

  test('a page that is cut off is asked for again', async () => {
    let cut = false;
    const { seen } = await world((request) => {
      if (isWatch(request)) return quietWatch(request);
      if (cut) return sendJson(request, 200, podList(10, pod('a', 1)));
      cut = true;
      const stream = openWatch(request);
      stream.raw('{"kind":"PodList","items":[');
      setTimeout(stream.cut, 20);
    });
    await seen.untilState('live');
    expect(seen.names()).toEqual(['a']);
    expect(seen.stateNames()).toContain('reconnecting');
  });

  test('429 and 503 on the list are waited for', async () => {
    let count = 0;
    const { seen } = await world((request) => {
      if (isWatch(request)) return quietWatch(request);
      count += 1;
      if (count === 1) return sendStatus(request, 429, 'TooManyRequests');
      if (count === 2) return sendStatus(request, 503, 'ServiceUnavailable');
      return sendJson(request, 200, podList(10, pod('a', 1)));
    });
    await seen.untilState('live');
    expect(seen.stateNames()).toContain('reconnecting');
  });

  test('a kind that the server does not have is unsupported, until it has it', async () => {
    let installed = false;
    const { seen } = await world((request) => {
      if (!installed) {
        request.response.statusCode = 404;
        request.response.setHeader('content-type', 'text/plain');
        return void request.response.end('404 page not found\n');
      }
      return isWatch(request) ? quietWatch(request) : sendJson(request, 200, podList(10, pod('a', 1)));
    });
    expect(await seen.untilState('unsupported')).toMatchObject({
      reason: 'The server does not have pods (v1)',
    });
    installed = true;
    await seen.untilState('live');
  });
});

describe('rights', () => {
  const review = (request: Seen, allowed: boolean): void =>
    sendJson(request, 201, { kind: 'SelfSubjectAccessReview', status: { allowed } });
  const isReview = ({ path }: Seen): boolean => path.endsWith('/selfsubjectaccessreviews');

  test('a forbidden list says so and when it is asked again; the right is noticed when it comes', async () => {
    let allowed = false;
    const { seen, server } = await world((request) => {
      if (isReview(request)) return review(request, allowed);
      if (!allowed)
        return sendStatus(
          request,
          403,
          'Forbidden',
          'pods is forbidden: User "eve" cannot list resource "pods" at the cluster scope',
        );
      return isWatch(request) ? quietWatch(request) : sendJson(request, 200, podList(10, pod('a', 1)));
    });
    const state = await seen.untilState('forbidden');
    expect(state).toMatchObject({
      reason: expect.stringContaining('cannot list resource "pods"'),
      hint: 'Ask for the right to list pods (kubectl auth can-i list pods -A).',
    });
    await seen.until(() => server.seen.some(isReview));
    allowed = true;
    await seen.untilState('live');
    expect(JSON.parse(server.seen.find(isReview)?.body ?? '').spec.resourceAttributes).toMatchObject({
      verb: 'list',
      group: '',
      resource: 'pods',
      namespace: '',
    });
  });

  test('a refusal is asked again soon, then less and less often, and says since when', async () => {
    const waits = [0, 1, 2, 3, 4, 5, 6, 40].map(
      (refusals) => refusalWaitMs(refusals, { ...realTiming, random: () => 0 }) / 1000,
    );
    expect(waits).toEqual([5, 15, 30, 60, 120, 240, 300, 300]);

    // An authoriser that says yes to the question and no to the list: the waits grow all the same.
    const { seen } = await world(
      (request) => (isReview(request) ? review(request, true) : sendStatus(request, 403, 'Forbidden')),
      { timing: { random: () => 0 } },
    );
    await seen.until(() => seen.states.length >= 5);
    const refused = seen.states.flatMap((state) => (state.state === 'forbidden' ? [state] : []));
    expect(refused.map(({ sinceMs }) => sinceMs)).toEqual(refused.map(() => refused[0]?.sinceMs));
    expect((refused[3]?.retryAtMs ?? 0) - (refused[2]?.retryAtMs ?? 0)).toBeGreaterThanOrEqual(100);
  });

  test('a right lost in mid-flight stops the stream; the rows stay', async () => {
    let allowed = true;
    let cut: (() => void) | undefined;
    const { seen } = await world((request) => {
      if (isReview(request)) return review(request, allowed);
      if (!allowed) return sendStatus(request, 403, 'Forbidden', 'pods is forbidden');
      if (!isWatch(request)) return sendJson(request, 200, podList(10, pod('a', 1)));
      cut = openWatch(request).end;
    });
    await seen.untilState('live');
    allowed = false;
    cut?.();
    await seen.untilState('forbidden');
    expect(seen.names()).toEqual(['a']);
  });

  test('list without watch is polled and says so; a right to watch that comes later is used', async () => {
    let version = 10;
    let allowed = false;
    const { seen } = await world((request) => {
      if (isReview(request)) return review(request, allowed);
      if (isWatch(request))
        return allowed
          ? quietWatch(request)
          : sendStatus(request, 403, 'Forbidden', 'cannot watch resource "pods"');
      version += 1;
      return sendJson(request, 200, podList(version, pod(`p${version}`, version)));
    });
    await seen.until(() => seen.lists() >= 3);
    // Polling in the background is not loading.
    const afterFirst = seen.states.slice(seen.states.findIndex(({ state }) => state === 'live'));
    expect(new Set(afterFirst.map(({ state }) => state))).toEqual(new Set(['live']));
    const live = seen.states.findLast(({ state }) => state === 'live');
    expect(live).toMatchObject({ polledEveryMs: quickTiming.pollEveryMs });
    expect(seen.names()).toHaveLength(1);
    allowed = true;
    await seen.until(() => {
      const last = seen.states.at(-1);
      return last?.state === 'live' && last.polledEveryMs === undefined;
    });
  });
});

describe('credentials', () => {
  test('401 until the token file is rotated', async () => {
    const file = join(temporaryFolder('token'), 'token');
    writeFileSync(file, 'old');
    const kubeconfig = join(temporaryFolder('config'), 'config');
    let valid = 'old';
    const server = await startServer((request) => {
      if (request.headers['authorization'] !== `Bearer ${valid}`)
        return sendStatus(request, 401, 'Unauthorized');
      if (request.path === '/version') return sendJson(request, 200, { gitVersion: 'v1.30.0' });
      return isWatch(request) ? void openWatch(request) : sendJson(request, 200, podList(10, pod('a', 1)));
    });
    cleanups.push(server.close);
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        'current-context': 'c',
        clusters: [{ name: 'c', cluster: { server: server.url, 'insecure-skip-tls-verify': true } }],
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
        users: [{ name: 'u', user: { tokenFile: file } }],
      }),
    );
    const connection = await connect({ kubeconfig, userAgent: 'mltop/test', timing: quickTiming });
    cleanups.push(connection.close);
    const seen = record(connection, pods);
    cleanups.push(seen.stop);
    await seen.untilState('live');
    valid = 'new';
    server.cutAll();
    const state = await seen.untilState('reconnecting');
    await seen.until(() =>
      seen.states.some((one) => one.state === 'reconnecting' && one.login === 'refused'),
    );
    expect(seen.names()).toEqual(['a']);
    writeFileSync(file, 'new');
    utimesSync(file, new Date(), new Date(Date.now() + 5_000));
    await seen.untilState('live');
    expect(state.state).toBe('reconnecting');
  });
});

describe('freshness', () => {
  test.each([
    ['HTTP/2', false, false],
    ['HTTP/2, the old connection lost', false, true],
    ['HTTP/1.1', true, false],
    ['HTTP/1.1, the old connections lost', true, true],
  ])(
    'a server that freezes is stale since its last word, and live again on its return (%s)',
    async (_name, http1, forget) => {
      let later = false;
      const server = await startServer((request) => {
        if (request.path === '/version') return sendJson(request, 200, { gitVersion: 'v1.30.0' });
        if (request.path === '/livez') return sendJson(request, 200, 'ok');
        if (!isWatch(request)) return sendJson(request, 200, podList(10, pod('a', 1)));
        const stream = openWatch(request);
        if (later) stream.send('ADDED', pod('b', 11));
        const timer = setInterval(() => {
          if (later) stream.send('ADDED', pod('b', 11));
        }, 50);
        cleanups.push(() => clearInterval(timer));
      });
      cleanups.push(server.close);
      const relay = await startRelay(server.port);
      cleanups.push(relay.close);
      const connection = await connectTo(server, { server: `https://127.0.0.1:${relay.port}`, http1 });
      cleanups.push(connection.close);
      const seen = record(connection, pods);
      cleanups.push(seen.stop);
      await seen.untilState('live');
      relay.freeze();
      const frozenMs = Date.now();
      const stale = await seen.untilState('stale');
      expect(stale).toMatchObject({ reason: 'the server does not answer' });
      expect((stale as { sinceMs: number }).sinceMs).toBeLessThanOrEqual(frozenMs + 100);
      expect(seen.names()).toEqual(['a']);
      later = true;
      relay.thaw(forget);
      await seen.untilState('live');
      await seen.until(() => seen.names().join() === 'a,b');
    },
  );

  test('a quiet cluster that answers pings stays live', async () => {
    const { seen, connection } = await world(scripted(podList(10), quietWatch));
    await seen.untilState('live');
    const began = connection.health().lastHeardMs ?? 0;
    await seen.until(() => (connection.health().lastHeardMs ?? 0) > began + quickTiming.silentAfterMs);
    expect(seen.states.at(-1)).toMatchObject({ state: 'live' });
    expect(connection.health().roundTripMs).toBeGreaterThan(0);
  });

  test.each([
    ['HTTP/2', false],
    ['HTTP/1.1', true],
  ])('a clock that jumps makes all unverified until something is heard (%s)', async (_name, http1) => {
    let offset = 0;
    const { seen } = await world(scripted(podList(10), quietWatch), {
      timing: { now: () => Date.now() + offset },
      connect: { http1 },
    });
    await seen.untilState('live');
    offset = 60_000;
    const state = await seen.untilState('unverified');
    expect(state).toMatchObject({ reason: expect.stringContaining('clock jumped') });
    await seen.untilState('live');
  });
});

describe('connections that sleep', () => {
  /** A server behind a relay, whose log never ends and never says more. */
  async function behindRelay(options: {
    readonly http1?: boolean;
    readonly timing?: Partial<Timing>;
  }): Promise<{ relay: Relay; server: ApiServer; connection: Connection; seen: Recorder }> {
    const server = await startServer((request) => {
      if (request.path === '/version') return sendJson(request, 200, { gitVersion: 'v1.30.0' });
      if (request.path === '/livez') return sendJson(request, 200, 'ok');
      if (request.path.endsWith('/log')) return void openWatch(request).raw('2026-01-02T03:04:05Z line\n');
      return isWatch(request) ? quietWatch(request) : sendJson(request, 200, podList(10, pod('a', 1)));
    });
    cleanups.push(server.close);
    const relay = await startRelay(server.port);
    cleanups.push(relay.close);
    const connection = await connectTo(server, {
      server: `https://127.0.0.1:${relay.port}`,
      http1: options.http1 === true,
      timing: { ...quickTiming, ...options.timing },
    });
    cleanups.push(connection.close);
    const seen = record(connection, pods);
    cleanups.push(seen.stop);
    await seen.untilState('live');
    return { relay, server, connection, seen };
  }

  const openLog = async (connection: Connection): Promise<AsyncIterator<Uint8Array>> => {
    const path = '/api/v1/namespaces/ml/pods/a/log';
    const { chunks } = await connection.stream({ path, lane: 'logs', query: { follow: true } });
    const reader = chunks[Symbol.asyncIterator]();
    await reader.next();
    return reader;
  };

  test('a log that is open and answers pings does not prove the watches', async () => {
    const { relay, connection, seen } = await behindRelay({});
    await openLog(connection);
    relay.freezeOne(0);
    await seen.untilState('stale');
    await seen.untilState('live');
  });

  test("a log's connection that fell silent is cut while the server answers, so that the log goes on", async () => {
    const { relay, connection, seen } = await behindRelay({});
    const log = await openLog(connection);
    relay.freezeOne(1);
    await expect(log.next()).rejects.toThrow(/fell silent/);
    expect(new Set(seen.stateNames())).toEqual(new Set(['listing', 'live']));
  });

  test.each([
    ['HTTP/2', false],
    ['HTTP/1.1', true],
  ])(
    'sockets that did not survive a sleep are replaced before they are given up (%s)',
    async (_name, http1) => {
      let offset = 0;
      const { relay, seen, server } = await behindRelay({
        http1,
        timing: { now: () => Date.now() + offset, silentAfterMs: 60_000, requestMs: 60_000 },
      });
      relay.freeze();
      relay.thaw(true);
      const watches = (): number => server.seen.filter(isWatch).length;
      const before = watches();
      offset = 3_600_000;
      await seen.untilState('unverified');
      await seen.untilState('live');
      await seen.until(() => watches() > before);
      expect(seen.stateNames()).not.toContain('stale');
    },
  );

  test.each([
    ['HTTP/2', false],
    ['HTTP/1.1', true],
  ])('a clock that was set back keeps nobody from asking (%s)', async (_name, http1) => {
    let offset = 0;
    const { relay, seen, server } = await behindRelay({ http1, timing: { now: () => Date.now() + offset } });
    offset = -3_600_000;
    await seen.untilState('unverified');
    // Over HTTP/1.1 the watch moves to a new socket.
    await seen.until(() => server.seen.filter(isWatch).length === (http1 ? 2 : 1));
    await seen.untilState('live');
    relay.freeze();
    await seen.untilState('stale');
    relay.thaw();
    await seen.untilState('live');
  });
});

test('nothing is said after stop', async () => {
  const { seen, server } = await world(scripted(podList(10), quietWatch));
  await seen.untilState('live');
  seen.stop();
  const told = seen.states.length;
  const asked = server.seen.length;
  server.cutAll();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(seen.states).toHaveLength(told);
  expect(server.seen.length).toBe(asked);
});
