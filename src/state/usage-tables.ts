import type { DeviceUse } from '../accelerators/device-use.ts';
import type { GpuRow } from '../accelerators/gpus.ts';
import { idleBelow, isSpinning } from '../accelerators/idle.ts';
import type { Ledger } from '../accelerators/ledger.ts';
import { bytesText, cpuText, percentText } from '../resources/amount-text.ts';
import { clauses } from '../resources/clauses.ts';
import { acceleratorCount } from '../resources/devices.ts';
import { humanDuration } from '../resources/fields.ts';
import type { NodeRow } from '../resources/node-row.ts';
import { nodes } from '../resources/nodes.ts';
import type { PodRow } from '../resources/pod-row.ts';
import type { Column, Resource, Row, Table, Tone } from '../resources/resource.ts';
import type { PodDevices, Reading, Usage } from './usage.ts';
import { deviceWhy, idleText, readingText, readingTone, readingValue } from './usage-text.ts';

/** What a person writes in a filter: `UTIL<50`, `MEM>2Gi`, `CPU>0.5` are percent, bytes and cores. */
const percent = (share: number | undefined): number | undefined =>
  share === undefined ? undefined : share * 100;

/** Columns between others: behind the one of that title, or at the end. */
function insertBehind<R extends Row>(
  columns: readonly Column<R>[],
  title: string,
  more: readonly Column<R>[],
): readonly Column<R>[] {
  const at = columns.findIndex((column) => column.title === title);
  return at === -1 ? [...columns, ...more] : [...columns.slice(0, at + 1), ...more, ...columns.slice(at + 1)];
}

/** What a cell needs to know of the moment: sorting compares values without one. */
interface Measured<R extends Row, T> {
  readonly title: string;
  readonly read: (row: R, now: number) => Reading<T> | undefined;
  readonly value: (known: T) => number | undefined;
  readonly text: (known: T) => string;
  readonly tone?: (known: T, row: R) => Tone;
  readonly priority: number;
  readonly wide?: boolean;
  readonly share?: (known: T) => number | undefined;
  readonly trail?: (row: R) => readonly number[];
  /** Another column of the same reading says why there is no value. */
  readonly isQuiet?: boolean;
}

/** A column of something measured: a value with its age, or the reason why there is none. */
function measured<R extends Row, T>(from: Measured<R, T>): Column<R> {
  const { read, value, text, tone, share, trail, isQuiet = false } = from;
  return {
    title: from.title,
    live: true,
    align: 'right',
    priority: from.priority,
    ...(from.wide === undefined ? {} : { wide: from.wide }),
    value(row) {
      const reading = read(row, 0);
      return reading === undefined ? undefined : readingValue(reading, value);
    },
    text(row, now) {
      const reading = read(row, now);
      if (reading === undefined) return '';
      return isQuiet && reading.kind === 'none' ? '-' : readingText(reading, text);
    },
    tone(row, now) {
      const reading = read(row, now);
      return reading === undefined ? 'dim' : readingTone(reading, (known) => tone?.(known, row) ?? 'plain');
    },
    ...(share === undefined
      ? {}
      : {
          share(row: R, now: number) {
            const reading = read(row, now);
            return reading?.kind === 'known' ? share(reading.value) : undefined;
          },
        }),
    ...(trail === undefined ? {} : { trail }),
  };
}

/** Pods with what they use: of processors and memory beside what they asked for, and of their GPUs. */
export function podsWithUse(table: Resource<PodRow>, usage: Usage): Resource<PodRow> {
  const devices = (row: PodRow, now: number): Reading<PodDevices> | undefined =>
    acceleratorCount(row.spec.requests) === undefined || row.node === '' || isOver(row)
      ? undefined
      : usage.devicesOf(row.namespace, row.name, row.node, now);
  return {
    ...table,
    epoch: () => (table.epoch?.() ?? 0) + usage.epoch(),
    columns: [
      ...insertBehind(table.columns.map(important), 'GPU', deviceColumns(devices)),
      ...amountColumns(usage),
    ],
    why(row, now) {
      const own = table.why?.(row, now);
      if (own !== undefined) return own;
      const reading = devices(row, now);
      return reading?.kind === 'known' && !reading.isStale ? deviceWhy(reading.value, row.phase) : undefined;
    },
  };
}

