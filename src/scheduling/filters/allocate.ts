import type { NodeRow } from '../../resources/node-row.ts';
import { selects } from '../cel.ts';
import type { Device, DeviceClaim, DevicePool, DeviceRequest } from '../cluster.ts';
import type { Shelves } from '../ledger.ts';
import { orMake } from '../ledger.ts';
import { nodeSelectorMatches, tolerates } from '../selectors.ts';
import type { Blocker, Verdict } from './filter.ts';
import { blockerOf, passes } from './filter.ts';

const refusal = blockerOf('DynamicResources');

/** A search longer than this is not worth an answer: the scheduler itself gives up after 10 s. */
const mostSteps = 20_000;

const keyOf = (device: { readonly driver: string; readonly pool: string }, name: string): string =>
  `${device.driver}/${device.pool}/${name}`;

interface Supply {
  readonly pools: ReadonlyMap<string, DevicePool>;
  readonly byNode: ReadonlyMap<string, readonly Device[]>;
  /** Devices that several nodes reach. */
  readonly roaming: readonly Device[];
  readonly incomplete: readonly string[];
}

const supplies = new WeakMap<readonly DevicePool[], Supply>();

function supplyOf(pools: readonly DevicePool[]): Supply {
  return orMake(supplies, pools, () => {
    const byNode = new Map<string, Device[]>();
    const roaming: Device[] = [];
    for (const { complete, devices } of pools) {
      if (!complete) continue;
      for (const device of devices) {
        const { node } = device;
        if (node !== 'all' && 'name' in node) orMake(byNode, node.name, () => []).push(device);
        else roaming.push(device);
      }
    }
    return {
      pools: new Map(pools.map((pool) => [`${pool.driver}/${pool.pool}`, pool])),
      byNode,
      roaming,
      incomplete: pools.filter(({ complete }) => !complete).map(({ pool }) => pool),
    };
  });
}

function devicesAt(supply: Supply, node: NodeRow): readonly Device[] {
  const own = supply.byNode.get(node.name) ?? [];
  if (supply.roaming.length === 0) return own;
  const reached = supply.roaming.filter(
    (device) =>
      device.node === 'all' || ('selector' in device.node && nodeSelectorMatches(device.node.selector, node)),
  );
  return [...own, ...reached];
}

const takenBy = new WeakMap<ReadonlyMap<string, DeviceClaim>, ReadonlyMap<string, DeviceClaim>>();

/** Devices that some claim holds; admin access holds nothing. */
function takenDevices(claims: ReadonlyMap<string, DeviceClaim>): ReadonlyMap<string, DeviceClaim> {
  return orMake(takenBy, claims, () => {
    const taken = new Map<string, DeviceClaim>();
    for (const claim of claims.values()) {
      for (const device of claim.allocation?.devices ?? []) {
        if (!device.admin) taken.set(keyOf(device, device.device), claim);
      }
    }
    return taken;
  });
}

/** A claim to satisfy, or the one that the scheduler would make for the extended resources of a pod. */
export type Wanted = Pick<DeviceClaim, 'name' | 'requests' | 'constraints'>;

interface Search {
  readonly shelves: Shelves;
  readonly devices: readonly Device[];
  readonly supply: Supply;
  readonly taken: Set<string>;
  readonly counters: Map<string, number>;
  /** Selector verdicts by request and device. */
  readonly fits: Map<DeviceRequest, Map<Device, boolean>>;
  steps: number;
  doubt: string | undefined;
}

function searchAt(node: NodeRow, shelves: Shelves): Search {
  const supply = supplyOf(shelves.devicePools ?? []);
  const taken = takenDevices(shelves.deviceClaims ?? new Map());
  const counters = new Map<string, number>();
  const search: Search = {
    shelves,
    devices: devicesAt(supply, node),
    supply,
    taken: new Set(taken.keys()),
    counters,
    fits: new Map(),
    steps: 0,
    doubt: undefined,
  };
  const pools = new Set(search.devices.map(({ driver, pool }) => supply.pools.get(`${driver}/${pool}`)));
  for (const pool of pools) {
    if (pool === undefined) continue;
    for (const [set, amounts] of pool.counters)
      for (const [name, amount] of amounts) counters.set(counterKey(pool, set, name), amount);
    for (const device of pool.devices)
      if (search.taken.has(keyOf(device, device.name))) consume(search, device, 1);
  }
  return search;
}

const counterKey = (
  pool: { readonly driver: string; readonly pool: string },
  set: string,
  name: string,
): string => `${pool.driver}/${pool.pool}/${set}/${name}`;

function consume({ counters }: Search, device: Device, times: 1 | -1): void {
  for (const { set, counters: used } of device.consumes) {
    for (const [name, amount] of used) {
      const key = counterKey(device, set, name);
      counters.set(key, (counters.get(key) ?? 0) - times * amount);
    }
  }
}

const hasCounters = ({ counters }: Search, device: Device): boolean =>
  device.consumes.every(({ set, counters: used }) =>
    [...used].every(([name, amount]) => (counters.get(counterKey(device, set, name)) ?? 0) >= amount),
  );

