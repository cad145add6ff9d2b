import type { DeviceUse } from '../accelerators/device-use.ts';
import { type DraDevice, draDevices, draPlace } from '../accelerators/dra-devices.ts';
import { type GpuRow, gpuRows, gpus } from '../accelerators/gpus.ts';
import { idleBelow, isDead, isSpinning } from '../accelerators/idle.ts';
import type { Ledger } from '../accelerators/ledger.ts';
import { xidOf } from '../accelerators/xid.ts';
import { bytesText, percentText } from '../resources/amount-text.ts';
import { clauses } from '../resources/clauses.ts';
import { ageText, humanDuration } from '../resources/fields.ts';
import type { Column, DerivedTable, Row, Tone, Value } from '../resources/resource.ts';
import type { Usage, Reading as UsageReading, WhyNone } from './usage.ts';
import { temperatureTone } from './usage-tables.ts';
import { idleText } from './usage-text.ts';

/** One device of a node; where nothing maps devices to pods, one unit that a pod holds or that is free. `name` is the node's. */
export interface DeviceRow extends Row {
  readonly node: string;
  readonly className: string;
  readonly model: string | undefined;
  /** Of the driver, or of DRA; `''` where it is not known which one this is. */
  readonly index: string;
  /** `namespace/pod`; several where they share it. */
  readonly holders: readonly string[];
  /** Undefined: nothing measures this device, and `why` says so. */
  readonly use: DeviceUse | undefined;
  readonly why: WhyNone | 'unmapped' | undefined;
  /** What DRA's driver says against it: `gpu.nvidia.com/xid=79:NoSchedule`. */
  readonly taints: readonly string[];
  readonly idleMs: number | undefined;
  readonly atMs: number | undefined;
  readonly isStale: boolean;
}

/** The devices of all nodes: measured ones by themselves, the others as units with their holders. */
export function deviceTable(
  usage: Usage,
  ledger: () => Ledger,
  clock: () => number,
): DerivedTable<DeviceRow> {
  return {
    name: 'devices',
    title: 'GPU devices',
    empty: 'No GPU device is known',
    aliases: ['dev', 'device'],
    namespaced: false,
    needs: gpus.needs,
    epoch: usage.epoch,
    columns: deviceColumns(),
    sort: { column: 'NODE', descending: false },
    fault: ({ use, taints }) =>
      isOut(taints) ||
      (use !== undefined && (isDead(use) || use.remapFailed === true || use.healthy === false)),
    why: whyDevice,
    derive: (cluster) => {
      const now = clock();
      const rows: DeviceRow[] = [];
      const named = draDevices(cluster);
      // A node with several classes has one exporter: its devices come once, with the first class that they may be.
      const told = new Set<string>();
      for (const row of gpuRows(ledger())) {
        const devices = row.source === 'dra' ? named.get(draPlace(row.node, row.className)) : undefined;
        if (devices !== undefined) {
          rows.push(...namedOf(row, devices, usage, now));
          continue;
        }
        const which = `${row.node} ${profileOf(row) ?? ''}`;
        rows.push(...devicesOf(row, usage, now, !told.has(which)));
        told.add(which);
      }
      return rows;
    },
  };
}

type Known<T> = UsageReading<T> & { readonly kind: 'known' };

interface Kept {
  readonly devices: readonly DeviceUse[] | undefined;
  readonly state: WhyNone | 'stale' | 'fresh';
  readonly rows: readonly DeviceRow[];
}

/** By what is held on a node: as long as that and its reading stay, so do the rows. */
const keptRows = new WeakMap<GpuRow, Kept>();

function devicesOf(entry: GpuRow, usage: Usage, now: number, isFirst: boolean): readonly DeviceRow[] {
  const reading = usage.devicesOn(entry.node, now);
  const devices = reading.kind === 'none' ? undefined : reading.value;
  const state = reading.kind === 'none' ? reading.why : reading.isStale ? 'stale' : 'fresh';
  const kept = keptRows.get(entry);
  if (kept !== undefined && kept.devices === devices && kept.state === state) return kept.rows;
  const rows =
    reading.kind === 'none'
      ? unitsOf(entry, reading.why)
      : isFirst
        ? rowsOf(entry, usage, reading)
        : unitsOf(entry, 'unmapped');
  keptRows.set(entry, { devices, state, rows });
  return rows;
}

