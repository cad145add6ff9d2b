import type { Connection, KubeRequest } from './contract.ts';
import { KubeError } from './kube-error.ts';
import type { ForwardTarget, OpenForward } from './port-forward.ts';

/** Says whether a person has allowed changes, now. One that has become invalid never becomes valid again. */
export interface Permit {
  readonly isValid: () => boolean;
}

/** What the rest of mltop gets of a connection. */
export interface ClusterAccess {
  /** Refuses whatever changes something. */
  readonly read: Connection;
  /** Sends changes for as long as the permit is valid. */
  readonly write: (permit: Permit) => Connection;
  /**
   * A forward that was allowed goes on when the permit has ended: its connections open one by one. It can do nothing
   * else. Throws KubeError without a valid permit.
   */
  readonly forwarder: (permit: Permit) => OpenForward;
}

/** Questions that the API wants as POST: about oneself, kept nowhere. */
const questions =
  /^\/apis\/(authorization|authentication)\.k8s\.io\/v1[a-z0-9]*\/selfsubject(access|rules|)reviews$/;

/** True for a request that can change something in the cluster. A dry-run counts: admission webhooks see it. */
export const mutates = ({ method = 'GET', path }: Pick<KubeRequest, 'method' | 'path'>): boolean =>
  method !== 'GET' && !(method === 'POST' && questions.test(path));

const refused = (what: string): KubeError =>
  new KubeError(`${what} was not sent: writing is not armed`, {
    kind: 'forbidden',
    hint: 'Press W to arm writing for five minutes.',
  });

/** The one place where changes pass: everything that has a connection has it from here. */
export function guard(connection: Connection): ClusterAccess {
  const none: Permit = { isValid: () => false };
  return {
    read: gated(connection, none),
    write: (permit) => gated(connection, permit),
    forwarder(permit) {
      if (!permit.isValid()) throw refused('The port-forward');
      return async (target: ForwardTarget, onData, signal) => {
        const { openForward } = await import('./port-forward.ts');
        return openForward(connection, target, onData, signal);
      };
    },
  };
}

function gated(connection: Connection, permit: Permit): Connection {
  async function check(request: KubeRequest): Promise<void> {
    if (mutates(request) && !permit.isValid()) throw refused(`${request.method ?? 'GET'} ${request.path}`);
  }
  return {
    ...connection,
    request: async (request) => {
      await check(request);
      return connection.request(request);
    },
    json: async <T>(request: KubeRequest): Promise<T> => {
      await check(request);
      return connection.json<T>(request);
    },
    stream: async (request) => {
      await check(request);
      return connection.stream(request);
    },
    // A socket of one's own is for exec, attach and port-forward.
    dial: async (signal) => {
      if (!permit.isValid()) throw refused('The stream');
      return connection.dial(signal);
    },
  };
}
