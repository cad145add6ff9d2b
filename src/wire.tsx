import { gpuRows, gpus } from './accelerators/gpus.ts';
import { type PrometheusPlace, parsePlace } from './accelerators/prometheus.ts';
import type { Services, Tables } from './actions/action.ts';
import { parseCommand } from './actions/commands.ts';
import { createHands, writeLockOf } from './actions/create-hands.ts';
import { createErrorLog } from './actions/error-log.ts';
import { kubectlFlags } from './actions/kubectl.ts';
import { saveFile } from './actions/save.ts';
import { createTables, type LearningTables } from './actions/tables.ts';
import { trueState } from './checklist/true-state.ts';
import type { ScreenOptions as OpenOptions } from './cli/screen-options.ts';
import type { Examining } from './feed/examining.ts';
import type { LogFeed } from './feed/logs.ts';
import { createMemory } from './feed/memory.ts';
import type { ObjectFeed } from './feed/object.ts';
import type { QueuePlaces } from './feed/queue-places.ts';
import { type RulePacks, watchRulePacks } from './feed/rule-packs.ts';
import type { SurveyFeed } from './feed/survey.ts';
import type { UsageFeed } from './feed/usage.ts';
import type { Feed } from './feed.ts';
import type { Connection, ConnectOptions } from './kube/contract.ts';
import type { Discovery } from './kube/discovery.ts';
import type { ClusterAccess } from './kube/write-gate.ts';
import type { ContextRow } from './resources/contexts.ts';
import { events } from './resources/events.ts';
import { wordOf } from './resources/index.ts';
import { namespaces } from './resources/namespaces.ts';
import { nodes } from './resources/nodes.ts';
import { pods } from './resources/pods.ts';
import { anyResource, type Row, type Table } from './resources/resource.ts';
import { gpuSummaryLines } from './screens/gpu-summary.ts';
import type { ClusterSums } from './screens/header.ts';
import { createScreen, type Screen } from './screens/screen.ts';
import { disarm } from './state/arming.ts';
import { type Cluster, createCluster } from './state/cluster.ts';
import { deviceTable } from './state/device-table.ts';
import { createDeviceWatch } from './state/device-watch.ts';
import type { Examination } from './state/examination.ts';
import { findingTables, isFindingsTable } from './state/findings.ts';
import { groupTables } from './state/groups.ts';
import { createInspection, type Inspection } from './state/inspection.ts';
import { liveHealth } from './state/live-health.ts';
import { createLogStore, type LogStore } from './state/log-store.ts';
import { looksLikeProduction } from './state/production.ts';
import {
  createSession,
  goTo,
  type Namespaces,
  type SessionStore,
  shownTable,
  tableView,
} from './state/session.ts';
import { type Subject, subjectOfKind } from './state/subject.ts';
import { createSums, type Sums, summedKinds } from './state/sums.ts';
import { createSurvey, type Survey, surveyText } from './state/survey.ts';
import { createTrueStates, type ReportOf, type TrueStates, withTrueState } from './state/true-states.ts';
import { createUsage, type Usage } from './state/usage.ts';
import { gpusWithUse, nodesWithUse, podsWithUse } from './state/usage-tables.ts';
import {
  containerUseText,
  deviceSourceText,
  idleSummary,
  measuredTables,
  nodeSourceText,
  sourceText,
} from './state/usage-text.ts';
import { followWorkloadUse } from './state/workload-use.ts';
import { type ClipboardMethod, copyText } from './ui/clipboard.ts';
import { colorLevel } from './ui/color-level.ts';
import { createTerminal, hasJobControl, isUnicodeLocale, type Probe, type Terminal } from './ui/terminal.ts';
import { type Theme, themeForBackground, themeNamed, themeNames } from './ui/theme.ts';
import { version } from './version.ts';
import type { Workloads } from './workloads/books.ts';
import { workloadTables } from './workloads/tables.ts';
import { workloads } from './workloads/workloads.ts';

/** What `openScreen` can be told: the command line's options, and a filter to start with. */
export interface WireOptions extends OpenOptions {
  readonly filter?: string;
}

/** Kinds that are read whatever is shown: the header, the GPU sums and the checklist rest on them. */
const always = [...summedKinds, anyResource(namespaces), anyResource(events)];