/** By what is held on a node: the rows of its devices while nothing of them has changed. */
const keptNamed = new WeakMap<GpuRow, { readonly says: string; readonly rows: readonly DeviceRow[] }>();

/** Devices that DRA names: which one a pod has is known, and measured where an exporter knows it by its UUID. */
function namedOf(
  entry: GpuRow,
  devices: readonly DraDevice[],
  usage: Usage,
  now: number,
): readonly DeviceRow[] {
  const reading = usage.devicesOn(entry.node, now);
  const isKnown = reading.kind === 'known';
  const atMs = isKnown ? reading.atMs : undefined;
  const isStale = isKnown && reading.isStale;
  const says = `${atMs} ${isStale} ${isKnown ? '' : reading.why} ${JSON.stringify(devices)}`;
  const kept = keptNamed.get(entry);
  if (kept?.says === says) return kept.rows;
  const rows = devices.map(({ name, model, uuid, holders, taints }): DeviceRow => {
    const use = isKnown && uuid !== '' ? reading.value.find((each) => each.uuid === uuid) : undefined;
    return {
      ...rowBase(entry, `dra ${name}`),
      model: model ?? entry.model,
      index: name,
      holders,
      use,
      why: use !== undefined ? undefined : isKnown ? 'unmapped' : reading.why,
      taints,
      idleMs: use === undefined ? undefined : usage.deviceIdleMs(use.key),
      atMs: use === undefined ? undefined : atMs,
      isStale: use !== undefined && isStale,
    };
  });
  keptNamed.set(entry, { says, rows });
  return rows;
}

/** Takes no new claim; `None` is only a note. */
const isOut = (taints: readonly string[]): boolean => taints.some((taint) => !taint.endsWith(':None'));

const profileOf = ({ sharing }: GpuRow): string | undefined =>
  sharing.mode === 'mig' ? sharing.profile : undefined;

function rowsOf(
  entry: GpuRow,
  usage: Usage,
  { value, atMs, isStale }: Known<readonly DeviceUse[]>,
): readonly DeviceRow[] {
  // Its driver has told nothing of its devices.
  if (entry.source === 'dra') return unitsOf(entry, 'unmapped');
  const { mode } = entry.sharing;
  const profile = profileOf(entry);
  const mine = value.filter(({ mig }) => mig?.profile === profile);
  if (mine.length === 0) return unitsOf(entry, 'unmapped');
  return mine.map((use) => ({
    ...rowBase(entry, `${use.index.padStart(3, '0')} ${use.key}`),
    model: use.model ?? entry.model,
    index: use.mig === undefined ? use.index : `${use.index}.${use.mig.instance}`,
    holders: use.holders.map(({ namespace, pod }) => `${namespace}/${pod}`),
    use,
    why: undefined,
    taints: [],
    idleMs: mode === 'exclusive' || mode === 'mig' ? usage.deviceIdleMs(use.key) : undefined,
    atMs,
    isStale,
  }));
}

const rowBase = (entry: GpuRow, key: string) => ({
  uid: `${entry.node}/${entry.className}/${key}`,
  namespace: '',
  name: entry.node,
  createdAt: undefined,
  version: '',
  node: entry.node,
  className: entry.className,
});

/** Shared devices have hundreds of slots: those that are free are one row. */
const freeRowsAtMost = 16;

