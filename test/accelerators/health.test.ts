import { expect, test } from 'vitest';
import { type HealthSign, healthOf, healthOfSlice } from '../../src/accelerators/health.ts';
import { xidOf } from '../../src/accelerators/xid.ts';
import { nodes } from '../../src/resources/nodes.ts';
import { resourceslices } from '../../src/resources/resourceslices.ts';
import { recordedObjects } from '../recorded/read.ts';

const signs = (condition: object, labels: Record<string, string> = {}): readonly HealthSign[] =>
  healthOf(
    nodes.toRow(
      { metadata: { name: 'n', labels }, status: { conditions: [condition] } },
      { server: undefined },
    ),
  );

test('GKE keeps the codes as a JSON object in the reason', () => {
  const found = signs({ type: 'XidCriticalError', status: 'True', reason: '{"79":true,"119":true}' });
  expect(found.map(({ xid }) => [xid?.code, xid?.severity])).toEqual([
    [79, 'bad'],
    [119, 'bad'],
  ]);
});

test('EKS names the code in the reason, and False is the bad status', () => {
  expect(
    signs({ type: 'AcceleratedHardwareReady', status: 'False', reason: 'NvidiaXID79Error' })[0]?.xid?.code,
  ).toBe(79);
  expect(signs({ type: 'AcceleratedHardwareReady', status: 'True', reason: 'Ready' })).toEqual([]);
});

test('a condition without a code is a sign all the same', () => {
  expect(signs({ type: 'GPUMissing', status: 'True', message: '7 of 8' })[0]).toMatchObject({
    text: '7 of 8',
    xid: undefined,
  });
});

test('labels tell of layouts and drivers that failed', () => {
  const found = signs(
    {},
    { 'nvidia.com/mig.config.state': 'failed', 'nvidia.com/gpu.deploy.driver': 'paused-for-driver-upgrade' },
  );
  expect(found.map(({ source }) => source)).toEqual([
    'label nvidia.com/mig.config.state',
    'label nvidia.com/gpu.deploy.driver',
  ]);
});

test('a healthy node says nothing', () => {
  expect(signs({ type: 'Ready', status: 'True' }, { 'nvidia.com/mig.config.state': 'success' })).toEqual([]);
});

test('the recorded DRA slice names the device and its Xid', () => {
  const rows = recordedObjects('resourceslices.resource.k8s.io').objects.map((slice) =>
    resourceslices.toRow(slice, { server: undefined }),
  );
  const found = rows.flatMap(healthOfSlice);
  expect(found.map(({ source, xid }) => [source, xid?.code])).toEqual([['device gpu-3', 79]]);
});

test('an unknown code is a warning, not nothing', () => {
  expect(xidOf(999).severity).toBe('warn');
});
