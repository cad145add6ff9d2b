import { createForwards } from '../../src/actions/forwards.ts';
import type { Hands } from '../../src/actions/hands.ts';
import { createJournal } from '../../src/actions/journal.ts';
import type { Connection, KubeRequest } from '../../src/kube/contract.ts';
import { KubeError } from '../../src/kube/kube-error.ts';
import { realTiming } from '../../src/kube/timing.ts';
import { type ClusterAccess, guard, mutates } from '../../src/kube/write-gate.ts';
import { temporaryFolder } from '../folder.ts';

/** What a server answers to a request; throws to refuse it. */
export type Answer = (request: KubeRequest) => unknown;

export interface Wire {
  readonly access: ClusterAccess;
  /** Every request that reached the server, sockets as `DIAL`. */
  readonly sent: (KubeRequest | { readonly method: 'DIAL'; readonly path: string })[];
  /** Those that could change something; dry-runs apart. */
  readonly changes: () => readonly string[];
}

export const isDryRun = ({ body, query }: KubeRequest): boolean =>
  query?.['dryRun'] === 'All' || /"dryRun":\["All"\]/.test(String(body ?? ''));

/** A server that is a function, behind the gate that everything passes. */
export function wireTo(answer: Answer): Wire {
  const sent: Wire['sent'] = [];
  const json = async <T>(request: KubeRequest): Promise<T> => {
    sent.push(request);
    return answer(request) as T;
  };
  const connection: Connection = {
    contextName: 'research',
    clusterName: 'research',
    userName: 'ada',
    server: 'https://127.0.0.1:6443',
    namespace: 'default',
    timing: realTiming,
    health: () => ({ state: 'answering', lastHeardMs: undefined, roundTripMs: undefined, reason: undefined }),
    onHealth: () => () => {},
    onSuccess: () => () => {},
    onRetry: () => () => {},
    version: async () => ({ major: 1, minor: 36, text: 'v1.36.3' }),
    json,
    request: async (request) => ({
      status: 200,
      headers: {},
      body: Buffer.from(JSON.stringify(await json(request))),
    }),
    stream: async (request) => {
      await json(request);
      return { status: 200, headers: {}, chunks: (async function* () {})() };
    },
    async *pages(path, query) {
      const { items = [] } = await json<{ items?: readonly Record<string, unknown>[] }>({ path, query });
      yield { items, resourceVersion: '1', continueToken: undefined, remaining: undefined, restarted: false };
    },
    dial: async () => {
      sent.push({ method: 'DIAL', path: '' });
      throw new KubeError('no streams here', { kind: 'unreachable', hint: 'This is a test.' });
    },
    retryNow: () => {},
    close: async () => {},
  };
  return {
    access: guard(connection),
    sent,
    changes: () =>
      sent
        .filter((request) => request.method === 'DIAL' || (mutates(request) && !isDryRun(request)))
        .map(({ method, path }) => `${method} ${path}`),
  };
}

/** Hands over a wire, with a state folder of their own and nobody at the terminal. */
export function handsOver(access: ClusterAccess, clock: () => number, state: string = stateFolder()): Hands {
  return {
    access: () => access,
    raw: () => Promise.reject(new Error('nobody is at the terminal')),
    lend: (work) => work(),
    journal: createJournal({ XDG_STATE_HOME: state }),
    forwards: createForwards(() => {}, clock),
    env: { EDITOR: 'true' },
    clock,
  };
}

export const stateFolder = (): string => temporaryFolder('state');