/** A table whose row type is forgotten, for lists of tables. */
const anyTable = <R extends Row>(table: Table<R>): Table<Row> => table as unknown as Table<Row>;

const lookAtMemoryEveryMs = 10_000;

/** Wait between two tries to reach a server that could not be reached at all. */
const retryConnectMs = 5000;

/** A wrong theme, view or flag: said on stderr before anything is drawn. Exit code 2. */
class StartError extends Error {}

/** Opens the live screen and gives the exit code once the person quits. */
export async function openScreen(options: WireOptions): Promise<number> {
  try {
    return await live(options);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    process.stderr.write(`mltop: ${error.message}\n`);
    return 2;
  }
}

async function live(options: WireOptions): Promise<number> {
  const { env, stdin, stdout, stderr } = process;
  // The true states read the rows that the table of pods is about, so each needs the other.
  let states: TrueStates | undefined;
  let reportOf: ReportOf | undefined;
  const usage = createUsage();
  const podTable = anyResource(
    podsWithUse(
      withTrueState(pods, (row, now) => states?.of(row, now) ?? trueState(row, { now }), {
        epoch: () => states?.version() ?? 0,
        reportOf: (row) => reportOf?.(row),
        clock: Date.now,
      }),
      usage,
    ),
  );
  const cluster = createCluster([podTable]);
  const trueStates = createTrueStates(cluster, Date.now);
  states = trueStates;
  const sums = createSums(cluster);
  const deviceWatch = createDeviceWatch(cluster, Date.now);
  const survey = createSurvey();
  const workloadUse = followWorkloadUse({
    cluster,
    usage,
    ledger: sums.ledger,
    workloads: sums.workloads,
  });
  // The same table as on the command line, from a ledger that is kept instead of one that is made anew each time.
  const gpuTable = { ...gpus, derive: () => gpuRows(sums.ledger) };
  const tables = createTables([
    anyTable(gpusWithUse(gpuTable, usage)),
    podTable,
    ...findingTables(trueStates, cluster, { survey, namespaces: () => session.getState().namespaces }),
    anyTable(nodesWithUse(usage, sums.ledger)),
    anyTable(deviceTable(usage, () => sums.ledger, Date.now)),
    anyTable(liveHealth({ usage, watch: deviceWatch, ledger: sums.ledger })),
    ...workloadTables({
      books: () => sums.workloads,
      ledger: () => sums.ledger,
      shownWorkload: () => whereOf(session, 'ranks'),
      shownModel: () => whereOf(session, 'fit'),
      // About as many as 10 ms are enough for.
      nodesAtOnce: 2500,
      clock: Date.now,
    }),
    ...groupTables({
      gpus: gpuTable,
      workloads: {
        ...workloads,
        epoch: () => Math.floor(Date.now() / 10_000),
        derive: (_cluster, now) => sums.workloads.rows(now),
      },
      namespaces: () => session.getState().namespaces,
    }),
  ]);
  const session = sessionOf(options, tables);
  const prometheus = prometheusOf(options);
  const inspection = createInspection();
  const logs = createLogStore();
  const themed = createThemes(options);
  const errors = createErrorLog(env, Date.now);
  const survived = (error: unknown): void => {
    const text = errors.report('the background', error);
    session.setState({ notice: { text, tone: 'bad', atMs: Date.now() } });
  };
  const terminal = createTerminal({ stdin, stdout, stderr, env, onRejection: survived });
  terminal.start();
  try {
    // Ink takes as long to load as a terminal takes to answer.
    const [probe, { mount }, { App }] = await Promise.all([
      terminal.probe(),
      import('./ui/mount.tsx'),
      import('./screens/App.tsx'),
    ]);
    const link = createLink(options, {
      session,
      cluster,
      tables,
      inspection,
      logs,
      usage,
      workloads: sums.workloads,
      states: trueStates,
      survey,
      rules: () => rules.added(),
      lend: terminal.lend,
      prometheus,
      refresh: () => screen.refresh(),
      forgetUse() {
        usage.clear();
        survey.clear();
        deviceWatch.clear();
      },
      leave: () => writing.leaveCluster(),
    });
    const writing = createHands({
      session,
      access: link.access,
      lend: terminal.lend,
      stdin,
      stdout,
      env,
      refresh: () => screen.refresh(),
      now: Date.now,
    });
    const rules = watchRulePacks({
      env,
      named: options.rules ?? [],
      version,
      onChange() {
        trueStates.setRules(rules.added());
        catchUp();
        link.newRules();
      },
      onReload: (text) => session.setState({ notice: { text, tone: 'good', atMs: Date.now() } }),
      onProblem: (text) => session.setState({ notice: { text, tone: 'bad', atMs: Date.now() } }),
    });
    // In slices, so that no frame waits for 100,000 rows.
    const catchUp = (): void => {
      const isDone = trueStates.catchUp(Date.now(), 8);
      screen.refresh();
      if (!isDone) setTimeout(catchUp, 10).unref();
    };
    reportOf = (row) => link.examination(subjectOfKind(pods, row))?.report;
    let lastKeyMs = performance.now();
    const memory = createMemory({
      held: process.memoryUsage,
      collect: globalThis.gc && (() => globalThis.gc?.({ type: 'major', flavor: 'last-resort' })),
      quietMs: () => performance.now() - lastKeyMs,
      now: () => performance.now(),
    });
    const thrift = setInterval(memory.look, lookAtMemoryEveryMs);
    thrift.unref();
    const ticking = setInterval(() => {
      try {
        trueStates.tick(Date.now(), 4);
        workloadUse.renew(Date.now());
      } catch (error) {
        survived(error);
      }
    }, 1000);
    ticking.unref();
    const services: Services = {
      examination: link.examination,
      trueState: trueStates.of,
      version,
      copy: async (text) =>
        clipboardWords[
          await copyText(text, { env, platform: process.platform, control: terminal.output.control })
        ],
      save: (name, text) => saveFile(name, text, env),
      retryNow: link.retryNow,
      switchContext: link.switchContext,
      setTheme(name) {
        if (!themeNames.includes(name)) return `No theme "${name}"; there are ${themeNames.join(', ')}.`;
        screen.setTheme(themed(probe, name));
        return undefined;
      },
      suspend() {
        if (!hasJobControl())
          return 'No shell started mltop that could continue it (fg): it would stand still for good.';
        terminal.suspendProcess().catch(survived);
        return undefined;
      },
      hands: writing.hands,
    };
    const screen: Screen = createScreen({
      session,
      cluster,
      tables,
      services,
      theme: themed(probe),
      themes: themeNames,
      version,
      health: link.health,
      sums: () => ({
        ...sumsOf(sums, usage, cluster, session.getState().narrowed?.table),
        warnings: trueStates.warn(),
      }),
      always: [anyResource(pods), anyResource(nodes)],
      summary: (table, theme, columns) =>
        table === gpus.name &&
        sumsOf(sums, usage, cluster, session.getState().narrowed?.table).gpus !== undefined
          ? gpuSummaryLines(
              {
                summary: sums.summary(),
                totals: sums.ledger.totals(),
                demand: sums.ledger.demand(),
                idle: usage.idleHolders(),
              },
              theme,
              columns,
            )
          : [],
      heldRows: (table) => (table === 'contexts' ? link.contexts() : writing.rows(table)),
      seen: (table, rows) => {
        link.seen(table, workloadUse.measured(table, rows));
        link.queued(rows);
      },
      containerUse: (pod, container, now) => containerUseText(usage, pod, container, now),
      sources: (table, now) =>
        isFindingsTable(table)
          ? surveyText(survey, session.getState().namespaces, now)
          : sourcesOf(usage, session, { table, readyNodes: sums.nodesReady(), now }),
      inspection,
      logs,
      isBackedUp: terminal.output.isBackedUp,
      report: errors.report,
      now: Date.now,
    });
    const mounted = mount(({ columns, rows }) => <App frame={screen.frame(columns, rows)} />, {
      terminal,
      onKey(key) {
        lastKeyMs = performance.now();
        screen.press(key);
      },
      renderer: env['MLTOP_RENDERER'] === 'stock' ? 'stock' : 'frames',
    });
    // The screen paces itself, and asks whether the terminal is behind; what it has changed is drawn at once.
    screen.onChange(() => mounted.requestFrame('key'));
    showTitle(session, cluster, terminal.setTitle);
    link.connect(options.connect);
    const code = await Promise.race([exitOf(session), mounted.done.then(() => 0)]);
    screen.stop();
    writing.close();
    sums.stop();
    rules.stop();
    clearInterval(ticking);
    clearInterval(thrift);
    trueStates.stop();
    await mounted.unmount();
    await terminal.stop();
    await link.close();
    return code;
  } finally {
    await terminal.stop();
  }
}

