import { type EventRow, events } from '../resources/events.ts';
import { ageText, humanDuration } from '../resources/fields.ts';
import type { NodeRow } from '../resources/node-row.ts';
import { nodes } from '../resources/nodes.ts';
import { pods } from '../resources/pods.ts';
import {
  anyResource,
  type ClusterRows,
  type Column,
  type DerivedTable,
  type Row,
  type Tone,
} from '../resources/resource.ts';
import { resourceslices } from '../resources/resourceslices.ts';
import type { DeviceUse } from './device-use.ts';
import { ledgerOf } from './gpus.ts';
import { codesIn, healthOf, healthOfSlice } from './health.ts';
import type { Ledger } from './ledger.ts';
import { brokenPart } from './operator.ts';
import { type Xid, xidOf } from './xid.ts';

type HealthKind =
  | 'Xid'
  | 'condition'
  | 'taint'
  | 'label'
  | 'lost'
  | 'plugin'
  | 'operator'
  | 'driver skew'
  | 'throttled'
  | 'memory'
  | 'hot'
  | 'device';

type Severity = 'bad' | 'warn' | 'info';

/** One thing that is wrong with GPUs, or was while somebody looked. `name` is the node's. */
export interface GpuHealthRow extends Row {
  readonly node: string;
  /** Index or name of the device; `''` where only the node is known. */
  readonly gpu: string;
  readonly kind: HealthKind;
  readonly code: number | undefined;
  readonly severity: Severity;
  readonly meaning: string;
  /** What to do. */
  readonly action: string;
  /** `namespace/pod` of those who hold the device, or devices of the node. */
  readonly holders: readonly string[];
  /** Where it was read, joined with `, `. */
  readonly source: string;
  /** Epoch ms; undefined where nothing says since when. */
  readonly at: number | undefined;
}

/** Devices that a node said it had, and then no longer: seen while mltop ran. */
export interface AllocatableDrop {
  readonly node: string;
  readonly resource: string;
  readonly before: number;
  readonly after: number;
  readonly atMs: number;
  /** Set: they came back. */
  readonly backAtMs: number | undefined;
}

/** What is known beside the objects of the cluster. */
export interface HealthEvidence {
  readonly ledger?: Ledger;
  readonly devices?: Iterable<DeviceUse>;
  readonly drops?: Iterable<AllocatableDrop>;
  /** When a sign of a device was first read: measurements do not say. */
  readonly firstSeen?: (sign: string) => number | undefined;
  /** What answered for the devices: `dcgm-exporter`. */
  readonly deviceSource?: string | undefined;
}

/** GPU health: whatever objects, events, measurements and the operator's own pods say against devices. */
export const gpuHealth: DerivedTable<GpuHealthRow> = {
  name: 'gpuhealth',
  title: 'GPU health',
  empty: 'No sign of a sick GPU',
  aliases: ['gh', 'health'],
  namespaced: false,
  needs: [anyResource(pods), anyResource(nodes), anyResource(events), anyResource(resourceslices)],
  columns: healthColumns(),
  sort: { column: 'AGE', descending: true },
  fault: (row) => row.severity === 'bad',
  why: whyText,
  derive: (cluster) => healthRows(cluster, {}),
};

type Draft = Omit<GpuHealthRow, keyof Row | 'holders'> & {
  readonly holders?: readonly string[];
  /** When it was first read, where nothing says since when it is so. */
  readonly seenAt?: number | undefined;
};

