import type { Connection } from '../../kube/contract.ts';
import { KubeError } from '../../kube/kube-error.ts';
import type { KubeObject } from '../../kube/object.ts';
import { list, record } from '../../resources/fields.ts';
import type { NodeRow } from '../../resources/node-row.ts';
import { nodes as nodeKind } from '../../resources/nodes.ts';
import type { PodRow } from '../../resources/pod-row.ts';
import { pods as podKind } from '../../resources/pods.ts';
import { anyResource } from '../../resources/resource.ts';
import type { DialogLine } from '../../state/dialog.ts';
import { type Action, type ActionContext, say } from '../action.ts';
import { wordsOf } from './flow.ts';
import { comebackOf, devicesText, isAlive, podImpact } from './impact.ts';
import {
  eviction,
  graces,
  type Operation,
  type Outcome,
  objectAt,
  type Plan,
  patching,
  type Running,
  type WriteContext,
} from './plan.ts';
import { noRow, writeAction } from './write-action.ts';

const rowsOf = ({ rows }: ActionContext): readonly NodeRow[] => rows as readonly NodeRow[];

const cordoning = (row: NodeRow, unschedulable: boolean): Operation =>
  patching(objectAt(anyResource(nodeKind), row), 'strategic', { spec: { unschedulable } });

function cordonPlan(rows: readonly NodeRow[], isOn: boolean): Plan | undefined {
  const [first] = rows;
  if (first === undefined) return undefined;
  const verb = isOn ? 'Cordon' : 'Uncordon';
  const what = rows.length === 1 ? first.name : `${rows.length} nodes`;
  return {
    action: verb.toLowerCase(),
    title: `${verb} ${rows.length === 1 ? 'node' : what}`,
    verb,
    risk: rows.length > 5 ? 'destructive' : 'reversible',
    names: rows.map((row) => `node ${row.name}`),
    toType:
      rows.length === 1
        ? { what: 'node name', text: first.name }
        : { what: 'number of nodes', text: String(rows.length) },
    impact: [
      isOn
        ? { label: 'effect', text: 'no new pods there; those that run go on' }
        : { label: 'effect', text: 'the scheduler may use it again' },
    ],
    kubectl: [verb.toLowerCase(), ...rows.map((row) => row.name)],
    operations: rows.map((row) => cordoning(row, isOn)),
    done: `${verb}ed ${what}.`,
    undo: isOn ? 'Undo: u uncordons.' : 'Undo: c cordons.',
  };
}

export const cordon: Action = writeAction({
  id: 'cordon',
  keys: ['c'],
  title: 'cordon: no new pods there (C copies the name)',
  places: ['nodes'],
  risk: 'reversible',
  hint: { order: 4, word: 'cordon' },
  whyNot: (context) =>
    noRow(context) ??
    (rowsOf(context).every((row) => row.unschedulable) ? 'It is cordoned already; u uncordons.' : undefined),
  kubectl: (context) => ['cordon', ...rowsOf(context).map((row) => row.name)],
  plan: (context) =>
    cordonPlan(
      rowsOf(context).filter((row) => !row.unschedulable),
      true,
    ),
});

export const uncordon: Action = writeAction({
  id: 'uncordon',
  keys: ['u'],
  title: 'uncordon: the scheduler may use it again',
  places: ['nodes'],
  risk: 'reversible',
  whyNot: (context) =>
    noRow(context) ??
    (rowsOf(context).every((row) => !row.unschedulable) ? 'It is not cordoned.' : undefined),
  kubectl: (context) => ['uncordon', ...rowsOf(context).map((row) => row.name)],
  plan: (context) =>
    cordonPlan(
      rowsOf(context).filter((row) => row.unschedulable),
      false,
    ),
});

interface NodePods {
  /** To be evicted. */
  readonly going: readonly PodRow[];
  readonly daemons: number;
  readonly mirrors: number;
  readonly finished: number;
  /** Names of those that lose what they wrote to an emptyDir. */
  readonly emptyDirs: ReadonlySet<string>;
}

/** What runs on a node, asked now: a drain must know all of it. Rejects with KubeError. */
async function podsOn(read: Connection, node: string): Promise<NodePods> {
  const going: PodRow[] = [];
  const emptyDirs = new Set<string>();
  const counts = { daemons: 0, mirrors: 0, finished: 0 };
  for await (const page of read.pages('/api/v1/pods', { fieldSelector: `spec.nodeName=${node}` })) {
    if (page.restarted) {
      going.length = 0;
      Object.assign(counts, { daemons: 0, mirrors: 0, finished: 0 });
    }
    for (const object of page.items) {
      const pod = podKind.toRow(object, { server: undefined });
      if (pod.owner?.kind === 'Node' || isMirror(object)) counts.mirrors += 1;
      else if (pod.phase === 'Succeeded' || pod.phase === 'Failed') counts.finished += 1;
      else if (pod.owner?.kind === 'DaemonSet') counts.daemons += 1;
      else {
        going.push(pod);
        if (hasEmptyDir(object)) emptyDirs.add(pod.uid);
      }
    }
  }
  return { going, ...counts, emptyDirs };
}

