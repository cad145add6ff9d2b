import { describe, expect, test } from 'vitest';
import { findingPlace } from '../../src/actions/findings.ts';
import { loadPack } from '../../src/checklist/rule-pack.ts';
import { type Rules, rulesOf } from '../../src/checklist/rules.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { events } from '../../src/resources/events.ts';
import { nodes } from '../../src/resources/nodes.ts';
import type { PodRow } from '../../src/resources/pod-row.ts';
import { pods } from '../../src/resources/pods.ts';
import { anyResource, type Resource } from '../../src/resources/resource.ts';
import { type Cluster, createCluster } from '../../src/state/cluster.ts';
import { createWords, parseFilter } from '../../src/state/filter.ts';
import { type FindingRow, findingTables } from '../../src/state/findings.ts';
import { createSession, shownTable } from '../../src/state/session.ts';
import { createTrueStates, type TrueStates, withTrueState } from '../../src/state/true-states.ts';
import { pod as anyPod, node as readyNode } from '../scheduling/rows.ts';

const now = Date.parse('2026-11-21T12:00:00Z');
const podKind = anyResource(pods);
const ago = (minutes: number): string => new Date(now - minutes * 60_000).toISOString();

const running = (name: string, on = 'n1'): KubeObject =>
  anyPod(name, {
    on,
    metadata: { creationTimestamp: ago(120), resourceVersion: '1' },
    status: {
      phase: 'Running',
      conditions: [
        { type: 'PodScheduled', status: 'True' },
        { type: 'Ready', status: 'True' },
      ],
      containerStatuses: [
        { name: 'main', ready: true, restartCount: 0, state: { running: { startedAt: ago(119) } } },
      ],
    },
  });

const oom = (name: string, limit = '16Gi'): KubeObject =>
  anyPod(name, {
    on: 'n1',
    requests: { memory: limit, 'nvidia.com/gpu': '8' },
    metadata: { creationTimestamp: ago(60), resourceVersion: '1' },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: ago(5) }],
      containerStatuses: [
        {
          name: 'main',
          ready: false,
          restartCount: 7,
          state: { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: {
            terminated: { reason: 'OOMKilled', exitCode: 137, startedAt: ago(6), finishedAt: ago(5) },
          },
        },
      ],
    },
  });

const evicted = (name: string): KubeObject =>
  anyPod(name, {
    on: 'n1',
    metadata: { creationTimestamp: ago(60), resourceVersion: '1' },
    status: {
      phase: 'Failed',
      conditions: [
        { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'evicting' },
      ],
      containerStatuses: [],
    },
  });

const creating = (name: string): KubeObject =>
  anyPod(name, {
    on: 'n1',
    metadata: { creationTimestamp: ago(20), resourceVersion: '1' },
    status: {
      phase: 'Pending',
      startTime: ago(20),
      containerStatuses: [
        { name: 'main', ready: false, restartCount: 0, state: { waiting: { reason: 'ContainerCreating' } } },
      ],
    },
  });

const mountFails = (about: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { namespace: 'train', name: 'e1', uid: 'uid-e1', creationTimestamp: ago(1) },
  involvedObject: { kind: 'Pod', namespace: 'train', name: about, uid: `uid-train-${about}` },
  type: 'Warning',
  reason: 'FailedMount',
  message: 'MountVolume.SetUp failed for volume "routes" : configmap "router-routes" not found',
  count: 9,
  firstTimestamp: ago(19),
  lastTimestamp: ago(1),
  source: { component: 'kubelet' },
});

interface Given {
  readonly cluster: Cluster;
  readonly states: TrueStates;
  readonly table: Resource<PodRow>;
  readonly put: (kind: Resource, ...objects: readonly KubeObject[]) => void;
  readonly row: (name: string) => PodRow;
  readonly cell: (name: string, title: string) => string;
}

function given(...objects: readonly KubeObject[]): Given {
  let states: TrueStates | undefined;
  const table = withTrueState(
    pods,
    (row, at) => states?.of(row, at) ?? { state: '', label: '', severity: 'none', since: undefined },
    { clock: () => now },
  );
  const cluster = createCluster([anyResource(table)]);
  states = createTrueStates(cluster, () => now);
  const put: Given['put'] = (resource, ...all) =>
    cluster.apply(
      all.map((object) => ({
        type: 'put',
        resource,
        scope: '',
        row: resource.toRow(object, { server: undefined }),
      })),
      now,
    );
  put(anyResource(nodes), readyNode('n1'));
  put(podKind, ...objects);
  const row = (name: string): PodRow => cluster.get(podKind, `uid-train-${name}`) as PodRow;
  return {
    cluster,
    states,
    table,
    put,
    row,
    cell: (name, title) =>
      table.columns.find((column) => column.title === title)?.text?.(row(name), now) ?? '',
  };
}

