import { expect, test } from 'vitest';
import {
  answer,
  cutAfter,
  endAfter,
  type Fault,
  freezeAfter,
  goaway,
  inPiecesOf,
  type RequestMatch,
  rewriteLines,
  watchError,
} from '../../src/demo/faults.ts';
import { type Demo, startDemo } from '../../src/demo/index.ts';
import { statusBody } from '../../src/demo/status.ts';
import { connect } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/contract.ts';
import type { StreamState } from '../../src/kube/stream-state.ts';
import { temporaryFolder } from '../folder.ts';
import { quickTiming } from './api-server.ts';
import { record } from './recorder.ts';

const pod = (
  name: string,
  uid: string,
): { apiVersion: string; kind: string; metadata: { name: string; namespace: string; uid: string } } => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'ml', uid },
});

/** A small generator of its own: the same storm each time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

const corruptOnce = (): Fault => {
  let done = false;
  return rewriteLines((line) => {
    if (done) return [line];
    done = true;
    return ['{"type":"ADDED","object":{"meta\u0001\n'];
  });
};

const faults: readonly (() => readonly Fault[])[] = [
  () => [cutAfter(700)],
  () => [cutAfter(300, 'connection')],
  () => [goaway],
  () => [endAfter(40)],
  () => [freezeAfter(500)],
  () => [corruptOnce()],
  () => [inPiecesOf(7)],
  () => [answer(429, 'TooManyRequests')],
  () => [answer(503, 'ServiceUnavailable')],
  () => [answer(500, 'InternalError')],
  () => [answer(401, 'Unauthorized')],
  () => [watchError(statusBody(410, 'too old resource version', { reason: 'Expired' }))],
  () => [watchError(statusBody(500, 'etcdserver: request timed out', { reason: 'InternalError' }))],
];

/** Pods come, change and go, while every second answer fails in some way. */
async function storm(demo: Demo, random: () => number, rounds: number): Promise<void> {
  const isPods = ({ path }: { readonly path: string }): boolean => path === '/api/v1/pods';
  for (let round = 0; round < rounds; round += 1) {
    const name = `p${Math.floor(random() * 40)}`;
    const ref = { group: '', plural: 'pods', namespace: 'ml', name };
    const there = demo.store.get(ref);
    if (there === undefined) demo.store.put(pod(name, `uid-${name}-${round}`));
    else if (random() < 0.5) demo.store.remove(ref);
    else demo.store.put({ ...there, status: { round } } as typeof there);
    const strike = faults[Math.floor(random() * faults.length)];
    if (random() < 0.1 && strike !== undefined) demo.faults.next(isPods, strike());
    if (random() < 0.03)
      for (const exchange of demo.faults.open(isPods)) exchange.cut(random() < 0.5 ? 'stream' : 'connection');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

test.each([
  [1, false, 'on'],
  [2, true, 'on'],
  [3, false, 'off'],
  [4, true, 'off'],
] as const)(
  "after a storm the rows are the server's objects (seed %i, http1 %s, streaming lists %s)",
  async (seed, http1, watchList) => {
    const demo = await startDemo({
      objects: [pod('first', 'uid-first')],
      watchList,
      bookmarkEveryMs: 50,
      historyMs: 500,
      historyCount: 60,
    });
    const { writeFile } = await import('node:fs/promises');
    const folder = temporaryFolder('storm');
    await writeFile(`${folder}/config`, demo.kubeconfig());
    const connection = await connect({
      kubeconfig: `${folder}/config`,
      userAgent: 'mltop/test',
      http1,
      timing: {
        ...quickTiming,
        quietWatchMs: 200,
        watchListSilenceMs: 200,
        silentAfterMs: 2_000,
        random: seeded(seed),
      },
    });
    const seen = record(connection, { path: '/api/v1/pods' });
    await storm(demo, seeded(seed), 600);
    demo.faults.clear();
    const names = (): string =>
      demo.store
        .list('', 'pods')
        .map(({ metadata }) => metadata?.name)
        .sort()
        .join();
    await seen.until(() => seen.states.at(-1)?.state === 'live' && seen.names().join() === names());
    expect(seen.stateNames()).toContain('reconnecting');
    seen.stop();
    await connection.close();
    await demo.close();
  },
  20_000,
);

/** What of this process is at work, by what it is: sockets and timers. */
const atWork = (): string[] => process.getActiveResourcesInfo().filter((kind) => /Socket|Timeout/.test(kind));

/** What is at work now and was not then. */
function leftSince(then: readonly string[]): string[] {
  const known = [...then];
  return atWork().filter((kind) => {
    const at = known.indexOf(kind);
    if (at >= 0) known.splice(at, 1);
    return at < 0;
  });
}

/** The same connection, and how many listen to it. */
function counted(connection: Connection): {
  readonly connection: Connection;
  readonly listeners: () => number;
} {
  let count = 0;
  const counting =
    <Listener>(listen: (listener: Listener) => () => void) =>
    (listener: Listener): (() => void) => {
      count += 1;
      const stop = listen(listener);
      return () => {
        count -= 1;
        stop();
      };
    };
  return {
    connection: {
      ...connection,
      onHealth: counting(connection.onHealth),
      onSuccess: counting(connection.onSuccess),
      onRetry: counting(connection.onRetry),
    },
    listeners: () => count,
  };
}

const isPage: RequestMatch = ({ query }) => query.has('continue');

/** Where a stream may stand when nobody wants it any more. */
const moments: readonly {
  readonly name: string;
  readonly bring: (demo: Demo) => void;
  /** Undefined: at once. */
  readonly state: StreamState['state'] | undefined;
}[] = [
  { name: 'connecting', bring: () => {}, state: undefined },
  { name: 'live', bring: () => {}, state: 'live' },
  {
    name: 'waiting for a server that is away',
    bring: ({ faults }) => void faults.always(() => true, answer(503, 'ServiceUnavailable')),
    state: 'reconnecting',
  },
  {
    name: 'waiting in the middle of a list',
    bring: ({ faults, settings }) => {
      settings.watchList = 'off';
      faults.always(isPage, answer(429, 'TooManyRequests', { 'retry-after': '600' }));
    },
    state: 'reconnecting',
  },
  {
    name: 'refused',
    bring: ({ faults }) => void faults.always(() => true, answer(403, 'Forbidden')),
    state: 'forbidden',
  },
  {
    name: 'in front of a stream that says nothing',
    bring: ({ faults }) => void faults.always(() => true, freezeAfter(0)),
    state: 'listing',
  },
];

test.each(moments.flatMap((moment) => [false, true].map((http1) => [moment.name, http1, moment] as const)))(
  'nothing is left over of a stream that is stopped while it is %s (http1 %s)',
  async (_name, http1, { bring, state }) => {
    const demo = await startDemo({
      objects: Array.from({ length: 600 }, (_, index) => pod(`p${index}`, `uid-${index}`)),
    });
    const kubeconfig = await demo.writeKubeconfig(`${temporaryFolder('storm')}/config`);
    const before = atWork();
    bring(demo);
    const opened = await connect({ kubeconfig, userAgent: 'mltop/test', http1, timing: quickTiming });
    const { connection, listeners } = counted(opened);
    const all = ['pods', 'nodes', 'namespaces'].map((resource) =>
      record(connection, { path: `/api/v1/${resource}` }),
    );
    if (state !== undefined) await all[0]?.untilState(state);
    for (const one of all) one.stop();
    await connection.close();
    expect(listeners()).toBe(0);
    // A socket closes in its own time. Not asked with `poll`, whose own timers are at work.
    for (let tries = 0; leftSince(before).length > 0 && tries < 300; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(leftSince(before)).toEqual([]);
    await demo.close();
  },
);
