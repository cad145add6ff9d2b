import type { Connection, ConnectOptions } from '../kube/contract.ts';
import type { ClusterAccess } from '../kube/write-gate.ts';
import type { ContextRow } from '../resources/contexts.ts';
import type { Row } from '../resources/resource.ts';
import { disarm } from '../state/arming.ts';
import { tableView } from '../state/session.ts';
import type { Terminal } from '../ui/terminal.ts';
import type { FeedParts, Feeds } from './feeds.ts';

/** Wait between two tries to reach a server that could not be reached at all. */
const retryConnectMs = 5000;

export interface ClusterLink extends Omit<Feeds, 'startViews' | 'stop'> {
  readonly connect: (options: ConnectOptions) => void;
  /** What actions may do with the cluster; undefined while there is none. */
  readonly access: () => ClusterAccess | undefined;
  readonly switchContext: (name: string) => void;
  readonly health: () => {
    readonly lastHeardMs: number | undefined;
    readonly roundTripMs: number | undefined;
  };
  readonly contexts: () => readonly Row[];
  readonly close: () => Promise<void>;
}

export interface LinkParts extends FeedParts {
  /** Flags or the first command name namespaces: no context decides. */
  readonly isScopeGiven: boolean;
  /** What the first connection is told, for who asks for another try. */
  readonly connect: ConnectOptions;
  /** Of another cluster nothing that was measured here is true. */
  readonly forgetUse: () => void;
  readonly lend: Terminal['lend'];
  /** The cluster is being left: what leads into it must not stay open. */
  readonly leave: () => void;
}

/** One cluster at a time: connects, feeds, and starts over for another context. The client loads only here. */
export function createLink(parts: LinkParts): ClusterLink {
  const { session, cluster, isScopeGiven, refresh } = parts;
  let attempt = 0;
  let connection: Connection | undefined;
  let access: ClusterAccess | undefined;
  let feeds: Feeds | undefined;
  let retryTimer: NodeJS.Timeout | undefined;
  let wanted = parts.connect;
  let contextRows: readonly ContextRow[] = [];

  async function open(connectOptions: ConnectOptions): Promise<void> {
    attempt += 1;
    const mine = attempt;
    wanted = connectOptions;
    clearTimeout(retryTimer);
    session.setState({
      connection: { state: 'connecting', what: 'reading the kubeconfig', sinceMs: Date.now() },
    });
    const kube = await import('../kube/connection.ts');
    const { guard } = await import('../kube/write-gate.ts');
    try {
      const guarded = guard(
        await kube.connect({
          ...connectOptions,
          withTerminal: parts.lend,
          notice: (text) => session.setState({ notice: { text, tone: 'warn', atMs: Date.now() } }),
        }),
      );
      // Nothing but actions that a person armed and confirmed gets more than this.
      const opened = guarded.read;
      if (mine !== attempt) return void opened.close();
      connection = opened;
      access = guarded;
      // Who comes back to a connection that was lost may not be who armed.
      opened.onHealth(({ state }) => {
        if (state === 'silent' || state === 'unverified') session.setState(disarm(session.getState()));
      });
      await follow(opened);
    } catch (error) {
      if (mine === attempt) failed(error);
    }
    await readContexts();
  }

  async function follow(opened: Connection): Promise<void> {
    const { startFeeds } = await import('./feeds.ts');
    if (connection !== opened) return;
    session.setState(({ favourites, namespaces }) => ({
      context: opened.contextName,
      connection: {
        state: 'connected',
        cluster: opened.clusterName,
        user: opened.userName,
        url: opened.server,
        server: undefined,
      },
      favourites: [...new Set([...favourites, opened.namespace])].slice(0, 9),
      // A context that names a namespace means it; "default" is what kubectl says where none is named.
      namespaces:
        attempt === 1 && !isScopeGiven && opened.namespace !== 'default' ? [opened.namespace] : namespaces,
    }));
    feeds = startFeeds(opened, parts);
    await feeds.startViews();
  }

  /** Only what may pass by itself is tried again by itself; a wrong kubeconfig waits for the person. */
  function failed(error: unknown): void {
    const what = error instanceof Error ? error.message : String(error);
    const hint =
      error instanceof Error && 'hint' in error ? String(error.hint) : 'Press ctrl-r to try again.';
    const kind = error instanceof Error && 'kind' in error ? String(error.kind) : '';
    const passes = ['unreachable', 'timeout', 'unavailable', 'too-many-requests', 'server-error'].includes(
      kind,
    );
    const retryAtMs = passes ? Date.now() + retryConnectMs : undefined;
    session.setState({ connection: { state: 'failed', what, hint, retryAtMs } });
    if (passes) retryTimer = setTimeout(() => connect(wanted), retryConnectMs);
  }

  async function readContexts(): Promise<void> {
    const { loadKubeconfig, contextsOf } = await import('../kube/kubeconfig.ts');
    try {
      const config = await loadKubeconfig(wanted.kubeconfig);
      const { context } = session.getState();
      contextRows = contextsOf(config).map((choice) => ({
        uid: choice.name,
        namespace: '',
        name: choice.name,
        createdAt: undefined,
        version: '',
        isCurrent: choice.name === context,
        cluster: choice.cluster,
        user: choice.user,
        server: config.clusters.get(choice.cluster)?.server ?? '',
        home: choice.namespace,
      }));
    } catch {
      // What is wrong with the kubeconfig is on the screen already; there are just no contexts to choose from.
      contextRows = [];
    }
    refresh();
  }

  async function close(): Promise<void> {
    attempt += 1;
    clearTimeout(retryTimer);
    feeds?.stop();
    feeds = undefined;
    parts.leave();
    access = undefined;
    const closing = connection;
    connection = undefined;
    await closing?.close();
  }

  const connect = (connectOptions: ConnectOptions): void => void open(connectOptions);

  return {
    connect,
    access: () => access,
    switchContext(name) {
      void close();
      cluster.clear();
      parts.forgetUse();
      session.setState(({ views }) => ({
        context: name,
        undo: undefined,
        namespaces: 'all',
        favourites: [],
        views:
          views.length === 1 && views[0]?.kind === 'table' && views[0].table !== 'contexts'
            ? views
            : [tableView('pods')],
      }));
      const { kubeconfig, userAgent, requestTimeoutMs } = wanted;
      connect({
        userAgent,
        context: name,
        ...(kubeconfig === undefined ? {} : { kubeconfig }),
        ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
      });
    },
    retryNow() {
      if (session.getState().connection.state === 'failed') connect(wanted);
      else feeds?.retryNow();
    },
    seen: (table, rows) => feeds?.seen(table, rows),
    queued: (rows) => feeds?.queued(rows),
    examination: (subject) => feeds?.examination(subject),
    newRules: () => feeds?.newRules(),
    health: () => connection?.health() ?? { lastHeardMs: undefined, roundTripMs: undefined },
    contexts: () => contextRows,
    close,
  };
}