const isMirror = ({ metadata }: KubeObject): boolean =>
  metadata?.annotations?.['kubernetes.io/config.mirror'] !== undefined;

const hasEmptyDir = (object: KubeObject): boolean =>
  list(record(object['spec'])['volumes']).some((volume) => record(volume)['emptyDir'] !== undefined);

/** Dry-run evictions at a time, and real ones. */
const evictionsAtOnce = 8;
/** Between two tries of an eviction that a budget refuses (kubectl drain: 5 s). */
const retryMs = 5000;
const lookMs = 2000;

const isBudget = (error: unknown): error is KubeError => error instanceof KubeError && error.status === 429;

export const drain: Action = writeAction({
  id: 'drain',
  keys: ['r'],
  title: 'drain: cordon it and evict its pods, after a preview',
  places: ['nodes'],
  risk: 'destructive',
  whyNot: (context) =>
    noRow(context) ?? (context.rows.length > 1 ? 'One node at a time: clear the marks.' : undefined),
  kubectl: ({ row }) => (row === undefined ? undefined : ['drain', row.name, '--ignore-daemonsets']),
  async plan(context) {
    const [node] = rowsOf(context);
    const read = context.hands.access()?.read;
    if (node === undefined || read === undefined) return undefined;
    let found: NodePods;
    try {
      found = await podsOn(read, node.name);
    } catch (error) {
      say(context, `The pods of ${node.name} cannot be read: ${wordsOf(error)}`, 'bad');
      return undefined;
    }
    return drainPlan(context, { read, node, found }, { grace: 0, timeout: 0 });
  },
});

interface Draining {
  readonly read: Connection;
  readonly node: NodeRow;
  readonly found: NodePods;
}

/** Which of the choices; they go round. */
interface DrainOptions {
  readonly grace: number;
  readonly timeout: number;
}

/** Minutes after which a drain gives up; undefined: it waits for its budgets and grace periods for as long as it takes. */
const timeouts: readonly (number | undefined)[] = [undefined, 5, 15, 60];

function drainPlan(context: WriteContext, draining: Draining, options: DrainOptions): Plan {
  const { node, found } = draining;
  const { going, emptyDirs } = found;
  const grace = graces[options.grace % graces.length];
  const minutes = timeouts[options.timeout % timeouts.length];
  const again = (more: Partial<DrainOptions>): Plan => drainPlan(context, draining, { ...options, ...more });
  const bare = going.filter((pod) => comebackOf(pod.owner) === 'no');
  const lost = going.filter((pod) => emptyDirs.has(pod.uid));
  const gpuPods = going.filter((pod) => isAlive(pod) && devicesText([pod]) !== undefined);
  const operations = going.map((pod) => eviction(objectAt(anyResource(podKind), pod), grace));
  return {
    action: 'drain',
    title: 'Drain node',
    verb: 'Drain',
    risk: 'destructive',
    names: [`node ${node.name}`],
    toType: { what: 'node name', text: node.name },
    impact: [
      {
        label: 'evicts',
        text: `${going.length} ${going.length === 1 ? 'pod' : 'pods'}; stays: ${found.daemons} of DaemonSets, ${found.mirrors} static, ${found.finished} finished`,
      },
      ...(gpuPods.length === 0
        ? []
        : [{ label: 'GPU jobs', text: `${namesOf(gpuPods)}`, tone: 'warn' as const }]),
      ...podImpact(going, context.cluster).filter(({ label }) => label !== 'owner'),
      ...(bare.length === 0
        ? []
        : [
            {
              label: 'no owner',
              text: `${namesOf(bare)}: nothing brings ${bare.length === 1 ? 'it' : 'them'} back`,
              tone: 'bad' as const,
            },
          ]),
      ...(lost.length === 0
        ? []
        : [{ label: 'emptyDir', text: `${namesOf(lost)}: what is in it is lost`, tone: 'bad' as const }]),
      {
        label: 'how',
        text: `grace ${grace === undefined ? 'the pods’ own' : `${grace}s`}, ${minutes === undefined ? 'no timeout' : `gives up after ${minutes}m`}`,
        tone: 'dim',
      },
    ],
    kubectl: [
      'drain',
      node.name,
      '--ignore-daemonsets',
      ...(lost.length > 0 ? ['--delete-emptydir-data'] : []),
      ...(bare.length > 0 ? ['--force'] : []),
      ...(grace === undefined ? [] : [`--grace-period=${grace}`]),
      ...(minutes === undefined ? [] : [`--timeout=${minutes}m`]),
    ],
    operations: [cordoning(node, true), ...operations.slice(0, 1)],
    rehearse: async (write, signal) => {
      await write.request({ ...cordoning(node, true).request({ dryRun: true, version: undefined }), signal });
      return rehearsal(write, operations, signal);
    },
    execute: (running) => evictAll(running, draining, operations, minutes),
    stoppable: true,
    switches: [
      { key: 'G', text: 'grace', next: () => again({ grace: options.grace + 1 }) },
      { key: 'T', text: 'timeout', next: () => again({ timeout: options.timeout + 1 }) },
    ],
    done: '',
    undo: undoDrain,
  };
}