const clipboardWords: Readonly<Record<ClipboardMethod, string>> = {
  native: 'copied',
  tmux: 'copied through tmux',
  osc52: 'sent to the terminal clipboard (unverified)',
  off: 'not copied: MLTOP_CLIPBOARD=off',
};

/** The window's title: where one is, in a list of windows or tabs. */
function showTitle(session: SessionStore, cluster: Cluster, setTitle: (title: string) => void): void {
  let shown = '';
  const show = (): void => {
    const { context } = session.getState();
    const title = `mltop ${looksLikeProduction(context) ? 'PROD ' : ''}${context}`.trim();
    if (title === shown) return;
    shown = title;
    setTitle(title);
  };
  session.subscribe(show);
  cluster.subscribe(show);
  show();
}

function exitOf(session: SessionStore): Promise<number> {
  return new Promise((resolve) => {
    const stop = session.subscribe(({ exit }) => {
      if (exit === undefined) return;
      stop();
      resolve(exit);
    });
  });
}

/** The theme of a name, or the one that suits the background where nobody chose; checked before the terminal is taken. */
function createThemes(options: WireOptions): (probe: Probe, name?: string) => Theme {
  const { theme, color, glyphs } = options;
  if (theme !== undefined && !themeNames.includes(theme)) {
    throw new StartError(`no theme "${theme}"; there are ${themeNames.join(', ')}`);
  }
  const level = colorLevel({
    ...(color === undefined ? {} : { flag: color }),
    env: process.env,
    isTTY: true,
  });
  return ({ background, isUnicode }, name) => {
    const drawsUnicode = isUnicodeLocale(process.env) ?? isUnicode ?? true;
    const isAscii = glyphs === 'ascii' || (glyphs !== 'unicode' && !drawsUnicode);
    return themeNamed(name ?? theme ?? themeForBackground(background), {
      level,
      glyphs: isAscii ? 'ascii' : 'unicode',
    });
  };
}

