import type { NodeRow } from '../../resources/node-row.ts';
import type { PodRow } from '../../resources/pod-row.ts';
import type { DeviceClaim, DeviceRequest } from '../cluster.ts';
import type { Ledger, Shelves } from '../ledger.ts';
import { nodeSelectorMatches } from '../selectors.ts';
import { allocate, type Wanted } from './allocate.ts';
import type { Filter, Prepared, Verdict } from './filter.ts';
import { blockerOf, passes } from './filter.ts';
import { classServing } from './resources.ts';

const refusal = blockerOf('DynamicResources');

/** Where a claim may be used is the most it may be used by (resource.k8s.io, ResourceClaimReservedForMaxSize). */
const mostUsers = 256;

type Found =
  | { readonly claims: readonly DeviceClaim[] }
  | { readonly rejects: string; readonly early?: boolean }
  | { readonly doubt: string };

function claimsOf(pod: PodRow, shelves: Shelves): Found {
  if (pod.spec.claims.length === 0) return { claims: [] };
  if (shelves.deviceClaims === undefined) return { doubt: 'resource claims cannot be listed' };
  const claims: DeviceClaim[] = [];
  for (const { name, claim: given } of pod.spec.claims) {
    const claimName = given ?? pod.claimNames[name];
    if (claimName === undefined)
      return { rejects: `pod "${pod.namespace}/${pod.name}": ResourceClaim not created yet`, early: true };
    const claim = shelves.deviceClaims.get(`${pod.namespace}/${claimName}`);
    if (claim === undefined) return { rejects: `resourceclaim "${claimName}" not found`, early: true };
    if (claim.deleted) return { rejects: `resourceclaim "${claimName}" is being deleted` };
    if (!claim.reservedFor.includes(pod.uid) && claim.reservedFor.length >= mostUsers)
      return { rejects: 'resourceclaim in use' };
    claims.push(claim);
  }
  return { claims };
}

/** A class that a request names and that is not there; undefined when all are. */
function missingClass(claims: readonly DeviceClaim[], shelves: Shelves): string | undefined {
  for (const { requests } of claims) {
    for (const { anyOf } of requests) {
      const lost = anyOf.find(({ className }) => shelves.deviceClasses?.has(className) === false);
      if (lost !== undefined) return `request ${lost.name}: device class ${lost.className} does not exist`;
    }
  }
  return undefined;
}

export const dynamicResources: Filter = {
  plugin: 'DynamicResources',
  prepare({ pod, ledger }): Prepared {
    const shelves = ledger.shelves();
    const extended = extendedRequests(pod, ledger);
    const found = claimsOf(pod, shelves);
    if ('rejects' in found || 'doubt' in found) return found;
    if (found.claims.length === 0 && extended.length === 0) return undefined;
    const open = found.claims.filter(({ allocation }) => allocation === undefined);
    const missing = missingClass(open, shelves);
    if (missing !== undefined) return { rejects: missing };
    const { devicePools: pools, deviceClasses: classes } = shelves;
    if (open.length + extended.length > 0 && (pools === undefined || classes === undefined)) {
      return { doubt: 'resource slices or device classes cannot be listed' };
    }
    const allocated = found.claims.filter(({ allocation }) => allocation !== undefined);
    return {
      check: ({ node }) => nodeVerdict(node, allocated, [...open, ...extendedAt(node, extended)], shelves),
    };
  },
};

interface Extended {
  readonly resource: string;
  readonly request: DeviceRequest;
}

/** Requests for extended resources that a device class serves, where no device plugin does. */
function extendedRequests(pod: PodRow, ledger: Ledger): readonly Extended[] {
  return Object.entries(pod.spec.requests).flatMap(([resource, count]) => {
    const className = count > 0 ? classServing(ledger, resource) : undefined;
    if (className === undefined) return [];
    const request = {
      name: resource,
      className,
      selectors: [],
      count,
      adminAccess: false,
      tolerations: [],
      asksCapacity: false,
    };
    return [{ resource, request }];
  });
}

function extendedAt(node: NodeRow, extended: readonly Extended[]): readonly Wanted[] {
  const here = extended.filter(({ resource }) => (node.allocatable[resource] ?? 0) === 0);
  if (here.length === 0) return [];
  const requests = here.map(({ request }) => ({ name: request.name, anyOf: [request] }));
  return [{ name: here.map(({ resource }) => resource).join(', '), requests, constraints: [] }];
}

function nodeVerdict(
  node: NodeRow,
  allocated: readonly DeviceClaim[],
  open: readonly Wanted[],
  shelves: Shelves,
): Verdict {
  for (const { name, allocation } of allocated) {
    if (allocation?.nodes !== undefined && !nodeSelectorMatches(allocation.nodes, node)) {
      const at = allocation.devices.map(({ pool }) => pool).join(', ');
      return [
        refusal('resourceclaim not available on the node', `claim ${name} holds devices of ${at}`, true),
      ];
    }
  }
  if (open.length === 0) return passes;
  return allocate(node, open, shelves);
}
