import { type GpuHealthRow, gpuHealth, healthRows } from '../accelerators/gpu-health.ts';
import type { Ledger } from '../accelerators/ledger.ts';
import type { DerivedTable } from '../resources/resource.ts';
import type { DeviceWatch } from './device-watch.ts';
import type { Usage } from './usage.ts';

/** GPU health with what was measured and what was seen to go while mltop ran. */
export function liveHealth({
  usage,
  watch,
  ledger,
}: {
  readonly usage: Usage;
  readonly watch: DeviceWatch;
  readonly ledger: Ledger;
}): DerivedTable<GpuHealthRow> {
  return {
    ...gpuHealth,
    epoch: () => usage.epoch() + watch.version(),
    derive: (cluster) =>
      healthRows(cluster, {
        ledger,
        devices: usage.allDevices(),
        drops: watch.drops(),
        firstSeen: watch.firstSeen,
        deviceSource: usage.deviceSourceName(),
      }),
  };
}
