import { dcgmMetrics } from '../scenario/dcgm.ts';
import type { Store } from '../store.ts';

interface Gpu {
  readonly index: number;
  readonly uuid: string;
  readonly name: string;
  readonly bus: string;
  readonly pod: string;
  readonly namespace: string;
  readonly driver: string;
  readonly values: Readonly<Record<string, number>>;
}

/** The GPUs of a node, as dcgm-exporter would report them now. */
function gpusOf(store: Store, node: string, nowMs: number): Gpu[] {
  const found = new Map<string, Gpu>();
  for (const line of dcgmMetrics(store, node, nowMs).split('\n')) {
    const match = /^(DCGM_\w+)\{(.*)\} (\S+)$/.exec(line);
    if (match === null) continue;
    const labels = new Map(
      [...(match[2] ?? '').matchAll(/(\w+)="([^"]*)"/g)].map((pair) => [pair[1] ?? '', pair[2] ?? '']),
    );
    const label = (name: string): string => labels.get(name) ?? '';
    const index = label('gpu');
    const gpu = found.get(index);
    const values = { ...gpu?.values, [match[1] ?? '']: Number(match[3]) };
    found.set(index, {
      index: Number(index),
      uuid: label('UUID'),
      name: label('modelName'),
      bus: label('pci_bus_id'),
      pod: label('pod'),
      namespace: label('namespace'),
      driver: label('DCGM_FI_DRIVER_VERSION'),
      values,
    });
  }
  return [...found.values()];
}

const fieldOf = (gpu: Gpu, index: number, field: string): string | undefined => {
  const value = (name: string): number => gpu.values[name] ?? 0;
  const used = value('DCGM_FI_DEV_FB_USED');
  const total = used + value('DCGM_FI_DEV_FB_FREE');
  const watts = value('DCGM_FI_DEV_POWER_USAGE');
  const fields: Readonly<Record<string, string>> = {
    index: String(index),
    uuid: gpu.uuid,
    name: gpu.name,
    'pci.bus_id': gpu.bus,
    driver_version: gpu.driver,
    'utilization.gpu': `${value('DCGM_FI_DEV_GPU_UTIL')} %`,
    'utilization.memory': `${Math.round(value('DCGM_FI_PROF_DRAM_ACTIVE') * 100)} %`,
    'memory.used': `${used} MiB`,
    'memory.free': `${total - used} MiB`,
    'memory.total': `${total} MiB`,
    'temperature.gpu': String(value('DCGM_FI_DEV_GPU_TEMP')),
    'power.draw': `${watts.toFixed(2)} W`,
    'power.limit': '700.00 W',
    'clocks.sm': `${value('DCGM_FI_DEV_SM_CLOCK')} MHz`,
    'ecc.errors.uncorrected.volatile.total': value('DCGM_FI_DEV_XID_ERRORS') > 0 ? '3' : '0',
    'clocks_event_reasons.active': watts > 0 ? '0x0000000000000000' : '[N/A]',
    pstate: value('DCGM_FI_DEV_GPU_UTIL') > 0 ? 'P0' : 'P8',
  };
  return fields[field];
};

function query(
  gpus: readonly Gpu[],
  fields: readonly string[],
  format: string,
): { text: string; code: number } {
  const isBare = format.includes('nounits');
  const lines: string[] = format.includes('noheader') ? [] : [fields.join(', ')];
  for (const [index, gpu] of gpus.entries()) {
    const cells = fields.map((field) => fieldOf(gpu, index, field));
    const unknown = fields[cells.indexOf(undefined)];
    if (unknown !== undefined)
      return { text: `Field "${unknown}" is not a valid field to query.\n`, code: 2 };
    lines.push(cells.map((cell = '') => (isBare ? cell.replace(/ (%|MiB|W|MHz)$/, '') : cell)).join(', '));
  }
  return { text: `${lines.join('\n')}\n`, code: 0 };
}

function screen(gpus: readonly Gpu[], nowMs: number): string {
  const line = `+${'-'.repeat(89)}+`;
  const rows = gpus.flatMap((gpu, index) => {
    const cell = (field: string): string => fieldOf(gpu, index, field) ?? '';
    const left = `|   ${index}  ${gpu.name.slice(0, 24).padEnd(24)}         On`.padEnd(41);
    const power = `${cell('power.draw').replace(/\.\d+ W/, 'W')} /  700W`;
    const memory = `${cell('memory.used').replace(' ', '')} / ${cell('memory.total').replace(' ', '')}`;
    return [
      `${left} |   ${gpu.bus} Off |                    0 |`,
      `| N/A   ${cell('temperature.gpu').padStart(2)}C    ${cell('pstate')}   ${power.padStart(15)} | ${memory.padStart(22)} | ${cell('utilization.gpu').replace(' ', '').padStart(7)}      Default |`,
      line,
    ];
  });
  return [
    new Date(nowMs).toUTCString(),
    line,
    `| NVIDIA-SMI ${gpus[0]?.driver ?? ''}              Driver Version: ${gpus[0]?.driver ?? ''}      CUDA Version: 13.0     |`,
    `|-----------------------------------------+------------------------+----------------------+`,
    `| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |`,
    `| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |`,
    `|=========================================+========================+======================|`,
    ...rows,
    '',
  ].join('\n');
}

/**
 * `nvidia-smi` in a pod: it sees the GPUs that the pod holds, and those of the node in a pod of the GPU operator. Where
 * there are none it says what the tool says. Undefined: this image has no such program.
 */
export function nvidiaSmi(
  store: Store,
  where: { readonly pod: string; readonly namespace: string; readonly node: string },
  args: readonly string[],
  nowMs: number,
): { text: string; code: number } | undefined {
  const all = gpusOf(store, where.node, nowMs);
  const sees = where.namespace === 'gpu-operator' || where.namespace === 'kube-system';
  const gpus = all.filter((gpu) => sees || (gpu.pod === where.pod && gpu.namespace === where.namespace));
  if (gpus.length === 0) return undefined;
  const lost = gpus.find((gpu) => gpu.values['DCGM_FI_DEV_XID_ERRORS'] === 79);
  if (lost !== undefined)
    return {
      text: `Unable to determine the device handle for GPU${lost.index}: ${lost.bus}: GPU is lost.  Reboot the system to recover this GPU\n`,
      code: 15,
    };
  const asked = args.find((arg) => arg.startsWith('--query-gpu='))?.slice(12);
  const format = args.find((arg) => arg.startsWith('--format='))?.slice(9) ?? '';
  if (asked !== undefined) return query(gpus, asked.split(','), format);
  if (args.some((arg) => arg.startsWith('--query-compute-apps'))) return { text: '', code: 0 };
  if (args.includes('-L'))
    return {
      text: gpus.map((gpu, index) => `GPU ${index}: ${gpu.name} (UUID: ${gpu.uuid})\n`).join(''),
      code: 0,
    };
  return { text: screen(gpus, nowMs), code: 0 };
}