/** All signs, those of one Xid on one node as one. */
export function healthRows(cluster: ClusterRows, evidence: HealthEvidence): readonly GpuHealthRow[] {
  const ledger = evidence.ledger ?? ledgerOf(cluster);
  const drafts: Draft[] = [];
  const nodeRows = [...cluster.rowsOf(nodes)];
  for (const node of nodeRows) drafts.push(...nodeSigns(node, ledger));
  for (const slice of cluster.rowsOf(resourceslices)) {
    for (const { text, xid, at, source, isNote } of healthOfSlice(slice))
      drafts.push({
        ...xidWords(xid, text, 'claims are kept away from it'),
        node: slice.node,
        gpu: source.replace(/^device /, ''),
        kind: xid === undefined ? 'taint' : 'Xid',
        severity: isNote ? 'info' : severityOf(xid, 'warn'),
        source: 'slice taint',
        at,
      });
  }
  for (const event of cluster.rowsOf(events)) drafts.push(...eventSigns(event));
  for (const pod of cluster.rowsOf(pods)) {
    const broken = brokenPart(pod);
    if (broken === undefined) continue;
    drafts.push({
      node: pod.node,
      gpu: '',
      kind: 'operator',
      code: undefined,
      severity: broken.part === 'metrics exporter' || broken.part === 'dcgm' ? 'warn' : 'bad',
      meaning: broken.text,
      action: `mend the ${broken.layer}`,
      holders: [],
      source: `pod ${pod.namespace}/${pod.name}`,
      at: pod.ready?.at ?? pod.createdAt,
    });
  }
  drafts.push(...driverSkew(nodeRows));
  for (const device of evidence.devices ?? []) drafts.push(...deviceSigns(device, evidence));
  for (const drop of evidence.drops ?? []) drafts.push(dropSign(drop));
  return merged(drafts).map((draft) => rowOf(draft, ledger));
}

function nodeSigns(node: NodeRow, ledger: Ledger): readonly Draft[] {
  const drafts: Draft[] = healthOf(node).map(({ source, text, xid, at }) => ({
    ...xidWords(xid, text, 'look at the node'),
    node: node.name,
    gpu: '',
    kind: xid !== undefined ? 'Xid' : source.startsWith('label') ? 'label' : 'condition',
    severity: severityOf(xid, 'warn'),
    source,
    at,
  }));
  for (const entry of ledger.entriesOf(node.name)) {
    const base = { node: node.name, gpu: '', code: undefined, source: 'node status', at: undefined };
    if (entry.state === 'pluginDown') {
      drafts.push({
        ...base,
        kind: 'plugin',
        severity: 'bad',
        meaning: entry.reason,
        action: 'look at the device plugin',
      });
    } else if ((entry.unhealthy ?? 0) > 0 && entry.source === 'plugin') {
      const [lost, all] = [entry.unhealthy ?? 0, entry.capacity ?? 0];
      drafts.push({
        ...base,
        kind: 'lost',
        severity: 'bad',
        meaning: `${lost} of ${all} ${entry.className} unhealthy`,
        action: 'reset the GPU, restart its plugin',
      });
    }
  }
  return drafts;
}

/** What the kubelet, a device plugin or a problem detector said of a node. */
function eventSigns({ object, reason, message, at, component, type }: EventRow): readonly Draft[] {
  if (object.kind !== 'Node' || type === 'Normal') return [];
  const codes = codesIn(message) ?? codesIn(reason);
  if (codes === undefined) return [];
  return codes.map((code) => ({
    ...xidWords(xidOf(code), message, ''),
    node: object.name,
    gpu: '',
    kind: 'Xid',
    severity: severityOf(xidOf(code), 'warn'),
    source: `event${component === '' ? '' : ` of ${component}`}`,
    at,
  }));
}

const hotFrom = 87;
const memoryHotFrom = 95;

