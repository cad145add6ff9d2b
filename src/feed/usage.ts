import { canAnswer, type ExporterKind, exporterKind } from '../accelerators/exporters.ts';
import type { PrometheusPlace } from '../accelerators/prometheus.ts';
import type { Connection } from '../kube/contract.ts';
import { type MetricsFailure, metricsFailure, metricsReader } from '../kube/metrics.ts';
import { acceleratorCount } from '../resources/devices.ts';
import { nodes } from '../resources/nodes.ts';
import type { PodRow } from '../resources/pod-row.ts';
import { pods } from '../resources/pods.ts';
import { anyResource, type Row } from '../resources/resource.ts';
import { type Cluster, keyOf } from '../state/cluster.ts';
import { type SessionStore, shownTable, shownView } from '../state/session.ts';
import type { Usage } from '../state/usage.ts';
import { measuredTables } from '../state/usage-text.ts';
import { readNodeUses, readPodUses } from './measurements.ts';
import { findPrometheus, type Prometheus } from './prometheus.ts';
import { type Scrape, scrapeExporter } from './scrape.ts';

/** metrics-server measures that often; asking more often brings the same numbers (kubernetes-client.md 4). */
const pollEveryMs = 15_000;

/** Usage of all pods of a big cluster is tens of megabytes: asked for less often, and only where what is on the screen needs it. */
const bigPollEveryMs = 45_000;
const bigFromPods = 5000;

/** The pods on the screen are in more namespaces than this: all pods are asked for at once. */
const namespacesAtMost = 4;

/** Who scrolls through a hundred namespaces has not looked at them. */
const settledAfterMs = 400;

/** So that many mltops do not ask in step. */
const jitterMs = 2000;

/** An API that is not there may be installed; asking for it every quarter of a minute is noise in its logs. */
const absentEveryMs = 120_000;

/** dcgm-exporter measures twice a minute. */
const scrapeEveryMs = 30_000;
const scrapesAtOnce = 4;
const failedScrapeEveryMs = 60_000;

/** Beyond this many, one Prometheus is asked less than so many exporters (gpu.md 4.4). */
const scrapeUpToNodes = 20;

/** Rights do not come back by asking. */
const forbiddenEveryMs = 300_000;

/** No terminal shows more rows; what is more is the mistake of a caller. */
const nodesAtMost = 200;

/** Nodes that are measured for an order or a filter by use; a Prometheus makes that cheap, exporters do not. */
const rankedNodesAtMost = 64;

const byUse = /^(GPU )?(UTIL|IDLE|HBM|TENSOR|WATTS|TEMP)$/;
const byPodUse = /^%?(CPU|MEM)(\/[RL])?$/;
const filterByPodUse = /%?\b(CPU|MEM)(\/[RL])?[:<>=]/i;
const filterByUse = /\b(UTIL|IDLE|HBM|TENSOR|WATTS|TEMP)[:<>=]/i;

export interface UsageFeedOptions {
  readonly connection: Connection;
  readonly cluster: Cluster;
  readonly session: SessionStore;
  readonly usage: Usage;
  /** Epoch ms. Default: the clock. */
  readonly now?: () => number;
  /** Shorter in tests. */
  readonly everyMs?: number;
  /** From so many pods on, usage is asked for in the namespaces on the screen only. Default: 5,000. */
  readonly bigFrom?: number;
  /** A Prometheus that somebody named; without one it is looked for where exporters cannot be asked. */
  readonly prometheus?: PrometheusPlace | undefined;
  /** Up to so many nodes each exporter is asked by itself. Default: 20. */
  readonly scrapeUpTo?: number;
}

export interface UsageFeed {
  /** What is on the screen: only that is measured. */
  readonly seen: (table: string, rows: readonly Row[]) => void;
  /** A person asks: everything that is wanted is asked for at once, whatever was answered before. */
  readonly retryNow: () => void;
  readonly stop: () => void;
}

