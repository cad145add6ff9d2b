import type { Connection, KubeRequest } from '../../kube/contract.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { OpenForward } from '../../kube/port-forward.ts';
import type { Right, Wish } from '../../kube/rights.ts';
import { pathOf, type Resource, type Row } from '../../resources/resource.ts';
import type { DialogLine } from '../../state/dialog.ts';
import type { ActionContext } from '../action.ts';
import type { Hands } from '../hands.ts';

/** Who mltop is in `managedFields`. */
const fieldManager = 'mltop';

/** Which object a request is for. */
export interface ObjectAt {
  readonly group: string;
  readonly version: string;
  /** Plural, lower case. */
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** How a request is sent: as a question, or for real; with the version that it must still have. */
export interface Sending {
  readonly dryRun: boolean;
  readonly version: string | undefined;
}

/** One request that changes something. */
export interface Operation {
  readonly at: ObjectAt;
  /** RBAC's word: `delete`, `patch`, `create`. */
  readonly verb: string;
  readonly request: (sending: Sending) => KubeRequest;
}

export type WriteRisk = 'reversible' | 'disruptive' | 'destructive';

export interface Outcome {
  readonly text: string;
  readonly isBad: boolean;
}

/** What an execution of its own may use. */
export interface Running {
  readonly write: Connection;
  readonly signal: AbortSignal;
  readonly progress: (lines: readonly DialogLine[]) => void;
  /** Sends one operation, and writes it into the audit file. Rejects with KubeError. */
  readonly send: (operation: Operation) => Promise<KubeObject>;
  /** Writes a line that is no operation of the list: a shell, a port-forward. */
  readonly audit: (operation: Omit<Operation, 'request'>, outcome: string) => Promise<void>;
  readonly closeDialog: () => void;
  /** For a port-forward, which outlives the permit. Throws KubeError without a valid one. */
  readonly forwarder: () => OpenForward;
}

/** What will be done, before anybody has agreed to it. */
export interface Plan {
  /** The action's id. */
  readonly action: string;
  /** `Delete 2 pods`. */
  readonly title: string;
  readonly verb: string;
  readonly risk: WriteRisk;
  /** Every object by name, with its kind. */
  readonly names: readonly string[];
  /** What must be typed where typing is asked: a name, or how many. */
  readonly toType: { readonly what: string; readonly text: string };
  readonly impact: readonly DialogLine[];
  readonly kubectl: readonly string[] | undefined;
  readonly operations: readonly Operation[];
  /** Rights besides those of the operations. */
  readonly rights?: (read: Connection) => readonly Promise<Right>[];
  /** Why there is no server dry-run, where there is none: `exec has none`. */
  readonly noDryRun?: string;
  /** Asked instead of the plain dry-run of each operation: gives what to show. Rejects where it cannot be done at all. */
  readonly rehearse?: (write: Connection, signal: AbortSignal) => Promise<readonly DialogLine[]>;
  /** In place of sending the operations one after the other. */
  readonly execute?: (running: Running) => Promise<Outcome>;
  readonly stoppable?: boolean;
  readonly done: string;
  /** How to take it back, where one can: `Undo: u uncordons it.` */
  readonly undo?: string;
  readonly switches?: readonly { readonly key: string; readonly text: string; readonly next: () => Plan }[];
}

export type WriteContext = ActionContext & { readonly hands: Hands };

export const objectPath = (resource: Resource, row: Pick<Row, 'namespace' | 'name'>): string =>
  `${pathOf(resource, row.namespace)}/${encodeURIComponent(row.name)}`;

export const pathOfObject = ({ group, version, resource, namespace, name }: ObjectAt): string =>
  `${group === '' ? `/api/${version}` : `/apis/${group}/${version}`}${namespace === '' ? '' : `/namespaces/${encodeURIComponent(namespace)}`}/${resource}/${encodeURIComponent(name)}`;

export const objectAt = (
  resource: Pick<Resource, 'group' | 'apiVersion' | 'name'>,
  row: Pick<Row, 'namespace' | 'name' | 'uid'>,
  subresource?: string,
): ObjectAt => ({
  group: resource.group,
  version: resource.apiVersion,
  resource: resource.name,
  ...(subresource === undefined ? {} : { subresource }),
  namespace: row.namespace,
  name: row.name,
  uid: row.uid,
});

const pathIn = (at: ObjectAt): string =>
  at.subresource === undefined ? pathOfObject(at) : `${pathOfObject(at)}/${at.subresource}`;

/** `dryRun` in the query, for everything but DELETE. */
const queryOf = ({ dryRun }: Sending): KubeRequest['query'] => ({
  fieldManager,
  ...(dryRun ? { dryRun: 'All' } : {}),
});

/**
 * DELETE with the object's UID, so that another one under the same name is left alone. `dryRun` stands in the body: a
 * server that gets a body does not read it from the query (it would delete).
 */
export function deletion(
  at: ObjectAt,
  options: { readonly graceSeconds?: number; readonly propagation?: string; readonly pinVersion: boolean },
): Operation {
  if (at.uid === '') throw new Error(`${at.name} has no UID: it is not deleted by its name alone.`);
  return {
    at,
    verb: 'delete',
    request: ({ dryRun, version }) => ({
      method: 'DELETE',
      path: pathOfObject(at),
      body: JSON.stringify({
        kind: 'DeleteOptions',
        apiVersion: 'v1',
        preconditions: {
          uid: at.uid,
          ...(options.pinVersion && version !== undefined && version !== ''
            ? { resourceVersion: version }
            : {}),
        },
        propagationPolicy: options.propagation ?? 'Background',
        ...(options.graceSeconds === undefined ? {} : { gracePeriodSeconds: options.graceSeconds }),
        ...(dryRun ? { dryRun: ['All'] } : {}),
      }),
    }),
  };
}

/** Seconds to end in, that G goes round through; undefined: as the object itself says. */
export const graces: readonly (number | undefined)[] = [undefined, 5, 120, 600];

/** The eviction API: asks the pod's disruption budgets. */
export function eviction(at: ObjectAt, graceSeconds?: number): Operation {
  const sub = { ...at, subresource: 'eviction' };
  return {
    at: sub,
    verb: 'create',
    request: (sending) => ({
      method: 'POST',
      path: pathIn(sub),
      query: queryOf(sending),
      body: JSON.stringify({
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: at.name, namespace: at.namespace },
        deleteOptions: {
          preconditions: { uid: at.uid },
          ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }),
          ...(sending.dryRun ? { dryRun: ['All'] } : {}),
        },
      }),
    }),
  };
}