const isTainted = (device: Device, request: DeviceRequest): boolean =>
  device.taints.some(
    (taint) =>
      (taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') &&
      !request.tolerations.some((toleration) => tolerates(toleration, taint)),
  );

/** Does the device answer to the request, whoever holds it? */
function answers(search: Search, request: DeviceRequest, device: Device): boolean {
  const known = orMake(search.fits, request, () => new Map<Device, boolean>());
  return orMake(known, device, () => {
    const expressions = [
      ...(search.shelves.deviceClasses?.get(request.className)?.selectors ?? []),
      ...request.selectors,
    ];
    for (const expression of expressions) {
      const verdict = selects(expression, device);
      if (verdict === false) return false;
      if (verdict !== true) {
        search.doubt ??= verdict.unknown;
        return false;
      }
    }
    if (device.shared || request.asksCapacity) {
      search.doubt ??= 'shares of a device are not evaluated here';
      return false;
    }
    return !isTainted(device, request);
  });
}

/** What a claim has been given so far, for its constraints. */
type Given = { readonly request: string; readonly device: Device }[];

function keepsConstraints(wanted: Wanted, given: Given, request: string, device: Device): boolean {
  const root = request.split('/')[0] ?? request;
  return wanted.constraints.every(({ requests, attribute, distinct }) => {
    const concerned = (name: string) =>
      requests.length === 0 || requests.includes(name) || requests.includes(name.split('/')[0] ?? name);
    if (!concerned(request) && !concerned(root)) return true;
    const value = device.attributes.get(attribute);
    if (value === undefined) return false;
    const others = given
      .filter((each) => concerned(each.request))
      .map((each) => each.device.attributes.get(attribute));
    return others.every((other) => (JSON.stringify(other) === JSON.stringify(value)) !== distinct);
  });
}

interface Slot {
  readonly wanted: Wanted;
  readonly given: Given;
  readonly anyOf: readonly DeviceRequest[];
}

/** Tries the alternatives of one request after the other, then the rest of the requests. */
function fill(search: Search, slots: readonly Slot[], at: number): boolean {
  const slot = slots[at];
  if (slot === undefined) return true;
  return slot.anyOf.some((request) => {
    const matching = search.devices.filter((device) => answers(search, request, device));
    const count = request.count === 'all' ? matching.length : request.count;
    if (
      request.count === 'all' &&
      (count === 0 || matching.some((device) => !isFree(search, request, device)))
    )
      return false;
    return take(search, slots, at, request, matching, count, 0);
  });
}

const isFree = (search: Search, request: DeviceRequest, device: Device): boolean =>
  request.adminAccess || (!search.taken.has(keyOf(device, device.name)) && hasCounters(search, device));

/** Takes `left` more devices from `matching`, from index `from` on, then goes on with the next request. */
function take(
  search: Search,
  slots: readonly Slot[],
  at: number,
  request: DeviceRequest,
  matching: readonly Device[],
  left: number,
  from: number,
): boolean {
  if (left === 0) return fill(search, slots, at + 1);
  const slot = slots[at];
  if (slot === undefined) return false;
  for (let index = from; index <= matching.length - left; index += 1) {
    search.steps += 1;
    if (search.steps > mostSteps) return false;
    const device = matching[index];
    if (
      device === undefined ||
      !isFree(search, request, device) ||
      !keepsConstraints(slot.wanted, slot.given, request.name, device)
    )
      continue;
    hold(search, slot, request, device);
    if (take(search, slots, at, request, matching, left - 1, index + 1)) return true;
    release(search, slot, request, device);
    if (isLikeAnyOther(slot.wanted, device)) return false;
  }
  return false;
}

/** Without constraints and counters one device that matches is as good as the next: a second try cannot help. */
const isLikeAnyOther = (wanted: Wanted, device: Device): boolean =>
  wanted.constraints.length === 0 && device.consumes.length === 0 && wanted.requests.length === 1;

function hold(search: Search, slot: Slot, request: DeviceRequest, device: Device): void {
  slot.given.push({ request: request.name, device });
  if (request.adminAccess) return;
  search.taken.add(keyOf(device, device.name));
  consume(search, device, 1);
}

function release(search: Search, slot: Slot, request: DeviceRequest, device: Device): void {
  slot.given.pop();
  if (request.adminAccess) return;
  search.taken.delete(keyOf(device, device.name));
  consume(search, device, -1);
}

/** Can all claims be satisfied on the node at once? A refusal says what is short. */
export function allocate(node: NodeRow, wanted: readonly Wanted[], shelves: Shelves): Verdict {
  const search = searchAt(node, shelves);
  const before = new Set(search.taken);
  const slots = wanted.flatMap((claim) => {
    const given: Given = [];
    return claim.requests.map(({ anyOf }): Slot => ({ wanted: claim, given, anyOf }));
  });
  if (fill(search, slots, 0)) return passes;
  if (search.doubt !== undefined) return { doubt: search.doubt };
  if (search.steps > mostSteps) return { doubt: 'too many combinations of devices to try' };
  return [shortage(search, slots, before)];
}

function shortage(search: Search, slots: readonly Slot[], taken: ReadonlySet<string>): Blocker {
  const parts = slots.map(({ wanted, anyOf }) => {
    const [request] = anyOf;
    if (request === undefined)
      return { text: `claim ${wanted.name} asks for nothing`, resource: '', missing: 0 };
    const matching = search.devices.filter((device) => answers(search, request, device));
    const free = matching.filter((device) => !taken.has(keyOf(device, device.name))).length;
    const tainted = search.devices.filter((device) => isTainted(device, request)).length;
    const marks = tainted === 0 ? '' : `, ${tainted} tainted`;
    const missing = request.count === 'all' ? 1 : request.count - free;
    return {
      text: `${wanted.name} wants ${request.count} of ${request.className}: ${matching.length} match here, ${free} free${marks}`,
      resource: request.className,
      missing,
    };
  });
  const short = parts.find(({ missing }) => missing > 0);
  const incomplete =
    search.supply.incomplete.length === 0
      ? ''
      : `; pools still being published: ${search.supply.incomplete.join(', ')}`;
  const text =
    short?.text ??
    `${parts.map((part) => part.text).join('; ')}, but not together under the claim's constraints`;
  const missing = short && { resource: short.resource, missing: short.missing };
  return refusal('cannot allocate all claims', `${text}${incomplete}`, false, missing);
}
