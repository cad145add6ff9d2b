import { expect, test } from 'vitest';
import {
  answer,
  cutAfter,
  endAfter,
  type Fault,
  freezeAfter,
  goaway,
  inPiecesOf,
  rewriteLines,
  watchError,
} from '../../src/demo/faults.ts';
import { type Demo, startDemo } from '../../src/demo/index.ts';
import { statusBody } from '../../src/demo/status.ts';
import { connect } from '../../src/kube/connection.ts';
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

test('nothing is left over: no socket, no timer', async () => {
  const demo = await startDemo({ objects: [pod('a', 'uid-a')] });
  const before = process
    .getActiveResourcesInfo()
    .filter((kind) => kind === 'TLSSocketWrap' || kind === 'TCPSocketWrap').length;
  const { writeFile } = await import('node:fs/promises');
  const folder = temporaryFolder('storm');
  await writeFile(`${folder}/config`, demo.kubeconfig());
  for (const http1 of [false, true]) {
    const connection = await connect({
      kubeconfig: `${folder}/config`,
      userAgent: 'mltop/test',
      http1,
      timing: quickTiming,
    });
    const all = ['pods', 'nodes', 'events'].map((resource) =>
      record(connection, { path: `/api/v1/${resource}` }),
    );
    await Promise.all(all.map((one) => one.untilState('live')));
    for (const one of all) one.stop();
    await connection.close();
  }
  await expect
    .poll(
      () =>
        process
          .getActiveResourcesInfo()
          .filter((kind) => kind === 'TLSSocketWrap' || kind === 'TCPSocketWrap').length,
    )
    .toBe(before);
  await demo.close();
});
