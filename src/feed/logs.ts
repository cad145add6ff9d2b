import type { Connection } from '../kube/contract.ts';
import type { KubeError } from '../kube/kube-error.ts';
import { followLog, type LogFollow, type LogHandlers, type LogState, type LogTarget } from '../kube/logs.ts';
import { type EventRow, events } from '../resources/events.ts';
import type { PodRow } from '../resources/pod-row.ts';
import { pods } from '../resources/pods.ts';
import { anyResource } from '../resources/resource.ts';
import type { Cluster } from '../state/cluster.ts';
import type { LogSource, LogStore, SourceState } from '../state/log-store.ts';
import { chooses, chosenPods, mainContainer, rankOf } from '../state/pod-choice.ts';
import type { SessionStore, View } from '../state/session.ts';
import type { LogView } from '../state/text-views.ts';

/** Lines reach the store on this clock; nobody reads faster. */
const flushEveryMs = 50;

/** Which pods belong is asked of all pods; a rollout changes some of them at every moment. */
const reconcileEveryMs = 250;

/** Of one turn: a key must not wait for decoding. */
const sliceMs = 8;

/** Each follow is a connection through the API server to a kubelet. */
const followedAtMost = 32;

/** Those beyond are read once, a few at a time. */
const readAtOnce = 8;

/** `tail`: of one container, and of each of several. */
const tailOfOne = 1000;
const tailOfMany = 200;

/** `head`: enough to see how it began. */
const headLines = 5000;

export interface LogFeedOptions {
  readonly connection: Connection;
  readonly cluster: Cluster;
  readonly session: SessionStore;
  readonly logs: LogStore;
  /** Epoch ms. */
  readonly now: () => number;
}

export interface LogFeed {
  readonly retryNow: () => void;
  readonly stop: () => void;
}

interface Open {
  readonly source: LogSource;
  follow: LogFollow | undefined;
  /** Its last row, while its pod is there. */
  pod: PodRow | undefined;
  /** Its current log was empty, so the one before was asked for. */
  triedPrevious: boolean;
  /** Followed to the end of a run: the next run is followed, too. */
  awaitsRun: boolean;
}

const podKind = anyResource(pods);
const eventKind = anyResource(events);

/** The log view that is open, under whatever lies over it. */
const logViewOf = (views: readonly View[]): LogView | undefined =>
  views.findLast((view): view is LogView => view.kind === 'logs');

/** What a view wants read: another answer, and everything is read anew. */
const wishOf = (view: LogView): string =>
  JSON.stringify([view.pods, view.containers, view.previous, view.range, view.generation]);

