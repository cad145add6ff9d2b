import { describe, expect, test } from 'vitest';
import { migProfile, migSlices, shortModel } from '../../src/accelerators/models.ts';
import { hamiDevices, hamiShare, sharingOf, sharingText } from '../../src/accelerators/sharing.ts';
import { isAccelerator } from '../../src/resources/devices.ts';
import type { NodeRow } from '../../src/resources/node-row.ts';
import { nodes } from '../../src/resources/nodes.ts';

const nodeWith = (labels: Record<string, string>, annotations: Record<string, string> = {}): NodeRow =>
  nodes.toRow({ metadata: { name: 'n', labels, annotations } }, { server: undefined });

describe('a resource is an accelerator', () => {
  test.each([
    'nvidia.com/gpu',
    'nvidia.com/gpu.shared',
    'nvidia.com/mig-1g.10gb',
    'nvidia.com/mig-1g.10gb.me',
    'amd.com/gpu',
    'amd.com/cpx_nps4',
    'gpu.intel.com/i915',
    'gpu.intel.com/xe',
    'habana.ai/gaudi',
    'google.com/tpu',
    'cloud-tpus.google.com/v3',
    'aws.amazon.com/neuron',
    'aws.amazon.com/neuroncore',
    'huawei.com/Ascend910',
    'cambricon.com/vmlu',
    'hygon.com/dcunum',
    'metax-tech.com/gpu',
    'mthreads.com/vgpu',
    'iluvatar.ai/MR-V100-vgpu',
    'qualcomm.com/qaic',
  ])('%s', (name) => {
    expect(isAccelerator(name)).toBe(true);
  });

  test.each([
    'cpu',
    'memory',
    'hugepages-2Mi',
    'nvidia.com/gpumem',
    'nvidia.com/gpumem-percentage',
    'nvidia.com/gpucores',
    'nvidia.com/mlnxnics',
    'gpu.intel.com/monitoring',
    'gpu.intel.com/i915_monitoring',
    'rdma/hca',
    'vpc.amazonaws.com/efa',
    'example.com/gpu-license',
    '',
  ])('but not %s', (name) => {
    expect(isAccelerator(name)).toBe(false);
  });
});

test.each([
  ['NVIDIA-H100-80GB-HBM3', 'H100-80GB'],
  ['NVIDIA H100 80GB HBM3', 'H100-80GB'],
  ['NVIDIA-A100-SXM4-40GB-MIG-1g.5gb', 'A100-40GB'],
  ['NVIDIA-A100-SXM4-80GB', 'A100-80GB'],
  ['nvidia-h100-mega-80gb', 'H100-80GB-mega'],
  ['nvidia-h200-141gb', 'H200-141GB'],
  ['AMD_Instinct_MI300X_OAM', 'MI300X'],
  ['Tesla-T4-SHARED', 'T4'],
  ['nvidia-tesla-t4', 'T4'],
  ['NVIDIA-L40S', 'L40S'],
  ['NVIDIA GB200', 'GB200'],
  ['Max_1550', 'Max-1550'],
  ['tpu-v5-lite-podslice', 'tpu-v5-lite-podslice'],
  ['NVIDIA', 'NVIDIA'],
])('%s is called %s', (product, model) => {
  expect(shortModel(product)).toBe(model);
});

test('MIG profiles, and how much of a GPU each is', () => {
  expect(migProfile('nvidia.com/mig-3g.40gb')).toBe('3g.40gb');
  expect(migProfile('NVIDIA-A100-SXM4-40GB-MIG-1g.5gb')).toBe('1g.5gb');
  expect(migProfile('nvidia.com/gpu')).toBeUndefined();
  expect([migSlices('3g.40gb'), migSlices('7g.80gb'), migSlices('half')]).toEqual([3, 7, undefined]);
});

describe('what one unit is', () => {
  test.each<[Record<string, string>, string, string]>([
    [{}, 'nvidia.com/gpu', '-'],
    [{ 'nvidia.com/gpu.replicas': '1', 'nvidia.com/gpu.count': '8' }, 'nvidia.com/gpu', '-'],
    [{ 'nvidia.com/gpu.replicas': '10', 'nvidia.com/gpu.count': '4' }, 'nvidia.com/gpu', '×10 ts on 4'],
    [
      { 'nvidia.com/gpu.sharing-strategy': 'mps', 'nvidia.com/gpu.replicas': '4' },
      'nvidia.com/gpu.shared',
      '×4 mps',
    ],
    [{ 'nvidia.com/gpu.count': '8' }, 'nvidia.com/mig-1g.10gb', 'mig 1g.10gb on 8'],
    [{ 'nvidia.com/gpu.product': 'NVIDIA-A100-SXM4-40GB-MIG-1g.5gb' }, 'nvidia.com/gpu', 'mig 1g.5gb'],
    [
      {
        'cloud.google.com/gke-gpu-sharing-strategy': 'time-sharing',
        'cloud.google.com/gke-max-shared-clients-per-gpu': '3',
      },
      'nvidia.com/gpu',
      '×3 ts',
    ],
    [{ 'nvidia.com/gpu.replicas': '10' }, 'amd.com/gpu', '-'],
  ])('%j: %s is %s', (labels, resource, text) => {
    expect(sharingText(sharingOf(nodeWith(labels), resource))).toBe(text);
  });
});

describe('HAMi’s annotations', () => {
  const register = (text: string): unknown =>
    hamiDevices(nodeWith({}, { 'hami.io/node-nvidia-register': text }));

  test('as JSON and in the older form', () => {
    expect(
      register('[{"count":10,"devmem":46068,"devcore":100,"type":"NVIDIA-NVIDIA L40S","health":true}]'),
    ).toMatchObject({
      devices: 1,
      slots: 10,
      memoryMib: 46_068,
      cores: 100,
      healthy: 1,
    });
    expect(
      register('GPU-1,10,7680,100,NVIDIA-Tesla P4,0,true:GPU-2,10,7680,100,NVIDIA-Tesla P4,0,false:'),
    ).toMatchObject({
      devices: 2,
      healthy: 1,
      memoryMib: 15_360,
    });
  });

  test.each(['', '[', '[null]', '{}', 'nonsense', '[[[[', '[1,2]'])(
    'broken ones (%j) do not break us',
    (text) => {
      expect(() => register(text)).not.toThrow();
    },
  );

  test('a pod’s share adds up over its containers', () => {
    const share = (text: string): unknown => hamiShare({ 'hami.io/vgpu-devices-allocated': text });
    expect(share('GPU-1,NVIDIA,10000,30:;')).toEqual({ memoryMib: 10_000, cores: 30 });
    expect(share('GPU-1,NVIDIA,1000,10:GPU-2,NVIDIA,1000,10:;GPU-1,NVIDIA,500,5:;')).toEqual({
      memoryMib: 2_500,
      cores: 25,
    });
    expect(share(';;')).toBeUndefined();
  });
});
