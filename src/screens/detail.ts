import type { KubeObject } from '../kube/object.ts';
import { ageText, isRecord, list, record, time } from '../resources/fields.ts';
import type { Inspected } from '../state/inspection.ts';
import { truncate, truncateMiddle } from '../ui/text.ts';
import type { Role, Spans } from '../ui/theme.ts';

/** A pod with its containers, as data: what `Detail` draws. */
export interface DetailModel {
  readonly above: readonly Spans[];
  readonly containers: readonly Readonly<Record<string, string>>[];
  readonly columns: readonly string[];
  readonly below: readonly Spans[];
  /** The container under the cursor. */
  readonly container: string | undefined;
}

const str = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : '';

interface Container {
  readonly name: string;
  readonly kind: 'init' | 'sidecar' | 'main' | 'debug';
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status: Readonly<Record<string, unknown>> | undefined;
}

/** In the order in which they start. */
function containersOf(pod: KubeObject): readonly Container[] {
  const spec = record(pod['spec']);
  const status = record(pod['status']);
  return (
    [
      ['init', 'initContainers', 'initContainerStatuses'],
      ['main', 'containers', 'containerStatuses'],
      ['debug', 'ephemeralContainers', 'ephemeralContainerStatuses'],
    ] as const
  ).flatMap(([kind, field, statuses]) => {
    const seen = list(status[statuses]).map(record);
    return list(spec[field])
      .map(record)
      .map((container): Container => {
        const name = str(container['name']);
        const isSidecar = kind === 'init' && container['restartPolicy'] === 'Always';
        return {
          name,
          kind: isSidecar ? 'sidecar' : kind,
          spec: container,
          status: seen.find((one) => one['name'] === name),
        };
      });
  });
}

export const containerNames = (pod: KubeObject | undefined): readonly string[] =>
  pod === undefined ? [] : containersOf(pod).map(({ name }) => name);

/** `Waiting CrashLoopBackOff`, `Running 3h`, `Terminated Error exit 1`. */
function stateText(status: Readonly<Record<string, unknown>> | undefined, now: number): string {
  const { running, waiting, terminated } = record(status?.['state']);
  if (isRecord(running)) return `Running ${ageText(time(running['startedAt']), now)}`;
  if (isRecord(waiting)) return `Waiting ${str(waiting['reason'])}`.trim();
  if (isRecord(terminated)) return endText(terminated);
  return status === undefined ? 'not created' : 'Waiting';
}

function endText(terminated: Readonly<Record<string, unknown>>): string {
  const signal = terminated['signal'];
  const by = typeof signal === 'number' && signal > 0 ? ` signal ${signal}` : '';
  return `${str(terminated['reason']) || 'Ended'} exit ${str(terminated['exitCode'])}${by}`;
}

function lastText(status: Readonly<Record<string, unknown>> | undefined, now: number): string {
  const { terminated } = record(status?.['lastState']);
  if (!isRecord(terminated)) return '-';
  return `${endText(terminated)} ${ageText(time(terminated['finishedAt']), now)} ago`;
}