/** Asks for measurements of what the screen shows, and only while it shows it. */
export function startUsageFeed(options: UsageFeedOptions): UsageFeed {
  const { connection, cluster, session, usage } = options;
  const now = options.now ?? Date.now;
  const stopping = new AbortController();
  const reader = metricsReader(connection);
  const podKind = anyResource(pods);
  const podPolls = new Map<string, Poll>();
  const nodePoll = createPoll({
    async ask(signal) {
      usage.setNodeSource({ state: 'asking' });
      usage.putNodes(await readNodeUses(reader, signal), now(), everyMs());
    },
    failed: (failure) => usage.setNodeSource({ ...failure, atMs: now() }),
    everyMs: () => options.everyMs ?? pollEveryMs,
    signal: stopping.signal,
  });
  const scraper = createScraper({ ...options, now, signal: stopping.signal });

  const everyMs = (): number => options.everyMs ?? pollEveryMs;

  const bigFrom = options.bigFrom ?? bigFromPods;

  function podPoll(scope: string): Poll {
    let poll = podPolls.get(scope);
    if (poll !== undefined) return poll;
    let measured = 0;
    const every = (): number =>
      options.everyMs ??
      ((scope === '' ? cluster.count(podKind) : measured) > bigFrom ? bigPollEveryMs : pollEveryMs);
    poll = createPoll({
      async ask(signal) {
        usage.setPodSource(scope, { state: 'asking' });
        const uses = await readPodUses(reader, scope, signal);
        measured = uses.size;
        usage.putPods(scope, uses, now(), every());
      },
      failed: (failure) => usage.setPodSource(scope, { ...failure, atMs: now() }),
      everyMs: every,
      signal: stopping.signal,
    });
    podPolls.set(scope, poll);
    return poll;
  }

  /** In the namespaces that are shown; where all at once may not be looked into, in those that may. */
  function podScopes(): readonly string[] {
    const { namespaces } = session.getState();
    if (namespaces !== 'all') return namespaces;
    const links = cluster.linksOf(podKind);
    const isRefused = links.some(({ scope, state }) => scope === '' && state === 'forbidden');
    if (!isRefused) return cluster.count(podKind) > bigFrom && !isByPodUse() ? scopesOnScreen() : [''];
    return links
      .filter(({ scope, state }) => scope !== '' && state !== 'forbidden')
      .map(({ scope }) => scope);
  }

  /** Namespaces of the pods on the screen; undefined until there are any. */
  let onScreen: readonly string[] | undefined;
  let settling: NodeJS.Timeout | undefined;

  const scopesOnScreen = (): readonly string[] =>
    onScreen === undefined ? [] : onScreen.length > namespacesAtMost ? [''] : onScreen;

  function showPods(rows: readonly Row[]): void {
    const next = [...new Set(rows.map(({ namespace }) => namespace))].sort();
    const isFirst = onScreen === undefined;
    if (rows.length === 0 || String(next) === String(onScreen)) return;
    onScreen = next;
    clearTimeout(settling);
    settling = setTimeout(look, isFirst ? 0 : settledAfterMs);
    settling.unref();
  }

  /** What is not on the screen decides as well. */
  function isByPodUse(): boolean {
    const { sort, filter } = shownTable(session.getState());
    return (sort !== undefined && byPodUse.test(sort.column)) || filterByPodUse.test(filter);
  }

  /** Rows come first: while their lists come in, nothing else is asked of the server. */
  const isListing = (): boolean => {
    const links = cluster.linksOf(podKind);
    return links.length === 0 || links.some(({ state }) => state === 'listing');
  };

  function look(): void {
    if (isListing()) return;
    const { table } = shownTable(session.getState());
    const view = shownView(session.getState());
    const scopes = table === 'pods' ? podScopes() : view.kind === 'detail' ? [view.of.namespace] : [];
    for (const scope of scopes) podPoll(scope).want(true);
    for (const [scope, poll] of podPolls) if (!scopes.includes(scope)) poll.want(false);
    nodePoll.want(table === 'nodes');
    if (!measuredTables.has(table)) scraper.want([]);
  }

  function isByUse(): boolean {
    const { sort, filter } = shownTable(session.getState());
    return (sort !== undefined && byUse.test(sort.column)) || filterByUse.test(filter);
  }

  function gpuNodes(): readonly string[] {
    const names: string[] = [];
    for (const { name, capacity } of cluster.rowsOf(nodes)) {
      if ((acceleratorCount(capacity) ?? 0) > 0) names.push(name);
      if (names.length === rankedNodesAtMost) break;
    }
    return names;
  }

  const stopSession = session.subscribe(look);
  // Rights become known as lists are answered.
  const stopCluster = cluster.subscribe(look);
  look();

  return {
    seen(table, rows) {
      if (table === 'pods') showPods(rows);
      if (!measuredTables.has(table) || isListing()) return;
      const names = nodesOf(table, rows);
      // Sorted or filtered by what is measured, what is not on the screen decides as well.
      scraper.want(isByUse() ? [...new Set([...names, ...gpuNodes()])].slice(0, rankedNodesAtMost) : names);
    },
    retryNow() {
      for (const poll of [nodePoll, ...podPolls.values()]) poll.retryNow();
      scraper.retryNow();
    },
    stop() {
      stopping.abort();
      clearTimeout(settling);
      stopSession();
      stopCluster();
      for (const poll of [nodePoll, ...podPolls.values()]) poll.want(false);
      scraper.stop();
    },
  };
}

