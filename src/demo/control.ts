import { readFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Cluster } from './cluster.ts';
import type { Exchange } from './exchange.ts';
import {
  answer,
  endAfter,
  type FaultBoard,
  inPiecesOf,
  isList,
  isWatch,
  type RequestMatch,
  watchError,
} from './faults.ts';
import { fieldAt, isRecord } from './object.ts';
import { encodeObject, watchFrame } from './protobuf/encode.ts';
import { badRequest, expired, methodNotAllowed, Refusal, type StatusBody, statusBody } from './status.ts';

/** Below it the demo is spoken to about itself: no path of a real API server. */
export const controlPath = '/_demo/';
const faultsPath = '/_demo/faults';

interface ControlOptions {
  readonly cluster: Cluster;
  readonly faults: FaultBoard;
  readonly shiftClock: (ms: number) => void;
}

interface Active {
  readonly fault: string;
  readonly sinceMs: number;
  readonly undo: () => void;
}

interface Means extends ControlOptions {
  /** Watches that are open now. */
  watches(): readonly Exchange[];
}

interface FaultKind {
  readonly usage: string;
  /** What the first argument is, in words; missing arguments take their default. */
  readonly what: string;
  /** Starts it; gives the way to undo it, undefined for one that is over at once. */
  start(means: Means, args: readonly string[]): (() => void) | undefined;
}

const number = (text: string | undefined, otherwise: number): number => {
  if (text === undefined || text === '') return otherwise;
  const value = Number(text);
  if (!Number.isFinite(value)) throw badRequest(`${JSON.stringify(text)} is no number`);
  return value;
};

const anything: RequestMatch = ({ path }) => !path.startsWith('/version') && !path.endsWith('z');

/** Every request is refused, for so many seconds or until it is cleared. */
const refusing =
  (code: number, reason: string, endsWatches: boolean): FaultKind['start'] =>
  ({ faults, watches }, [first, second]) => {
    const isLimited = code === 429;
    const seconds = number(isLimited ? second : first, 0);
    const headers = isLimited ? { 'retry-after': String(number(first, 1)) } : {};
    const stop = faults.always(anything, answer(code, reason, headers));
    if (seconds > 0) setTimeout(stop, seconds * 1000).unref();
    if (endsWatches) for (const watch of watches()) watch.end();
    return stop;
  };

const isProtobuf = ({ contentType }: Exchange): boolean => contentType?.includes('protobuf') ?? false;

/** Tells an open watch that something is wrong, in its own encoding, and ends it. */
function tell(watch: Exchange, status: StatusBody): void {
  watch.push(
    isProtobuf(watch)
      ? Buffer.concat(watchFrame('ERROR', [encodeObject({ ...status }) ?? Buffer.alloc(0)]))
      : Buffer.from(`${JSON.stringify({ type: 'ERROR', object: status })}\n`),
  );
  watch.end();
}

/** A watch that goes on from a revision; a streaming list begins anew. */
const isResumed: RequestMatch = (exchange) => isWatch(exchange) && !exchange.query.has('sendInitialEvents');