/** Which device a pod has is not known without an exporter that maps them: then only how many. */
function unitsOf(entry: GpuRow, why: WhyNone | 'unmapped'): readonly DeviceRow[] {
  const holders = entry.holders.flatMap(({ namespace, name, count }) =>
    Array.from({ length: Math.min(count, 64) }, () => `${namespace}/${name}`),
  );
  const free = Math.min(freeRowsAtMost, Math.max(0, entry.free ?? 0));
  return [...holders, ...Array.from({ length: free }, () => undefined)].map((holder, at) => ({
    ...rowBase(entry, `unit ${String(at).padStart(3, '0')}`),
    model: entry.model,
    index: '',
    holders: holder === undefined ? [] : [holder],
    use: undefined,
    why,
    taints: [],
    idleMs: undefined,
    atMs: undefined,
    isStale: false,
  }));
}

function whyDevice(row: DeviceRow): string | undefined {
  const { use, idleMs, taints } = row;
  const parts: string[] = taints.length === 0 ? [] : [`its driver taints it: ${taints.join(', ')}`];
  if (use === undefined) {
    if (parts.length > 0) return clauses(parts);
    return row.index === '' && (row.why === 'unmapped' || row.why === 'absent')
      ? 'which device a pod has is only known where dcgm-exporter or DRA maps them'
      : undefined;
  }
  if (use.xid !== undefined && use.xid > 0) {
    const { code, meaning, action } = xidOf(use.xid);
    parts.push(`Xid ${code} since the driver was loaded: ${meaning} -> ${action}`);
  }
  if (use.remapFailed === true) parts.push('a memory row could not be remapped: the GPU must be replaced');
  if (idleMs !== undefined) parts.push(idleText(idleMs));
  if (isSpinning(use)) parts.push('busy without tensor activity: a hung collective, or starved of data');
  if (use.throttled !== undefined && use.throttled.length > 0)
    parts.push(`throttled: ${use.throttled.join(', ')}`);
  return parts.length === 0 ? undefined : clauses(parts);
}

interface Reading {
  readonly title: string;
  readonly value: (use: DeviceUse, row: DeviceRow) => Value;
  readonly text: (use: DeviceUse, row: DeviceRow) => string;
  readonly tone?: (use: DeviceUse, row: DeviceRow) => Tone;
  readonly priority: number;
  readonly wide?: boolean;
}

const noneWords: Readonly<Record<WhyNone | 'unmapped', string>> = {
  idle: '..',
  asking: '..',
  noSample: '-',
  absent: 'n/a',
  down: 'down',
  forbidden: 'denied',
  failed: 'error',
  unmapped: '-',
};

const measured = ({ title, value, text, tone, priority, wide }: Reading): Column<DeviceRow> => ({
  title,
  align: 'right',
  priority,
  ...(wide === undefined ? {} : { wide }),
  value: (row) => (row.use === undefined ? undefined : value(row.use, row)),
  text: (row) =>
    row.use === undefined
      ? title === 'UTIL' && row.why !== undefined
        ? noneWords[row.why]
        : '-'
      : text(row.use, row),
  tone: (row) => (row.use === undefined || row.isStale ? 'dim' : (tone?.(row.use, row) ?? 'plain')),
});

const known = (value: number | undefined, text: (value: number) => string): string =>
  value === undefined ? '-' : text(value);

const whole = (value: number): string => String(Math.round(value));