function deviceSigns(device: DeviceUse, evidence: HealthEvidence): readonly Draft[] {
  const { node, index, key, holders } = device;
  const source = evidence.deviceSource ?? 'exporter';
  const drafts: Draft[] = [];
  const say = (
    kind: HealthKind,
    severity: Severity,
    meaning: string,
    action: string,
    code?: number,
  ): void => {
    drafts.push({
      node,
      gpu: index,
      kind,
      code,
      severity,
      meaning,
      action,
      source,
      at: undefined,
      seenAt: evidence.firstSeen?.(`${key} ${kind} ${code ?? ''}`),
      holders: holders.map(({ namespace, pod }) => `${namespace}/${pod}`),
    });
  };
  if (device.xid !== undefined && device.xid > 0) {
    const { meaning, action, code, severity } = xidOf(device.xid);
    // A gauge that keeps the last code until the driver is loaded again: old news looks like new.
    say(
      'Xid',
      severity === 'app' ? 'info' : severity,
      `${meaning} (last since the driver was loaded)`,
      action,
      code,
    );
  }
  if (device.throttled !== undefined && device.throttled.length > 0)
    say(
      'throttled',
      'warn',
      `clocks held down: ${device.throttled.join(', ')}`,
      'check cooling and power of the node',
    );
  if (device.remapFailed === true)
    say('memory', 'bad', 'a memory row could not be remapped', 'drain the node; the GPU must be replaced');
  if ((device.eccErrors ?? 0) > 0)
    say('memory', 'bad', `${device.eccErrors} uncorrectable memory errors`, 'drain the node, reset the GPU');
  if (device.healthy === false)
    say('device', 'bad', 'the exporter calls it unhealthy', 'look at the driver log');
  if ((device.temperature ?? 0) >= hotFrom || (device.memoryTemperature ?? 0) >= memoryHotFrom) {
    const degrees = [device.temperature, device.memoryTemperature].filter((one) => one !== undefined);
    say('hot', 'warn', `${degrees.join(' / ')} °C (chip / memory)`, 'check cooling of the node');
  }
  return drafts;
}

function dropSign({ node, resource, before, after, atMs, backAtMs }: AllocatableDrop): Draft {
  const back = backAtMs === undefined ? '' : `, back after ${humanDuration(backAtMs - atMs)}`;
  return {
    node,
    gpu: '',
    kind: 'lost',
    code: undefined,
    severity: backAtMs === undefined ? 'bad' : 'info',
    meaning: `allocatable ${resource} ${before}→${after}${back}`,
    action: backAtMs === undefined ? 'pods there may hold a dead GPU' : '',
    source: 'seen live',
    at: atMs,
  };
}

/** Most of a few drivers is normal, one node with another is a rollout that stopped. */
function driverSkew(all: readonly NodeRow[]): readonly Draft[] {
  const byVersion = new Map<string, NodeRow[]>();
  for (const node of all) {
    const version = driverOf(node);
    if (version !== undefined) byVersion.set(version, [...(byVersion.get(version) ?? []), node]);
  }
  const [most, ...others] = [...byVersion].sort((a, b) => b[1].length - a[1].length);
  if (most === undefined) return [];
  return others.flatMap(([version, list]) =>
    list.map(
      (node): Draft => ({
        node: node.name,
        gpu: '',
        kind: 'driver skew',
        code: undefined,
        severity: 'info',
        meaning: `driver ${version}; ${most[1].length} nodes have ${most[0]}`,
        action: 'finish or undo the rollout',
        holders: [],
        source: 'label',
        at: undefined,
      }),
    ),
  );
}

function driverOf({ labels }: NodeRow): string | undefined {
  const whole = labels['nvidia.com/cuda.driver-version.full'];
  if (whole !== undefined && whole !== '') return whole;
  const major = labels['nvidia.com/cuda.driver.major'];
  if (major === undefined) return undefined;
  return [major, labels['nvidia.com/cuda.driver.minor'], labels['nvidia.com/cuda.driver.rev']]
    .filter((part) => part !== undefined && part !== '')
    .join('.');
}

const severityOf = (xid: Xid | undefined, otherwise: Severity): Severity =>
  xid === undefined ? otherwise : xid.severity === 'app' ? 'info' : xid.severity;

const xidWords = (
  xid: Xid | undefined,
  text: string,
  action: string,
): Pick<Draft, 'code' | 'meaning' | 'action'> =>
  xid === undefined
    ? { code: undefined, meaning: text, action }
    : { code: xid.code, meaning: xid.meaning, action: xid.action };

const worse: Readonly<Record<Severity, number>> = { bad: 2, warn: 1, info: 0 };

/** A condition, an event and a gauge that name the same Xid on the same node are one sign with three sources. */
function merged(drafts: readonly Draft[]): readonly Draft[] {
  const byKey = new Map<string, Draft>();
  for (const draft of drafts) {
    const key =
      draft.kind === 'Xid'
        ? `${draft.node} Xid ${draft.code}`
        : `${draft.node} ${draft.gpu} ${draft.kind} ${draft.meaning}`;
    const known = byKey.get(key);
    byKey.set(key, known === undefined ? draft : both(known, draft));
  }
  return [...byKey.values()];
}