/** Stops everything, pings included, as a process that was stopped does; connections stay up. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const kinds: Readonly<Record<string, FaultKind>> = {
  cut: {
    usage: 'cut',
    what: 'breaks every open watch in the middle of a line',
    start({ watches }) {
      for (const watch of watches()) {
        watch.push(
          isProtobuf(watch) ? Buffer.from([0, 0, 4, 0, 10]) : Buffer.from('{"type":"MODIFIED","obj'),
        );
        setTimeout(() => watch.cut(), 50).unref();
      }
      return undefined;
    },
  },
  freeze: {
    usage: 'freeze[:SECONDS]',
    what: 'says nothing more and closes nothing, pings unanswered; 30 s',
    start(_means, [first]) {
      const ms = Math.min(600, number(first, 30)) * 1000;
      // The answer to this request must have left first.
      setTimeout(() => standStill(ms), 100).unref();
      return undefined;
    },
  },
  401: { usage: '401[:SECONDS]', what: 'no token is known', start: refusing(401, 'Unauthorized', false) },
  403: {
    usage: '403[:SECONDS]',
    what: 'nothing is allowed; open watches end',
    start: refusing(403, 'Forbidden', true),
  },
  410: {
    usage: '410',
    what: 'what happened until now is forgotten; open watches are told, and so is whoever goes on from before',
    start({ cluster, watches }) {
      cluster.store.compact();
      for (const watch of watches()) tell(watch, expired('too old resource version: 1 (2)'));
      return undefined;
    },
  },
  compact: {
    usage: 'compact',
    what: 'what happened until now is forgotten, pages under way too; open watches go on',
    start({ cluster }) {
      cluster.store.compact();
      return undefined;
    },
  },
  429: {
    usage: '429[:RETRY_AFTER[:SECONDS]]',
    what: 'too many requests, with Retry-After in seconds (1)',
    start: refusing(429, 'TooManyRequests', false),
  },
  500: { usage: '500[:SECONDS]', what: 'internal errors', start: refusing(500, 'InternalError', false) },
  503: {
    usage: '503[:SECONDS]',
    what: 'not available; open watches end',
    start: refusing(503, 'ServiceUnavailable', true),
  },
  error: {
    usage: 'error[:SECONDS]',
    what: 'open watches are told of an internal error, and so is who goes on, for so many seconds; 0',
    start({ faults, watches }, [first]) {
      const status = statusBody(500, 'etcdserver: request timed out', { reason: 'InternalError' });
      for (const watch of watches()) tell(watch, status);
      const seconds = number(first, 0);
      if (seconds <= 0) return undefined;
      const stop = faults.always(isResumed, watchError(status));
      setTimeout(stop, seconds * 1000).unref();
      return stop;
    },
  },
  goaway: {
    usage: 'goaway',
    what: 'every connection is told to go elsewhere, as by a server that stops; open watches end',
    start({ faults, watches }) {
      for (const exchange of faults.open()) if (!exchange.path.startsWith(controlPath)) exchange.goaway();
      for (const watch of watches()) watch.end();
      return undefined;
    },
  },
  ends: {
    usage: 'ends[:SECONDS]',
    what: 'every watch ends after so many seconds, as behind some load balancers; 5',
    start({ faults, watches }, [first]) {
      const ms = number(first, 5) * 1000;
      for (const watch of watches()) void endAfter(ms)(watch);
      return faults.always(isWatch, endAfter(ms));
    },
  },
  pieces: {
    usage: 'pieces[:BYTES]',
    what: 'answers come in pieces of so many bytes, characters torn apart; 7',
    start: ({ faults }, [first]) => faults.always(() => true, inPiecesOf(Math.max(1, number(first, 7)))),
  },
  disorder: {
    usage: 'disorder',
    what: 'what a streaming list begins with comes in another order, each object twice',
    start({ cluster: { settings } }) {
      settings.isDisordered = true;
      return () => {
        settings.isDisordered = false;
      };
    },
  },
  replace: {
    usage: 'replace[:PODS]',
    what: 'so many pods go, and others come under their names at once; 10',
    start({ cluster: { store } }, [first]) {
      for (const pod of store.list('', 'pods').slice(0, number(first, 10))) {
        const { uid: _uid, ...metadata } = pod.metadata ?? {};
        const { namespace, name = '' } = metadata;
        store.remove({ group: '', plural: 'pods', name, ...(namespace === undefined ? {} : { namespace }) });
        store.put({ ...pod, metadata });
      }
      return undefined;
    },
  },
  huge: {
    usage: 'huge[:BYTES]',
    what: 'the first pod changes, and weighs so much; 1500000',
    start({ cluster: { store } }, [first]) {
      const pod = store.list('', 'pods')[0];
      if (pod === undefined) return undefined;
      const before = pod.metadata?.['annotations'];
      const annotations = {
        ...(isRecord(before) ? before : {}),
        note: '€'.repeat(number(first, 1_500_000) / 3),
      };
      store.put({ ...pod, metadata: { ...pod.metadata, annotations } });
      return undefined;
    },
  },
  restore: {
    usage: 'restore[:SECONDS]',
    what: 'the server is away for so long (8), and comes back with revisions that lie a thousand behind',
    start(means, [first]) {
      const seconds = Math.max(1, number(first, 8));
      means.cluster.store.jumpTo(Math.max(1, means.cluster.store.resourceVersion() - 1000));
      return refusing(503, 'ServiceUnavailable', true)(means, [String(seconds)]);
    },
  },
  corrupt: {
    usage: 'corrupt',
    what: 'a line in every open watch that is not JSON, or a frame that is not protobuf',
    start({ watches }) {
      for (const watch of watches())
        watch.push(
          isProtobuf(watch)
            ? Buffer.from([0, 0, 0, 3, 0xff, 0xff, 0xff])
            : Buffer.from('{"type":"MODIFIED","object":{"meta\n'),
        );
      return undefined;
    },
  },
  clock: {
    usage: 'clock:SECONDS',
    what: "the server's clock is so many seconds ahead, or behind when negative",
    start({ shiftClock }, [first]) {
      shiftClock(number(first, 3600) * 1000);
      return () => shiftClock(0);
    },
  },
  'slow-reader': {
    usage: 'slow-reader',
    what: 'open watches are cut without a word, as those of a client that reads too slowly',
    start({ watches }) {
      for (const watch of watches()) watch.cut();
      return undefined;
    },
  },
  'slow-link': {
    usage: 'slow-link:BYTES_PER_SECOND',
    what: 'answers trickle; 8000',
    start({ faults }, [first]) {
      const pace = Math.max(10, number(first, 8000));
      const slow = (exchange: Exchange): void => {
        exchange.pace = pace;
      };
      for (const exchange of faults.open()) slow(exchange);
      const stop = faults.always(() => true, slow);
      return () => {
        stop();
        for (const exchange of faults.open()) exchange.pace = undefined;
      };
    },
  },
  'slow-list': {
    usage: 'slow-list[:SECONDS]',
    what: 'lists come late; 5 s',
    start({ faults }, [first]) {
      const ms = number(first, 5) * 1000;
      return faults.always(isList, () => new Promise((resolve) => setTimeout(resolve, ms).unref()));
    },
  },
  metrics: {
    usage: 'metrics:on|absent|down',
    what: 'metrics.k8s.io is there, not installed, or registered with nobody behind it',
    start({ cluster: { settings } }, [first]) {
      if (first !== 'on' && first !== 'absent' && first !== 'down')
        throw badRequest('metrics is on, absent or down');
      const before = settings.metrics;
      settings.metrics = first;
      return () => {
        settings.metrics = before;
      };
    },
  },
  'metrics-age': {
    usage: 'metrics-age:SECONDS',
    what: 'the newest sample of usage is so old',
    start({ cluster: { settings } }, [first]) {
      settings.metricsAgeMs = number(first, 300) * 1000;
      return () => {
        settings.metricsAgeMs = undefined;
      };
    },
  },
  watchlist: {
    usage: 'watchlist:on|off|ignored',
    what: 'streaming lists are served, refused, or unknown',
    start({ cluster: { settings } }, [first]) {
      if (first !== 'on' && first !== 'off' && first !== 'ignored')
        throw badRequest('watchlist is on, off or ignored');
      const before = settings.watchList;
      settings.watchList = first;
      return () => {
        settings.watchList = before;
      };
    },
  },
};

/** What faults there are: a line each, for people. */
const faultHelp = (): string[] => [
  ...Object.values(kinds).map(({ usage, what }) => `${usage.padEnd(30)} ${what}`),
  `${'clear'.padEnd(30)} ends all of them`,
];

