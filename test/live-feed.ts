import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createTables } from '../src/actions/tables.ts';
import type { Demo } from '../src/demo/index.ts';
import { type FeedOptions, startFeed } from '../src/feed.ts';
import { connect } from '../src/kube/connection.ts';
import type { Connection, ConnectOptions } from '../src/kube/contract.ts';
import { startReflector } from '../src/kube/reflector.ts';
import { visibleNamespaces } from '../src/kube/rights.ts';
import { type Cluster, createCluster } from '../src/state/cluster.ts';
import { createSession, type SessionStore } from '../src/state/session.ts';
import { temporaryFolder } from './folder.ts';

export interface Connected {
  readonly connection: Connection;
  readonly kubeconfig: string;
}

/** A connection to a demo server over real HTTPS, closed after the test. */
export async function connectTo(
  demo: Demo,
  { user, ...options }: Partial<ConnectOptions> & { readonly user?: string } = {},
): Promise<Connected> {
  const kubeconfig = await demo.writeKubeconfig(join(temporaryFolder('demo'), 'config'), user);
  const connection = await connect({ kubeconfig, userAgent: 'mltop-test', ...options });
  onTestFinished(() => connection.close());
  return { connection, kubeconfig };
}

export interface Fed {
  readonly cluster: Cluster;
  readonly session: SessionStore;
}

/** The rows that a feed keeps from a connection: pods of all namespaces are looked at, unless a test says otherwise. */
export function feedFrom(
  connection: Connection,
  { always, ...given }: Partial<FeedOptions> & Pick<FeedOptions, 'always'>,
): Fed {
  const {
    cluster = createCluster(),
    session = createSession({ table: 'pods', namespaces: 'all', nowMs: Date.now() }),
  } = given;
  const feed = startFeed({
    connection,
    startReflector,
    visibleNamespaces,
    cluster,
    session,
    tableNamed: createTables([]).named,
    always,
    ...given,
  });
  onTestFinished(feed.stop);
  return { cluster, session };
}

/** Resolves once it is so; fails by the test's own time limit. */
export function until(
  source: { readonly subscribe: (listener: () => void) => () => void },
  isSo: () => boolean,
): Promise<void> {
  return new Promise((resolve) => {
    if (isSo()) return resolve();
    const stop = source.subscribe(() => {
      if (!isSo()) return;
      stop();
      resolve();
    });
  });
}