/** Keeps open exactly the log streams that the log view needs: pods that come join, pods that go are marked. */
export function startLogFeed(options: LogFeedOptions): LogFeed {
  const { connection, cluster, session, logs } = options;
  const open = new Map<string, Open>();
  let view: LogView | undefined;
  let wish = '';
  let isDirty = false;
  let reconciledMs = 0;
  let reading = 0;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  function flushSoon(waitMs = flushEveryMs): void {
    timer ??= setTimeout(flush, waitMs);
  }

  function flush(): void {
    timer = undefined;
    if (isStopped) return;
    if (isDirty && options.now() - reconciledMs >= reconcileEveryMs) reconcile();
    if (logs.settle(options.now(), sliceMs)) flushSoon(1);
    else if (isDirty) flushSoon();
  }

  function look(): void {
    const next = logViewOf(session.getState().views);
    const nextWish = next === undefined ? '' : wishOf(next);
    if (nextWish === wish) {
      view = next;
      return;
    }
    closeAll();
    logs.reset();
    view = next;
    wish = nextWish;
    if (view !== undefined) reconcile();
  }

  function closeAll(): void {
    for (const { follow } of open.values()) follow?.stop();
    open.clear();
    reading = 0;
  }

  function containersOf(pod: PodRow): readonly string[] {
    const { containers } = view as LogView;
    if (typeof containers === 'object') return [containers.only];
    const all = pod.spec.containers;
    if (containers === 'all') return all.map(({ name }) => name);
    // What is wrong is most often wrong in one that is not the main one: init containers, while they run.
    const troubled =
      pod.trouble !== undefined && pod.trouble.kind === 'init' ? pod.trouble.container : undefined;
    const name = troubled ?? mainContainer(pod)?.name;
    return name === undefined ? [] : [name];
  }

  function reconcile(): void {
    isDirty = false;
    reconciledMs = options.now();
    if (view === undefined) return;
    const choice = view.pods;
    const wanted = new Map<string, { readonly pod: PodRow; readonly container: string }>();
    for (const pod of chosenPods(cluster, choice)) {
      for (const container of containersOf(pod)) wanted.set(`${pod.uid} ${container}`, { pod, container });
    }
    for (const [id, one] of open) {
      if (wanted.has(id)) continue;
      if (!one.source.isGone) {
        one.source.isGone = true;
        one.pod = undefined;
        logs.note('death', `pod ${one.source.pod} deleted`, one.source, options.now());
      }
    }
    const fresh = [...wanted]
      .filter(([id]) => !open.has(id))
      .sort(
        ([, a], [, b]) => interest(a.pod) - interest(b.pod) || (rankOf(a.pod) ?? 0) - (rankOf(b.pod) ?? 0),
      );
    const total = open.size + fresh.length;
    for (const [id, { pod, container }] of fresh) openOne(id, pod, container, total);
    for (const [id, { pod }] of wanted) {
      const one = open.get(id);
      if (one === undefined) continue;
      one.pod = pod;
      if (one.awaitsRun && isRunning(one) === true) followNextRun(one);
    }
    readQueued();
  }

  function openOne(id: string, pod: PodRow, container: string, total: number): void {
    const source = logs.addSource({ namespace: pod.namespace, pod: pod.name, container, rank: rankOf(pod) });
    const one: Open = { source, follow: undefined, pod, triedPrevious: false, awaitsRun: false };
    open.set(id, one);
    const followed = [...open.values()].filter(
      ({ source: { state } }) => state.state !== 'queued' && state.state !== 'ended',
    ).length;
    if (followed > followedAtMost) {
      source.state = { state: 'queued' };
      return;
    }
    follow(one, targetOf(one, (view as LogView).previous, total));
    noteEvents(pod, source);
  }

  function targetOf({ source }: Open, previous: boolean, total: number): LogTarget {
    const { range } = view as LogView;
    const tailLines = total > 1 ? tailOfMany : tailOfOne;
    return {
      namespace: source.namespace,
      pod: source.pod,
      container: source.container,
      previous,
      follow: !previous && range !== 'head',
      ...(range === 'tail' ? { tailLines } : typeof range === 'number' ? { sinceSeconds: range } : {}),
    };
  }

  function follow(one: Open, target: LogTarget, behind?: number): void {
    const { source } = one;
    source.isPrevious = target.previous === true;
    const { range } = view as LogView;
    let lines = 0;
    const handlers: LogHandlers = {
      line(line) {
        if (behind !== undefined && line.time !== undefined && Date.parse(line.time) <= behind) return;
        lines += 1;
        if (range === 'head' && lines > headLines) {
          if (lines === headLines + 1) one.follow?.stop();
          return;
        }
        logs.push(source, line);
        flushSoon();
      },
      state: (state) => heard(one, target, state, () => lines),
      isRunning: () => isRunning(one),
    };
    one.follow = followLog(connection, target, handlers);
  }

  function heard(one: Open, target: LogTarget, state: LogState, lines: () => number): void {
    const { source } = one;
    const before = source.state.state;
    source.state = stateOf(state);
    one.awaitsRun = state.state === 'ended' && target.follow;
    if (state.state === 'waiting' && before !== 'waiting')
      logs.note('note', waitingText(state.reason, source), source, options.now());
    if (state.state === 'failed')
      logs.note('note', failureText(state.error, target, source), source, options.now());
    if (state.state === 'reconnecting' && before !== 'reconnecting' && lines() === 0)
      logs.note('note', unreachedText(state.reason, source), source, options.now());
    const isEmpty = lines() === 0 && (state.state === 'ended' || state.state === 'waiting');
    if (isEmpty && target.previous !== true && hasRunBefore(one) && !one.triedPrevious) {
      one.triedPrevious = true;
      logs.note(
        'note',
        `The current log of ${source.container} is empty; this is its previous run (p shows it alone)`,
        source,
        options.now(),
      );
      one.follow?.stop();
      follow(one, { ...target, previous: true, follow: false });
      return;
    }
    if (state.state === 'ended' && isEmpty && target.previous !== true) {
      logs.note(
        'note',
        `${source.container} has written nothing${typeof (view as LogView).range === 'number' ? ' in this time; 0 shows its last lines' : ''}`,
        source,
        options.now(),
      );
    }
    logs.touch();
    flushSoon();
    if (source.state.state === 'ended' || source.state.state === 'failed') readQueued();
  }

  /** A container that was followed to its end has started again. Its new log may still hold lines of before. */
  function followNextRun(one: Open): void {
    one.awaitsRun = false;
    one.triedPrevious = false;
    const { source } = one;
    logs.note('note', `${source.container} has started again`, source, options.now());
    follow(one, targetOf(one, false, open.size), source.lastAt);
  }

  /** Those that are not followed are read once each. */
  function readQueued(): void {
    for (const one of open.values()) {
      if (reading >= readAtOnce) return;
      if (one.source.state.state !== 'queued' || view === undefined) continue;
      reading += 1;
      one.source.state = { state: 'connecting' };
      const target = { ...targetOf(one, view.previous, open.size), follow: false };
      follow(one, target);
      one.follow?.done.then(() => {
        reading = Math.max(0, reading - 1);
        if (one.source.state.state === 'ended')
          one.source.state = {
            state: 'ended',
            reason: `read once: ${followedAtMost} streams are followed at most`,
          };
        if (!isStopped) readQueued();
      });
    }
  }

  /** Deaths and events of the pods that are followed stand among their lines. */
  function onPod(before: PodRow | undefined, after: PodRow | undefined): void {
    if (view === undefined || !chooses(view.pods, (after ?? before) as PodRow)) return;
    isDirty = true;
    flushSoon();
    // At once: how a stream ended is judged by what is known of its pod.
    for (const one of open.values()) if (after !== undefined && one.pod?.uid === after.uid) one.pod = after;
    if (before === undefined || after === undefined || before === after) return;
    const death = deathOf(before, after);
    if (death === undefined) return;
    for (const one of open.values()) {
      if (one.pod?.uid !== after.uid || one.source.container !== death.container) continue;
      one.source.diedAt ??= death.at;
      logs.note('death', death.text, one.source, death.at);
      // A new run writes a new log; the stream of the old one ends, and this one goes on at once.
      one.follow?.retryNow();
    }
  }

  function onEvent(after: EventRow | undefined, before: EventRow | undefined): void {
    if (view === undefined || after === undefined || before !== undefined || after.type === 'Normal') return;
    for (const one of open.values()) {
      if (one.pod === undefined || after.object.uid !== one.pod.uid) continue;
      logs.note('event', `event ${after.reason}: ${after.message}`, one.source, after.at);
      flushSoon();
      return;
    }
  }

  function noteEvents(pod: PodRow, source: LogSource): void {
    for (const row of cluster.rowsOf(eventKind)) {
      const event = row as EventRow;
      if (event.object.uid !== pod.uid || event.type === 'Normal') continue;
      logs.note('event', `event ${event.reason}: ${event.message}`, source, event.at);
    }
  }

  const undo = [
    session.subscribe(look),
    cluster.onRow(podKind, (before, after) =>
      onPod(before as PodRow | undefined, after as PodRow | undefined),
    ),
    cluster.onRow(eventKind, (before, after) =>
      onEvent(after as EventRow | undefined, before as EventRow | undefined),
    ),
  ];
  look();

  return {
    retryNow() {
      for (const { follow: one } of open.values()) one?.retryNow();
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
      for (const stop of undo) stop();
      closeAll();
    },
  };
}