/** `cpu 64  memory 512Gi  gpu 8`: requests, and limits where they differ. */
function amountsText(spec: Readonly<Record<string, unknown>>): string {
  const { requests, limits } = record(spec['resources']);
  const [asked, most] = [record(requests), record(limits)];
  const names = [...new Set([...Object.keys(asked), ...Object.keys(most)])];
  return (
    names
      .map((name) => {
        const short = name.replace(/^.*\//, '');
        const [request, limit] = [str(asked[name]), str(most[name])];
        return `${short} ${request === limit || limit === '' ? request : `${request || '0'}/${limit}`}`;
      })
      .join(' ') || '-'
  );
}

const portsText = (spec: Readonly<Record<string, unknown>>): string =>
  list(spec['ports'])
    .map(record)
    .map(
      (port) =>
        `${str(port['containerPort'])}${port['protocol'] === 'TCP' || port['protocol'] === undefined ? '' : `/${str(port['protocol'])}`}`,
    )
    .join(',') || '-';

/** Column and the least room it takes: the rightmost go first on a narrow terminal. */
const columnOrder = [
  'NAME',
  'STATE',
  'READY',
  'RESTARTS',
  'CPU MEM',
  'LAST RUN',
  'IMAGE',
  'REQUESTS/LIMITS',
  'PORTS',
] as const;
const longest: Readonly<Record<string, number>> = {
  NAME: 22,
  STATE: 26,
  'LAST RUN': 28,
  IMAGE: 34,
  'REQUESTS/LIMITS': 40,
  PORTS: 12,
};

export function detailModel(
  inspected: Inspected | undefined,
  cursor: number,
  columns: number,
  now: number,
  usedBy: (container: string) => string = () => '-',
): DetailModel | undefined {
  const pod = inspected?.object;
  if (inspected === undefined || pod === undefined) return undefined;
  const containers = containersOf(pod);
  const at = Math.min(cursor, Math.max(0, containers.length - 1));
  const rows = containers.map(
    ({ name, kind, spec, status }, index): Record<string, string> => ({
      NAME: `${index === at ? '>' : ' '}${truncate(kind === 'main' ? name : `${name} (${kind})`, 21)}`,
      STATE: stateText(status, now),
      READY: status?.['ready'] === true ? 'yes' : 'no',
      RESTARTS: str(status?.['restartCount']) || '0',
      'CPU MEM': kind === 'init' ? '-' : usedBy(name),
      'LAST RUN': lastText(status, now),
      IMAGE: str(spec['image']),
      'REQUESTS/LIMITS': amountsText(spec),
      PORTS: portsText(spec),
    }),
  );
  const { shown, widths } = fitColumns(rows, columns);
  return {
    above: aboveLines(pod, inspected.state, now),
    containers: rows.map((row) =>
      Object.fromEntries(
        shown.map((column) => {
          const cell = row[column] ?? '';
          const width = widths[column] ?? cell.length;
          return [column, column === 'IMAGE' ? truncateMiddle(cell, width) : truncate(cell, width)];
        }),
      ),
    ),
    columns: shown,
    below: [...conditionLines(pod, now), ...volumeLines(pod)],
    container: containers[at]?.name,
  };
}

/** As many columns as fit; the table draws a border and a blank at both sides of each. */
function fitColumns(
  rows: readonly Readonly<Record<string, string>>[],
  columns: number,
): { readonly shown: readonly string[]; readonly widths: Readonly<Record<string, number>> } {
  const widths: Record<string, number> = {};
  const shown: string[] = [];
  let room = columns - 1;
  for (const column of columnOrder) {
    const wanted = Math.min(
      longest[column] ?? 12,
      Math.max(column.length, ...rows.map((row) => (row[column] ?? '').length)),
    );
    const least = Math.min(wanted, Math.max(column.length, 14));
    if (room < least + 3) break;
    widths[column] = Math.min(wanted, room - 3);
    room -= (widths[column] ?? 0) + 3;
    shown.push(column);
  }
  return { shown, widths };
}

const labelWidth = 12;
const fact = (label: string, text: string, role: Role = 'plain'): Spans => [
  { text: ` ${label.padEnd(labelWidth)} `, role: 'dim' },
  { text, role },
];

function aboveLines(pod: KubeObject, state: Inspected['state'], now: number): readonly Spans[] {
  const metadata = record(pod.metadata);
  const spec = record(pod['spec']);
  const status = record(pod['status']);
  const owner = list(metadata['ownerReferences'])
    .map(record)
    .find((one) => one['controller'] === true);
  const deleted = time(metadata['deletionTimestamp']);
  const phase = `${str(status['phase'])}${str(status['reason']) === '' ? '' : ` ${str(status['reason'])}`}${deleted === undefined ? '' : `, terminating for ${ageText(deleted, now)}`}`;
  const node = str(spec['nodeName']);
  const lines: Spans[] = [
    fact(
      'Phase',
      `${phase}   QoS ${str(status['qosClass']) || 'unknown'}   priority ${str(spec['priorityClassName']) || str(spec['priority']) || '0'}   age ${ageText(time(metadata['creationTimestamp']), now)}`,
    ),
    fact(
      'Node',
      node === ''
        ? 'none yet'
        : `${node}   pod IP ${str(status['podIP']) || 'none'}   service account ${str(spec['serviceAccountName']) || 'default'}`,
    ),
    fact(
      'Owner',
      owner === undefined ? 'none: nothing makes it again' : `${str(owner['kind'])}/${str(owner['name'])}`,
    ),
  ];
  if (str(status['message']) !== '') lines.push(fact('Message', str(status['message']), 'bad'));
  if (state.state === 'gone')
    lines.push([
      { text: ` Deleted ${ageText(state.sinceMs, now)} ago; this is how it was last.`, role: 'ghost' },
    ]);
  if (state.state === 'stale')
    lines.push([{ text: ` As it was ${ageText(state.sinceMs, now)} ago: ${state.reason}`, role: 'warn' }]);
  return lines;
}

function conditionLines(pod: KubeObject, now: number): readonly Spans[] {
  const conditions = list(record(pod['status'])['conditions']).map(record);
  return conditions.map((condition): Spans => {
    const isTrue = condition['status'] === 'True';
    const isGood = condition['type'] === 'DisruptionTarget' ? !isTrue : isTrue;
    const why = [str(condition['reason']), str(condition['message'])]
      .filter((part) => part !== '')
      .join(': ');
    return [
      { text: ` ${str(condition['type']).padEnd(26)} `, role: 'dim' },
      { text: str(condition['status']).padEnd(8), role: isGood ? 'good' : 'bad' },
      { text: `${ageText(time(condition['lastTransitionTime']), now).padStart(6)}  `, role: 'dim' },
      { text: isGood ? '' : why },
    ];
  });
}

function volumeLines(pod: KubeObject): readonly Spans[] {
  const volumes = list(record(pod['spec'])['volumes']).map(record);
  if (volumes.length === 0) return [];
  return [
    [],
    ...volumes.map((volume): Spans => {
      const [kind = 'unknown', source] =
        Object.entries(volume).find(([field, value]) => field !== 'name' && isRecord(value)) ?? [];
      const about = record(source);
      const named = str(
        about['claimName'] ??
          about['secretName'] ??
          about['name'] ??
          about['path'] ??
          about['driver'] ??
          about['medium'],
      );
      return [
        { text: ` ${str(volume['name']).padEnd(26)} `, role: 'dim' },
        { text: `${kind}${named === '' ? '' : ` ${named}`}` },
      ];
    }),
  ];
}
