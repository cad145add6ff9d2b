import { evaluate } from '../checklist/evaluate.ts';
import { buildIndex } from '../checklist/evidence-index.ts';
import type { NodeRow } from '../resources/node-row.ts';
import { nodes } from '../resources/nodes.ts';
import type { PodRow } from '../resources/pod-row.ts';
import { pods } from '../resources/pods.ts';
import { anyResource } from '../resources/resource.ts';
import { isWaiting } from '../scheduling/explain.ts';
import { createLedger, type Ledger } from '../scheduling/ledger.ts';
import type { Cluster } from './cluster.ts';
import { nodeObject, podObject } from './row-objects.ts';

/** What every node has given away, as the scheduler counts it: made when first asked for, and kept from then on. */
export interface SchedulerBooks {
  /** Undefined until it is made; `onReady` is then called once. */
  readonly ledger: (onReady: () => void) => Ledger | undefined;
  readonly stop: () => void;
}

/** Longer than this, and a key would wait. */
const sliceMs = 6;

export function createSchedulerBooks(cluster: Cluster): SchedulerBooks {
  const waiting = new Set<() => void>();
  let ledger: Ledger | undefined;
  let isReady = false;
  let isStopped = false;
  let stops: readonly (() => void)[] = [];

  function* make(into: Ledger): Generator<undefined, void> {
    let seen = 0;
    for (const row of [...cluster.rowsOf(nodes)]) into.putNode(row);
    yield;
    for (const row of [...cluster.rowsOf(pods)]) {
      // What went while this was under way must not come back.
      if (cluster.get(anyResource(pods), row.uid) === row) into.putPod(row);
      seen += 1;
      if (seen % 256 === 0) yield;
    }
    yield* warmUp(into);
  }

  /**
   * The first question on 5,000 nodes would pay for everything that is made once: some of the pods that wait are asked
   * about a few of the nodes, and the answers are thrown away.
   */
  function* warmUp(into: Ledger): Generator<undefined, void> {
    const nodesHere = [...into.accounts()].map(({ node }) => node);
    for (const [at, node] of nodesHere.entries()) {
      nodeObject(node);
      if (at % 256 === 0) yield;
    }
    const some = nodesHere.slice(0, 256);
    const few = createLedger();
    for (const node of some) few.putNode(node);
    const waiting = new Map<PodRow['spec'], PodRow>();
    for (const pod of into.pods()) if (waiting.size < 12 && isWaiting(pod)) waiting.set(pod.spec, pod);
    for (const pod of waiting.values()) {
      const object = podObject(pod);
      const objects = [object, ...some.map(nodeObject)];
      evaluate(
        buildIndex({ objects, listed: ['Pod', 'Node'], now: pod.createdAt ?? 0, ledger: few }),
        object,
      );
      yield;
    }
  }

  function start(): Ledger {
    const made = createLedger();
    // Changes from now on come over these; those before are in the rows. Rows of a hook are its resource's own.
    stops = [
      cluster.onRow(anyResource(nodes), (before, after) => {
        if (before === after) return;
        if (after === undefined) made.removeNode((before as NodeRow).name);
        else made.putNode(after as NodeRow);
      }),
      cluster.onRow(anyResource(pods), (before, after) => {
        if (before === after) return;
        if (after === undefined) made.removePod((before as PodRow).uid);
        else made.putPod(after as PodRow);
      }),
    ];
    const work = make(made);
    const slice = (): void => {
      if (isStopped) return;
      const deadline = performance.now() + sliceMs;
      while (performance.now() < deadline) {
        if (work.next().done !== true) continue;
        isReady = true;
        for (const call of waiting) call();
        waiting.clear();
        return;
      }
      setImmediate(slice);
    };
    setImmediate(slice);
    return made;
  }

  return {
    ledger(onReady) {
      ledger ??= start();
      if (isReady) return ledger;
      waiting.add(onReady);
      return undefined;
    },
    stop() {
      isStopped = true;
      for (const stop of stops) stop();
    },
  };
}