/** The smaller, the sooner: what has failed, then rank 0, then the rest. */
function interest(pod: PodRow): number {
  if (pod.trouble !== undefined || pod.phase === 'Failed') return 0;
  return rankOf(pod) === 0 ? 1 : 2;
}

function isRunning({ pod, source }: Open): boolean | undefined {
  if (source.isGone) return false;
  if (pod === undefined) return undefined;
  if (pod.phase === 'Succeeded' || pod.phase === 'Failed') return false;
  if (pod.trouble?.container === source.container) return pod.trouble.state === 'running';
  return pod.phase === 'Running' ? true : undefined;
}

const hasRunBefore = ({ pod, source }: Open): boolean =>
  pod !== undefined &&
  (pod.trouble?.container === source.container
    ? pod.trouble.last !== undefined || pod.trouble.restarts > 0
    : pod.restarts > 0);

interface Death {
  readonly container: string;
  readonly text: string;
  readonly at: number | undefined;
}

/** How a container ended between two states of its pod; undefined where none did. */
function deathOf(before: PodRow, after: PodRow): Death | undefined {
  const { trouble } = after;
  const was = before.trouble;
  if (trouble === undefined) {
    if (after.restarts <= before.restarts) return undefined;
    const container = after.spec.containers.find(({ kind }) => kind === 'main')?.name ?? '';
    return {
      container,
      text: `container ${container} restarted (restart ${after.restarts})`,
      at: after.lastRestartAt,
    };
  }
  const end =
    trouble.state === 'terminated'
      ? {
          reason: trouble.reason,
          exitCode: trouble.exitCode,
          signal: trouble.signal,
          finishedAt: trouble.finishedAt,
        }
      : trouble.last;
  if (end === undefined) return undefined;
  const former = was?.state === 'terminated' ? was.finishedAt : was?.last?.finishedAt;
  const isSame = was !== undefined && was.container === trouble.container && former === end.finishedAt;
  if (isSame) return undefined;
  const how = [
    end.exitCode === undefined ? '' : `exit ${end.exitCode}`,
    end.signal === undefined || end.signal === 0 ? '' : `signal ${end.signal}`,
    end.reason,
  ]
    .filter((part) => part !== '')
    .join(', ');
  const again = trouble.restarts > 0 ? `; restart ${trouble.restarts}` : '';
  return {
    container: trouble.container,
    text: `container ${trouble.container} terminated: ${how}${again}`,
    at: end.finishedAt,
  };
}

