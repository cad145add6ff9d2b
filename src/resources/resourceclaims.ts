import type { V1NodeSelector, V1Toleration } from '@kubernetes/client-node';
import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import {
  ageText,
  amounts,
  type Fields,
  flag,
  isRecord,
  list,
  number,
  record,
  shared,
  text,
  time,
} from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import type { Requests } from './pod-row.ts';
import { defineResource, type Resource } from './resource.ts';
import { nodeSelectorOf, tolerationsOf } from './scheduling-terms.ts';

export interface DeviceRequest {
  readonly name: string;
  /** In order of preference: one, or several with firstAvailable. */
  readonly choices: readonly {
    readonly className: string;
    /** Undefined for allocationMode `All`: how many that is, only the scheduler knows. */
    readonly count: number | undefined;
    readonly adminAccess: boolean;
    /** CEL expressions. */
    readonly selectors: readonly string[];
    readonly tolerations: readonly V1Toleration[];
  }[];
}

export interface AllocatedDevice {
  readonly request: string;
  readonly driver: string;
  readonly pool: string;
  readonly device: string;
  /** Looks at a device without holding it. */
  readonly adminAccess: boolean;
  readonly consumed: Requests;
}

export interface ResourceClaimRow extends OwnedRow {
  /** As the API server prints it: `pending`, `allocated,reserved`, `deleted,allocated` … */
  readonly state: string;
  readonly requests: readonly DeviceRequest[];
  readonly constraints: readonly {
    /** Names of the requests that it binds; empty for all. */
    readonly requests: readonly string[];
    /** All their devices must have the same value of this attribute; `''` where the other form is used. */
    readonly matchAttribute: string;
    readonly distinctAttribute: string;
  }[];
  readonly isAllocated: boolean;
  readonly devices: readonly AllocatedDevice[];
  readonly allocatedAt: number | undefined;
  readonly nodeSelector: V1NodeSelector | undefined;
  readonly reservedFor: readonly { readonly resource: string; readonly name: string; readonly uid: string }[];
  /** Made for a pod that asked for an extended resource (DRAExtendedResource). */
  readonly isExtended: boolean;
  /** The name by which its pod calls it; `''` where it was not made from a template. */
  readonly podClaimName: string;
}

/** Where Kubernetes serves DRA: v1 from 1.34 on, the betas from 1.32 and 1.33, and no version where they are not switched on. */
export const draVersions = {
  group: 'resource.k8s.io',
  apiVersion: 'v1',
  otherVersions: ['v1beta2', 'v1beta1'],
  optional: true,
} as const;

export const resourceclaims: Resource<ResourceClaimRow> = defineResource<ResourceClaimRow>({
  name: 'resourceclaims',
  title: 'ResourceClaims',
  kind: 'ResourceClaim',
  ...draVersions,
  aliases: ['resourceclaim', 'claims'],
  namespaced: true,
  capabilities: [],
  columns: [
    nameColumn,
    {
      title: 'STATE',
      value: (row) => row.state,
      text: (row) => row.state,
      tone: (row) => (row.isAllocated ? (row.reservedFor.length > 0 ? 'good' : 'warn') : 'pending'),
      kubectl: 'table',
      priority: 0,
    },
    ageColumn,
    { title: 'DEVICES', value: devicesText, priority: 1 },
    { title: 'RESERVED FOR', value: (row) => row.reservedFor.map(({ name }) => name).join(','), priority: 2 },
  ],
  fault: (row, now) => whyClaim(row, now) !== undefined,
  why: whyClaim,
  toRow: claimRow,
});

const minute = 60_000;

function whyClaim(row: ResourceClaimRow, now: number): string | undefined {
  if (row.deletedAt !== undefined && now - row.deletedAt > minute) {
    const users = row.reservedFor.map(({ name }) => name).join(', ');
    return `Deleted ${ageText(row.deletedAt, now)} ago; still held${users === '' ? '' : ` by ${users}`} (finalizer ${row.finalizers.join(', ') || 'none'})`;
  }
  if (row.isAllocated && row.reservedFor.length === 0) {
    const since = row.allocatedAt ?? row.createdAt;
    if (since !== undefined && now - since > minute) return 'Holds devices, and no pod uses them';
  }
  return undefined;
}

function devicesText(row: ResourceClaimRow): string {
  if (row.isAllocated) return row.devices.map(({ pool, device }) => `${pool}/${device}`).join(',');
  return row.requests
    .map(({ choices }) => choices.map(({ className, count }) => `${count ?? 'all'}×${className}`).join('|'))
    .join(',');
}

function claimRow(object: KubeObject): ResourceClaimRow {
  const metadata = record(object.metadata);
  const annotations = record(metadata['annotations']);
  const spec = record(object['spec']);
  const status = record(object['status']);
  const allocation = record(status['allocation']);
  const meta = ownedMetaOf(object);
  const isAllocated = isRecord(status['allocation']);
  const reservedFor = list(status['reservedFor']).map((raw) => {
    const consumer = record(raw);
    return {
      resource: shared(consumer['resource']),
      name: text(consumer['name']),
      uid: text(consumer['uid']),
    };
  });
  return {
    ...meta,
    state: stateOf(meta.deletedAt !== undefined, isAllocated, reservedFor.length > 0),
    requests: requestsOfClaim(spec),
    constraints: list(record(spec['devices'])['constraints']).map((raw) => ({
      requests: list(record(raw)['requests']).map(shared),
      matchAttribute: shared(record(raw)['matchAttribute']),
      distinctAttribute: shared(record(raw)['distinctAttribute']),
    })),
    isAllocated,
    devices: list(record(allocation['devices'])['results']).map(allocatedOf),
    allocatedAt: time(allocation['allocationTimestamp']),
    nodeSelector: nodeSelectorOf(allocation['nodeSelector']),
    reservedFor,
    isExtended: annotations['resource.kubernetes.io/extended-resource-claim'] === 'true',
    podClaimName: text(annotations['resource.kubernetes.io/pod-claim-name']),
  };
}

function stateOf(isDeleted: boolean, isAllocated: boolean, isReserved: boolean): string {
  const states: string[] = [];
  if (isDeleted) states.push('deleted');
  if (isAllocated) states.push('allocated', ...(isReserved ? ['reserved'] : []));
  else if (!isDeleted) states.push('pending');
  return states.join(',');
}

/** What a claim, or a template's spec, asks for. v1beta1 has no `exactly`: its requests are flat. */
export function requestsOfClaim(spec: Fields): readonly DeviceRequest[] {
  return list(record(spec['devices'])['requests']).map((raw) => {
    const request = record(raw);
    const choices = Array.isArray(request['firstAvailable'])
      ? request['firstAvailable'].map(record)
      : [isRecord(request['exactly']) ? request['exactly'] : request];
    return { name: shared(request['name']), choices: choices.map(choiceOf) };
  });
}

function choiceOf(choice: Fields): DeviceRequest['choices'][number] {
  return {
    className: shared(choice['deviceClassName']),
    count: choice['allocationMode'] === 'All' ? undefined : (number(choice['count']) ?? 1),
    adminAccess: flag(choice['adminAccess']),
    selectors: list(choice['selectors']).map((raw) => shared(record(record(raw)['cel'])['expression'])),
    tolerations: tolerationsOf(choice['tolerations']),
  };
}

function allocatedOf(raw: unknown): AllocatedDevice {
  const result = record(raw);
  return {
    request: shared(result['request']),
    driver: shared(result['driver']),
    pool: shared(result['pool']),
    device: shared(result['device']),
    adminAccess: flag(result['adminAccess']),
    consumed: amounts(result['consumedCapacity']),
  };
}
