import { amount, amounts, type Fields, list, record, text } from './fields.ts';
import type { Requests } from './pod-row.ts';

type Amounts = Record<string, number>;

/** By container name: what an in-place resize has left allocated or running, where it differs from the spec. */
export type Resized = ReadonlyMap<string, Fields>;

/**
 * What the scheduler charges a pod for: `PodRequests` of component-helpers (gpu.md 1.3). Requests that are missing
 * are taken from the limits: the server does that for pods, but not for the templates of Jobs and the like.
 */
export function effectiveRequests(spec: Fields, resized?: Resized): Requests {
  const running: Amounts = {};
  const sidecars: Amounts = {};
  const initial: Amounts = {};
  for (const container of list(spec['containers'])) add(running, requestsOf(record(container), resized));
  for (const raw of list(spec['initContainers'])) {
    const container = record(raw);
    const own = { ...requestsOf(container, resized) };
    if (isSidecar(container)) {
      add(running, own);
      add(sidecars, own);
      raise(initial, sidecars);
    } else {
      add(own, sidecars);
      raise(initial, own);
    }
  }
  raise(running, initial);
  const podLevel = merged(record(spec['resources']));
  for (const name in podLevel) if (isPodLevel(name)) running[name] = podLevel[name] ?? 0;
  add(running, amounts(spec['overhead']));
  return running;
}

/** An init container that keeps running: restartPolicy Always. */
export const isSidecar = (container: Fields): boolean => container['restartPolicy'] === 'Always';

/** What one container asks for. */
function requestsOf(container: Fields, resized?: Resized): Requests {
  const asked = merged(record(container['resources']));
  const actual = resized?.get(text(container['name']));
  if (actual === undefined) return asked;
  const larger = { ...asked };
  raise(larger, amounts(actual));
  return larger;
}

export function merged(resources: Fields): Requests {
  const limits = record(resources['limits']);
  const requests = record(resources['requests']);
  return amounts({ ...limits, ...requests });
}

/**
 * Containers whose allocated or running cpu and memory differ from what the spec asks (an in-place resize under way):
 * the scheduler charges the largest of the three. Undefined for nearly every pod.
 */
export function resizedOf(spec: Fields, status: Fields): Resized | undefined {
  let result: Map<string, Fields> | undefined;
  const containers = list(spec['containers']);
  for (const raw of list(status['containerStatuses'])) {
    const seen = record(raw);
    const allocated = record(seen['allocatedResources']);
    const actual = record(record(seen['resources'])['requests']);
    const asked = record(
      record(containers.map(record).find((c) => c['name'] === seen['name'])?.['resources'])['requests'],
    );
    const larger: Record<string, string> = {};
    for (const name of ['cpu', 'memory']) {
      const most = largest(name, asked[name], allocated[name], actual[name]);
      if (most !== asked[name]) larger[name] = text(most);
    }
    if (Object.keys(larger).length === 0) continue;
    result ??= new Map();
    result.set(text(seen['name']), larger);
  }
  return result;
}

function largest(resource: string, asked: unknown, ...others: readonly unknown[]): unknown {
  let most = asked;
  for (const other of others) {
    if (other === undefined || other === most) continue;
    if ((amount(resource, other) ?? 0) > (amount(resource, most) ?? 0)) most = other;
  }
  return most;
}

/** GPUs can never be asked for at pod level. */
const isPodLevel = (name: string): boolean =>
  name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');

function add(sum: Amounts, more: Requests): void {
  for (const name in more) sum[name] = (sum[name] ?? 0) + (more[name] ?? 0);
}

function raise(sum: Amounts, least: Requests): void {
  for (const name in least) sum[name] = Math.max(sum[name] ?? 0, least[name] ?? 0);
}