/** Answers the control endpoint: GET lists, POST starts `{"fault": "NAME:ARGS"}`, DELETE clears. Only the admin may. */
export function createControl(options: ControlOptions): (exchange: Exchange) => Promise<void> {
  const active: Active[] = [];
  const means: Means = {
    ...options,
    watches: () => options.faults.open(isWatch).filter(({ begun }) => begun),
  };

  const listed = (): { active: { fault: string; since: string }[]; faults: string[] } => ({
    active: active.map(({ fault, sinceMs }) => ({ fault, since: new Date(sinceMs).toISOString() })),
    faults: faultHelp(),
  });
  function clear(): void {
    for (const { undo } of active.splice(0)) undo();
    options.faults.clear();
  }
  function begin(fault: string): void {
    const [name = '', ...args] = fault.split(':');
    if (name === 'clear') {
      clear();
      return;
    }
    const kind = kinds[name];
    if (kind === undefined)
      throw badRequest(`there is no fault ${JSON.stringify(name)}: ${Object.keys(kinds).join(', ')}, clear`);
    const undo = kind.start(means, args);
    if (undo !== undefined) active.push({ fault, sinceMs: Date.now(), undo });
  }

  return async (exchange) => {
    if (!exchange.user.groups.includes('system:masters'))
      throw new Refusal(statusBody(403, 'only the admin of the demo may do that', { reason: 'Forbidden' }));
    if (exchange.path !== faultsPath)
      throw new Refusal(statusBody(404, '404 page not found', { reason: 'NotFound', details: {} }));
    if (exchange.method === 'DELETE') clear();
    else if (exchange.method === 'POST') {
      const body = (await exchange.body()).toString();
      let said: unknown;
      try {
        said = JSON.parse(body);
      } catch {
        throw badRequest('the body is no JSON');
      }
      const fault = fieldAt(said, 'fault');
      if (typeof fault !== 'string') throw badRequest('the body names no fault');
      begin(fault);
    } else if (exchange.method !== 'GET') throw methodNotAllowed();
    await exchange.json(200, listed());
  };
}

