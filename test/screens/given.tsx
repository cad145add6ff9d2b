import { stripVTControlCharacters } from 'node:util';
import { renderToString } from 'ink';
import { gpuRows, gpus } from '../../src/accelerators/gpus.ts';
import type { Services } from '../../src/actions/action.ts';
import type { Hands } from '../../src/actions/hands.ts';
import { createTables } from '../../src/actions/tables.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { events } from '../../src/resources/events.ts';
import { nodes } from '../../src/resources/nodes.ts';
import { pods } from '../../src/resources/pods.ts';
import { anyResource, type Resource, type Row, type Table } from '../../src/resources/resource.ts';
import { App } from '../../src/screens/App.tsx';
import { gpuSummaryLines } from '../../src/screens/gpu-summary.ts';
import { createScreen, type Screen } from '../../src/screens/screen.ts';
import { type Change, type Cluster, createCluster } from '../../src/state/cluster.ts';
import { deviceTable } from '../../src/state/device-table.ts';
import { createDeviceWatch } from '../../src/state/device-watch.ts';
import { createInspection, type Inspection } from '../../src/state/inspection.ts';
import type { LinkState } from '../../src/state/link.ts';
import { liveHealth } from '../../src/state/live-health.ts';
import { createLogStore, type LogStore } from '../../src/state/log-store.ts';
import { createSession, type SessionStart, type SessionStore } from '../../src/state/session.ts';
import { createSums } from '../../src/state/sums.ts';
import { createUsage, type Usage } from '../../src/state/usage.ts';
import { gpusWithUse, nodesWithUse, podsWithUse } from '../../src/state/usage-tables.ts';
import { sourceText } from '../../src/state/usage-text.ts';
import { createKeyDecoder } from '../../src/ui/keys.ts';
import { themeNamed, themeNames } from '../../src/ui/theme.ts';
import { recordedObjects } from '../recorded/read.ts';

export const noon: number = Date.parse('2026-11-21T11:44:15Z');
const live: LinkState = { state: 'live', sinceMs: noon };

export const podKind: Resource = anyResource(pods);
export const nodeKind: Resource = anyResource(nodes);
export const eventKind: Resource = anyResource(events);

const anyTable = <R extends Row>(table: Table<R>): Table<Row> => table as unknown as Table<Row>;

export interface Given {
  readonly screen: Screen;
  readonly session: SessionStore;
  readonly cluster: Cluster;
  readonly usage: Usage;
  /** What was copied, saved, asked for. */
  readonly done: string[];
  readonly clock: { now: number };
  /** Types: `j`, `\x1b[B`, `:nodes\r`. */
  readonly type: (input: string) => void;
  /** The screen as text without trailing blanks. */
  readonly text: () => string;
}

export interface GivenOptions extends Partial<SessionStart> {
  readonly columns?: number;
  readonly rows?: number;
  readonly contexts?: readonly Row[];
  /** What the checklist knows of objects. */
  readonly examination?: Services['examination'];
  readonly inspection?: Inspection;
  readonly logs?: LogStore;
  /** What reaches into the cluster; by default nothing does. */
  readonly hands?: (clock: () => number) => Hands;
}

/** A screen of this size over an empty cluster that has answered for its version and nothing else. */
export function givenScreen({
  inspection = createInspection(),
  logs = createLogStore(),
  columns = 80,
  rows = 24,
  contexts = [],
  examination,
  hands,
  ...start
}: GivenOptions = {}): Given {
  const clock = { now: noon };
  const done: string[] = [];
  const session = createSession({ table: 'pods', namespaces: 'all', nowMs: noon, ...start });
  const server = { major: 1, minor: 36, text: 'v1.36.3' };
  session.setState({
    context: 'research',
    connection: {
      state: 'connected',
      cluster: 'research',
      user: 'ada',
      url: 'https://127.0.0.1:6443',
      server,
    },
  });
  const cluster = createCluster();
  const sums = createSums(cluster);
  const usage = createUsage();
  const services: Services = {
    copy: async (text) => {
      done.push(`copy ${text}`);
      return 'copied';
    },
    save: async (name, text) => {
      done.push(`save ${name} ${text}`);
      return `/tmp/${name}`;
    },
    retryNow: () => done.push('retry'),
    switchContext: (name) => done.push(`context ${name}`),
    setTheme: (name) => (name === 'mono' ? undefined : `No theme "${name}".`),
    ...(examination === undefined ? {} : { examination }),
    version: '0.1.0',
    ...(hands === undefined ? {} : { hands: hands(() => clock.now) }),
  };
  const screen = createScreen({
    session,
    cluster,
    tables: createTables([
      anyTable(gpusWithUse({ ...gpus, derive: () => gpuRows(sums.ledger) }, usage)),
      anyResource(podsWithUse(pods, usage)),
      anyResource(nodesWithUse(usage, sums.ledger)),
      anyTable(
        deviceTable(
          usage,
          () => sums.ledger,
          () => clock.now,
        ),
      ),
      anyTable(
        liveHealth({ usage, watch: createDeviceWatch(cluster, () => clock.now), ledger: sums.ledger }),
      ),
    ]),
    sources: (table, now) => (table === 'pods' ? sourceText('use', usage.podSource(''), now) : ''),
    services,
    theme: themeNamed('mono', { level: 0 }),
    themes: themeNames,
    version: '0.1.0',
    health: () => ({ lastHeardMs: clock.now, roundTripMs: 42 }),
    sums: () => {
      const { devices, pending } = sums.summary();
      return {
        nodes: { ready: sums.nodesReady(), total: sums.nodesTotal() },
        gpus: { used: devices.used, total: devices.total, unusable: devices.unusable + devices.broken },
        waiting: pending,
        faults: cluster.faults(podKind) + cluster.faults(nodeKind),
      };
    },
    summary: (table, theme, width) =>
      table === gpus.name
        ? gpuSummaryLines(
            { summary: sums.summary(), totals: sums.ledger.totals(), demand: sums.ledger.demand() },
            theme,
            width,
          )
        : [],
    always: [podKind, nodeKind],
    inspection,
    logs,
    heldRows: () => contexts,
    now: () => clock.now,
  });
  const decoder = createKeyDecoder();
  return {
    screen,
    session,
    cluster,
    usage,
    done,
    clock,
    type(input) {
      for (const key of [...decoder.push(input), ...decoder.flush()]) screen.press(key);
    },
    text() {
      screen.frame(columns, rows);
      screen.refresh();
      return stripVTControlCharacters(
        renderToString(<App frame={screen.frame(columns, rows)} />, { columns }),
      )
        .split('\n')
        .map((line) => line.trimEnd())
        .join('\n');
    },
  };
}

/** A whole list of one kind, and its watch. */
export function listed(resource: Resource, objects: readonly KubeObject[]): readonly Change[] {
  return [
    { type: 'listStart', resource, scope: '' },
    ...objects.map(
      (object): Change => ({
        type: 'put',
        resource,
        scope: '',
        row: resource.toRow(object, { server: undefined }),
      }),
    ),
    { type: 'listEnd', resource, scope: '' },
    { type: 'link', resource, scope: '', link: live },
  ];
}

/** Pods, nodes and events as a real cluster had them. */
export function fillRecorded(cluster: Cluster): void {
  for (const resource of [podKind, nodeKind, eventKind]) {
    cluster.apply(listed(resource, recordedObjects(resource.name).objects), noon);
  }
}
