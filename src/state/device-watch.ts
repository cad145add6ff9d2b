import type { AllocatableDrop } from '../accelerators/gpu-health.ts';
import { isAccelerator } from '../resources/devices.ts';
import type { NodeRow } from '../resources/node-row.ts';
import { nodes } from '../resources/nodes.ts';
import { anyResource } from '../resources/resource.ts';
import type { Cluster } from './cluster.ts';

/** What only somebody who watches can know: that a node had a device, and then had not. */
export interface DeviceWatch {
  /** The oldest first. */
  readonly drops: () => readonly AllocatableDrop[];
  /** When this sign of a device was first read; the first call for a sign sets it. Epoch ms. */
  readonly firstSeen: (sign: string) => number;
  /** Grows with every drop. */
  readonly version: () => number;
  readonly clear: () => void;
  readonly stop: () => void;
}

/** What a day on a big cluster brings; more is an outage, which says itself. */
const dropsAtMost = 500;
const signsAtMost = 10_000;

export function createDeviceWatch(cluster: Cluster, clock: () => number): DeviceWatch {
  let drops: AllocatableDrop[] = [];
  const signs = new Map<string, number>();
  let version = 0;

  function compare(before: NodeRow, after: NodeRow): void {
    if (before.allocatable === after.allocatable) return;
    for (const resource of new Set([...Object.keys(before.allocatable), ...Object.keys(after.allocatable)])) {
      if (!isAccelerator(resource)) continue;
      const [had, has] = [before.allocatable[resource] ?? 0, after.allocatable[resource] ?? 0];
      if (has < had) lost(after.name, resource, had, has);
      else if (has > had) cameBack(after.name, resource, has);
    }
  }

  function lost(node: string, resource: string, before: number, after: number): void {
    drops = [...drops, { node, resource, before, after, atMs: clock(), backAtMs: undefined }].slice(
      -dropsAtMost,
    );
    version += 1;
  }

  function cameBack(node: string, resource: string, now: number): void {
    drops = drops.map((drop) =>
      drop.node === node && drop.resource === resource && drop.backAtMs === undefined && now >= drop.before
        ? { ...drop, backAtMs: clock() }
        : drop,
    );
    version += 1;
  }

  // A node that was made anew under its name is another row with another uid: that is no drop.
  const stop = cluster.onRow(anyResource(nodes), (before, after) => {
    if (before === undefined || after === undefined || before === after) return;
    // The rows of a resource's hook are that resource's own.
    compare(before as NodeRow, after as NodeRow);
  });

  return {
    drops: () => drops,
    firstSeen(sign) {
      const known = signs.get(sign);
      if (known !== undefined) return known;
      const now = clock();
      if (signs.size < signsAtMost) signs.set(sign, now);
      return now;
    },
    version: () => version,
    clear() {
      drops = [];
      signs.clear();
      version += 1;
    },
    stop,
  };
}
