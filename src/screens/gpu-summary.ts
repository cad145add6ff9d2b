import { idleAfterMs } from '../accelerators/idle.ts';
import type { ClassDemand } from '../accelerators/pending.ts';
import type { Share, Summary } from '../accelerators/summary.ts';
import type { ClassTotals } from '../accelerators/totals.ts';
import { fitSizes } from '../accelerators/totals.ts';
import { humanDuration } from '../resources/fields.ts';
import type { IdleHolder } from '../state/usage.ts';
import { gpuHours } from '../state/usage-text.ts';
import { plainBar } from '../ui/text.ts';
import type { Span, Spans, Theme } from '../ui/theme.ts';
import { whole } from './body-message.ts';

/** Models that get a line of their own; the rest is in the table. */
const modelsAtMost = 4;

export interface GpuFacts {
  readonly summary: Summary;
  readonly totals: readonly ClassTotals[];
  readonly demand: readonly ClassDemand[];
  /** Who holds devices that were seen idle. */
  readonly idle?: readonly IdleHolder[];
}

/** What the whole cluster has, above the nodes: "35 free" is of no use when no node has 8. */
export function gpuSummaryLines(
  { summary, totals, demand, idle = [] }: GpuFacts,
  theme: Theme,
  columns: number,
): readonly Spans[] {
  const { devices, parts, others } = summary;
  return [
    ...shareLine('GPUs', devices, theme, columns, blockSpans(summary)),
    ...shareLine('MIG, shared', parts, theme, columns, []),
    ...shareLine('other', others, theme, columns, []),
    ...modelLines(totals, columns),
    ...waitingLine(summary, demand),
    ...idleLine(idle, columns),
    [],
  ];
}

const label = (text: string): Span => ({ text: ` ${text.padEnd(12)}`, role: 'dim' });

function shareLine(name: string, share: Share, theme: Theme, columns: number, more: Spans): readonly Spans[] {
  if (share.total === 0 && share.used === 0) return [];
  const { barLeft, barRight } = theme.glyphs;
  const spans: Span[] = [
    label(name),
    { text: `${whole(share.used)}/${whole(share.total)}`.padStart(9), role: 'strong' },
  ];
  if (columns >= 100) {
    const busy = share.total === 0 ? 0 : Math.min(1, share.used / share.total);
    spans.push(
      { text: ` ${barLeft}` },
      { text: plainBar(busy, 16, theme.glyphs), role: 'accent' },
      { text: barRight },
    );
  }
  spans.push({ text: `  ${whole(share.schedulable)} free`, role: share.schedulable > 0 ? 'good' : 'plain' });
  if (share.unusable > 0) spans.push({ text: `  ${whole(share.unusable)} free but unusable`, role: 'warn' });
  if (share.broken > 0) spans.push({ text: `  ${whole(share.broken)} broken`, role: 'bad' });
  if (share.over > 0) spans.push({ text: `  ${whole(share.over)} over-committed`, role: 'bad' });
  return [[...spans, ...more]];
}

/** The largest block, and how many pods of each size could start now. */
function blockSpans({ largestBlock, fit }: Summary): Spans {
  const pods = fitSizes.map((size, at) => `${fit[at] ?? 0}×${size}`).join(' ');
  return [
    { text: '   largest block ', role: 'dim' },
    { text: String(largestBlock), role: largestBlock >= 8 ? 'plain' : 'warn' },
    { text: '   pods that fit ', role: 'dim' },
    { text: pods },
  ];
}

/** `H100-80GB 90/128 free 30 (block 6)`, those with most devices first. */
function modelLines(totals: readonly ClassTotals[], columns: number): readonly Spans[] {
  const models = totals.filter(({ capacity }) => capacity > 0).toSorted((a, b) => b.capacity - a.capacity);
  if (models.length < 2) return [];
  const each = models.slice(0, columns >= 120 ? modelsAtMost : columns >= 80 ? 2 : 1).flatMap(
    (one): Spans => [
      { text: `${one.model ?? one.className} `, role: 'plain' },
      { text: `${whole(one.requested)}/${whole(one.capacity)} `, role: 'strong' },
      { text: `block ${one.largestBlock}   `, role: 'dim' },
    ],
  );
  return [[label('by model'), ...each]];
}

/** Pods that are named in the line of idle devices; the rest is in the table. */
const idleAtMost = 3;

/** What is held and does nothing: who has it, how long that was seen, and what it costs in a day. */
function idleLine(idle: readonly IdleHolder[], columns: number): readonly Spans[] {
  if (idle.length === 0) return [];
  const devices = idle.reduce((sum, one) => sum + one.devices, 0);
  const hours = idle.reduce((sum, one) => sum + gpuHours(one.devices, one.forMs), 0);
  const isProven = idle.some(({ forMs }) => forMs >= idleAfterMs);
  const holders = idle
    .slice(0, columns >= 120 ? idleAtMost : 1)
    .map((one) => `${one.namespace}/${one.pod} ${one.devices} for ${humanDuration(one.forMs)}`);
  const more = idle.length > holders.length ? ` +${idle.length - holders.length}` : '';
  const seen = hours >= 0.1 ? `${hours.toFixed(1)} GPU-hours seen, ` : '';
  return [
    [
      label('idle'),
      { text: whole(devices).padStart(9), role: isProven ? 'warn' : 'plain' },
      { text: `  ${holders.join(', ')}${more}` },
      { text: `   ${seen}${whole(devices * 24)} a day`, role: 'dim' },
    ],
  ];
}

function waitingLine(summary: Summary, demand: readonly ClassDemand[]): readonly Spans[] {
  if (summary.pending === 0) return [];
  const byKind = new Map<string, number>();
  for (const { kind, units } of demand) byKind.set(kind, (byKind.get(kind) ?? 0) + units);
  const kinds = [...byKind].map(([kind, units]) => `${whole(units)} ${kind}`).join(', ');
  return [
    [label('waiting'), { text: whole(summary.pending).padStart(9), role: 'pending' }, { text: `  ${kinds}` }],
  ];
}
