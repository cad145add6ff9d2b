import type { PrinterColumn } from '../kinds.ts';
import type { JsonRecord, KubeLike } from '../object.ts';
import recorded from './columns.json' with { type: 'json' };
import * as core from './core.ts';
import { customColumns } from './custom.ts';
import * as network from './network.ts';
import { podRowConditions, printPod } from './pods.ts';
import type { Cell, ColumnDefinition, PrintContext, Printer } from './read.ts';
import * as storage from './storage.ts';
import * as workloads from './workloads.ts';

export type { ColumnDefinition } from './read.ts';

export interface TableKind {
  /** Empty for the core group. */
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Of a custom resource: its `additionalPrinterColumns`; without any it has NAME and AGE. */
  readonly printerColumns?: readonly PrinterColumn[];
}

export interface TableRow {
  readonly cells: readonly Cell[];
  readonly conditions?: readonly JsonRecord[];
}

export interface PrintOptions {
  /** STATUS of pods changed at 1.31 and 1.35; 1.36 when left out. */
  readonly serverVersion?: { readonly major: number; readonly minor: number };
}

/**
 * The Table that an API server would answer for these objects: a port of `pkg/printers/internalversion` of 1.36.
 * Custom resources have their printer columns. `now` is epoch milliseconds.
 */
export function printTable(
  kind: TableKind,
  objects: readonly KubeLike[],
  now: number,
  options: PrintOptions = {},
): { readonly columnDefinitions: readonly ColumnDefinition[]; readonly rows: readonly TableRow[] } {
  const context: PrintContext = { now, serverVersion: options.serverVersion ?? { major: 1, minor: 36 } };
  const { columns, print } = printerOf(kind);
  const rowOf = (object: KubeLike): TableRow => {
    const cells = print(object, context);
    const conditions = kind.group === '' && kind.plural === 'pods' ? podRowConditions(object) : undefined;
    return conditions === undefined ? { cells } : { cells, conditions };
  };
  return { columnDefinitions: columns, rows: objects.map(rowOf) };
}

interface KindPrinter {
  readonly columns: readonly ColumnDefinition[];
  readonly print: Printer;
}

function printerOf({ group, plural, printerColumns = [] }: TableKind): KindPrinter {
  const key = group === '' ? plural : `${plural}.${group}`;
  const print = printers[key];
  const columns = builtinColumns.get(key);
  if (print !== undefined && columns !== undefined) return { columns, print };
  const [name] = nameAndAge;
  if (name !== undefined && printerColumns.length > 0) return customColumns(name, printerColumns);
  return { columns: nameAndAge, print: core.printNameAndAge };
}

const builtinColumns: ReadonlyMap<string, readonly ColumnDefinition[]> = new Map(
  Object.entries(recorded.columns).map(([key, columns]) => [key, columns.map(columnOf)]),
);

/** A stored column: name, type, format, index of its description, priority. */
function columnOf(stored: readonly (string | number)[]): ColumnDefinition {
  const [name, type, format, description, priority] = stored;
  return {
    name: String(name),
    type: String(type),
    format: String(format),
    description: recorded.descriptions[Number(description)] ?? '',
    priority: Number(priority),
  };
}

const nameAndAge: readonly ColumnDefinition[] = builtinColumns.get('serviceaccounts') ?? [];

const printers: Readonly<Record<string, Printer>> = {
  'apiservices.apiregistration.k8s.io': core.printApiService,
  'certificatesigningrequests.certificates.k8s.io': core.printCertificateRequest,
  'clusterrolebindings.rbac.authorization.k8s.io': core.printRoleBinding,
  'clusterroles.rbac.authorization.k8s.io': core.printNameAndTime,
  componentstatuses: core.printComponentStatus,
  configmaps: core.printConfigMap,
  'controllerrevisions.apps': workloads.printControllerRevision,
  'cronjobs.batch': workloads.printCronJob,
  'csidrivers.storage.k8s.io': core.printCsiDriver,
  'csinodes.storage.k8s.io': storage.printCsiNode,
  'csistoragecapacities.storage.k8s.io': core.printNameAndTime,
  'customresourcedefinitions.apiextensions.k8s.io': core.printNameAndTime,
  'daemonsets.apps': workloads.printDaemonSet,
  'deployments.apps': workloads.printDeployment,
  'deviceclasses.resource.k8s.io': core.printNameAndAge,
  endpoints: network.printEndpoints,
  'endpointslices.discovery.k8s.io': network.printEndpointSlice,
  events: core.printEvent,
  'events.events.k8s.io': core.printEvent,
  'flowschemas.flowcontrol.apiserver.k8s.io': core.printFlowSchema,
  'horizontalpodautoscalers.autoscaling': workloads.printAutoscaler,
  'ingressclasses.networking.k8s.io': network.printIngressClass,
  'ingresses.networking.k8s.io': network.printIngress,
  'ipaddresses.networking.k8s.io': network.printIpAddress,
  'jobs.batch': workloads.printJob,
  'leases.coordination.k8s.io': core.printLease,
  limitranges: core.printNameAndTime,
  'mutatingadmissionpolicies.admissionregistration.k8s.io': core.printAdmissionPolicy('spec.mutations'),
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io': core.printAdmissionBinding,
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': core.printWebhooks,
  namespaces: core.printNamespace,
  'networkpolicies.networking.k8s.io': network.printNetworkPolicy,
  nodes: core.printNode,
  persistentvolumeclaims: storage.printPersistentVolumeClaim,
  persistentvolumes: storage.printPersistentVolume,
  'poddisruptionbudgets.policy': workloads.printPodDisruptionBudget,
  pods: printPod,
  podtemplates: workloads.printPodTemplate,
  'priorityclasses.scheduling.k8s.io': core.printPriorityClass,
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': core.printPriorityLevel,
  'replicasets.apps': workloads.printReplicaSet,
  replicationcontrollers: workloads.printReplicationController,
  'resourceclaims.resource.k8s.io': core.printResourceClaim,
  'resourceclaimtemplates.resource.k8s.io': core.printNameAndAge,
  resourcequotas: core.printResourceQuota,
  'resourceslices.resource.k8s.io': core.printResourceSlice,
  'rolebindings.rbac.authorization.k8s.io': core.printRoleBinding,
  'roles.rbac.authorization.k8s.io': core.printNameAndTime,
  'runtimeclasses.node.k8s.io': core.printRuntimeClass,
  secrets: core.printSecret,
  serviceaccounts: core.printNameAndAge,
  'servicecidrs.networking.k8s.io': network.printServiceCidr,
  services: network.printService,
  'statefulsets.apps': workloads.printStatefulSet,
  'storageclasses.storage.k8s.io': storage.printStorageClass,
  'validatingadmissionpolicies.admissionregistration.k8s.io': core.printAdmissionPolicy('spec.validations'),
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': core.printAdmissionBinding,
  'validatingwebhookconfigurations.admissionregistration.k8s.io': core.printWebhooks,
  'volumeattachments.storage.k8s.io': storage.printVolumeAttachment,
  'volumeattributesclasses.storage.k8s.io': storage.printVolumeAttributesClass,
};
