import fc from 'fast-check';
import { expect, test } from 'vitest';
import { collectDevices, type DeviceUse, isDeviceMetric } from '../../src/accelerators/device-use.ts';
import { readExposition, type Sample } from '../../src/accelerators/exposition.ts';

/** Lines that dcgm-exporter really wrote (gpu.md 4.3). */
const written = `# HELP DCGM_FI_DEV_GPU_UTIL GPU utilization (in %).
# TYPE DCGM_FI_DEV_GPU_UTIL gauge
DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-c4529c8d-69c4-b61d-e0bc-7b2460096005",pci_bus_id="00000000:53:00.0",device="nvidia0",modelName="NVIDIA H100 80GB HBM3",Hostname="gpu-node-1",DCGM_FI_DRIVER_VERSION="580.105.08",container="main",namespace="dynamo-workload",pod="vllm-agg-0-vllmdecodeworker-s65j5",pod_uid=""} 87
DCGM_FI_DEV_GPU_UTIL{gpu="1",UUID="GPU-bc5610b9-79c8-fedd-8899-07539c7f868a",pci_bus_id="00000000:64:00.0",device="nvidia1",modelName="NVIDIA H100 80GB HBM3",Hostname="gpu-node-1",DCGM_FI_DRIVER_VERSION="580.105.08"} 0
# HELP DCGM_FI_DEV_FB_USED Framebuffer memory used (in MiB).
# TYPE DCGM_FI_DEV_FB_USED gauge
DCGM_FI_DEV_FB_USED{gpu="0",UUID="GPU-c4529c8d-69c4-b61d-e0bc-7b2460096005",pci_bus_id="00000000:53:00.0",device="nvidia0",modelName="NVIDIA H100 80GB HBM3",Hostname="gpu-node-1",DCGM_FI_DRIVER_VERSION="580.105.08",container="main",namespace="dynamo-workload",pod="vllm-agg-0-vllmdecodeworker-s65j5",pod_uid=""} 72915
# HELP DCGM_FI_DEV_XID_ERRORS Value of the last XID error encountered.
# TYPE DCGM_FI_DEV_XID_ERRORS gauge
DCGM_FI_DEV_XID_ERRORS{gpu="0",UUID="GPU-c4529c8d-69c4-b61d-e0bc-7b2460096005",pci_bus_id="00000000:53:00.0",device="nvidia0",modelName="NVIDIA H100 80GB HBM3",Hostname="gpu-node-1",DCGM_FI_DRIVER_VERSION="580.105.08",container="main",namespace="dynamo-workload",pod="vllm-agg-0-vllmdecodeworker-s65j5",pod_uid=""} 79
# HELP DCGM_FI_PROF_GR_ENGINE_ACTIVE Ratio of time the graphics engine is active.
# TYPE DCGM_FI_PROF_GR_ENGINE_ACTIVE gauge
DCGM_FI_PROF_GR_ENGINE_ACTIVE{gpu="0",UUID="GPU-34319582-d595-d1c7-d1d2-179bcfa61660",device="nvidia0",GPU_I_PROFILE="1g.5gb",GPU_I_ID="13",Hostname="ub20-a100-k8s"} 0.995687
DCGM_FI_DEV_MEMORY_TEMP{gpu="0",UUID="GPU-604ac76c-d9cf-fef3-62e9-d92044ab6e52",device="nvidia0"} 9223372036854775794
`;

function samplesOf(text: string, cutAt: readonly number[] = [], wants = (_: string) => true): Sample[] {
  const samples: Sample[] = [];
  const reader = readExposition(wants, (sample) => samples.push(sample));
  let from = 0;
  for (const at of [...cutAt].sort((a, b) => a - b)) {
    reader.push(text.slice(from, at));
    from = at;
  }
  reader.push(text.slice(from));
  reader.end();
  return samples;
}

