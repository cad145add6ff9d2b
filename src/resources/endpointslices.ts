import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { list, number, record, shared, text } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';

interface Endpoint {
  readonly addresses: readonly string[];
  /** Undefined where the controller does not say: Kubernetes reads that as ready. */
  readonly ready: boolean | undefined;
  /** Honest even with publishNotReadyAddresses, where `ready` is always true. */
  readonly serving: boolean | undefined;
  readonly node: string;
  readonly pod: string;
}

interface EndpointPort {
  readonly name: string;
  readonly port: number | undefined;
  readonly protocol: string;
}

export interface EndpointSliceRow extends OwnedRow {
  readonly addressType: string;
  /** The Service it belongs to; `''` where no label says. */
  readonly service: string;
  readonly endpoints: readonly Endpoint[];
  /** Empty with endpoints present: the service names a port that no container has. */
  readonly ports: readonly EndpointPort[];
}

export const endpointslices: Resource<EndpointSliceRow> = defineResource<EndpointSliceRow>({
  name: 'endpointslices',
  title: 'EndpointSlices',
  kind: 'EndpointSlice',
  group: 'discovery.k8s.io',
  apiVersion: 'v1',
  aliases: ['eps', 'endpointslice', 'ep'],
  namespaced: true,
  capabilities: [],
  columns: [
    nameColumn,
    {
      title: 'ADDRESSTYPE',
      value: (row) => row.addressType,
      text: (row) => row.addressType,
      kubectl: 'table',
      priority: 5,
    },
    { title: 'PORTS', value: portsText, kubectl: 'table', priority: 2 },
    { title: 'ENDPOINTS', value: endpointsText, kubectl: 'table', priority: 1 },
    ageColumn,
    {
      title: 'SERVING',
      value: (row) => row.endpoints.filter(isServing).length,
      text: (row) => `${row.endpoints.filter(isServing).length}/${row.endpoints.length}`,
      tone: (row) => (row.endpoints.length > 0 && !row.endpoints.some(isServing) ? 'bad' : 'plain'),
      align: 'right',
      priority: 1,
    },
  ],
  // A Service scaled to nothing has no endpoints by design; its why line says so all the same.
  fault: (row) => row.endpoints.length > 0 && whySlice(row) !== undefined,
  why: whySlice,
  toRow: endpointSliceRow,
});

function endpointSliceRow(object: KubeObject): EndpointSliceRow {
  const meta = ownedMetaOf(object);
  return {
    ...meta,
    addressType: shared(object['addressType']),
    service: meta.labels['kubernetes.io/service-name'] ?? '',
    endpoints: list(object['endpoints']).map(endpointOf),
    ports: list(object['ports']).map((raw) => ({
      name: shared(record(raw)['name']),
      port: number(record(raw)['port']),
      protocol: shared(record(raw)['protocol']),
    })),
  };
}

function endpointOf(raw: unknown): Endpoint {
  const endpoint = record(raw);
  const { ready, serving } = record(endpoint['conditions']);
  const target = record(endpoint['targetRef']);
  return {
    addresses: list(endpoint['addresses']).map(text),
    ready: typeof ready === 'boolean' ? ready : undefined,
    serving: typeof serving === 'boolean' ? serving : undefined,
    node: shared(endpoint['nodeName']),
    pod: target['kind'] === 'Pod' ? text(target['name']) : '',
  };
}

const isServing = ({ serving, ready }: Endpoint): boolean => serving ?? ready ?? true;

const shownAtMost = 3;

/** The first three, then how many more: as kubectl counts. */
function firstOf(items: readonly string[], total: number): string {
  const shown = items.slice(0, shownAtMost).join(',');
  return total > shownAtMost ? `${shown} + ${total - shownAtMost} more...` : shown || '<none>';
}

function portsText(row: EndpointSliceRow): string {
  if (row.ports.length === 0) return '<unset>';
  const numbers = row.ports.map(({ port, name }) => (port === undefined ? name || '*' : String(port)));
  return firstOf(numbers, numbers.length);
}

function endpointsText(row: EndpointSliceRow): string {
  if (row.endpoints.length === 0) return '<unset>';
  const addresses = row.endpoints.flatMap((endpoint) => endpoint.addresses);
  return firstOf(addresses, addresses.length);
}

function whySlice(row: EndpointSliceRow): string | undefined {
  if (row.service === '') return undefined;
  if (row.endpoints.length === 0) return `Service ${row.service} selects no pod`;
  if (!row.endpoints.some(isServing))
    return `None of ${row.endpoints.length} endpoints of ${row.service} serves`;
  return row.ports.length === 0 ? `Service ${row.service} names a port that no container has` : undefined;
}
