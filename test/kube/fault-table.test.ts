import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  answer,
  answerStatus,
  both,
  isList,
  isWatch,
  type RequestMatch,
  watchError,
} from '../../src/demo/faults.ts';
import { controlFaults, type Demo, startDemo } from '../../src/demo/index.ts';
import { statusBody, tooLargeVersion } from '../../src/demo/status.ts';
import { connect } from '../../src/kube/connection.ts';
import { protobufDecoder } from '../../src/kube/protobuf-decoder.ts';
import type { Timing } from '../../src/kube/timing.ts';
import { fieldNumbers } from '../../src/resources/field-numbers.ts';
import { temporaryFolder } from '../folder.ts';
import { quickTiming } from './api-server.ts';
import { type Recorder, record } from './recorder.ts';

const path = '/api/v1/pods';

const pod = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'ml' },
  spec: { containers: [{ name: 'main', image: 'train:1' }] },
});

interface Asked {
  /** `list`: the whole, in pages or as a stream; `page`: a further page of it; `one`: a list of one object. */
  readonly what: 'list' | 'page' | 'one' | 'watch';
  readonly version: string | null;
  readonly status: number;
}

/** One reflector on the pods of a demo server; everything goes over TLS and HTTP/2 as in life. */
interface Stage {
  readonly demo: Demo;
  readonly seen: Recorder;
  readonly asked: () => Asked[];
  readonly fault: (name: string) => Promise<unknown>;
  /** The rows are those of the server, and the screen says that they are live. */
  readonly settled: () => Promise<void>;
  /** Something happens to the pods, and is seen. */
  readonly change: () => Promise<void>;
}

interface StageOptions {
  readonly encoding?: 'JSON' | 'protobuf';
  readonly timing?: Partial<Timing>;
  readonly pods?: number;
}

async function stageOf({ encoding = 'JSON', timing = {}, pods = 3 }: StageOptions = {}): Promise<Stage> {
  const folder = temporaryFolder('faults');
  const requestsFile = join(folder, 'requests');
  const objects = Array.from({ length: pods }, (_, index) => pod(`p${index}`));
  const demo = await startDemo({ objects, requestsFile });
  onTestFinished(() => demo.close());
  const kubeconfig = await demo.writeKubeconfig(join(folder, 'config'));
  const connection = await connect({
    kubeconfig,
    userAgent: 'mltop/test',
    timing: { ...quickTiming, scoutEveryMs: 40, shortWatchMs: 1, ...timing },
  });
  onTestFinished(() => connection.close());
  const decoder = encoding === 'JSON' ? undefined : protobufDecoder(fieldNumbers, 'core/v1.Pod');
  const seen = record(connection, { path, ...(decoder === undefined ? {} : { decoder }) });
  onTestFinished(() => seen.stop());
  const uids = (): string =>
    demo.store
      .list('', 'pods')
      .map(({ metadata }) => metadata?.uid)
      .sort()
      .join();
  const settled = (): Promise<void> =>
    seen.until(() => seen.states.at(-1)?.state === 'live' && seen.uids().join() === uids());
  await settled();
  let changes = 0;
  return {
    demo,
    seen,
    fault: (name) => controlFaults({ kubeconfig }, name),
    asked: () =>
      readFileSync(requestsFile, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { path: string; query: string; status: number })
        .filter((one) => one.path === path)
        .map(({ query: text, status }) => {
          const query = new URLSearchParams(text);
          const what =
            query.get('watch') === 'true' && !query.has('sendInitialEvents')
              ? 'watch'
              : query.has('continue')
                ? 'page'
                : query.get('limit') === '1'
                  ? 'one'
                  : 'list';
          return { what, version: query.get('resourceVersion'), status };
        }),
    settled,
    async change() {
      changes += 1;
      demo.store.put(pod(`new${changes}`));
      demo.store.remove({ group: '', plural: 'pods', namespace: 'ml', name: `new${changes - 1}` });
      await settled();
    },
  };
}

const lists = (asked: readonly Asked[]): number => asked.filter(({ what }) => what === 'list').length;

/** Nothing comes any more on the watches that are open, and nobody is told. */
function endWatches(demo: Demo): void {
  for (const exchange of demo.faults.open(isWatch)) exchange.end();
}

