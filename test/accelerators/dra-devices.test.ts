import { expect, test } from 'vitest';
import { draDevices, draPlace } from '../../src/accelerators/dra-devices.ts';
import { ledgerOf } from '../../src/accelerators/gpus.ts';
import { cellText } from '../../src/resources/columns.ts';
import { deviceTable } from '../../src/state/device-table.ts';
import { createUsage } from '../../src/state/usage.ts';
import { catalogueObjects, clusterOf } from '../workloads/cluster.ts';

const now = Date.parse('2026-09-30T14:00:00Z');
const cluster = clusterOf(catalogueObjects('nodes', 'pods', 'dra'));

test('DRA names the device that each pod has, and the claim where no pod uses it', () => {
  const devices = draDevices(cluster).get(draPlace('gpu-dra-01', 'gpu.nvidia.com')) ?? expect.fail();
  expect(devices.map(({ name, model, holders }) => [name, model, ...holders])).toEqual([
    ['gpu-0', 'GB200', 'dra/gb200-infer-0'],
    ['gpu-1', 'GB200', 'dra/legacy-request-0'],
    ['gpu-2', 'GB200', 'dra/claim:shared-notebook'],
    ['gpu-3', 'GB200', 'dra/gb200-infer-1'],
  ]);
  expect(devices.map(({ taints }) => taints.length > 0)).toEqual([false, false, false, true]);
});

test('the view of devices shows them by name; one that its driver taints is a fault and says why', () => {
  const table = deviceTable(
    createUsage(),
    () => ledgerOf(cluster),
    () => now,
  );
  const rows = table.derive(cluster, now).filter(({ node }) => node === 'gpu-dra-01');
  const cell = (row: (typeof rows)[number], title: string): string =>
    cellText(table.columns.find((column) => column.title === title) ?? expect.fail(title), row, now);
  expect(rows.map((row) => [cell(row, 'GPU'), cell(row, 'HOLDER')])).toEqual([
    ['gpu-0', 'dra/gb200-infer-0'],
    ['gpu-1', 'dra/legacy-request-0'],
    ['gpu-2', 'dra/claim:shared-notebook'],
    ['gpu-3', 'dra/gb200-infer-1'],
  ]);
  expect(rows.filter((row) => table.fault?.(row, now)).map(({ index }) => index)).toEqual(['gpu-3']);
  expect(rows.map((row) => table.why?.(row, now))).toEqual([
    undefined,
    undefined,
    undefined,
    expect.stringContaining('its driver taints it: gpu.nvidia.com/xid=79:NoSchedule'),
  ]);
});