/** Which running demo is meant: by its kubeconfig, or by the port of one that wrote its own. */
export interface DemoAddress {
  readonly kubeconfig?: string;
  readonly port?: number;
}

interface Login {
  readonly server: URL;
  readonly ca: string;
  readonly token: string;
}

const ownPaths = (port: number): string[] => {
  const { XDG_RUNTIME_DIR: runtime, XDG_CACHE_HOME: cache } = process.env;
  return [runtime, cache, join(homedir(), '.cache')]
    .filter((folder) => folder !== undefined)
    .map((folder) => join(folder, 'mltop', `demo-${port}.kubeconfig`));
};

async function readFirst(paths: readonly string[]): Promise<string> {
  let last: unknown;
  for (const path of paths) {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      last = error;
    }
  }
  throw last instanceof Error ? last : new Error('No kubeconfig of the demo was named.');
}

/** The admin's way in, out of the demo's own kubeconfig. */
async function loginOf({ kubeconfig, port }: DemoAddress): Promise<Login> {
  const paths = kubeconfig !== undefined ? [kubeconfig] : port !== undefined ? ownPaths(port) : [];
  const config: unknown = parse(await readFirst(paths));
  const named = (list: unknown, name: string): unknown =>
    Array.isArray(list) ? list.filter(isRecord).find((one) => one['name'] === name) : undefined;
  const cluster = named(fieldAt(config, 'clusters'), 'mltop-demo');
  const server = fieldAt(cluster, 'cluster.server');
  const ca = fieldAt(cluster, 'cluster.certificate-authority-data');
  const token = fieldAt(named(fieldAt(config, 'users'), 'demo'), 'user.token');
  if (typeof server !== 'string' || typeof ca !== 'string' || typeof token !== 'string')
    throw new Error(`${paths[0] ?? ''} is no kubeconfig of mltop demo`);
  return { server: new URL(server), ca: Buffer.from(ca, 'base64').toString(), token };
}

function call({ server, ca, token }: Login, method: string, body: string | undefined): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(
      new URL(faultsPath, server),
      {
        method,
        ca,
        agent: false,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
        },
        timeout: 10_000,
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(parts).toString();
          let answered: unknown;
          try {
            answered = JSON.parse(text);
          } catch {
            answered = undefined;
          }
          if (response.statusCode === 200) resolve(answered);
          else reject(new Error(String(fieldAt(answered, 'message') ?? text)));
        });
      },
    );
    sent.on('timeout', () => sent.destroy(new Error('The demo does not answer: is it frozen?')));
    sent.on('error', reject);
    sent.end(body);
  });
}

/**
 * `mltop demo --fault NAME[:ARGS]`: starts a fault in a running demo, `clear` ends all, `list` (or nothing) starts none.
 * Gives the lines to print: which faults are on, and for `list` which there are. Rejects with an Error for people.
 */
export async function controlFaults(where: DemoAddress, fault = 'list'): Promise<string[]> {
  const login = await loginOf(where);
  const isList_ = fault === 'list' || fault === '';
  const answered = await call(
    login,
    isList_ ? 'GET' : 'POST',
    isList_ ? undefined : JSON.stringify({ fault }),
  );
  const on = fieldAt(answered, 'active');
  const lines = (Array.isArray(on) ? on : []).map(
    (one) => `on: ${String(fieldAt(one, 'fault'))} since ${String(fieldAt(one, 'since'))}`,
  );
  const known = fieldAt(answered, 'faults');
  return [
    ...(lines.length === 0 ? ['no fault is on'] : lines),
    ...(isList_ && Array.isArray(known) ? known.map(String) : []),
  ];
}