function deviceColumns(): readonly Column<DeviceRow>[] {
  return [
    { title: 'NODE', value: (row) => row.node, priority: 0 },
    {
      title: 'GPU',
      value: (row) => indexValue(row),
      text: (row) => row.index || '-',
      align: 'right',
      priority: 0,
    },
    {
      title: 'MODEL',
      value: (row) => row.model,
      text: (row) => row.model ?? '?',
      tone: () => 'dim',
      priority: 6,
    },
    {
      title: 'UUID',
      value: (row) => row.use?.uuid,
      text: (row) => row.use?.uuid.replace(/^GPU-/, '').slice(0, 8) || '-',
      tone: () => 'dim',
      priority: 7,
    },
    {
      title: 'MIG',
      value: (row) => row.use?.mig?.profile,
      text: (row) => row.use?.mig?.profile ?? '',
      priority: 7,
    },
    {
      title: 'HOLDER',
      value: (row) => row.holders.join(' '),
      text: (row) => row.holders.join(' ') || (isOut(row.taints) ? 'out of service' : 'free'),
      tone: (row) => (isOut(row.taints) ? 'bad' : row.holders.length === 0 ? 'good' : 'plain'),
      priority: 0,
    },
    measured({
      title: 'UTIL',
      value: ({ busy }) => (busy === undefined ? undefined : busy * 100),
      text: ({ busy }) => known(busy, percentText),
      tone: (use, { idleMs }) => (idleMs !== undefined || isSpinning(use) ? 'warn' : 'plain'),
      priority: 1,
    }),
    measured({
      title: 'IDLE',
      value: (_, { idleMs }) => (idleMs === undefined ? 0 : 1),
      text: (_, { idleMs, holders, use }) =>
        holders.length === 0 || (use?.busy ?? 1) >= idleBelow || idleMs === undefined
          ? ''
          : humanDuration(idleMs),
      tone: () => 'warn',
      priority: 3,
    }),
    measured({
      title: 'TENSOR',
      value: ({ tensor }) => (tensor === undefined ? undefined : tensor * 100),
      text: ({ tensor }) => known(tensor, percentText),
      tone: (use) => (isSpinning(use) ? 'warn' : 'plain'),
      priority: 3,
    }),
    measured({
      title: 'HBM',
      value: ({ memoryUsed }) => memoryUsed,
      text: ({ memoryUsed, memoryTotal }) =>
        `${known(memoryUsed, bytesText)}${memoryTotal === undefined ? '' : `/${bytesText(memoryTotal)}`}`,
      priority: 2,
    }),
    measured({
      title: 'TEMP',
      value: ({ temperature }) => temperature,
      text: ({ temperature }) => known(temperature, whole),
      tone: ({ temperature }) => temperatureTone(temperature),
      priority: 4,
    }),
    measured({
      title: 'WATTS',
      value: ({ watts }) => watts,
      text: ({ watts }) => known(watts, whole),
      priority: 4,
    }),
    measured({
      title: 'MHZ',
      value: ({ clock }) => clock,
      text: ({ clock }) => known(clock, whole),
      priority: 6,
    }),
    measured({
      title: 'THROTTLE',
      value: ({ throttled }) => throttled?.join(' '),
      text: ({ throttled }) => (throttled === undefined ? '-' : throttled.join(' ') || 'no'),
      tone: ({ throttled }) => ((throttled?.length ?? 0) > 0 ? 'warn' : 'dim'),
      priority: 8,
      wide: true,
    }),
    measured({
      title: 'ECC',
      value: ({ eccErrors }) => eccErrors,
      text: ({ eccErrors }) => known(eccErrors, whole),
      tone: ({ eccErrors }) => ((eccErrors ?? 0) > 0 ? 'bad' : 'dim'),
      priority: 8,
      wide: true,
    }),
    measured({
      title: 'REMAP',
      value: ({ remapFailed }) => (remapFailed === undefined ? undefined : Number(remapFailed)),
      text: ({ remapFailed, remappedRows }) => (remapFailed === true ? 'FAILED' : known(remappedRows, whole)),
      tone: ({ remapFailed }) => (remapFailed === true ? 'bad' : 'dim'),
      priority: 8,
      wide: true,
    }),
    measured({
      title: 'XID',
      value: ({ xid }) => xid,
      text: ({ xid }) => (xid === undefined ? '-' : xid === 0 ? '' : String(xid)),
      tone: (use) => (isDead(use) ? 'bad' : 'warn'),
      priority: 2,
    }),
    {
      title: 'SEEN',
      value: (row) => row.atMs,
      text: (row, now) => (row.atMs === undefined ? '-' : ageText(row.atMs, now)),
      tone: () => 'dim',
      align: 'right',
      priority: 5,
    },
  ];
}

/** `7`, `3.1` of MIG, and of DRA the number that ends the name: `gpu-3`. */
function indexValue({ index }: DeviceRow): number | undefined {
  const digits = /(\d+(?:\.\d+)?)$/.exec(index)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