const both = (a: Draft, b: Draft): Draft => ({
  ...a,
  gpu: a.gpu === '' || a.gpu === b.gpu ? b.gpu || a.gpu : b.gpu === '' ? a.gpu : `${a.gpu},${b.gpu}`,
  severity: worse[b.severity] > worse[a.severity] ? b.severity : a.severity,
  holders:
    a.holders === undefined && b.holders === undefined
      ? []
      : [...new Set([...(a.holders ?? []), ...(b.holders ?? [])])],
  source: a.source.split(', ').includes(b.source) ? a.source : `${a.source}, ${b.source}`,
  at: a.at === undefined || b.at === undefined ? (a.at ?? b.at) : Math.max(a.at, b.at),
  seenAt: a.seenAt ?? b.seenAt,
});

function rowOf({ seenAt, ...draft }: Draft, ledger: Ledger): GpuHealthRow {
  const own = draft.holders ?? [];
  const at = draft.at ?? seenAt;
  return {
    ...draft,
    at,
    uid: `${draft.node}/${draft.gpu}/${draft.kind}/${draft.code ?? draft.meaning}`,
    namespace: '',
    name: draft.node,
    createdAt: at,
    version: '',
    holders: own.length > 0 || draft.kind === 'operator' ? own : holdersOn(draft.node, ledger),
  };
}

const holdersOn = (node: string, ledger: Ledger): readonly string[] => [
  ...new Set(
    ledger
      .entriesOf(node)
      .flatMap((entry) => ledger.holders(entry).map(({ namespace, name }) => `${namespace}/${name}`)),
  ),
];

const tones: Readonly<Record<Severity, Tone>> = { bad: 'bad', warn: 'warn', info: 'dim' };

const shownHolders = 2;

function holdersText({ holders }: GpuHealthRow): string {
  if (holders.length <= shownHolders) return holders.join(' ');
  return `${holders.slice(0, shownHolders).join(' ')} +${holders.length - shownHolders}`;
}

function whyText(row: GpuHealthRow): string | undefined {
  const gpu = row.gpu === '' ? '' : ` GPU ${row.gpu}`;
  const code = row.code === undefined ? '' : ` ${row.code}`;
  const held = row.holders.length === 0 ? '' : `; held by ${row.holders.slice(0, 6).join(', ')}`;
  return `${row.node}${gpu}: ${row.kind}${code}, ${row.meaning}${row.action === '' ? '' : ` -> ${row.action}`}${held} (${row.source})`;
}

function healthColumns(): readonly Column<GpuHealthRow>[] {
  return [
    {
      title: 'AGE',
      value: (row) => row.at,
      text: (row, now) => (row.at === undefined ? '-' : ageText(row.at, now)),
      tone: () => 'dim',
      align: 'right',
      priority: 1,
    },
    { title: 'NODE', value: (row) => row.node, text: (row) => row.node || '-', priority: 0 },
    { title: 'GPU', value: (row) => row.gpu, text: (row) => row.gpu || '-', align: 'right', priority: 2 },
    { title: 'KIND', value: (row) => row.kind, tone: (row) => tones[row.severity], priority: 0 },
    {
      title: 'CODE',
      value: (row) => row.code,
      text: (row) => (row.code === undefined ? '' : String(row.code)),
      tone: (row) => tones[row.severity],
      align: 'right',
      priority: 1,
    },
    {
      title: 'MEANING',
      value: (row) => row.meaning,
      tone: (row) => (row.severity === 'info' ? 'dim' : 'plain'),
      priority: 1,
    },
    { title: 'ACTION', value: (row) => row.action, text: (row) => row.action, priority: 3 },
    { title: 'HOLDERS', value: holdersText, text: holdersText, priority: 4 },
    { title: 'SOURCE', value: (row) => row.source, tone: () => 'dim', priority: 5 },
  ];
}
