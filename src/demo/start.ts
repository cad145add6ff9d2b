import { type Authority, createAuthority, type KeyPair } from './certificates.ts';
import { type Cluster, minorOf, type Settings } from './cluster.ts';
import { createControl } from './control.ts';
import { createAftermath } from './controllers/index.ts';
import { createFaults, type Faults } from './faults.ts';
import { readObjects } from './from.ts';
import { loadGiven } from './given.ts';
import { kubeconfigText, writeKubeconfigFile } from './kubeconfig.ts';
import type { KubeLike } from './object.ts';
import type { LogsProvider, MetricsProvider, Scenario } from './providers.ts';
import { baseBindings, baseRoles, type Rights, type Rule, viewBindings } from './rights.ts';
import { startServer } from './server.ts';
import { createStore, type ServedStore } from './store.ts';
import { createUsers, type Users } from './users.ts';

export interface DemoOptions {
  /** 0 or none: any free port. */
  readonly port?: number;
  /** Totals, the scenario's own included. */
  readonly nodes?: number;
  readonly pods?: number;
  readonly seed?: number;
  /** Keeps the scenario from moving. */
  readonly still?: boolean;
  /** Random changes of pods a second, for benchmarks. */
  readonly churn?: number;
  /** Files whose objects are served in place of the scenario. */
  readonly from?: readonly string[];
  /** Objects served in place of the scenario. */
  readonly objects?: readonly KubeLike[];
  /** Each request is appended to this file as a JSON line. */
  readonly requestsFile?: string;
  /** What `/version` says, in place of the scenario's; it also decides how discovery and streaming lists are answered. */
  readonly version?: string;
  /** A second listener without TLS that answers everybody as the admin, as `kubectl proxy` does. */
  readonly plainHttp?: boolean;
  readonly historyMs?: number;
  readonly historyCount?: number;
  readonly bookmarkEveryMs?: number;
  readonly tooLargeWaitMs?: number;
  /** The longest that a deleted pod stays, whatever its own grace; 3 s when left out. */
  readonly graceAtMostMs?: number;
  readonly watchList?: Settings['watchList'];
  readonly metrics?: Settings['metrics'];
  /** In place of what the scenario or a dump of usage says. */
  readonly metricsProvider?: MetricsProvider;
  readonly logsProvider?: LogsProvider;
  /** Where `viewer` may look; by default the two namespaces with the most pods. */
  readonly viewerNamespaces?: readonly string[];
  readonly now?: () => number;
}

/** A running demo cluster. */
export interface Demo {
  /** `https://127.0.0.1:PORT` */
  readonly url: string;
  /** With `plainHttp`. */
  readonly httpUrl: string | undefined;
  readonly caPem: string;
  readonly store: ServedStore;
  readonly faults: Faults;
  /** May be changed at any time. */
  readonly settings: Settings;
  /** May be changed at any time. */
  readonly rights: Rights;
  readonly users: Users;
  /** What was said about files of `from`. */
  readonly notes: readonly string[];
  /** Where `viewer` may look. */
  readonly viewerNamespaces: readonly string[];
  /** The text of a kubeconfig whose current context is this user's (`admin`, `viewer`, `nobody`). */
  kubeconfig(user?: string): string;
  /** Writes it, and gives the path. Throws `ForeignKubeconfig` rather than overwrite a file of somebody else. */
  writeKubeconfig(path: string, user?: string): Promise<string>;
  clientCertificate(user: string): Promise<KeyPair>;
  close(): Promise<void>;
}

/** WatchList: an alpha before 1.32, on in 1.32, off in 1.33, on from 1.34; unknown to servers up to 1.26. */
function watchListOf(minor: number): Settings['watchList'] {
  if (minor <= 26) return 'ignored';
  return minor === 32 || minor >= 34 ? 'on' : 'off';
}

/** Aggregated discovery: v2beta1 from 1.27, v2 from 1.30, and 1.36 speaks v2 only (recorded). */
function discoveryOf(minor: number): Settings['discovery'] {
  if (minor >= 36) return ['v2'];
  if (minor >= 30) return ['v2', 'v2beta1'];
  return minor >= 27 ? ['v2beta1'] : [];
}

function settingsOf(options: DemoOptions, version: string, metrics: Settings['metrics']): Settings {
  const minor = minorOf(version);
  return {
    version,
    watchList: options.watchList ?? watchListOf(minor),
    metrics: options.metrics ?? metrics,
    metricsAgeMs: undefined,
    isDisordered: false,
    bookmarkEveryMs: options.bookmarkEveryMs ?? 60_000,
    graceAtMostMs: options.graceAtMostMs ?? 3_000,
    tooLargeWaitMs: options.tooLargeWaitMs ?? 3_000,
    watchTimeoutMs: 30 * 60_000 + Math.random() * 30 * 60_000,
    discovery: discoveryOf(minor),
  };
}

function busiestNamespaces(store: ServedStore): string[] {
  const counts = new Map<string, number>();
  for (const { metadata } of store.list('', 'pods')) {
    const namespace = metadata?.namespace ?? '';
    if (!/(^kube-|-system$|-operator$|^monitoring$)/.test(namespace))
      counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, 2)
    .map(([name]) => name)
    .sort();
}