const isOver = ({ phase }: PodRow): boolean => phase === 'Succeeded' || phase === 'Failed';

/** How many GPUs a pod has says nothing without what it does with them: the two stay together. */
const important = (column: Column<PodRow>): Column<PodRow> =>
  column.title === 'GPU' ? { ...column, priority: 2 } : column;

type PodDeviceReader = (row: PodRow, now: number) => Reading<PodDevices> | undefined;

function deviceColumns(read: PodDeviceReader): readonly Column<PodRow>[] {
  return [
    measured<PodRow, PodDevices>({
      title: 'UTIL',
      read,
      value: ({ busy }) => percent(busy?.mean),
      text: ({ busy }) => (busy === undefined ? '-' : percentText(busy.mean)),
      tone: busyTone,
      priority: 2,
    }),
    measured<PodRow, PodDevices>({
      title: 'HBM',
      isQuiet: true,
      read,
      value: (use) => percent(memoryShare(use)),
      text: (use) => textOf(memoryShare(use), percentText),
      tone: (use) => ((memoryShare(use) ?? 0) >= 0.98 ? 'warn' : 'plain'),
      priority: 5,
    }),
    measured<PodRow, PodDevices>({
      title: 'IDLE',
      isQuiet: true,
      read,
      value: ({ devices, idleForMs }) => (idleForMs === undefined ? undefined : devices.length),
      text: ({ idleForMs }) => (idleForMs === undefined ? '' : humanDuration(idleForMs)),
      tone: () => 'warn',
      priority: 6,
    }),
    measured<PodRow, PodDevices>({
      title: 'TENSOR',
      isQuiet: true,
      read,
      value: ({ tensor }) => percent(tensor),
      text: ({ tensor }) => textOf(tensor, percentText),
      tone: ({ devices }) => (devices.some(isSpinning) ? 'warn' : 'plain'),
      priority: 7,
      wide: true,
    }),
    measured<PodRow, PodDevices>({
      title: 'WATTS',
      isQuiet: true,
      read,
      value: ({ devices }) => total(devices, ({ watts }) => watts),
      text: ({ devices }) =>
        textOf(
          total(devices, ({ watts }) => watts),
          (watts) => String(Math.round(watts)),
        ),
      priority: 8,
      wide: true,
    }),
  ];
}

function busyTone({ busy, devices, idleForMs }: PodDevices): Tone {
  if (idleForMs !== undefined || devices.some(isSpinning)) return 'warn';
  if (busy === undefined) return 'dim';
  return busy.least < idleBelow && busy.most >= 0.5 ? 'warn' : 'plain';
}

const memoryShare = ({ memoryUsed, memoryTotal }: PodDevices): number | undefined =>
  memoryUsed === undefined || memoryTotal === undefined || memoryTotal === 0
    ? undefined
    : memoryUsed / memoryTotal;

const textOf = (value: number | undefined, text: (value: number) => string): string =>
  value === undefined ? '-' : text(value);

function total(
  devices: readonly DeviceUse[],
  of: (device: DeviceUse) => number | undefined,
): number | undefined {
  const known = devices.flatMap((device) => of(device) ?? []);
  return known.length === 0 ? undefined : known.reduce((sum, one) => sum + one, 0);
}

/** Near its limit a container is slowed down; memory at its limit is a kill. */
const cpuWarnAt = 0.95;
const memoryWarnAt = 0.9;
const memoryBadAt = 0.97;

type AmountName = 'cpu' | 'memory';

