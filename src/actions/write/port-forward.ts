import { isIP } from 'node:net';
import type { Connection } from '../../kube/contract.ts';
import { mayStream } from '../../kube/exec.ts';
import { KubeError } from '../../kube/kube-error.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { ForwardTarget } from '../../kube/port-forward.ts';
import { list, record, text } from '../../resources/fields.ts';
import { pods as podKind } from '../../resources/pods.ts';
import { anyResource, type Resource, type Row } from '../../resources/resource.ts';
import { portForwards } from '../../state/held-tables.ts';
import { push, tableView } from '../../state/session.ts';
import { type Action, type ActionContext, say, step } from '../action.ts';
import { askForm } from '../ask.ts';
import { inNamespace } from '../kubectl.ts';
import { kindOf, kubectlKind } from './delete.ts';
import { wordsOf } from './flow.ts';
import { nameOf } from './impact.ts';
import { type Outcome, objectAt, objectPath, type Plan, type Running, type WriteContext } from './plan.ts';
import { noRow, writeAction } from './write-action.ts';

/** Where pods of this object are, and which ports they say they have. */
interface Way {
  readonly ports: readonly { readonly name: string; readonly port: number }[];
  /** The pod for one connection. Rejects with KubeError where there is none now. */
  readonly target: (port: number) => Promise<ForwardTarget>;
}

const places: readonly string[] = [
  'pods',
  'services',
  'deployments',
  'statefulsets',
  'daemonsets',
  'replicasets',
  'jobs',
];

const loopback = '127.0.0.1';