describe('the column', () => {
  test('says what STATUS does not, and nothing about what is well', () => {
    const { cell } = given(running('well'), oom('broken'));
    expect(cell('well', 'TRUE STATE')).toBe('-');
    expect(cell('broken', 'STATUS')).toBe('CrashLoopBackOff');
    expect(cell('broken', 'TRUE STATE')).toBe('OOM at limit 16Gi');
  });

  test('Running on a node that no longer reports is a fault, and STATUS takes its colour', () => {
    const { put, table, row, cell, cluster } = given(running('lost'));
    const status = table.columns.find(({ title }) => title === 'STATUS');
    expect(status?.tone?.(row('lost'), now)).toBe('good');
    const sick = readyNode('n1');
    put(anyResource(nodes), {
      ...sick,
      status: {
        ...(sick['status'] as object),
        conditions: [{ type: 'Ready', status: 'Unknown', lastTransitionTime: ago(10) }],
      },
    });
    put(podKind, {
      ...running('lost'),
      status: {
        ...(running('lost')['status'] as object),
        conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: ago(9) }],
      },
    });
    expect(cell('lost', 'STATUS')).toBe('Running');
    expect(cell('lost', 'TRUE STATE')).toMatch(/node n1/);
    expect(status?.tone?.(row('lost'), now)).toBe('bad');
    expect(cluster.faults(podKind)).toBe(1);
  });

  test('stands beside STATUS, and kubectl’s columns keep their order', () => {
    const { table } = given();
    const titles = table.columns.map(({ title }) => title);
    expect(titles.indexOf('TRUE STATE')).toBe(titles.indexOf('STATUS') + 1);
    const kubectl = (columns: typeof table.columns) =>
      columns.filter((column) => column.kubectl !== undefined).map(({ title }) => title);
    expect(kubectl(table.columns)).toEqual(kubectl(pods.columns));
  });
});

describe('what changes without the row', () => {
  test('an event brings the cause, and the fault, without the pod changing', () => {
    const { put, states, row, cell, cluster } = given(creating('router'));
    expect(states.of(row('router'), now).state).not.toBe('E4');
    put(anyResource(events), mountFails('router'));
    states.tick(now, 10);
    expect(cell('router', 'TRUE STATE')).toMatch(/router-routes/);
    expect(states.bad()).toBe(1);
    expect(cluster.faults(podKind)).toBe(1);
  });

  test('the event of another pod changes nothing', () => {
    const { put, states, row } = given(creating('router'));
    const before = states.of(row('router'), now);
    put(anyResource(events), mountFails('other'));
    states.tick(now, 10);
    expect(states.of(row('router'), now)).toEqual(before);
  });

  test('a pod that goes is no longer counted', () => {
    const { cluster, states } = given(oom('a'), oom('b'));
    expect(states.bad()).toBe(2);
    cluster.apply([{ type: 'remove', resource: podKind, scope: '', key: 'uid-train-a' }], now);
    expect(states.bad()).toBe(1);
  });

  test('a table that is opened over rows that are there already knows them', () => {
    const { cluster } = given(oom('a'), creating('router'));
    cluster.apply(
      [
        {
          type: 'put',
          resource: anyResource(events),
          scope: '',
          row: anyResource(events).toRow(mountFails('router'), { server: undefined }),
        },
      ],
      now,
    );
    const later = createTrueStates(cluster, () => now);
    expect(later.bad()).toBe(2);
  });
});

describe('the line under the table', () => {
  test('of a report says its first cause, and without one the state', () => {
    const report = {
      headline: 'OOM at limit 16Gi',
      causes: [{ id: 'H4.limit', verdict: 'proven', text: 'the limit is too small', fixes: [] }],
    };
    const { row, states } = given(oom('a'));
    const table = withTrueState(pods, states.of, {
      clock: () => now,
      reportOf: () => report as never,
    });
    expect(table.why?.(row('a'), now)).toBe('OOM at limit 16Gi: the limit is too small');
    const plain = withTrueState(pods, states.of, { clock: () => now });
    expect(plain.why?.(row('a'), now)).toMatch(/^OOM at limit 16Gi; main: last run ended OOMKilled/);
  });
});

