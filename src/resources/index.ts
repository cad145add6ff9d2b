import { configmaps } from './configmaps.ts';
import { cronjobs } from './cronjobs.ts';
import { customresourcedefinitions } from './customresourcedefinitions.ts';
import { daemonsets } from './daemonsets.ts';
import { deployments } from './deployments.ts';
import { deviceclasses } from './deviceclasses.ts';
import { endpointslices } from './endpointslices.ts';
import { events } from './events.ts';
import { horizontalpodautoscalers } from './horizontalpodautoscalers.ts';
import { ingresses } from './ingresses.ts';
import { jobs } from './jobs.ts';
import { leases } from './leases.ts';
import { limitranges } from './limitranges.ts';
import { namespaces } from './namespaces.ts';
import { networkpolicies } from './networkpolicies.ts';
import { nodes } from './nodes.ts';
import { persistentvolumeclaims } from './persistentvolumeclaims.ts';
import { persistentvolumes } from './persistentvolumes.ts';
import { poddisruptionbudgets } from './poddisruptionbudgets.ts';
import { pods } from './pods.ts';
import { priorityclasses } from './priorityclasses.ts';
import { replicasets } from './replicasets.ts';
import { anyResource, type Resource, type Row, type Table } from './resource.ts';
import { resourceclaims } from './resourceclaims.ts';
import { resourceclaimtemplates } from './resourceclaimtemplates.ts';
import { resourcequotas } from './resourcequotas.ts';
import { resourceslices } from './resourceslices.ts';
import { secrets } from './secrets.ts';
import { serviceaccounts } from './serviceaccounts.ts';
import { services } from './services.ts';
import { statefulsets } from './statefulsets.ts';
import { storageclasses } from './storageclasses.ts';
import { queueKinds, workloadObjects } from './workload-kinds.ts';

/** Every kind that mltop knows by itself. Adding one is its file and its line here. */
export const tables: readonly Resource[] = [
  anyResource(pods),
  anyResource(nodes),
  anyResource(events),
  anyResource(namespaces),
  anyResource(deployments),
  anyResource(statefulsets),
  anyResource(daemonsets),
  anyResource(replicasets),
  anyResource(jobs),
  anyResource(cronjobs),
  anyResource(services),
  anyResource(endpointslices),
  anyResource(ingresses),
  anyResource(networkpolicies),
  anyResource(configmaps),
  anyResource(secrets),
  anyResource(serviceaccounts),
  anyResource(persistentvolumeclaims),
  anyResource(persistentvolumes),
  anyResource(storageclasses),
  anyResource(resourcequotas),
  anyResource(limitranges),
  anyResource(poddisruptionbudgets),
  anyResource(horizontalpodautoscalers),
  anyResource(leases),
  anyResource(priorityclasses),
  anyResource(resourceclaims),
  anyResource(resourceslices),
  anyResource(deviceclasses),
  anyResource(resourceclaimtemplates),
  anyResource(customresourcedefinitions),
];

/** Kinds of the ML operators and queues: not every cluster has them, and some share their word with another. */
export const operatorTables: readonly Resource[] = [...workloadObjects.map(anyResource), ...queueKinds];

const byWord = new Map<string, Resource>();
for (const table of [...tables, ...operatorTables]) {
  const names = [table.name, table.kind.toLowerCase(), ...table.aliases];
  for (const word of names) if (!byWord.has(word)) byWord.set(word, table);
  if (table.group === '') continue;
  for (const word of names) {
    byWord.set(`${word}.${table.group}`, table);
    byWord.set(`${word}.${table.apiVersion}.${table.group}`, table);
  }
}

/**
 * The kind that a person means: `pods`, `po`, `Pod`, k9s's `dp`, `deployments.apps`, `deployments.v1.apps`.
 * Undefined where mltop does not know the word: then discovery may.
 */
export const findTable = (word: string): Resource | undefined => byWord.get(word.toLowerCase());

/** Tables of mltop's own that have the plural of a kind for their name. */
const ownPlurals: ReadonlySet<string> = new Set(['workloads']);

/**
 * The word that means this table and no other: several operators have `jobs`, `workloads`, `podgroups`, `queues`, and one
 * of them is opened as `jobs.batch.volcano.sh`.
 */
export function wordOf(table: Table<Row>): string {
  const { name, group = '' } = table as Table<Row> & Partial<Resource>;
  if (group === '') return name;
  const first = byWord.get(name);
  return first?.group === group && !ownPlurals.has(name) ? name : `${name}.${group}`;
}