const patchTypes = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/**
 * A patch that holds only for this object: its UID stands in the patch, and a server refuses to change one
 * (422 `field is immutable`).
 */
export function patching(
  at: ObjectAt,
  type: 'merge' | 'strategic',
  body: Readonly<Record<string, unknown>>,
): Operation {
  const metadata = (body['metadata'] ?? {}) as Readonly<Record<string, unknown>>;
  return {
    at,
    verb: 'patch',
    request: (sending) => ({
      method: 'PATCH',
      path: pathIn(at),
      query: queryOf(sending),
      contentType: patchTypes[type],
      body: JSON.stringify({ ...body, metadata: { ...metadata, uid: at.uid } }),
    }),
  };
}

/** As `patching`, with RFC 6902: the UID is tested first. */
export function jsonPatching(at: ObjectAt, steps: readonly Readonly<Record<string, unknown>>[]): Operation {
  return {
    at,
    verb: 'patch',
    request: (sending) => ({
      method: 'PATCH',
      path: pathIn(at),
      query: queryOf(sending),
      contentType: patchTypes.json,
      body: JSON.stringify([{ op: 'test', path: '/metadata/uid', value: at.uid }, ...steps]),
    }),
  };
}

/** POST of a new object. */
export function creation(at: ObjectAt, object: KubeObject): Operation {
  return {
    at,
    verb: 'create',
    request: (sending) => ({
      method: 'POST',
      path: pathOfObject({ ...at, name: '' }).replace(/\/$/, ''),
      query: queryOf(sending),
      body: JSON.stringify(object),
    }),
  };
}

/** Server-side apply: makes the object, or changes what it names. Fields of other managers are left to them (409). */
export function applying(at: ObjectAt, object: KubeObject): Operation {
  return {
    at,
    verb: 'patch',
    request: (sending) => ({
      method: 'PATCH',
      path: pathIn(at),
      query: queryOf(sending),
      contentType: patchTypes.apply,
      // JSON is YAML.
      body: JSON.stringify(
        at.uid === '' ? object : { ...object, metadata: { ...object.metadata, uid: at.uid } },
      ),
    }),
  };
}

/** PUT of the whole object, as edited; its own resourceVersion is the precondition. */
export function replacement(at: ObjectAt, object: KubeObject): Operation {
  return {
    at,
    verb: 'update',
    request: (sending) => ({
      method: 'PUT',
      path: pathIn(at),
      query: queryOf(sending),
      body: JSON.stringify(object),
    }),
  };
}

export const wishOf = ({ at, verb }: Pick<Operation, 'at' | 'verb'>): Wish => ({
  verb,
  group: at.group,
  resource: at.resource,
  ...(at.subresource === undefined ? {} : { subresource: at.subresource }),
  ...(at.namespace === '' ? {} : { namespace: at.namespace }),
  // A right may be given for one name; creation has no name to give it for.
  ...(verb === 'create' && at.subresource === undefined ? {} : { name: at.name }),
});

/** Which right is missing, for people. */
export function refusalText({ verb, group, resource, subresource, namespace }: Wish): string {
  const what = [group === '' ? resource : `${resource}.${group}`, subresource].filter(
    (part) => part !== undefined,
  );
  return `You may not ${verb} ${what.join('/')}${namespace === undefined ? '' : ` in namespace ${namespace}`}.`;
}