interface Case {
  readonly name: string;
  readonly cause: (stage: Stage) => unknown;
  /** What the screen must have said meanwhile; nothing where the person is not to be troubled. */
  readonly says: 'reconnecting' | 'forbidden' | 'nothing' | 'either';
  /** Whole lists beyond the first. */
  readonly lists: number;
  readonly timing?: Partial<Timing>;
}

const refused =
  (match: RequestMatch, code: number, reason: string, times: number) =>
  ({ demo }: Stage): void => {
    demo.faults.next(match, [answer(code, reason)], times);
    endWatches(demo);
  };

/** While it lasts, everything is refused; then nothing. */
const storm =
  (name: string, tries: number) =>
  async ({ demo, fault, asked }: Stage): Promise<void> => {
    const before = asked().length;
    await fault(name);
    endWatches(demo);
    await expect.poll(() => asked().length).toBeGreaterThanOrEqual(before + tries);
    await fault('clear');
  };

const isPods: RequestMatch = (exchange) => exchange.path === path;

const cases: readonly Case[] = [
  {
    name: 'a watch that is cut in the middle of a line',
    cause: ({ fault }) => fault('cut'),
    says: 'reconnecting',
    lists: 0,
  },
  {
    name: 'a slow reader that is cut without a word',
    cause: ({ fault }) => fault('slow-reader'),
    says: 'reconnecting',
    lists: 0,
  },
  { name: 'a corrupt line', cause: ({ fault }) => fault('corrupt'), says: 'reconnecting', lists: 0 },
  {
    name: 'an internal error in the stream',
    cause: ({ fault }) => fault('error'),
    says: 'reconnecting',
    lists: 0,
  },
  {
    name: 'a watch that fails again and again, of a server that lists',
    cause({ demo }) {
      const unhappy = statusBody(500, 'etcdserver: request timed out', { reason: 'InternalError' });
      demo.faults.next(isWatch, [watchError(unhappy)], 4);
      endWatches(demo);
    },
    says: 'reconnecting',
    lists: 1,
  },
  {
    name: 'a server that goes away in order',
    cause: ({ fault }) => fault('goaway'),
    // Its last frames and the end of the watches overtake each other.
    says: 'either',
    lists: 0,
  },
  {
    name: 'watches that end after a while',
    cause: ({ fault }) => fault('ends:0.05'),
    says: 'nothing',
    lists: 0,
  },
  {
    name: 'a watch that is dead while its connection answers',
    cause({ demo }) {
      for (const exchange of demo.faults.open(isWatch)) exchange.freeze();
    },
    says: 'nothing',
    lists: 0,
    timing: { quietWatchMs: 150, watchListSilenceMs: 150 },
  },
  { name: 'a storm of 401', cause: storm('401', 6), says: 'reconnecting', lists: 0 },
  { name: 'a storm of 403', cause: storm('403', 4), says: 'forbidden', lists: 0 },
  { name: 'a storm of 429', cause: storm('429:0', 6), says: 'reconnecting', lists: 0 },
  { name: 'a storm of 500', cause: storm('500', 8), says: 'reconnecting', lists: 0 },
  { name: 'a storm of 503', cause: storm('503', 6), says: 'reconnecting', lists: 0 },
  {
    name: 'one watch that is refused (403)',
    cause: refused(isWatch, 403, 'Forbidden', 1),
    says: 'nothing',
    lists: 0,
  },
  {
    name: 'a gateway that answers 504 for a server that is away',
    cause: refused(both(isWatch, isPods), 504, 'GatewayTimeout', 3),
    says: 'reconnecting',
    lists: 0,
  },
  {
    name: 'a version that this server has not reached (504)',
    cause({ demo }) {
      demo.faults.next(isWatch, [answerStatus(tooLargeVersion('99', 1).status)]);
      endWatches(demo);
    },
    says: 'reconnecting',
    lists: 1,
  },
  {
    name: 'a version that is gone, told in the stream',
    cause: ({ fault }) => fault('410'),
    says: 'nothing',
    lists: 1,
  },
  {
    name: 'a version that is gone, found on the way back',
    async cause({ demo, fault }) {
      await fault('compact');
      endWatches(demo);
    },
    says: 'nothing',
    lists: 1,
  },
  {
    name: 'a cluster that was restored from a backup',
    cause({ demo }) {
      demo.store.jumpTo(1_000_000);
      demo.faults.next(isWatch, [answer(503, 'ServiceUnavailable')], 3);
      endWatches(demo);
      demo.store.jumpTo(1);
    },
    says: 'reconnecting',
    lists: 1,
    timing: { epochAfterMs: 1 },
  },
  {
    name: 'pods that are replaced under their names',
    cause: ({ fault }) => fault('replace:2'),
    says: 'nothing',
    lists: 0,
  },
  { name: 'an object of 1.5 MB', cause: ({ fault }) => fault('huge'), says: 'nothing', lists: 0 },
  {
    name: 'answers in pieces of seven bytes',
    cause: ({ fault }) => fault('pieces:7'),
    says: 'nothing',
    lists: 0,
  },
];