const namesOf = (pods: readonly PodRow[]): string => {
  const names = pods.map((pod) => `${pod.namespace}/${pod.name}`);
  return names.length <= 4
    ? names.join(', ')
    : `${names.slice(0, 4).join(', ')} and ${names.length - 4} more`;
};

/** Each eviction as a dry-run: which a budget refuses now. Another refusal than that ends it: nothing of the drain would work. */
async function rehearsal(
  write: Connection,
  operations: readonly Operation[],
  signal: AbortSignal,
): Promise<readonly DialogLine[]> {
  const refused: string[] = [];
  await inBatches(operations, async (operation) => {
    try {
      await write.request({ ...operation.request({ dryRun: true, version: undefined }), signal });
    } catch (error) {
      if (error instanceof KubeError && error.kind === 'not-found') return;
      if (!isBudget(error)) throw error;
      refused.push(`${operation.at.namespace}/${operation.at.name}: ${wordsOf(error)}`);
    }
  });
  if (refused.length === 0)
    return [{ label: 'budgets', text: 'allow each eviction by itself', tone: 'good' }];
  return [
    {
      label: 'budgets',
      text: `hold back ${refused.length} of ${operations.length} now; the drain waits for them`,
      tone: 'warn',
    },
    ...refused.slice(0, 3).map((text): DialogLine => ({ label: '', text, tone: 'warn' })),
  ];
}

async function inBatches<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < all.length; at += evictionsAtOnce)
    await Promise.all(all.slice(at, at + evictionsAtOnce).map(work));
}

async function evictAll(
  running: Running,
  { read, node }: Draining,
  operations: readonly Operation[],
  minutes: number | undefined,
): Promise<Outcome> {
  const ends = [running.signal, ...(minutes === undefined ? [] : [AbortSignal.timeout(minutes * 60_000)])];
  const end = AbortSignal.any(ends);
  await running.send(cordoning(node, true));
  let waiting = [...operations];
  const failures: string[] = [];
  const accepted = new Set<string>();
  let why = '';
  const tell = (gone: number): void =>
    running.progress([
      { text: `${accepted.size} of ${operations.length} evicted, ${gone} gone` },
      ...(waiting.length === 0
        ? [{ text: 'waiting for their grace periods; esc leaves it to the cluster', tone: 'dim' as const }]
        : [{ text: `${waiting.length} held back: ${why}`, tone: 'warn' as const }]),
      { text: 'esc stops; the node stays cordoned', tone: 'dim' },
    ]);
  while (waiting.length > 0 && !end.aborted) {
    const heldBack: Operation[] = [];
    await inBatches(waiting, async (operation) => {
      if (end.aborted) return;
      try {
        await running.send(operation);
        accepted.add(operation.at.uid);
      } catch (error) {
        if (isBudget(error)) {
          heldBack.push(operation);
          why = wordsOf(error);
        } else if (error instanceof KubeError && error.kind === 'not-found') accepted.add(operation.at.uid);
        else failures.push(`${operation.at.name}: ${wordsOf(error)}`);
      }
      waiting = [...heldBack];
      tell(0);
    });
    waiting = heldBack;
    if (waiting.length > 0) await pause(retryMs, end);
  }
  const left = await waitForEnd(end, read, node.name, accepted, (remaining) =>
    tell(accepted.size - remaining),
  );
  return report(node.name, {
    total: operations.length,
    accepted: accepted.size,
    left,
    failures,
    stopped: !end.aborted
      ? undefined
      : running.signal.aborted
        ? 'stopped'
        : `gave up after ${minutes ?? 0}m: ${why === '' ? 'pods are still ending' : why}`,
  });
}

/** Until what was evicted is gone; gives how many are still there when it was stopped. */
async function waitForEnd(
  end: AbortSignal,
  read: Connection,
  node: string,
  accepted: ReadonlySet<string>,
  tell: (left: number) => void,
): Promise<number> {
  for (;;) {
    const there = await podsOn(read, node).catch(() => undefined);
    const left =
      there === undefined ? accepted.size : there.going.filter((pod) => accepted.has(pod.uid)).length;
    tell(left);
    if (left === 0 || end.aborted) return left;
    await pause(lookMs, end);
  }
}

interface DrainResult {
  readonly total: number;
  readonly accepted: number;
  readonly left: number;
  readonly failures: readonly string[];
  /** How it ended before its time; undefined: it did not. */
  readonly stopped: string | undefined;
}

const undoDrain = 'Undo: u uncordons it.';

function report(node: string, { total, accepted, left, failures, stopped }: DrainResult): Outcome {
  if (failures.length > 0)
    return {
      text: `Drain of ${node}: ${accepted} of ${total} evicted. ${failures.join('; ')} ${undoDrain}`,
      isBad: true,
    };
  if (stopped !== undefined)
    return {
      text: `Drain of ${node} ${stopped}; ${accepted} of ${total} evicted, ${left} still ending.${accepted < total ? ` ${undoDrain}` : ''}`,
      isBad: accepted < total,
    };
  return { text: `Drained ${node}: ${accepted} pods evicted.`, isBad: false };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