function prometheusOf({ prometheus }: WireOptions): PrometheusPlace | undefined {
  if (prometheus === undefined) return undefined;
  const place = parsePlace(prometheus);
  if (place === undefined)
    throw new StartError(
      `--prometheus ${prometheus}: not NAMESPACE/SERVICE:PORT, as in monitoring/prometheus-k8s:9090`,
    );
  return place;
}

/** What flags or the first command say; undefined: the context decides. */
function askedNamespaces({ view, namespaces: flagged }: WireOptions, tables: Tables): Namespaces | undefined {
  const command = parseCommand(view ?? '', tables);
  return (command.kind === 'open' ? command.namespaces : undefined) ?? flagged;
}

function sessionOf(options: WireOptions, tables: Tables): SessionStore {
  const command = parseCommand(options.view ?? 'pods', tables);
  if (command.kind === 'wrong') throw new StartError(command.why);
  const isOpen = command.kind === 'open';
  return createSession({
    table: isOpen ? wordOf(command.table) : 'pods',
    namespaces: askedNamespaces(options, tables) ?? 'all',
    filter: options.filter ?? (isOpen ? command.filter : ''),
    faultsOnly: options.faults,
    wide: options.wide,
    headerShown: !options.headless,
    readonly: options.readonly,
    writeLock: writeLockOf(process.env),
    demo: options.demo ?? false,
    kubectlFlags: kubectlFlags(options.connect),
    labelSelector: options.selector,
    fieldSelector: options.fieldSelector,
    nowMs: Date.now(),
  });
}

/** Sources of what the table measures, with the age of what they said last. */
function sourcesOf(
  usage: Usage,
  session: SessionStore,
  { table, readyNodes, now }: { readonly table: string; readonly readyNodes: number; readonly now: number },
): string {
  const { namespaces } = session.getState();
  const scope = namespaces === 'all' ? '' : (namespaces[0] ?? '');
  const parts = [
    table === 'pods' ? sourceText('use', usage.podSource(scope), now) : '',
    table === 'nodes' ? nodeSourceText(usage, readyNodes, now) : '',
    measuredTables.has(table) ? deviceSourceText(usage, now) : '',
  ];
  return parts.filter((part) => part !== '').join('  ');
}