function nodesOf(table: string, rows: readonly Row[]): readonly string[] {
  const names = new Set<string>();
  for (const row of rows) {
    const node = table === 'nodes' ? row.name : (row as Row & { readonly node?: string }).node;
    if (node !== undefined && node !== '') names.add(node);
  }
  return [...names].slice(0, nodesAtMost);
}

interface Poll {
  readonly want: (isWanted: boolean) => void;
  readonly retryNow: () => void;
}

interface PollOptions {
  readonly ask: (signal: AbortSignal) => Promise<void>;
  readonly failed: (failure: MetricsFailure) => void;
  readonly everyMs: () => number;
  readonly signal: AbortSignal;
}

/** Asks again and again while somebody wants it, one question at a time. */
function createPoll({ ask, failed, everyMs, signal }: PollOptions): Poll {
  let isWanted = false;
  let isAsking = false;
  let nextMs = 0;
  let timer: NodeJS.Timeout | undefined;

  async function run(): Promise<void> {
    timer = undefined;
    if (!isWanted || isAsking || signal.aborted) return;
    isAsking = true;
    let pauseMs = everyMs();
    try {
      await ask(signal);
    } catch (error) {
      if (signal.aborted) return;
      const failure = metricsFailure(error);
      failed(failure);
      if (failure.state === 'absent') pauseMs = Math.max(pauseMs, absentEveryMs);
      if (failure.state === 'forbidden') pauseMs = Math.max(pauseMs, forbiddenEveryMs);
    } finally {
      isAsking = false;
    }
    nextMs = performance.now() + pauseMs + (Math.random() - 0.5) * Math.min(2 * jitterMs, pauseMs / 4);
    schedule();
  }

  function schedule(): void {
    if (!isWanted || isAsking || timer !== undefined || signal.aborted) return;
    timer = setTimeout(() => void run(), Math.max(0, nextMs - performance.now()));
    timer.unref();
  }

  return {
    want(wanted) {
      isWanted = wanted;
      if (wanted) schedule();
      else {
        clearTimeout(timer);
        timer = undefined;
      }
    },
    retryNow() {
      nextMs = 0;
      clearTimeout(timer);
      timer = undefined;
      schedule();
    },
  };
}

interface Scraper {
  /** The nodes on the screen, in place of the former ones. */
  readonly want: (nodes: readonly string[]) => void;
  readonly retryNow: () => void;
  readonly stop: () => void;
}

interface Target {
  readonly pod: PodRow;
  readonly kind: ExporterKind;
}