test.each(
  cases.flatMap((one) =>
    (['JSON', 'protobuf'] as const).map((encoding) => [one.name, encoding, one] as const),
  ),
)('%s (%s): nothing is lost, and it is listed anew only where it must be', async (_name, encoding, one) => {
  const stage = await stageOf({ encoding, ...(one.timing === undefined ? {} : { timing: one.timing }) });
  await stage.change();
  const before = stage.asked();
  const told = stage.seen.states.length;
  await one.cause(stage);
  // Not before it has struck: what is changed while the watch is dead must be seen all the same.
  await stage.change();
  await stage.fault('clear');
  await stage.change();
  const after = stage.asked().slice(before.length);
  expect(lists(after)).toBe(one.lists);
  const said = new Set(stage.seen.states.slice(told).map(({ state }) => state));
  if (one.says === 'nothing')
    expect([...said].filter((state) => state !== 'live' && state !== 'listing')).toEqual([]);
  else if (one.says !== 'either') expect(said).toContain(one.says);
});

test('a page in the middle of a list is asked for until the server answers; a person is told, and may ask at once', async () => {
  const stage = await stageOf({ pods: 1200, timing: { pagePatienceMs: 60_000 } });
  stage.demo.settings.watchList = 'off';
  const before = stage.asked().length;
  const isPage = both(isList, (exchange) => exchange.query.has('continue'));
  stage.demo.faults.next(isPage, [answer(503, 'ServiceUnavailable')], 7);
  stage.demo.faults.next(isPage, [answer(429, 'TooManyRequests', { 'retry-after': '600' })]);
  await stage.fault('410');
  await stage.seen.until(() =>
    stage.seen.states.some(
      ({ state, ...rest }) =>
        state === 'reconnecting' && 'retryAtMs' in rest && rest.retryAtMs > Date.now() + 500_000,
    ),
  );
  stage.seen.retryNow();
  await stage.settled();
  const after = stage.asked().slice(before);
  expect(lists(after.filter(({ status }) => status === 200))).toBe(1);
  expect(after.filter(({ what }) => what === 'page').map(({ status }) => status)).toEqual([
    ...Array.from({ length: 7 }, () => 503),
    429,
    200,
    200,
  ]);
});

test('pages whose list is forgotten on the way begin again', async () => {
  const stage = await stageOf({ pods: 600 });
  stage.demo.settings.watchList = 'off';
  const isPage = both(isList, (exchange) => exchange.query.has('continue'));
  stage.demo.faults.next(isPage, [() => stage.demo.store.compact()]);
  const before = stage.asked().length;
  await stage.fault('410');
  await stage.seen.until(() => stage.seen.lists() === 2);
  await stage.settled();
  const after = stage.asked().slice(before);
  expect(lists(after.filter(({ status }) => status === 200))).toBe(2);
});

test('a refused watch of a server that lists is polled; one refusal alone is not', async () => {
  const stage = await stageOf({ timing: { pollEveryMs: 40 } });
  const allow = stage.demo.faults.always(
    isWatch,
    answerStatus(statusBody(403, 'cannot watch', { reason: 'Forbidden' })),
  );
  endWatches(stage.demo);
  await stage.seen.until(() => {
    const last = stage.seen.states.at(-1);
    return last?.state === 'live' && last.polledEveryMs !== undefined;
  });
  await stage.change();
  allow();
});