/** What the table of that name is narrowed to, while it is the one on the screen. */
function whereOf(session: SessionStore, table: string): string | undefined {
  const view = shownTable(session.getState());
  return view.table === table ? view.where?.equals : undefined;
}

function sumsOf(sums: Sums, usage: Usage, cluster: Cluster, narrowed: string | undefined): ClusterSums {
  const [podKind, nodeKind] = [anyResource(pods), anyResource(nodes)];
  const hasNodes = cluster.hasListed(nodeKind) && narrowed !== nodeKind.name;
  // GPUs of a node are held by pods of all namespaces: those of some are no sum.
  const hasPods =
    narrowed !== podKind.name &&
    cluster
      .linksOf(podKind)
      .some(
        ({ scope, state }) =>
          scope === '' && state !== 'listing' && state !== 'forbidden' && state !== 'unsupported',
      );
  const { devices, pending } = sums.summary();
  const idle = idleSummary(usage);
  return {
    nodes: hasNodes ? { ready: sums.nodesReady(), total: sums.nodesTotal() } : undefined,
    gpus:
      hasNodes && hasPods
        ? {
            used: devices.used,
            total: devices.total,
            unusable: devices.unusable + devices.broken,
            ...(idle === undefined ? {} : { idle }),
          }
        : undefined,
    waiting: hasPods ? pending : undefined,
    faults:
      cluster.hasListed(podKind) || cluster.hasListed(nodeKind)
        ? cluster.faults(podKind) + cluster.faults(nodeKind)
        : undefined,
  };
}

interface ClusterLink {
  readonly connect: (options: ConnectOptions) => void;
  /** What actions may do with the cluster; undefined while there is none. */
  readonly access: () => ClusterAccess | undefined;
  readonly switchContext: (name: string) => void;
  readonly retryNow: () => void;
  readonly health: () => {
    readonly lastHeardMs: number | undefined;
    readonly roundTripMs: number | undefined;
  };
  readonly contexts: () => readonly Row[];
  readonly seen: UsageFeed['seen'];
  readonly queued: QueuePlaces['seen'];
  readonly examination: (subject: Subject) => Examination | undefined;
  /** The rule packs are other ones. */
  readonly newRules: () => void;
  readonly close: () => Promise<void>;
}

interface LinkParts {
  readonly session: SessionStore;
  readonly cluster: Cluster;
  readonly tables: LearningTables;
  readonly inspection: Inspection;
  readonly logs: LogStore;
  readonly usage: Usage;
  readonly workloads: Workloads;
  readonly prometheus: PrometheusPlace | undefined;
  /** Of another cluster nothing that was measured here is true. */
  readonly forgetUse: () => void;
  readonly states: TrueStates;
  readonly survey: Survey;
  readonly rules: RulePacks['added'];
  readonly lend: Terminal['lend'];
  readonly refresh: () => void;
  /** The cluster is being left: what leads into it must not stay open. */
  readonly leave: () => void;
}

