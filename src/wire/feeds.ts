import type { PrometheusPlace } from '../accelerators/prometheus.ts';
import type { LearningTables } from '../actions/tables.ts';
import type { QueuePlaces } from '../feed/queue-places.ts';
import { startQueuePlaces } from '../feed/queue-places.ts';
import type { RulePacks } from '../feed/rule-packs.ts';
import { startUsageFeed, type UsageFeed } from '../feed/usage.ts';
import { startFeed } from '../feed.ts';
import type { Connection } from '../kube/contract.ts';
import { type Discovery, discover } from '../kube/discovery.ts';
import { startReflector } from '../kube/reflector.ts';
import { visibleNamespaces } from '../kube/rights.ts';
import { events } from '../resources/events.ts';
import { namespaces } from '../resources/namespaces.ts';
import { anyResource, type Resource } from '../resources/resource.ts';
import type { Cluster } from '../state/cluster.ts';
import type { Examination } from '../state/examination.ts';
import type { Inspection } from '../state/inspection.ts';
import type { LogStore } from '../state/log-store.ts';
import { goTo, type SessionStore, shownTable, tableView } from '../state/session.ts';
import type { Subject } from '../state/subject.ts';
import { summedKinds } from '../state/sums.ts';
import type { Survey } from '../state/survey.ts';
import type { TrueStates } from '../state/true-states.ts';
import type { Usage } from '../state/usage.ts';
import type { Workloads } from '../workloads/books.ts';
import type { ViewFeeds } from './view-feeds.ts';

/** Kinds that are read whatever is shown: the header, the GPU sums and the checklist rest on them. */
const always: readonly Resource[] = [...summedKinds, anyResource(namespaces), anyResource(events)];

/** What is filled from a connection. */
export interface FeedParts {
  readonly session: SessionStore;
  readonly cluster: Cluster;
  readonly tables: LearningTables;
  readonly inspection: Inspection;
  readonly logs: LogStore;
  readonly usage: Usage;
  readonly workloads: Workloads;
  readonly prometheus: PrometheusPlace | undefined;
  readonly states: TrueStates;
  readonly survey: Survey;
  readonly rules: RulePacks['added'];
  readonly refresh: () => void;
}

/** All that reads from one connection. */
export interface Feeds {
  readonly seen: UsageFeed['seen'];
  readonly queued: QueuePlaces['seen'];
  readonly examination: (subject: Subject) => Examination | undefined;
  /** The rule packs are other ones. */
  readonly newRules: () => void;
  readonly retryNow: () => void;
  /** Loads and starts what no first frame needs: logs, one object, its checklist, what has no row. */
  readonly startViews: () => Promise<void>;
  readonly stop: () => void;
}

/** Starts what every view rests on. */
export function startFeeds(connection: Connection, parts: FeedParts): Feeds {
  const { session, cluster, tables, usage, prometheus, refresh } = parts;
  let views: ViewFeeds | undefined;
  let isStopped = false;

  /** A view of a kind that another cluster had is none here. */
  function learnKinds(kinds: Discovery['kinds']): void {
    tables.learn(kinds);
    const { table } = shownTable(session.getState());
    if (tables.named(table) === undefined) session.setState(goTo(tableView('pods'))(session.getState()));
    refresh();
  }

  const feed = startFeed({
    connection,
    startReflector,
    visibleNamespaces,
    discover: async (...asked) => {
      const found = await discover(...asked);
      if (!isStopped) learnKinds(found.kinds);
      return found;
    },
    cluster,
    session,
    // How a kind is printed decides what its rows hold: its stream waits for the definition.
    tableNamed: (name) => (tables.undefinedKind(name) === undefined ? tables.named(name) : undefined),
    always,
  });
  const queuePlaces = startQueuePlaces({ connection, workloads: parts.workloads });
  const usageFeed = startUsageFeed({ connection, cluster, session, usage, prometheus });
  return {
    seen: usageFeed.seen,
    queued: queuePlaces.seen,
    examination: (subject) => views?.examination(subject),
    newRules: () => views?.newRules(),
    retryNow() {
      feed.retryNow();
      usageFeed.retryNow();
      views?.retryNow();
    },
    async startViews() {
      const { startViewFeeds } = await import('./view-feeds.ts');
      if (!isStopped) views = startViewFeeds(connection, parts);
    },
    stop() {
      isStopped = true;
      feed.stop();
      usageFeed.stop();
      queuePlaces.stop();
      views?.stop();
    },
  };
}