describe('findings', () => {
  const rowsOf = ({ states, cluster }: Given, name: string): readonly FindingRow[] =>
    (findingTables(states, cluster)
      .find((table) => table.name === name)
      ?.derive(cluster, now) ?? []) as readonly FindingRow[];

  test('pods with one cause are one, with the GPUs that they hold', () => {
    const found = rowsOf(given(running('well'), oom('a'), oom('b'), oom('c', '32Gi')), 'findings');
    expect(found.map(({ name, count, gpus }) => [name, count, gpus])).toEqual([
      ['H4 OOM at limit 16Gi', 2, 16],
      ['H4 OOM at limit 32Gi', 1, 8],
    ]);
    expect(found[0]).toMatchObject({ severity: 'bad', where: 'n1', namespaces: 'train', of: 'pods' });
  });

  test('by node, image and owner', () => {
    const all = given(oom('a'), oom('c', '32Gi'));
    expect(rowsOf(all, 'findings-by-node')).toMatchObject([{ name: 'n1', count: 2, gpus: 16 }]);
    expect(rowsOf(all, 'findings-by-image')).toMatchObject([{ name: 'i', count: 2 }]);
    expect(rowsOf(all, 'findings-by-owner')).toMatchObject([{ name: '', count: 2 }]);
  });

  test('the rows behind a group are found by its column of the pods', () => {
    const { states, row, cluster, ...rest } = given(oom('a'), oom('c', '32Gi'));
    const table = withTrueState(pods, states.of, { clock: () => now });
    const column = table.columns.find(({ title }) => title === 'FINDING');
    const [first] = rowsOf({ states, row, cluster, ...rest }, 'findings');
    expect([row('a'), row('c')].filter((pod) => column?.value(pod) === first?.name)).toHaveLength(1);
  });

  test('Enter on a group shows the warnings too that were counted, and not what is well', () => {
    const { states, row, cluster, ...rest } = given(running('well'), oom('a'), evicted('b'));
    const [group] = rowsOf({ states, row, cluster, ...rest }, 'findings-by-owner');
    expect(group).toMatchObject({ count: 2, warnings: 1 });
    const session = createSession({ table: 'findings-by-owner', namespaces: 'all', nowMs: now });
    const go = findingPlace({ name: 'findings-by-owner' }, group as never) ?? expect.fail();
    session.setState(go(session.getState()));
    const view = shownTable(session.getState());
    expect(view).toMatchObject({ table: 'pods', faultsOnly: false });
    const table = withTrueState(pods, states.of, { clock: () => now });
    const filter = parseFilter(view.filter, table, createWords(table));
    expect(['well', 'a', 'b'].filter((name) => filter?.matches(row(name), now))).toEqual(['a', 'b']);
  });

  test('a node that does not report stands among them', () => {
    const all = given();
    const sick = readyNode('n1');
    all.put(anyResource(nodes), {
      ...sick,
      status: {
        ...(sick['status'] as object),
        conditions: [
          { type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', lastTransitionTime: ago(10) },
        ],
      },
    });
    expect(rowsOf(all, 'findings')).toMatchObject([
      { of: 'nodes', count: 1, subject: { kind: 'Node', name: 'n1' } },
    ]);
  });

  test('nothing wrong, no finding', () => {
    expect(rowsOf(given(running('a'), running('b')), 'findings')).toEqual([]);
  });
});

describe('rule packs', () => {
  const rulesFrom = (states: string): Rules | undefined => {
    const { pack, problems } = loadPack(
      `apiVersion: mltop.dev/v1alpha1\nkind: RulePack\nmetadata: {name: acme}\n${states}`,
    );
    expect(problems).toEqual([]);
    return rulesOf(pack === undefined ? [] : [pack]);
  };
  const site =
    'states: [{id: acme.web, when: {path: metadata.name, op: matches, value: ^web}, severity: fail, label: no web here}]\noverrides: [{id: H4, severity: warn}]\n';

  test('reach the column, the counts, faults and findings; without them everything is as before', () => {
    const { cluster, states, table, put, row, cell } = given(
      running('web-1'),
      running('db-1'),
      oom('web-2'),
      oom('db-2'),
    );
    expect([states.bad(), states.warn()]).toEqual([2, 0]);

    states.setRules(rulesFrom(site));
    expect(cell('web-1', 'TRUE STATE')).toBe('no web here');
    expect(states.catchUp(now, 1000)).toBe(true);
    expect([states.bad(), states.warn()]).toEqual([2, 1]);
    expect(table.fault?.(row('web-1'), now)).toBe(true);
    expect(table.why?.(row('web-1'), now)).toBe('no web here');
    expect(
      [...cluster.rowsOf(pods)]
        .filter((one) => table.fault?.(one, now))
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['web-1', 'web-2']);
    const [findings] = findingTables(states, cluster);
    const rows = findings?.derive(cluster as never, now) as unknown as readonly FindingRow[];
    expect(rows.map(({ name, count }) => `${name} ×${count}`).sort()).toEqual([
      'H4 OOM at limit 16Gi ×1',
      'acme.web no web here ×2',
    ]);
    put(podKind, running('web-3'));
    expect(states.bad()).toBe(3);

    states.setRules(undefined);
    expect(states.catchUp(now, 1000)).toBe(true);
    expect([states.bad(), states.warn()]).toEqual([2, 0]);
    expect(cell('web-1', 'TRUE STATE')).toBe('-');
  });

  test('of time alone come to hold without a change of the row', () => {
    const { states } = given(running('web-1'));
    states.setRules(
      rulesFrom(
        'states: [{id: acme.old, when: {path: metadata.creationTimestamp, op: ageGt, value: 3h}, severity: warn, label: too old}]\n',
      ),
    );
    states.catchUp(now, 1000);
    expect(states.warn()).toBe(0);
    states.tick(now + 2 * 3_600_000, 1000);
    expect(states.warn()).toBe(1);
  });

  test('that are judged anew in slices are all judged in the end', () => {
    const { states } = given(...Array.from({ length: 300 }, (_, index) => running(`web-${index}`)));
    states.setRules(rulesFrom(site));
    let slices = 1;
    while (!states.catchUp(now, 0)) slices += 1;
    expect(slices).toBeGreaterThan(1);
    expect(states.bad()).toBe(300);
  });
});