/** One cluster at a time: connects, feeds, and starts over for another context. The client loads only here. */
function createLink(
  options: WireOptions,
  {
    session,
    cluster,
    tables,
    inspection,
    logs,
    usage,
    workloads: books,
    states,
    survey,
    rules,
    prometheus,
    lend,
    refresh,
    leave,
    forgetUse,
  }: LinkParts,
): ClusterLink {
  let attempt = 0;
  let connection: Connection | undefined;
  let access: ClusterAccess | undefined;
  let feed: Feed | undefined;
  let logFeed: LogFeed | undefined;
  let objectFeed: ObjectFeed | undefined;
  let usageFeed: UsageFeed | undefined;
  let queuePlaces: QueuePlaces | undefined;
  let examining: Examining | undefined;
  let surveying: SurveyFeed | undefined;
  let stopDefinitions = (): void => undefined;
  let retryTimer: NodeJS.Timeout | undefined;
  let wanted = options.connect;
  let contextRows: readonly ContextRow[] = [];
  const isScopeGiven = askedNamespaces(options, tables) !== undefined;

  async function open(connectOptions: ConnectOptions): Promise<void> {
    attempt += 1;
    const mine = attempt;
    wanted = connectOptions;
    clearTimeout(retryTimer);
    session.setState({
      connection: { state: 'connecting', what: 'reading the kubeconfig', sinceMs: Date.now() },
    });
    const kube = await import('./kube/connection.ts');
    const { guard } = await import('./kube/write-gate.ts');
    try {
      const guarded = guard(
        await kube.connect({
          ...connectOptions,
          withTerminal: lend,
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
    const { startFeed } = await import('./feed.ts');
    const { startReflector } = await import('./kube/reflector.ts');
    const { visibleNamespaces } = await import('./kube/rights.ts');
    const { discover } = await import('./kube/discovery.ts');
    const { startUsageFeed } = await import('./feed/usage.ts');
    const { startQueuePlaces } = await import('./feed/queue-places.ts');
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
    feed = startFeed({
      connection: opened,
      startReflector,
      visibleNamespaces,
      discover: async (...asked) => {
        const found = await discover(...asked);
        if (connection === opened) learnKinds(found.kinds);
        return found;
      },
      cluster,
      session,
      // How a kind is printed decides what its rows hold: its stream waits for the definition.
      tableNamed: (name) => (tables.undefinedKind(name) === undefined ? tables.named(name) : undefined),
      always,
    });
    queuePlaces = startQueuePlaces({ connection: opened, workloads: books });
    usageFeed = startUsageFeed({
      connection: opened,
      cluster,
      session,
      usage,
      prometheus,
    });
    const { startLogFeed } = await import('./feed/logs.ts');
    const { startObjectFeed } = await import('./feed/object.ts');
    const { startExamining } = await import('./feed/examining.ts');
    const { startSurvey } = await import('./feed/survey.ts');
    const { startDefinitions } = await import('./feed/definitions.ts');
    if (connection !== opened) return;
    examining = startExamining({
      connection: opened,
      cluster,
      session,
      states,
      tableNamed: tables.named,
      usage,
      rules,
      onChange: refresh,
      clock: Date.now,
    });
    surveying = startSurvey({
      connection: opened,
      cluster,
      session,
      states,
      survey,
      rules,
      onChange: refresh,
      clock: Date.now,
    });
    logFeed = startLogFeed({ connection: opened, cluster, session, logs, now: Date.now });
    stopDefinitions = startDefinitions({
      connection: opened,
      session,
      undefinedKind: tables.undefinedKind,
      define(kind, columns) {
        tables.define(kind, columns);
        // The feed, too, looks at what is shown when the session says that it has changed.
        session.setState(({ views }) => ({ views: [...views] }));
      },
    });
    objectFeed = startObjectFeed({
      connection: opened,
      startReflector,
      session,
      inspection,
      tableNamed: tables.named,
      now: Date.now,
    });
  }

  /** A view of a kind that another cluster had is none here. */
  function learnKinds(kinds: Discovery['kinds']): void {
    tables.learn(kinds);
    const { table } = shownTable(session.getState());
    if (tables.named(table) === undefined) session.setState(goTo(tableView('pods'))(session.getState()));
    refresh();
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
    const { loadKubeconfig, contextsOf } = await import('./kube/kubeconfig.ts');
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
    feed?.stop();
    feed = undefined;
    usageFeed?.stop();
    usageFeed = undefined;
    queuePlaces?.stop();
    queuePlaces = undefined;
    examining?.stop();
    examining = undefined;
    surveying?.stop();
    surveying = undefined;
    logFeed?.stop();
    logFeed = undefined;
    objectFeed?.stop();
    objectFeed = undefined;
    stopDefinitions();
    leave();
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
      forgetUse();
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
      else {
        feed?.retryNow();
        usageFeed?.retryNow();
        logFeed?.retryNow();
        objectFeed?.retryNow();
      }
    },
    seen: (table, rows) => usageFeed?.seen(table, rows),
    queued: (rows) => queuePlaces?.seen(rows),
    examination: (subject) => examining?.of(subject),
    newRules: () => examining?.newRules(),
    health: () => connection?.health() ?? { lastHeardMs: undefined, roundTripMs: undefined },
    contexts: () => contextRows,
    close,
  };
}
