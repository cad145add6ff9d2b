import type { Kind, KindDefinition } from '../kinds.ts';
import type { KubeLike } from '../object.ts';
import type { Scenario, ScenarioOptions } from '../providers.ts';
import type { Store } from '../store.ts';
import { readCatalogue } from './catalogue.ts';
import { completeObject, uidFor } from './complete.ts';
import { generate } from './generator/index.ts';
import { customKinds } from './kinds.ts';
import { createLogs } from './logs.ts';
import { createMetrics } from './metrics.ts';
import { createPlayer } from './script.ts';
import type { PodLike } from './shapes.ts';
import { storyTracks } from './tracks/index.ts';
import { createWorld, type World } from './world.ts';

export { churn } from './churn.ts';
export { dcgmMetrics } from './dcgm.ts';

/** How often the story looks at the clock. */
const tickMs = 250;

/**
 * Fills a store with the demo cluster and lets its story run: the catalogue, and generated nodes and pods up to the
 * totals asked for. The same seed and start give the same objects; `still` stops the story, not the clock.
 */
export function loadScenario(store: Store, options: ScenarioOptions): Scenario {
  const startMs = options.now();
  for (const definition of customKinds)
    store.put(completeObject(definitionOf(definition, store.register(definition)), startMs));
  const objects = readCatalogue(startMs).map((object) => completeObject(object, startMs));
  for (const object of objects) if (object.kind !== 'Event') store.put(object);
  const world = createWorld(store, startMs);
  explainPending(world);
  for (const object of objects) if (object.kind === 'Event') store.put(completeEvent(object, store));
  putAccounts(store);
  generate(store, options, startMs);

  const player = createPlayer(world, storyTracks(), startMs);
  const timer =
    options.still === true ? undefined : setInterval(() => player.advanceTo(options.now()), tickMs);
  timer?.unref();
  return {
    stop: () => clearInterval(timer),
    metrics: createMetrics(store, options.now),
    logs: createLogs(store, options.now),
    serverVersion: 'v1.36.3',
  };
}

/** The scheduler's words about the pods that fit nowhere, worked out for the nodes that there are. */
function explainPending(world: World): void {
  for (const pod of world.pods()) {
    if (pod.spec.schedulerName !== 'default-scheduler') continue;
    const conditions = pod.status.conditions ?? [];
    if (
      !conditions.some(
        (condition) => condition.reason === 'Unschedulable' && /available: \d/.test(condition.message ?? ''),
      )
    )
      continue;
    const placement = world.placement(pod);
    if ('node' in placement)
      throw new Error(
        `The demo says that ${pod.metadata.name} fits nowhere, yet it fits on ${placement.node}.`,
      );
    const explained = conditions.map((condition) =>
      condition.reason === 'Unschedulable' ? { ...condition, message: placement.message } : condition,
    );
    world.store.put({ ...pod, status: { ...pod.status, conditions: explained } });
  }
}

interface EventLike extends KubeLike {
  readonly involvedObject: {
    readonly kind: string;
    readonly name: string;
    readonly namespace?: string;
    readonly apiVersion: string;
  };
  readonly reason: string;
  readonly message: string;
}

/** Names the object by its uid, and lets the scheduler's event say what the pod's condition says. */
function completeEvent(object: KubeLike, store: Store): KubeLike {
  const event = object as EventLike;
  const { kind, name, namespace, apiVersion } = event.involvedObject;
  const served = store.kindOf(apiVersion, kind);
  const about =
    served &&
    store.get({
      group: served.group,
      plural: served.plural,
      name,
      ...(namespace === undefined ? {} : { namespace }),
    });
  const uid = about?.metadata?.uid ?? uidFor(kind, namespace, name);
  const verdict = (about as PodLike | undefined)?.status?.conditions?.find(
    (condition) => condition.type === 'PodScheduled',
  );
  const message = event.reason === 'FailedScheduling' ? (verdict?.message ?? event.message) : event.message;
  return {
    ...event,
    involvedObject: { ...event.involvedObject, uid },
    message: message.replace('(uid)', `(${uid})`),
  };
}

/** The CustomResourceDefinition of a kind, as far as somebody reads it. */
function definitionOf(definition: KindDefinition, kind: Kind): KubeLike {
  const versions = definition.versions.map((name, index) => ({
    name,
    served: true,
    storage: index === 0,
    schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    subresources: Object.fromEntries(
      (definition.subresources ?? []).filter((name) => name === 'status').map((name) => [name, {}]),
    ),
    additionalPrinterColumns: kind.printerColumns,
  }));
  const names = {
    kind: kind.kind,
    listKind: `${kind.kind}List`,
    plural: kind.plural,
    singular: kind.singular,
    shortNames: kind.shortNames,
  };
  const established = (type: string, reason: string): object => ({
    type,
    status: 'True',
    reason,
    message: '',
  });
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${kind.group}` },
    spec: { group: kind.group, names, scope: kind.namespaced ? 'Namespaced' : 'Cluster', versions },
    status: {
      acceptedNames: names,
      conditions: [
        established('NamesAccepted', 'NoConflicts'),
        established('Established', 'InitialNamesAccepted'),
      ],
      storedVersions: definition.versions.slice(0, 1),
    },
  };
}

function putAccounts(store: Store): void {
  for (const { metadata } of store.list('', 'namespaces')) {
    const object: KubeLike = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: {
        name: 'default',
        ...(metadata?.name === undefined ? {} : { namespace: metadata.name }),
        creationTimestamp: metadata?.creationTimestamp ?? null,
      },
    };
    store.put(completeObject(object, 0));
  }
}
