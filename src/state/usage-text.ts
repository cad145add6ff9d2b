import type { DeviceUse } from '../accelerators/device-use.ts';
import { idleAfterMs, idleBelow, isSpinning } from '../accelerators/idle.ts';
import { bytesText, cpuText } from '../resources/amount-text.ts';
import { humanDuration } from '../resources/fields.ts';
import type { Tone } from '../resources/resource.ts';
import {
  containerUse,
  type PodDevices,
  type Reading,
  type SourceState,
  type Usage,
  type WhyNone,
} from './usage.ts';

/** What stands in a cell in place of a value: never a number, and for each reason another word. */
const noneWords: Readonly<Record<WhyNone, string>> = {
  idle: '..',
  asking: '..',
  noSample: '-',
  absent: 'n/a',
  down: 'down',
  forbidden: 'denied',
  failed: 'error',
};

/** The value in words, or the reason why there is none. */
export const readingText = <T>(reading: Reading<T>, text: (value: T) => string): string =>
  reading.kind === 'known' ? text(reading.value) : noneWords[reading.why];

/** Grey is what is old or not there. */
export const readingTone = <T>(reading: Reading<T>, tone: (value: T) => Tone): Tone =>
  reading.kind === 'none' || reading.isStale ? 'dim' : tone(reading.value);

export const readingValue = <T>(
  reading: Reading<T>,
  value: (known: T) => number | undefined,
): number | undefined => (reading.kind === 'known' ? value(reading.value) : undefined);

/** Whether numbers are 12 s old or 14 s is not worth a frame each second. */
const ageStepMs = 10_000;

function stepText(ageMs: number): string {
  const steps = Math.floor(Math.max(0, ageMs) / ageStepMs);
  return steps === 0 ? `<${humanDuration(ageStepMs)}` : humanDuration(steps * ageStepMs);
}

/** `metrics <10s`, `metrics 20s`, `metrics: not installed`: for the title, where the age of the numbers is looked for. */
export function sourceText(name: string, state: SourceState, now: number): string {
  switch (state.state) {
    case 'idle':
      return '';
    case 'asking':
      return `${name} ..`;
    case 'live':
      return `${name} ${stepText(now - state.atMs)}`;
    case 'absent':
      return `${name}: not installed`;
    case 'down':
      return `${name}: does not answer`;
    case 'forbidden':
      return `${name}: forbidden`;
    case 'failed':
      return `${name}: failed`;
  }
}

/** Tables that show what exporters of GPU metrics say. */
export const measuredTables: ReadonlySet<string> = new Set([
  'pods',
  'nodes',
  'gpus',
  'devices',
  'gpuhealth',
  'workloads',
  'ranks',
]);

/** `use <10s`, and where the answer lacks Ready nodes `use <10s, 17 of 20 nodes`. */
export function nodeSourceText(usage: Usage, readyNodes: number, now: number): string {
  const source = usage.nodeSource();
  const text = sourceText('use', source, now);
  const measured = usage.nodesMeasured();
  return source.state === 'live' && measured < readyNodes
    ? `${text}, ${measured} of ${readyNodes} nodes`
    : text;
}

/** What answers for GPUs, with the age of its newest answer; where none answers, why. `''`: nothing was asked yet. */
export function deviceSourceText(usage: Usage, now: number): string {
  const { newest, worst } = usage.deviceSources();
  if (newest !== undefined) return sourceText(usage.deviceSourceName() ?? 'gpu', newest, now);
  return worst === undefined ? '' : sourceText('gpu', worst, now);
}

/** `idle 47m`: only what was seen counts; less than a quarter of an hour is said as such. */
export function idleText(ms: number): string {
  if (ms === 0) return 'idle in the one reading so far';
  return ms >= idleAfterMs ? `idle ${humanDuration(ms)}` : `idle, seen for ${humanDuration(ms)}`;
}

/** `45m 1.2Gi`: what one container of a pod uses, or why that is not known. */
export const containerUseText = (
  usage: Usage,
  pod: { readonly namespace: string; readonly name: string },
  container: string,
  now: number,
): string =>
  readingText(
    containerUse(usage, pod, container, now),
    ({ cpu, memory }) => `${cpuText(cpu)} ${bytesText(memory)}`,
  );

/** `6 idle`, and while that is not yet proven `6 idle 3m`; undefined where none was seen. */
export function idleSummary(usage: Usage): { readonly text: string; readonly isProven: boolean } | undefined {
  const { seen, proven, longestMs } = usage.idleDevices();
  if (proven > 0) return { text: `${proven} idle`, isProven: true };
  return seen === 0 ? undefined : { text: `${seen} idle ${humanDuration(longestMs)}`, isProven: false };
}

/** GPU-hours that were seen going to waste. */
export const gpuHours = (devices: number, ms: number): number => (devices * ms) / 3_600_000;

/** What is wrong with how a pod uses its GPUs; undefined where nothing is, or nothing is known. */
export function deviceWhy(use: PodDevices, phase: string): string | undefined {
  const { devices, busy, tensor } = use;
  if (phase !== 'Running' || busy === undefined) return undefined;
  const word = devices.length === 1 ? 'GPU' : 'GPUs';
  if (use.idleForMs !== undefined) {
    const hours = gpuHours(devices.length, use.idleForMs);
    const waste = hours >= 0.1 ? `, ${hours.toFixed(1)} GPU-hours` : '';
    return `holds ${devices.length} ${word} and uses none: ${idleText(use.idleForMs)}${waste}${wattsText(devices)}`;
  }
  const spinning = devices.filter(isSpinning).length;
  if (spinning > 0) {
    return `${spinning} of ${devices.length} ${word} look busy (${Math.round(busy.most * 100)}%) but the tensor cores do nothing: a hung collective, or starved of data${wattsText(devices)}`;
  }
  const idle = devices.filter((device) => (device.busy ?? 1) < idleBelow).length;
  if (idle > 0 && busy.most >= 0.5)
    return `${idle} of ${devices.length} ${word} idle while others work${tensor === undefined ? '' : `, tensor cores ${Math.round(tensor * 100)}%`}`;
  return undefined;
}

/** Power does not lie: 70 W is an H100 that does nothing. */
function wattsText(devices: readonly DeviceUse[]): string {
  const watts = devices.flatMap((device) => device.watts ?? []);
  if (watts.length === 0) return '';
  return `; ${Math.round(watts.reduce((sum, one) => sum + one, 0) / watts.length)} W each`;
}