const podsPath = (namespace: string): string => `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;

const isReady = (pod: KubeObject): boolean =>
  list(record(pod['status'])['conditions']).some(
    (raw) => record(raw)['type'] === 'Ready' && record(raw)['status'] === 'True',
  );

const canServe = (pod: KubeObject): boolean =>
  record(pod['status'])['phase'] === 'Running' && (pod.metadata?.deletionTimestamp ?? null) === null;

const portsOf = (pod: KubeObject): Way['ports'] =>
  list(record(pod['spec'])['containers'])
    .flatMap((raw) => list(record(raw)['ports']))
    .flatMap((raw) => {
      const { name, containerPort, protocol } = record(raw) as {
        name?: unknown;
        containerPort?: unknown;
        protocol?: unknown;
      };
      // A forward carries TCP only.
      return typeof containerPort === 'number' && protocol !== 'UDP'
        ? [{ name: text(name), port: containerPort }]
        : [];
    });

const nothing = (what: string): KubeError =>
  new KubeError(`${what} has no pod that runs now`, {
    kind: 'unavailable',
    hint: 'The next connection looks again.',
  });

/** Ready ones first, then by name: the same one for as long as it is there. */
function best(pods: readonly KubeObject[]): KubeObject | undefined {
  return [...pods]
    .filter(canServe)
    .sort(
      (a, b) =>
        Number(isReady(b)) - Number(isReady(a)) ||
        ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1),
    )[0];
}

const selectorText = (labels: Readonly<Record<string, unknown>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(',');

async function listPods(
  read: Connection,
  namespace: string,
  labelSelector: string | undefined,
): Promise<readonly KubeObject[]> {
  const found: KubeObject[] = [];
  for await (const page of read.pages(podsPath(namespace), { labelSelector })) {
    if (page.restarted) found.length = 0;
    found.push(...page.items);
  }
  return found;
}

/** A pod, and when it is gone another that the same owner made. */
async function wayToPod(read: Connection, row: Row): Promise<Way> {
  const path = objectPath(anyResource(podKind), row);
  const first = await read.json({ path });
  const owner = first.metadata?.ownerReferences?.find(({ controller }) => controller === true)?.uid;
  return {
    ports: portsOf(first),
    async target(port) {
      const same = await read.json({ path }).catch((error: unknown) => {
        if (error instanceof KubeError && error.kind === 'not-found') return undefined;
        throw error;
      });
      if (same !== undefined && canServe(same)) return { namespace: row.namespace, pod: row.name, port };
      if (owner === undefined) throw nothing(`Pod ${row.name}`);
      const siblings = (await listPods(read, row.namespace, undefined)).filter((pod) =>
        pod.metadata?.ownerReferences?.some(({ uid }) => uid === owner),
      );
      const other = best(siblings)?.metadata?.name;
      if (other === undefined) throw nothing(`Pod ${row.name}`);
      return { namespace: row.namespace, pod: other, port };
    },
  };
}

/** The pods that a service or a workload selects; a service's port is turned into its pods'. */
async function wayBySelector(read: Connection, resource: Resource, row: Row): Promise<Way> {
  const object = await read.json({ path: objectPath(resource, row) });
  const spec = record(object['spec']);
  const isService = resource.name === 'services';
  const labels = record(isService ? spec['selector'] : record(spec['selector'])['matchLabels']);
  if (Object.keys(labels).length === 0)
    throw new KubeError(`${row.name} selects no pods`, {
      kind: 'invalid',
      hint: 'Forward to a pod instead.',
    });
  const selector = selectorText(labels);
  const servicePorts = isService
    ? list(spec['ports']).map((raw) => {
        const { name, port, targetPort } = record(raw);
        return { name: text(name), port: Number(port), target: targetPort ?? port };
      })
    : [];
  const pods = await listPods(read, row.namespace, selector);
  return {
    ports: isService ? servicePorts : portsOf(best(pods) ?? pods[0] ?? {}),
    async target(port) {
      const pod = best(await listPods(read, row.namespace, selector));
      const name = pod?.metadata?.name;
      if (pod === undefined || name === undefined) throw nothing(`${resource.kind} ${row.name}`);
      return {
        namespace: row.namespace,
        pod: name,
        port: inPod(pod, servicePorts.find((one) => one.port === port)?.target ?? port),
      };
    },
  };
}

/** A port by number, or by the name that the pod's container gives it. */
function inPod(pod: KubeObject, target: unknown): number {
  if (typeof target === 'number') return target;
  const named = portsOf(pod).find(({ name }) => name === target);
  if (named !== undefined) return named.port;
  throw new KubeError(`No container of ${pod.metadata?.name ?? 'the pod'} has a port "${String(target)}"`, {
    kind: 'invalid',
    hint: 'The Service’s targetPort names a port that its pods do not have.',
  });
}

const isPort = (words: string, least: number): boolean =>
  /^\d{1,5}$/.test(words) && Number(words) >= least && Number(words) <= 65_535;

export const portForward: Action = writeAction({
  id: 'port-forward',
  keys: ['F'],
  title: 'port-forward: a port of this machine that leads into a pod',
  places,
  risk: 'disruptive',
  whyNot: noRow,
  kubectl: (context) => {
    const kind = kindOf(context);
    const { row } = context;
    return kind === undefined || row === undefined
      ? undefined
      : [...inNamespace(row.namespace), 'port-forward', `${kubectlKind(kind)}/${row.name}`, '8000'];
  },
  async plan(context) {
    const resource = kindOf(context);
    const { row, hands } = context;
    const read = hands.access()?.read;
    if (resource === undefined || row === undefined || read === undefined) return undefined;
    let way: Way;
    try {
      way = await (resource.name === 'pods' ? wayToPod(read, row) : wayBySelector(read, resource, row));
    } catch (error) {
      say(context, wordsOf(error), 'bad');
      return undefined;
    }
    const first = way.ports[0]?.port;
    const offered = way.ports
      .map(({ name, port }) => (name === '' ? String(port) : `${port} (${name})`))
      .join(', ');
    const values = await askForm(context, {
      title: `Port-forward to ${row.name}`,
      body: [
        {
          text: offered === '' ? 'it names no ports; any may still be open' : `its ports: ${offered}`,
          tone: 'dim',
        },
        { text: 'port here: empty for the same, 0 for any free one', tone: 'dim' },
      ],
      fields: [
        { label: 'port there', text: first === undefined ? '' : String(first) },
        { label: 'port here ' },
        { label: 'address   ', text: loopback },
      ],
      verb: 'Next',
      check: ([there = '', here = '', address = '']) => {
        if (isIP(address) === 0)
          return `"${address}" is no address: 127.0.0.1 for this machine only, 0.0.0.0 for all.`;
        if (!isPort(there, 1)) return `"${there}" is no port: write a number from 1 to 65535.`;
        return here === '' || isPort(here, 0)
          ? undefined
          : `"${here}" is no port: write a number from 0 to 65535, or nothing.`;
      },
    });
    if (values === undefined) return undefined;
    const port = Number(values[0]);
    const localPort = values[1] === '' ? port : Number(values[1]);
    return forwardPlan(context, { resource, row, way, port, localPort, address: values[2] ?? loopback });
  },
});

interface ForwardJob {
  readonly resource: Resource;
  readonly row: Row;
  readonly way: Way;
  readonly port: number;
  readonly localPort: number;
  readonly address: string;
}

function forwardPlan(context: WriteContext, job: ForwardJob): Plan {
  const { resource, row, port, localPort, address } = job;
  const isOpen = address !== loopback && address !== '::1';
  return {
    action: 'port-forward',
    title: 'Port-forward',
    verb: 'Open',
    risk: 'disruptive',
    names: [`${nameOf(resource.kind, row)}  port ${port}`],
    toType: { what: 'name', text: row.name },
    impact: [
      {
        label: 'opens',
        text: `${address}:${localPort === 0 ? 'a free port' : localPort}, for ${isOpen ? 'everybody who reaches this machine' : 'every program of this machine'}`,
        ...(isOpen ? { tone: 'bad' as const } : {}),
      },
      { label: 'note', text: ':pf lists it and ctrl-d there closes it; it ends with mltop', tone: 'dim' },
    ],
    kubectl: [
      ...inNamespace(row.namespace),
      'port-forward',
      ...(isOpen ? ['--address', address] : []),
      `${kubectlKind(resource)}/${row.name}`,
      `${localPort}:${port}`,
    ],
    operations: [],
    rights: (read) => [
      mayStream(
        read,
        { namespace: row.namespace, pod: resource.name === 'pods' ? row.name : '' },
        'portforward',
      ),
    ],
    noDryRun: 'port-forward has no dry-run',
    execute: (running) => open(context, running, job),
    done: '',
    undo: 'f lists it, ctrl-d there closes it.',
  };
}

async function open(
  context: WriteContext,
  running: Running,
  { resource, row, way, port, localPort, address }: ForwardJob,
): Promise<Outcome> {
  const operation = { at: objectAt(resource, row, 'portforward'), verb: 'create' };
  try {
    const forward = await context.hands.forwards.start({
      namespace: row.namespace,
      source: `${kubectlKind(resource)}/${row.name}`,
      port,
      localPort,
      address,
      whenInUse: 'other',
      target: () => way.target(port),
      open: running.forwarder(),
    });
    await running.audit(operation, 'done');
    const inUse = forward.isOtherPort ? `Port ${localPort} is in use here. ` : '';
    return { text: `${inUse}${address}:${forward.localPort} leads to ${row.name}:${port}.`, isBad: false };
  } catch (error) {
    await running.audit(operation, wordsOf(error));
    throw error;
  }
}

export const showForwards: Action = {
  id: 'show-forwards',
  keys: ['f'],
  title: 'port-forwards of this run (:pf)',
  group: 'view',
  risk: 'read',
  places,
  // Over what is shown, so that esc leads back there.
  run(context: ActionContext) {
    if (context.table?.name !== portForwards.name) step(context, push(tableView(portForwards.name)));
  },
};