function amountColumns(usage: Usage): readonly Column<PodRow>[] {
  const use = (row: PodRow, now: number) =>
    isOver(row) ? undefined : usage.pod(row.namespace, row.name, now);
  const shareOf = (
    title: string,
    amount: AmountName,
    of: (row: PodRow, amount: AmountName) => number | undefined,
  ): Column<PodRow> => ({
    title,
    live: true,
    wide: true,
    align: 'right',
    priority: 7,
    value(row) {
      const reading = use(row, 0);
      const whole = of(row, amount);
      return reading?.kind === 'known' && whole !== undefined
        ? percent(reading.value[amount] / whole)
        : undefined;
    },
    text(row, now) {
      const reading = use(row, now);
      const whole = of(row, amount);
      if (reading === undefined || whole === undefined) return reading === undefined ? '' : '-';
      return readingText(reading, (known) => percentText(known[amount] / whole));
    },
    tone(row, now) {
      const reading = use(row, now);
      return reading === undefined
        ? 'dim'
        : readingTone(reading, (known) => amountTone(row, amount, known[amount]));
    },
  });
  return [
    measured({
      title: 'CPU',
      read: use,
      value: ({ cpu }) => cpu / 1000,
      text: ({ cpu }) => cpuText(cpu),
      tone: ({ cpu }, row) => amountTone(row, 'cpu', cpu),
      priority: 4,
    }),
    measured({
      title: 'MEM',
      isQuiet: true,
      read: use,
      value: ({ memory }) => memory,
      text: ({ memory }) => bytesText(memory),
      tone: ({ memory }, row) => amountTone(row, 'memory', memory),
      priority: 4,
    }),
    shareOf('%CPU/R', 'cpu', requestOf),
    shareOf('%CPU/L', 'cpu', limitOf),
    shareOf('%MEM/R', 'memory', requestOf),
    shareOf('%MEM/L', 'memory', limitOf),
  ];
}

function amountTone(row: PodRow, amount: AmountName, used: number): Tone {
  const limit = limitOf(row, amount);
  if (limit === undefined) return 'plain';
  if (amount === 'cpu') return used / limit >= cpuWarnAt ? 'warn' : 'plain';
  return used / limit >= memoryBadAt ? 'bad' : used / limit >= memoryWarnAt ? 'warn' : 'plain';
}

const requestOf = ({ spec }: PodRow, amount: AmountName): number | undefined =>
  (spec.requests[amount] ?? 0) > 0 ? spec.requests[amount] : undefined;

/** Of the containers that run: with one of them unlimited the pod has no limit. */
function limitOf({ spec }: PodRow, amount: AmountName): number | undefined {
  let sum = 0;
  for (const { kind, limits } of spec.containers) {
    if (kind !== 'main' && kind !== 'sidecar') continue;
    const limit = limits[amount];
    if (limit === undefined || limit === 0) return undefined;
    sum += limit;
  }
  return sum === 0 ? undefined : sum;
}