function devicesOf(text: string, node = 'gpu-node-1'): readonly DeviceUse[] {
  const collector = collectDevices(() => node);
  const reader = readExposition(isDeviceMetric, collector.add);
  reader.push(text);
  reader.end();
  return collector.devices();
}

const byUuid = (devices: readonly DeviceUse[], start: string): DeviceUse | undefined =>
  devices.find(({ uuid }) => uuid.startsWith(start));

test('lines of a real exporter are read, comments are not samples', () => {
  const samples = samplesOf(written);
  expect(samples.map(({ name, value }) => [name, value])).toEqual([
    ['DCGM_FI_DEV_GPU_UTIL', 87],
    ['DCGM_FI_DEV_GPU_UTIL', 0],
    ['DCGM_FI_DEV_FB_USED', 72915],
    ['DCGM_FI_DEV_XID_ERRORS', 79],
    ['DCGM_FI_PROF_GR_ENGINE_ACTIVE', 0.995687],
    ['DCGM_FI_DEV_MEMORY_TEMP', 2 ** 63],
  ]);
  expect(samples[0]?.labels.get('pci_bus_id')).toBe('00000000:53:00.0');
});

test('wherever the network cuts, the samples are the same', () => {
  const whole = samplesOf(written);
  fc.assert(
    fc.property(fc.array(fc.nat(written.length)), (cuts) => {
      expect(samplesOf(written, cuts)).toEqual(whole);
    }),
  );
});

test('label values may hold commas, braces and quotes; a time stamp may follow; the last line needs no end', () => {
  const [sample] = samplesOf('up{a="x,y}z",b="say \\"hi\\"\\n", c = "\\\\"} 1.5e3 1700000000000');
  expect([...(sample?.labels ?? [])]).toEqual([
    ['a', 'x,y}z'],
    ['b', 'say "hi"\n'],
    ['c', '\\'],
  ]);
  expect(sample?.value).toBe(1500);
});

test('a line that is none costs only itself', () => {
  const text = 'a{b="c 1\na{b=c} 1\na 1x\n{} 3\na{b="c"} NaN\na +Inf\na 0x10\na 7\n';
  expect(samplesOf(text).map(({ value }) => value)).toEqual([Number.NaN, Number.POSITIVE_INFINITY, 7]);
});

test('any text leaves the reader standing', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 400 }), (text) => {
      samplesOf(text);
    }),
  );
});

test('a line that never ends does not fill the memory, and what follows it is read', () => {
  const endless = `a{b="${'x'.repeat(200_000)}`;
  expect(samplesOf(`${endless}\nup 1\n`, [50_000, 100_000, 150_000])).toMatchObject([
    { name: 'up', value: 1 },
  ]);
});

test('a device has its holder, its memory and its last Xid; who has no pod is free', () => {
  const devices = devicesOf(written);
  expect(byUuid(devices, 'GPU-c452')).toMatchObject({
    node: 'gpu-node-1',
    index: '0',
    model: 'H100-80GB',
    driver: '580.105.08',
    holders: [{ namespace: 'dynamo-workload', pod: 'vllm-agg-0-vllmdecodeworker-s65j5', container: 'main' }],
    busy: 0.87,
    memoryUsed: 72915 * 2 ** 20,
    memoryTotal: undefined,
    xid: 79,
  });
  expect(byUuid(devices, 'GPU-bc56')).toMatchObject({ busy: 0, holders: [], xid: undefined });
});

test('an instance of MIG has its own use, by the engine: it has no GPU_UTIL', () => {
  expect(byUuid(devicesOf(written), 'GPU-3431')).toMatchObject({
    key: 'GPU-34319582-d595-d1c7-d1d2-179bcfa61660/13',
    mig: { profile: '1g.5gb', instance: '13' },
    busy: 0.995687,
  });
});

test("DCGM's blank values are no measurements", () => {
  expect(byUuid(devicesOf(written), 'GPU-604a')).toBeUndefined();
  const [device] = devicesOf(
    'DCGM_FI_DEV_GPU_TEMP{gpu="0",UUID="a"} 2147483634\nDCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="a"} 140737488355328\nDCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="a"} 3\n',
  );
  expect(device).toMatchObject({ busy: 0.03, temperature: undefined, watts: undefined });
});

