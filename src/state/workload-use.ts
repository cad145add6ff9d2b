import type { Ledger } from '../accelerators/ledger.ts';
import type { PodRow } from '../resources/pod-row.ts';
import { pods } from '../resources/pods.ts';
import { anyResource, type Row } from '../resources/resource.ts';
import type { Workloads } from '../workloads/books.ts';
import type { UseSample } from '../workloads/pods-summary.ts';
import { workloads as workloadTable } from '../workloads/workloads.ts';
import type { Cluster } from './cluster.ts';
import type { Usage } from './usage.ts';

export interface WorkloadUse {
  /** Looks again where something was measured, or where what was measured has grown old. Cheap where neither is so. */
  readonly renew: (nowMs: number) => void;
  /** What has to be measured for these rows of a table: the pods of workloads, any other row itself. */
  readonly measured: (table: string, rows: readonly Row[]) => readonly Row[];
}

interface Told extends UseSample {
  readonly pod: PodRow;
}

/** Without a new reading, whether the last ones are still true is asked this often. */
const staleEveryMs = 10_000;

/** No screen needs the nodes of more pods; only their nodes are read. */
const podsAtMost = 2000;

/**
 * Brings what was measured of pods to the workloads they belong to, which then are Stalled or have a Straggler. Readings
 * that are old, and devices that nobody measures, say nothing: they are taken back.
 */
export function followWorkloadUse({
  cluster,
  usage,
  ledger,
  workloads,
}: {
  readonly cluster: Cluster;
  readonly usage: Usage;
  readonly ledger: Ledger;
  readonly workloads: Workloads;
}): WorkloadUse {
  const podKind = anyResource(pods);
  /** By the pod's UID. */
  let told = new Map<string, Told>();
  let epoch = -1;
  let renewedMs = Number.NEGATIVE_INFINITY;

  function read(nowMs: number): Map<string, Told> {
    const found = new Map<string, Told>();
    const names = new Set<string>();
    for (const { node } of usage.allDevices()) names.add(node);
    for (const node of names) {
      for (const entry of ledger.entriesOf(node)) {
        for (const { uid } of ledger.holders(entry)) {
          const pod = cluster.get(podKind, uid) as PodRow | undefined;
          if (pod === undefined || found.has(uid)) continue;
          const sample = sampleOf(pod, nowMs);
          if (sample !== undefined) found.set(uid, { ...sample, pod });
        }
      }
    }
    return found;
  }

  function sampleOf({ namespace, name, node }: PodRow, nowMs: number): UseSample | undefined {
    const reading = usage.devicesOf(namespace, name, node, nowMs);
    if (reading.kind === 'none' || reading.isStale || reading.value.busy === undefined) return undefined;
    const { busy, idleForMs } = reading.value;
    return { busy: busy.mean, idleSince: idleForMs === undefined ? undefined : reading.atMs - idleForMs };
  }

  return {
    renew(nowMs) {
      const isOld = told.size > 0 && nowMs - renewedMs >= staleEveryMs;
      if (usage.epoch() === epoch && !isOld) return;
      epoch = usage.epoch();
      renewedMs = nowMs;
      const next = read(nowMs);
      for (const [uid, { pod, busy, idleSince }] of next) {
        const before = told.get(uid);
        if (before?.busy !== busy || before.idleSince !== idleSince)
          workloads.putUse(pod, { busy, idleSince });
      }
      for (const [uid, { pod }] of told) if (!next.has(uid)) workloads.putUse(pod, undefined);
      told = next;
    },
    measured(table, rows) {
      if (table !== workloadTable.name) return rows;
      const found: PodRow[] = [];
      for (const { uid } of rows) {
        for (const pod of workloads.placedPodsOf(uid)) if (found.push(pod) >= podsAtMost) return found;
      }
      return found;
    },
  };
}