/** Operators and metrics-server bring roles that are aggregated into `view`. */
function rightsOf(
  store: ServedStore,
  metrics: Settings['metrics'],
  viewerNamespaces: readonly string[],
): Rights {
  const readOnly = ['get', 'list', 'watch'];
  const custom = store.kinds().filter((kind) => kind.custom);
  const groups = [...new Set(custom.map((kind) => kind.group))];
  const extra: Rule[] = groups.map((group) => ({
    verbs: readOnly,
    apiGroups: [group],
    resources: custom
      .filter((kind) => kind.group === group)
      .flatMap((kind) => [kind.plural, ...kind.subresources.map((sub) => `${kind.plural}/${sub.name}`)]),
  }));
  if (metrics !== 'absent')
    extra.push({ verbs: readOnly, apiGroups: ['metrics.k8s.io'], resources: ['pods', 'nodes'] });
  return {
    roles: baseRoles.map((role) =>
      role.name === 'view' ? { ...role, rules: [...role.rules, ...extra] } : role,
    ),
    bindings: [...baseBindings, ...viewBindings(viewerNamespaces, 'viewers')],
  };
}

/** Usage whose samples have stopped coming, when the settings say so. */
function agedMetrics(source: MetricsProvider, settings: Settings, now: () => number): MetricsProvider {
  const aged = <T extends { readonly at?: number }>(samples: readonly T[]): readonly T[] => {
    const { metricsAgeMs } = settings;
    return metricsAgeMs === undefined
      ? samples
      : samples.map((one) => ({ ...one, at: now() - metricsAgeMs }));
  };
  return { nodes: () => aged(source.nodes()), pods: (namespace) => aged(source.pods(namespace)) };
}

interface Loaded extends Scenario {
  readonly notes: readonly string[];
  readonly hasMetrics: boolean;
}

async function load(store: ServedStore, options: DemoOptions, now: () => number): Promise<Loaded> {
  if (options.objects !== undefined || options.from !== undefined) {
    const given =
      options.objects === undefined
        ? await readObjects(options.from ?? [])
        : {
            objects: options.objects,
            kinds: [],
            notes: [],
            broken: [],
            serverVersion: undefined,
            logs: {},
          };
    return { ...loadGiven(store, given), notes: given.notes };
  }
  const { churn, loadScenario } = await import('./scenario/index.ts');
  const { nodes, pods, seed, still } = options;
  const scenario: Scenario = await loadScenario(store, {
    ...(nodes === undefined ? {} : { nodes }),
    ...(pods === undefined ? {} : { pods }),
    ...(seed === undefined ? {} : { seed }),
    ...(still === undefined ? {} : { still }),
    now,
  });
  const stopChurn = churn(store, options.churn ?? 0, { now, ...(seed === undefined ? {} : { seed }) });
  const stop = (): void => {
    stopChurn();
    scenario.stop();
  };
  return { ...scenario, stop, notes: [], hasMetrics: true };
}

/** Starts the demo cluster on loopback: an API server over what the scenario, or the given files, put in its store. */
export async function startDemo(options: DemoOptions = {}): Promise<Demo> {
  const clock = options.now ?? Date.now;
  let shiftMs = 0;
  const now = (): number => clock() + shiftMs;
  const store = createStore({
    now,
    ...(options.historyMs === undefined ? {} : { historyMs: options.historyMs }),
    ...(options.historyCount === undefined ? {} : { historyCount: options.historyCount }),
  });
  const [loaded, authority]: [Loaded, Authority] = await Promise.all([
    load(store, options, now),
    createAuthority(),
  ]);
  const hasMetrics = loaded.hasMetrics || options.metricsProvider !== undefined;
  const settings = settingsOf(options, options.version ?? loaded.serverVersion, hasMetrics ? 'on' : 'absent');
  const viewerNamespaces = options.viewerNamespaces ?? busiestNamespaces(store);
  const rights = rightsOf(store, settings.metrics, viewerNamespaces);
  const untouched: Cluster = {
    store,
    settings,
    rights,
    metrics: agedMetrics(options.metricsProvider ?? loaded.metrics, settings, now),
    logs: options.logsProvider ?? loaded.logs,
    now,
    aftermath: undefined,
  };
  const aftermath = createAftermath(untouched, { still: options.still === true });
  const cluster: Cluster = { ...untouched, aftermath };
  const users = createUsers();
  const faults = createFaults();
  const control = createControl({
    cluster,
    faults,
    shiftClock(ms) {
      shiftMs = ms;
    },
  });
  const server = await startServer({
    cluster,
    authority,
    faults,
    control,
    userOf: users.byToken,
    port: options.port ?? 0,
    plainAs: options.plainHttp === true ? users.user('admin') : undefined,
    requestsFile: options.requestsFile,
  });
  const kubeconfig = (user = 'admin'): string => {
    const all = users.names.map((name) => {
      const namespace = name === 'viewer' ? viewerNamespaces[0] : undefined;
      return { name, token: users.token(name), ...(namespace === undefined ? {} : { namespace }) };
    });
    return kubeconfigText({ server: server.url, caPem: authority.caPem, users: all, current: user });
  };
  return {
    url: server.url,
    httpUrl: server.httpUrl,
    caPem: authority.caPem,
    store,
    faults,
    settings,
    rights,
    users,
    notes: loaded.notes,
    viewerNamespaces,
    kubeconfig,
    async writeKubeconfig(path, user) {
      await writeKubeconfigFile(path, kubeconfig(user));
      return path;
    },
    clientCertificate: (user) =>
      authority.client(
        user,
        users.user(user)?.groups.filter((group) => group !== 'system:authenticated') ?? [],
      ),
    async close() {
      loaded.stop();
      aftermath.stop();
      await server.close();
    },
  };
}
