import type { HostPort, PodRow } from '../../resources/pod-row.ts';
import { amountText } from '../amount.ts';
import { type Account, type Ledger, orMake } from '../ledger.ts';
import type { Blocker, Filter } from './filter.ts';
import { blockerOf, passes } from './filter.ts';

const byPort = blockerOf('NodePorts');
const byAmount = blockerOf('NodeResourcesFit');

const anyAddress = '0.0.0.0';

function clashes(mine: HostPort, theirs: HostPort): boolean {
  if (mine.port !== theirs.port || (mine.protocol || 'TCP') !== (theirs.protocol || 'TCP')) return false;
  const [a, b] = [mine.ip || anyAddress, theirs.ip || anyAddress];
  return a === b || a === anyAddress || b === anyAddress;
}

/** Pods with at least this priority that wait for room which a preemption is making here. */
export function* ahead(account: Account, pod: PodRow): Iterable<PodRow> {
  for (const other of account.nominated.values()) {
    if (other.uid !== pod.uid && other.spec.priority >= pod.spec.priority) yield other;
  }
}

export const nodePorts: Filter = {
  plugin: 'NodePorts',
  prepare({ pod }) {
    const wanted = pod.spec.hostPorts;
    if (wanted.length === 0) return undefined;
    const clash = (other: PodRow) =>
      other.uid === pod.uid
        ? undefined
        : wanted.find((port) => other.spec.hostPorts.some((taken) => clashes(port, taken)));
    return {
      check(account) {
        for (const other of [...account.withPorts, ...ahead(account, pod)]) {
          const port = clash(other);
          if (port === undefined) continue;
          const detail = `${port.port}/${port.protocol || 'TCP'} held by ${other.namespace}/${other.name}`;
          return [byPort("node(s) didn't have free ports for the requested pod ports", detail, false)];
        }
        return passes;
      },
    };
  },
};

/** The device class that serves an extended resource: the newest that names it, or the one in the implicit name. */
export function classServing(ledger: Ledger, resource: string): string | undefined {
  const classes = ledger.shelves().deviceClasses;
  if (classes === undefined || !resource.includes('/')) return undefined;
  const implicit = resource.startsWith(implicitPrefix) ? resource.slice(implicitPrefix.length) : undefined;
  if (implicit !== undefined) return classes.has(implicit) ? implicit : undefined;
  const naming = [...classes.values()].filter(({ extendedResource }) => extendedResource === resource);
  naming.sort((a, b) => (b.createdAt ?? 0) - (a.createdAt ?? 0) || (a.name < b.name ? -1 : 1));
  return naming[0]?.name;
}

const implicitPrefix = 'deviceclass.resource.kubernetes.io/';

/** What the scheduler checks first; scalars follow in the order of their names. */
const checkedFirst = ['cpu', 'memory', 'ephemeral-storage'];

const order = (a: string, b: string): number => {
  const [first, second] = [checkedFirst.indexOf(a), checkedFirst.indexOf(b)];
  if (first >= 0 || second >= 0)
    return (first < 0 ? checkedFirst.length : first) - (second < 0 ? checkedFirst.length : second);
  return a < b ? -1 : 1;
};

interface Demand {
  readonly resource: string;
  readonly amount: number;
  /** A device class serves it on nodes whose device plugin offers none: DynamicResources decides there. */
  readonly byClass: boolean;
  readonly shortage: (allocatable: number, taken: number) => Blocker;
}

function shortage(
  { resource, amount }: Pick<Demand, 'resource' | 'amount'>,
  allocatable: number,
  taken: number,
): Blocker {
  const free = allocatable - taken;
  const room = amount > allocatable ? `, the whole node has ${amountText(resource, allocatable)}` : '';
  const detail = `needs ${amountText(resource, amount)}, free ${amountText(resource, free)}${room}`;
  return byAmount(`Insufficient ${resource}`, detail, amount > allocatable, {
    resource,
    missing: amount - free,
  });
}

/** Refusals so far, and what they become with one more: nodes that lack the same share one list. */
interface Refusals {
  readonly list: readonly Blocker[];
  readonly next: Map<Blocker, Refusals>;
}

const refusalsOf = (list: readonly Blocker[]): Refusals => ({ list, next: new Map() });

const added = ({ list, next }: Refusals, refusal: Blocker): Refusals =>
  orMake(next, refusal, () => refusalsOf([...list, refusal]));

/** The answer to two numbers, worded once. */
function worded(make: (a: number, b: number) => Blocker): (a: number, b: number) => Blocker {
  const known = new Map<number, Map<number, Blocker>>();
  return (a, b) =>
    orMake(
      orMake(known, a, () => new Map<number, Blocker>()),
      b,
      () => make(a, b),
    );
}

export const nodeResourcesFit: Filter = {
  plugin: 'NodeResourcesFit',
  prepare({ pod, ledger }) {
    const demands: Demand[] = Object.entries(pod.spec.requests)
      .filter(([resource, amount]) => amount > 0 && resource !== 'pods')
      .map(([resource, amount]) => ({
        resource,
        amount,
        byClass: classServing(ledger, resource) !== undefined,
        shortage: worded((allocatable, taken) => shortage({ resource, amount }, allocatable, taken)),
      }))
      .sort((a, b) => order(a.resource, b.resource));
    // Where it is counted already.
    const placedOn = ledger.pod(pod.uid)?.node ?? '';
    const home = ledger.account(placedOn)?.pods.has(pod.uid) === true ? placedOn : undefined;
    const none = refusalsOf(passes);
    const crowded = worded((podCount, slots) =>
      byAmount('Too many pods', `${podCount} of ${slots} pod slots taken`, slots < 1, {
        resource: 'pods',
        missing: podCount + 1 - slots,
      }),
    );
    return {
      check(account) {
        const { allocatable } = account.node;
        const own = account.node.name === home ? 1 : 0;
        const reserving = account.nominated.size === 0 ? [] : [...ahead(account, pod)];
        let refusals = none;
        const slots = allocatable['pods'] ?? 0;
        const podCount = account.pods.size - own + reserving.length;
        if (podCount + 1 > slots) refusals = added(refusals, crowded(podCount, slots));
        for (const demand of demands) {
          const has = allocatable[demand.resource] ?? 0;
          if (demand.byClass && has === 0) continue;
          let taken = (account.requested.get(demand.resource) ?? 0) - own * demand.amount;
          for (const other of reserving) taken += other.spec.requests[demand.resource] ?? 0;
          if (demand.amount > has - taken) refusals = added(refusals, demand.shortage(has, taken));
        }
        return refusals.list;
      },
    };
  },
};
