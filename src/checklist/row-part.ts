import type { ContainerSpec, PodRow, Requests } from '../resources/pod-row.ts';
import { asPartList, notKnown, type Part } from './path.ts';

/**
 * A row as the part of the object that it knows, for the conditions of rule packs: they are asked of every row, and what
 * a row does not hold (environment, volumes, the other conditions) is not known there instead of absent.
 */
export const rowPart =
  (row: PodRow): Part =>
  (key) => {
    switch (key) {
      case 'apiVersion':
        return 'v1';
      case 'kind':
        return 'Pod';
      case 'metadata':
        return metadata(row);
      case 'spec':
        return spec(row);
      case 'status':
        return status(row);
      default:
        return undefined;
    }
  };

const stamp = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString();

const orAbsent = (word: string): string | undefined => (word === '' ? undefined : word);

const metadata =
  (row: PodRow): Part =>
  (key) => {
    switch (key) {
      case 'name':
        return row.name;
      case 'namespace':
        return row.namespace;
      case 'uid':
        return row.uid;
      case 'labels':
        return row.labels;
      case 'annotations':
        // Only those that mltop itself reads are kept.
        return (name: string) => row.annotations[name] ?? notKnown;
      case 'creationTimestamp':
        return stamp(row.createdAt);
      case 'deletionTimestamp':
        return stamp(row.deletedAt);
      case 'finalizers':
        return row.finalizers === 0 ? undefined : notKnown;
      case 'ownerReferences':
        return row.owner === undefined ? notKnown : asPartList({ entries: [row.owner], knows: () => false });
      default:
        return notKnown;
    }
  };

/** `cpu` is held in millicores, the rest in whole units. */
const amounts = (held: Requests): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(held).map(([name, amount]) => [name, name === 'cpu' ? `${amount}m` : String(amount)]),
  );

const container =
  ({ name, image, kind, requests, limits }: ContainerSpec): Part =>
  (key) => {
    switch (key) {
      case 'name':
        return name;
      case 'image':
        return image;
      case 'restartPolicy':
        return kind === 'sidecar' ? 'Always' : kind === 'init' ? undefined : notKnown;
      case 'resources':
        return (which: string) =>
          which === 'requests' ? amounts(requests) : which === 'limits' ? amounts(limits) : notKnown;
      default:
        return notKnown;
    }
  };

const all = (entries: readonly unknown[]): unknown =>
  entries.length === 0 ? undefined : asPartList({ entries, knows: () => true });

const isInit = ({ kind }: ContainerSpec): boolean => kind === 'init' || kind === 'sidecar';

/** The container of the spec by its name, as far as a row knows it. */
export const containerSpec = (row: PodRow, name: string): Part | undefined => {
  const held = row.spec.containers.find((one) => one.name === name);
  return held && container(held);
};

const spec =
  (row: PodRow): Part =>
  (key) => {
    const { spec: held } = row;
    switch (key) {
      case 'nodeName':
        return orAbsent(row.node);
      case 'restartPolicy':
        return held.restartPolicy;
      case 'schedulerName':
        return held.schedulerName;
      case 'priority':
        // Where nobody sets one it is 0, written or not.
        return held.priority === 0 ? notKnown : held.priority;
      case 'priorityClassName':
        return held.priorityClass;
      case 'preemptionPolicy':
        return held.preemptionPolicy === 'Never' ? 'Never' : notKnown;
      case 'serviceAccountName':
        return held.serviceAccount;
      case 'runtimeClassName':
        return held.runtimeClass;
      case 'hostNetwork':
        // The API leaves out what is false.
        return held.hostNetwork ? true : undefined;
      case 'nodeSelector':
        return held.nodeSelector;
      case 'affinity':
        return held.affinity;
      case 'tolerations':
        return held.tolerations.length === 0 ? undefined : held.tolerations;
      case 'topologySpreadConstraints':
        return held.spread.length === 0 ? undefined : held.spread;
      case 'schedulingGates':
        return row.gates.length === 0 ? undefined : row.gates.map((name) => ({ name }));
      case 'containers':
        return all(held.containers.filter(({ kind }) => kind === 'main').map(container));
      case 'initContainers':
        return all(held.containers.filter(isInit).map(container));
      default:
        return notKnown;
    }
  };