/** Nodes with what is used of them. `ledger` tells what of their GPUs is held. */
export function nodesWithUse(usage: Usage, ledger: Ledger): Resource<NodeRow> {
  const share = (amount: AmountName, row: NodeRow, used: number): number | undefined => {
    const whole = row.allocatable[amount];
    return whole === undefined || whole === 0 ? undefined : used / whole;
  };
  const amount = (title: string, name: AmountName): Column<NodeRow> => ({
    ...measured<NodeRow, { readonly used: number; readonly row: NodeRow }>({
      title,
      read: (row, now) => {
        const reading = usage.node(row.name, now);
        return reading.kind === 'none' ? reading : { ...reading, value: { used: reading.value[name], row } };
      },
      value: ({ used, row }) => percent(share(name, row, used)),
      text: ({ used, row }) => textOf(share(name, row, used), percentText),
      share: ({ used, row }) => Math.min(1, share(name, row, used) ?? 0),
      tone: ({ used, row }) => {
        const part = share(name, row, used) ?? 0;
        return part >= memoryBadAt ? 'bad' : part >= memoryWarnAt ? 'warn' : 'plain';
      },
      priority: 3,
    }),
    align: 'left',
  });
  const used = (title: string, name: AmountName, text: (value: number) => string): Column<NodeRow> =>
    measured({
      title,
      read: (row, now) => usage.node(row.name, now),
      value: (known) => (name === 'cpu' ? known.cpu / 1000 : known.memory),
      text: (known) => text(known[name]),
      priority: 7,
      wide: true,
    });
  return {
    ...nodes,
    epoch: usage.epoch,
    columns: insertBehind(nodes.columns, 'GPU', [
      heldColumn(ledger),
      {
        ...measured<NodeRow, readonly DeviceUse[]>({
          title: 'GPU UTIL',
          read: (row, now) =>
            (acceleratorCount(row.capacity) ?? 0) > 0 ? usage.devicesOn(row.name, now) : undefined,
          value: (devices) => percent(busyOfHeld(devices)),
          text: (devices) => textOf(busyOfHeld(devices), percentText),
          tone: (devices) => (devices.some(isSpinning) || idleCount(usage, devices) > 0 ? 'warn' : 'plain'),
          trail: (row) => usage.trailOf(row.name),
          priority: 3,
        }),
        align: 'left',
      },
      amount('CPU', 'cpu'),
      amount('MEM', 'memory'),
      used('CPU USED', 'cpu', cpuText),
      used('MEM USED', 'memory', bytesText),
    ]),
  };
}

/** Held and healthy: `8/8`, `8/7` where one died under its pod. Allocation never waits for measurements. */
const heldColumn = (ledger: Ledger): Column<NodeRow> => ({
  title: 'HELD',
  live: true,
  align: 'right',
  priority: 3,
  value: (row) => held(ledger, row)?.requested,
  text(row) {
    const sum = held(ledger, row);
    return sum === undefined ? '-' : `${sum.requested}/${sum.allocatable ?? '?'}`;
  },
  tone(row) {
    const sum = held(ledger, row);
    return sum?.allocatable !== undefined && sum.requested > sum.allocatable ? 'bad' : 'plain';
  },
});

function held(
  ledger: Ledger,
  row: NodeRow,
): { readonly requested: number; readonly allocatable: number | undefined } | undefined {
  const entries = ledger.entriesOf(row.name);
  if (entries.length === 0) return undefined;
  let requested = 0;
  let allocatable: number | undefined = 0;
  for (const entry of entries) {
    requested += entry.requested;
    allocatable =
      allocatable === undefined || entry.allocatable === undefined
        ? undefined
        : allocatable + entry.allocatable;
  }
  return { requested, allocatable };
}

/** Mean over the devices that somebody has: free ones would dilute it. Undefined where none is held or measured. */
function busyOfHeld(devices: readonly DeviceUse[]): number | undefined {
  const busy = devices.filter(({ holders }) => holders.length > 0).flatMap((device) => device.busy ?? []);
  return busy.length === 0 ? undefined : busy.reduce((sum, one) => sum + one, 0) / busy.length;
}

const idleCount = (usage: Usage, devices: readonly DeviceUse[]): number =>
  devices.filter(({ key }) => usage.deviceIdleMs(key) !== undefined).length;