test('what a GPU shares among pods is not added up', () => {
  const line = (pod: string): string =>
    `DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="a",namespace="ns",pod="${pod}",container="c"} 40\n`;
  const [device, ...others] = devicesOf(line('one') + line('two'));
  expect(others).toEqual([]);
  expect(device).toMatchObject({ busy: 0.4 });
  expect(device?.holders.map(({ pod }) => pod)).toEqual(['one', 'two']);
});

test('the total of memory is what is used, free and reserved, unless it is told', () => {
  const [summed] = devicesOf(
    'DCGM_FI_DEV_FB_USED{UUID="a"} 100\nDCGM_FI_DEV_FB_FREE{UUID="a"} 50\nDCGM_FI_DEV_FB_RESERVED{UUID="a"} 10\n',
  );
  expect(summed?.memoryTotal).toBe(160 * 2 ** 20);
  const [told] = devicesOf('DCGM_FI_DEV_FB_USED{UUID="a"} 100\nDCGM_FI_DEV_FB_TOTAL{UUID="a"} 500\n');
  expect(told?.memoryTotal).toBe(500 * 2 ** 20);
});

test('Prometheus calls the exporter "pod" and the holder "exported_pod"', () => {
  const line = (labels: string): string =>
    `DCGM_FI_DEV_GPU_UTIL{UUID="a",instance="10.0.0.1:9400",job="dcgm",${labels}} 1\n`;
  expect(
    devicesOf(
      line(
        'pod="dcgm-exporter-x",namespace="gpu-operator",exported_pod="train-0",exported_namespace="team",exported_container="main"',
      ),
    )[0]?.holders,
  ).toEqual([{ namespace: 'team', pod: 'train-0', container: 'main' }]);
  expect(devicesOf(line('pod="dcgm-exporter-x",namespace="gpu-operator"'))[0]?.holders).toEqual([]);
  expect(devicesOf(line('pod="train-0",namespace="team"'))[0]?.holders).toMatchObject([{ pod: 'train-0' }]);
});

test('bad throttling is named, a power cap is normal', () => {
  const throttled = (mask: number): readonly string[] | undefined =>
    devicesOf(`DCGM_FI_DEV_CLOCKS_EVENT_REASONS{UUID="a"} ${mask}\n`)[0]?.throttled;
  expect(throttled(0x4)).toEqual([]);
  expect(throttled(0x44)).toEqual(['hardware thermal']);
  expect(devicesOf('DCGM_FI_DEV_GPU_UTIL{UUID="a"} 1\n')[0]?.throttled).toBeUndefined();
});

test("AMD's exporter is read too, with and without a prefix", () => {
  const labels =
    'card_model="AMD Instinct MI300X",gpu_id="3",gpu_partition_id="0",serial_number="s1",pod="vllm",namespace="ml",container="c",hostname="h"';
  const [device] = devicesOf(
    `gpu_gfx_activity{${labels}} 55\namd_gpu_used_vram{${labels}} 1000\ngpu_total_vram{${labels}} 4000\ngpu_health{${labels}} 0\ngpu_clock{clock_type="data",${labels}} 22\n`,
  );
  expect(device).toMatchObject({
    index: '3',
    busy: 0.55,
    memoryUsed: 1000 * 2 ** 20,
    memoryTotal: 4000 * 2 ** 20,
    healthy: false,
    holders: [{ namespace: 'ml', pod: 'vllm', container: 'c' }],
  });
});

test('what an exporter says of pods obeys no terminal', () => {
  const [device] = devicesOf('DCGM_FI_DEV_GPU_UTIL{UUID="a",pod="x\u001b[2J",namespace="n"} 1\n');
  expect(device?.holders[0]?.pod).toBe('x^[');
});