const heldConditions = new Set(['PodScheduled', 'Ready', 'DisruptionTarget']);

function conditions(row: PodRow): unknown {
  const entries: unknown[] = [];
  for (const [type, held] of [
    ['PodScheduled', row.scheduled],
    ['Ready', row.ready],
    ['DisruptionTarget', row.disrupted],
  ] as const)
    if (held !== undefined)
      entries.push({
        type,
        status: held.status,
        reason: orAbsent(held.reason),
        message: orAbsent(held.message),
        lastTransitionTime: stamp(held.at),
      });
  return asPartList({ entries, knows: (key, value) => key === 'type' && heldConditions.has(value) });
}

/** Before the kubelet reports there are none, which a row does not tell from containers that are well. */
const hasStatuses = (row: PodRow): boolean => row.trouble !== undefined || row.phase === 'Running';

const status =
  (row: PodRow): Part =>
  (key) => {
    switch (key) {
      case 'phase':
        return orAbsent(row.phase);
      case 'reason':
        return orAbsent(row.reason);
      case 'message':
        return orAbsent(row.message);
      case 'podIP':
        return orAbsent(row.ip);
      case 'qosClass':
        return orAbsent(row.qos);
      case 'nominatedNodeName':
        return orAbsent(row.nominatedNode);
      case 'startTime':
        return stamp(row.startedAt);
      case 'conditions':
        return conditions(row);
      case 'containerStatuses':
        if (!hasStatuses(row)) return notKnown;
        return all(
          row.spec.containers.filter(({ kind }) => kind === 'main').map((one) => containerStatus(row, one)),
        );
      case 'initContainerStatuses':
        if (!hasStatuses(row)) return notKnown;
        return all(row.spec.containers.filter(isInit).map((one) => containerStatus(row, one)));
      default:
        return notKnown;
    }
  };

/** What a row knows of how a container is: all of the one in trouble, of the others that they are not. */
export const containerStatus =
  (row: PodRow, { name, image, kind }: ContainerSpec): Part =>
  (key) => {
    const mine = row.trouble?.container === name ? row.trouble : undefined;
    switch (key) {
      case 'name':
        return name;
      case 'image':
        return image;
      case 'ready':
        if (kind !== 'main') return notKnown;
        return row.readyContainers === row.totalContainers ? true : mine === undefined ? notKnown : false;
      case 'restartCount':
        return mine?.restarts ?? (row.restarts === 0 && kind === 'main' ? 0 : notKnown);
      case 'state':
        if (mine !== undefined) return { [mine.state]: ended(mine) };
        return kind === 'main' && row.trouble === undefined && row.readyContainers === row.totalContainers
          ? (which: string) => (which === 'running' ? () => notKnown : undefined)
          : notKnown;
      case 'lastState':
        if (mine?.last !== undefined) return { terminated: ended(mine.last) };
        return row.restarts === 0 && kind === 'main' ? undefined : notKnown;
      default:
        return notKnown;
    }
  };

/** A run that ended, in the words of the API; what the row does not keep is not known. */
const ended =
  (run: {
    readonly reason: string;
    readonly message: string;
    readonly exitCode: number | undefined;
    readonly signal: number | undefined;
    readonly finishedAt: number | undefined;
  }): Part =>
  (key) => {
    switch (key) {
      case 'reason':
        return orAbsent(run.reason);
      case 'message':
        return orAbsent(run.message);
      case 'exitCode':
        return run.exitCode;
      case 'signal':
        return run.signal;
      case 'finishedAt':
        return stamp(run.finishedAt);
      default:
        return notKnown;
    }
  };