function stateOf(state: LogState): SourceState {
  switch (state.state) {
    case 'connecting':
    case 'following':
      return { state: state.state };
    case 'failed':
      return { state: 'failed', reason: state.error.message, hint: state.error.hint };
    default:
      return state;
  }
}

const waitingText = (reason: string, source: LogSource): string =>
  `${source.container} has not started (${lastPart(reason)}); its lines appear as soon as it does, E shows its events`;

/** `container "x" in pod "y" is waiting to start: ImagePullBackOff` says the name again; the reason is behind the colon. */
const lastPart = (reason: string): string => /waiting to start[:-] *(.+)$/.exec(reason)?.[1] ?? reason;

/** The stream did not come about at all. */
const unreachedText = (reason: string, { container }: LogSource): string =>
  /:10250|containerLogs/.test(reason)
    ? `The API server cannot reach the kubelet of its node, so ${container} cannot be read; it is tried again (esc, then o shows the node)`
    : `${container} cannot be read now: ${reason}; it is tried again`;

/** What happened, to what, and what to do. */
function failureText(error: KubeError, target: LogTarget, { container, pod }: LogSource): string {
  const { message, kind, hint } = error;
  if (/previous terminated container .* not found/.test(message))
    return `No previous run of ${container}: it has not restarted, or the node no longer keeps that log; p shows the current one`;
  if (kind === 'not-found') return `Pod ${pod} is gone, and its log with it; esc goes back`;
  if (kind === 'forbidden') return `Reading logs is forbidden. ${hint}`;
  if (/:10250|containerLogs/.test(message))
    return `The API server cannot reach the kubelet of this node (${message.slice(0, 160)}); esc, then o shows the node`;
  return `The log${target.previous === true ? ' of the previous run' : ''} cannot be read: ${message}. ${hint}`;
}