/** Reads the exporters of the nodes on the screen, a few at a time, each not more than twice a minute. */
function createScraper({
  connection,
  cluster,
  usage,
  now,
  signal,
  everyMs,
  prometheus: named,
  scrapeUpTo = scrapeUpToNodes,
}: UsageFeedOptions & { readonly now: () => number; readonly signal: AbortSignal }): Scraper {
  const podKind = anyResource(pods);
  /** By pod, for each node. */
  const exporters = new Map<string, Map<string, Target>>();
  /** On the clock of `performance.now`, by node. */
  const dueMs = new Map<string, number>();
  const running = new Set<string>();
  let wanted: readonly string[] = [];
  let timer: NodeJS.Timeout | undefined;

  function follow(before: Row | undefined, after: Row | undefined): void {
    if (before === after) return;
    if (before !== undefined) exporters.get((before as PodRow).node)?.delete(keyOf(before));
    if (after === undefined) return;
    const pod = after as PodRow;
    const kind = exporterKind(pod);
    if (kind === undefined) return;
    const known = exporters.get(pod.node);
    if (known === undefined) exporters.set(pod.node, new Map([[keyOf(pod), { pod, kind }]]));
    else known.set(keyOf(pod), { pod, kind });
  }
  for (const pod of cluster.rowsOf(pods)) follow(undefined, pod);
  const stopRows = cluster.onRow(podKind, follow);

  const targetOn = (node: string): Target | undefined => {
    const all = [...(exporters.get(node)?.values() ?? [])];
    return all.find(({ pod }) => canAnswer(pod)) ?? all[0];
  };

  /** What there is in place of exporters; `none`: looked for and not found. */
  let prometheus: Prometheus | 'none' | 'looking' | undefined;
  /** Nodes of which Prometheus knows nothing, on the clock of `performance.now`. */
  const unknownUntilMs = new Map<string, number>();
  let isQuerying = false;
  let queryDueMs = 0;

  function look(): void {
    if (prometheus !== undefined) return;
    prometheus = 'looking';
    const nodeOfExporter = (namespace: string, name: string): string | undefined => {
      for (const [node, targets] of exporters)
        for (const { pod } of targets.values())
          if (pod.name === name && pod.namespace === namespace) return node;
      return undefined;
    };
    const names = new Set([...cluster.rowsOf(nodes)].map(({ name }) => name));
    const isNode = (name: string): boolean => names.has(name);
    findPrometheus(connection, named, { nodeOfExporter, isNode, signal }).then(
      (found) => {
        prometheus = found ?? 'none';
        pump();
      },
      () => {
        prometheus = 'none';
      },
    );
  }

  /** The nodes that no exporter answers for, or all of them where they are many. */
  function throughPrometheus(): readonly string[] {
    const known = wanted.filter((node) => (unknownUntilMs.get(node) ?? 0) < performance.now());
    if (wanted.length > scrapeUpTo) return known;
    const left = known.filter((node) => {
      if (targetOn(node) === undefined) return true;
      const { state } = usage.deviceSource(node);
      return (state === 'forbidden' || state === 'failed' || state === 'down') && !running.has(node);
    });
    if (left.length === 0) return left;
    const hasDevices = new Set<string>();
    for (const { name, capacity } of cluster.rowsOf(nodes))
      if ((acceleratorCount(capacity) ?? 0) > 0) hasDevices.add(name);
    return left.filter((node) => hasDevices.has(node));
  }

  async function ask(from: Prometheus, names: readonly string[]): Promise<void> {
    isQuerying = true;
    const startedMs = performance.now();
    let pauseMs = everyMs ?? scrapeEveryMs;
    try {
      const { devices, idleMs } = await from.devices(names, signal);
      pauseMs = Math.max(pauseMs, 3 * (performance.now() - startedMs));
      const byNode = Map.groupBy(devices, ({ node }) => node);
      for (const node of names) {
        const told = byNode.get(node);
        if (told === undefined) unknownUntilMs.set(node, performance.now() + forbiddenEveryMs);
        else usage.putDevices(node, told, { atMs: now(), everyMs: pauseMs, source: from.name, idleMs });
      }
    } catch {
      pauseMs = failedScrapeEveryMs;
    }
    isQuerying = false;
    queryDueMs = performance.now() + pauseMs;
    pump();
  }

  /** Why nothing can be measured there; undefined while it is not yet known whether there is an exporter. */
  function sayAbsent(node: string): void {
    const links = cluster.linksOf(podKind);
    const isWhole = links.some(({ scope, state }) => scope === '' && state === 'live');
    const isRefused = links.some(({ scope, state }) => scope === '' && state === 'forbidden');
    if (!isWhole && !isRefused) return;
    const current = usage.deviceSource(node).state;
    if (current === 'absent' || current === 'forbidden') return;
    usage.setDeviceSource(node, {
      state: isRefused ? 'forbidden' : 'absent',
      atMs: now(),
      reason: isRefused
        ? 'Pods of other namespaces may not be listed, so the exporter of this node is not known.'
        : 'No exporter of GPU metrics runs on this node.',
      hint: isRefused ? 'Ask for the right to list pods in all namespaces.' : 'dcgm-exporter brings them.',
    });
  }

  async function scrape(node: string, target: Target): Promise<void> {
    running.add(node);
    usage.setDeviceSource(node, { state: 'asking' });
    const startedMs = performance.now();
    const answer: Scrape = await scrapeExporter(connection, target, node, signal);
    running.delete(node);
    if (signal.aborted) return;
    const tookMs = performance.now() - startedMs;
    let pauseMs = Math.max(everyMs ?? scrapeEveryMs, 3 * tookMs);
    if (answer.state === 'read') {
      usage.putDevices(node, answer.devices, { atMs: now(), everyMs: pauseMs, source: target.kind.name });
    } else {
      usage.setDeviceSource(node, { ...answer, atMs: now() });
      pauseMs = Math.max(pauseMs, answer.state === 'forbidden' ? forbiddenEveryMs : failedScrapeEveryMs);
    }
    dueMs.set(node, performance.now() + pauseMs);
    pump();
  }

  function pump(): void {
    clearTimeout(timer);
    timer = undefined;
    if (signal.aborted) return;
    let earliestMs = Number.POSITIVE_INFINITY;
    const asked = throughPrometheus();
    const isMany = wanted.length > scrapeUpTo;
    if (asked.length > 0) {
      look();
      if (prometheus !== undefined && prometheus !== 'none' && prometheus !== 'looking' && !isQuerying) {
        if (performance.now() >= queryDueMs) void ask(prometheus, asked);
        else earliestMs = queryDueMs;
      }
    }
    // Where a Prometheus answers for many, their exporters are left in peace.
    const scraped = isMany && prometheus !== 'none' ? [] : wanted;
    for (const node of scraped) {
      if (running.has(node)) continue;
      const target = targetOn(node);
      if (target === undefined) {
        sayAbsent(node);
        continue;
      }
      const due = dueMs.get(node) ?? 0;
      if (due > performance.now()) earliestMs = Math.min(earliestMs, due);
      else if (running.size < scrapesAtOnce) void scrape(node, target);
    }
    if (earliestMs === Number.POSITIVE_INFINITY) return;
    timer = setTimeout(pump, Math.max(0, earliestMs - performance.now()) + 1);
    timer.unref();
  }

  return {
    want(names) {
      const isSame = names.length === wanted.length && names.every((node, at) => node === wanted[at]);
      wanted = names;
      if (!isSame || names.some((node) => usage.deviceSource(node).state === 'idle')) pump();
    },
    retryNow() {
      dueMs.clear();
      queryDueMs = 0;
      unknownUntilMs.clear();
      if (prometheus === 'none') prometheus = undefined;
      pump();
    },
    stop() {
      clearTimeout(timer);
      stopRows();
    },
  };
}
