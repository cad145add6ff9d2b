import { expect, test } from 'vitest';
import { fitRows } from '../../src/workloads/fit-table.ts';
import { schedulingOf } from '../../src/workloads/sources.ts';
import { catalogueCluster } from './cluster.ts';

const ledger = schedulingOf(catalogueCluster());
const planOf = (gpus: number) => fitRows(ledger, ['H100-80GB']).find((row) => row.gpus === gpus);

test('H100: pods of 1, 2, 4 and 8 that could start now are 4, 2, 0 and 0', () => {
  expect([1, 2, 4, 8].map((gpus) => planOf(gpus)?.possible)).toEqual([4, 2, 0, 0]);
  expect(planOf(1)).toMatchObject({ where: 'gpu-h100-[01,05]', largestBlock: 2, room: '' });
});

test('where nothing fits, the cheapest way to room is said', () => {
  expect(planOf(4)?.room).toBe('gpu-h100-03: uncordon it');
  expect(planOf(8)?.room).toContain('team-b/stuck-term-0 (4)');
});
