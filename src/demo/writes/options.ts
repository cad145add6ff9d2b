import { isDeepStrictEqual } from 'node:util';
import type { Cluster, ResourceRequest } from '../cluster.ts';
import type { Exchange } from '../exchange.ts';
import type { KubeLike } from '../object.ts';
import { invalid, notFound, Refusal, statusBody } from '../status.ts';

/** Whether nothing is to be kept. Throws the 422 for any word but `All`. */
export function dryRunOf(exchange: Exchange, optionsKind: string, inBody?: unknown): boolean {
  const asked =
    Array.isArray(inBody) && inBody.length > 0 ? inBody.map(String) : exchange.query.getAll('dryRun');
  const words = asked.filter((word) => word !== '');
  if (words.length === 0) return false;
  if (isDeepStrictEqual(words, ['All'])) return true;
  const message = `Unsupported value: ${JSON.stringify(words)}: supported values: "All"`;
  throw invalid({ group: 'meta.k8s.io', kind: optionsKind, name: '' }, [
    { reason: 'FieldValueNotSupported', message, field: 'dryRun' },
  ]);
}

const resourceName = ({ kind }: ResourceRequest): string =>
  kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;

const detailsOf = (
  { kind }: ResourceRequest,
  name: string,
): { name: string; group?: string; kind: string } => ({
  name,
  ...(kind.group === '' ? {} : { group: kind.group }),
  kind: kind.plural,
});

export const alreadyExists = (request: ResourceRequest, name: string): Refusal =>
  new Refusal(
    statusBody(409, `${resourceName(request)} "${name}" already exists`, {
      reason: 'AlreadyExists',
      details: detailsOf(request, name),
    }),
  );

export const modifiedMeanwhile = (request: ResourceRequest, name: string): Refusal =>
  new Refusal(
    statusBody(
      409,
      `Operation cannot be fulfilled on ${resourceName(request)} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
      { reason: 'Conflict', details: detailsOf(request, name) },
    ),
  );

/** A write that some admission plugin does not let pass, in the API server's words. */
export function forbidden(
  request: ResourceRequest,
  name: string,
  why: string,
  causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[],
): Refusal {
  return new Refusal(
    statusBody(403, `${resourceName(request)} "${name}" is forbidden: ${why}`, {
      reason: 'Forbidden',
      details: { ...detailsOf(request, name), ...(causes === undefined ? {} : { causes }) },
    }),
  );
}

/** The object that a request names, or the 404. */
export function existing(request: ResourceRequest, cluster: Cluster): KubeLike {
  const { kind, namespace, name = '' } = request;
  const object = cluster.store.stored(kind, namespace, name)?.object;
  if (object === undefined) throw notFound(kind.group, kind.plural, name);
  return object;
}

export const warningHeaders = (warnings: readonly string[]): Readonly<Record<string, string>> =>
  warnings.length === 0
    ? {}
    : { warning: warnings.map((text) => `299 - ${JSON.stringify(text)}`).join(', ') };