/** GPUs by node with how they are used. The columns of what is held stay as they are. */
export function gpusWithUse<T extends Table<GpuRow>>(table: T, usage: Usage): T {
  const read = (row: GpuRow, now: number): Reading<readonly DeviceUse[]> | undefined => {
    if (row.node === '' || row.source === 'dra') return undefined;
    const reading = usage.devicesOn(row.node, now);
    return reading.kind === 'none' ? reading : { ...reading, value: ofClass(reading.value, row) };
  };
  const mean = (
    title: string,
    of: (device: DeviceUse) => number | undefined,
    text: (value: number) => string,
    priority: number,
  ) =>
    measured<GpuRow, readonly DeviceUse[]>({
      title,
      isQuiet: true,
      read,
      value: (devices) => average(devices, of),
      text: (devices) => textOf(average(devices, of), text),
      priority,
    });
  const columns = insertBehind(table.columns, 'UNHEALTHY', [
    measured<GpuRow, readonly DeviceUse[]>({
      title: 'UTIL',
      read,
      value: (devices) => percent(busyOfHeld(devices)),
      text: (devices) => textOf(busyOfHeld(devices), percentText),
      tone: (devices) => (devices.some(isSpinning) || idleCount(usage, devices) > 0 ? 'warn' : 'plain'),
      priority: 2,
    }),
    measured<GpuRow, readonly DeviceUse[]>({
      title: 'IDLE',
      isQuiet: true,
      read,
      value: (devices) => idleCount(usage, devices),
      text: (devices) => String(idleCount(usage, devices) || ''),
      tone: () => 'warn',
      priority: 3,
    }),
    mean(
      'HBM',
      ({ memoryUsed, memoryTotal }) =>
        memoryUsed === undefined || memoryTotal === undefined ? undefined : memoryUsed / memoryTotal,
      percentText,
      6,
    ),
    mean(
      'WATTS',
      ({ watts }) => watts,
      (watts) => String(Math.round(watts)),
      6,
    ),
    measured<GpuRow, readonly DeviceUse[]>({
      title: 'TEMP',
      isQuiet: true,
      read,
      value: hottest,
      text: (devices) => textOf(hottest(devices), String),
      tone: (devices) => temperatureTone(hottest(devices)),
      priority: 6,
    }),
  ]);
  const why = (row: GpuRow, now: number): string | undefined => {
    const own = table.why?.(row, now);
    const reading = read(row, now);
    const seen = reading?.kind === 'known' && !reading.isStale ? usedBadly(usage, reading.value) : undefined;
    return own === undefined || seen === undefined ? (own ?? seen) : clauses([own, seen]);
  };
  return { ...table, epoch: usage.epoch, columns, why };
}

/** A node may have whole GPUs and instances of MIG beside each other. */
function ofClass(devices: readonly DeviceUse[], { sharing }: GpuRow): readonly DeviceUse[] {
  if (sharing.mode !== 'mig') return devices.filter(({ mig }) => mig === undefined);
  return devices.filter(({ mig }) => mig?.profile === sharing.profile);
}

function average(
  devices: readonly DeviceUse[],
  of: (device: DeviceUse) => number | undefined,
): number | undefined {
  const known = devices.flatMap((device) => of(device) ?? []);
  return known.length === 0 ? undefined : known.reduce((sum, one) => sum + one, 0) / known.length;
}

const hottest = (devices: readonly DeviceUse[]): number | undefined => {
  const known = devices.flatMap(({ temperature }) => temperature ?? []);
  return known.length === 0 ? undefined : Math.max(...known);
};

/** °C of the chip. */
export const temperatureTone = (degrees: number | undefined): Tone =>
  degrees === undefined || degrees < 80 ? 'plain' : degrees < 87 ? 'warn' : 'bad';

/** Which pods hold what and do not use it: `2 idle 47m: team-a/notebook-idle-0`. */
function usedBadly(usage: Usage, devices: readonly DeviceUse[]): string | undefined {
  const byPod = new Map<string, { count: number; ms: number }>();
  for (const { key, holders } of devices) {
    const ms = usage.deviceIdleMs(key);
    const [holder] = holders;
    if (ms === undefined || holder === undefined) continue;
    const name = `${holder.namespace}/${holder.pod}`;
    const known = byPod.get(name);
    byPod.set(name, { count: (known?.count ?? 0) + 1, ms: Math.min(known?.ms ?? ms, ms) });
  }
  const idle = [...byPod].map(([name, { count, ms }]) => `${name} holds ${count}, ${idleText(ms)}`);
  const spinning = devices.filter(isSpinning).length;
  if (spinning > 0) idle.push(`${spinning} busy without tensor activity`);
  return idle.length === 0 ? undefined : clauses(idle);
}
