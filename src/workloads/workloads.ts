import { ageText, humanDuration } from '../resources/fields.ts';
import type { ClusterRows, Column, DerivedTable, Tone } from '../resources/resource.ts';
import { bookSources, booksOf } from './sources.ts';
import { type WorkloadRow, type WorkloadState, workloadStates } from './workload-row.ts';

/** Jobs, servers and single pods, with what they hold, what they wait for, and why (gpu.md 9.5). */
export const workloads: DerivedTable<WorkloadRow> = {
  name: 'workloads',
  title: 'Workloads',
  aliases: ['wl', 'workload'],
  namespaced: true,
  needs: bookSources.map(({ resource }) => resource),
  sort: { column: 'GPUS', descending: true },
  columns: workloadColumns(),
  fault: ({ state }) => faultStates.has(state),
  why: (row, now) => whyText(row, now),
  derive: (cluster: ClusterRows, now: number) => booksOf(cluster).rows(now),
};

/** States in which somebody must act. Waiting in a queue is not one. */
const faultStates: ReadonlySet<WorkloadState> = new Set([
  'Failed',
  'HalfPending',
  'Failing',
  'Stalled',
  'Straggler',
  'Degraded',
]);

const stateTones: Readonly<Record<WorkloadState, Tone>> = {
  Failed: 'bad',
  HalfPending: 'bad',
  Failing: 'bad',
  Stalled: 'bad',
  Straggler: 'warn',
  Degraded: 'warn',
  Pending: 'pending',
  Queued: 'pending',
  Gated: 'pending',
  Starting: 'pending',
  Running: 'good',
  Done: 'done',
};

/** GPU-hours that a half-pending gang has held and not used; undefined where none is half-pending. */
export const wastedHours = ({ gang }: WorkloadRow, now: number): number | undefined =>
  gang === undefined ? undefined : (gang.held * Math.max(0, now - gang.sinceMs)) / 3_600_000;

/** Why a workload stands where it does, with what a stuck gang has cost so far. */
export function whyText(row: WorkloadRow, now: number): string {
  const hours = wastedHours(row, now);
  if (hours === undefined || row.gang === undefined) return row.why;
  const since = humanDuration(now - row.gang.sinceMs);
  return `half-pending for ${since}, ${hours.toFixed(1)} GPU-hours unused: ${row.why}`;
}

const outOf = (has: number, wants: number | undefined): string => `${has}/${wants ?? '?'}`;

function workloadColumns(): readonly Column<WorkloadRow>[] {
  return [
    { title: 'KIND', value: (row) => row.kind, tone: () => 'dim', priority: 3 },
    { title: 'NAME', value: (row) => row.name, priority: 0 },
    { title: 'QUEUE', value: (row) => row.queue, text: (row) => row.queue || '-', priority: 7 },
    {
      title: 'PRIO',
      value: (row) => row.priority,
      text: ({ priority }) => (priority === undefined ? '?' : String(priority)),
      align: 'right',
      priority: 8,
    },
    {
      title: 'STATE',
      value: (row) => workloadStates.indexOf(row.state),
      text: (row) => row.state,
      tone: (row) => stateTones[row.state],
      priority: 0,
    },
    {
      title: 'PODS',
      value: (row) => row.podsRunning,
      text: (row) => `${row.podsRunning}/${row.podsPending}/${row.podsWanted ?? '?'}`,
      tone: (row) => (row.podsPending > 0 ? 'pending' : 'plain'),
      align: 'right',
      priority: 2,
    },
    {
      title: 'GPUS',
      value: (row) => Math.max(row.gpusHeld, row.gpusWanted ?? 0),
      text: (row) =>
        row.gpusHeld === 0 && (row.gpusWanted ?? 0) === 0 && row.gpusWanted !== undefined
          ? '-'
          : outOf(row.gpusHeld, row.gpusWanted),
      tone: (row) => (row.gpusHeld > 0 ? 'accent' : 'dim'),
      align: 'right',
      priority: 1,
    },
    { title: 'MODEL', value: (row) => row.model, text: (row) => row.model || '-', priority: 4 },
    {
      title: 'NODES',
      value: (row) => row.nodes,
      text: (row) => row.nodes || '-',
      tone: () => 'dim',
      priority: 6,
    },
    {
      // The slowest rank decides how fast all of them are.
      title: 'UTIL',
      value: (row) => row.busy?.least,
      text: ({ busy }) =>
        busy === undefined ? '-' : `${Math.round(busy.least * 100)}/${Math.round(busy.mean * 100)}%`,
      tone: ({ busy }) => (busy === undefined ? 'dim' : 'plain'),
      align: 'right',
      priority: 4,
    },
    {
      title: 'PROGRESS',
      value: (row) => row.progress,
      text: progressText,
      align: 'right',
      priority: 6,
    },
    {
      title: 'RESTARTS',
      value: (row) => row.restarts,
      tone: (row) => (row.restarts > 0 ? 'warn' : 'dim'),
      align: 'right',
      priority: 7,
    },
    {
      title: 'AGE',
      value: (row) => row.createdAt,
      text: (row, now) => ageText(row.createdAt, now),
      tone: () => 'dim',
      align: 'right',
      priority: 5,
    },
    {
      title: 'WHY',
      value: (row) => row.why,
      text: whyText,
      tone: (row) => (faultStates.has(row.state) ? 'plain' : 'dim'),
      priority: 1,
    },
  ];
}

/** `42% 1h30m left` */
function progressText({ progress, remainingSeconds }: WorkloadRow): string {
  if (progress === undefined) return '-';
  const left = remainingSeconds === undefined ? '' : ` ${humanDuration(remainingSeconds * 1000)} left`;
  return `${Math.round(progress * 100)}%${left}`;
}
