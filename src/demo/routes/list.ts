import type { Cluster, ResourceHandler, ResourceRequest } from '../cluster.ts';
import { isRecord } from '../object.ts';
import { formFor, writerOf } from '../represent.ts';
import { badRequest, expired, notFound, Refusal, tooLargeVersion } from '../status.ts';
import { indexOfKey, inNamespace, type Stored } from '../store.ts';
import { badVersion, includeOf, type ListOptions, readListOptions } from './list-options.ts';

const tooOldPage =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

interface Page {
  /** The revision that all pages of this list show; -1: whatever is there now. */
  readonly revision: number;
  /** The key after which the page starts. */
  readonly after: string;
}

/** A token as the API server makes it: base64url JSON of a version, a revision and where to go on. */
const continueText = ({ revision, after }: Page, namespace: string | undefined): string => {
  const start = `/${namespace === undefined ? after : after.slice(namespace.length + 1)}\u0000`;
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start })).toString('base64url');
};

function pageOf(token: string, namespace: string | undefined): Page {
  const fail = (why: string): Refusal =>
    badRequest(`invalid continue token: continue key is not valid: ${why}`);
  const text = Buffer.from(token, 'base64url').toString();
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw fail(`invalid character '${text[0] ?? ''}' looking for beginning of value`);
  }
  const { v, rv, start } = isRecord(parsed) ? parsed : {};
  if (v !== 'meta.k8s.io/v1')
    throw fail(`server does not recognize this encoded version "${String(v ?? '')}"`);
  if (typeof rv !== 'number' || typeof start !== 'string')
    throw fail('incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  const key = start.replace(/^\//, '').replace(/\u0000$/, '');
  return { revision: rv, after: namespace === undefined ? key : `${namespace}/${key}` };
}

/** Waits a little for a resourceVersion that another server may have seen already. */
async function reached(wanted: number, cluster: Cluster): Promise<boolean> {
  const untilMs = Date.now() + cluster.settings.tooLargeWaitMs;
  while (cluster.store.resourceVersion() < wanted) {
    if (Date.now() >= untilMs) return false;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return true;
}

interface Scope {
  /** Undefined: that revision is gone. */
  readonly items: readonly Stored[] | undefined;
  readonly revision: number;
  readonly after: string;
}

async function scopeOf(options: ListOptions, request: ResourceRequest, cluster: Cluster): Promise<Scope> {
  const { store } = cluster;
  const current = store.resourceVersion();
  const at = (revision: number): readonly Stored[] | undefined => store.snapshot(request.kind, revision);
  if (options.continueToken !== '') {
    const page = pageOf(options.continueToken, request.namespace);
    const revision = page.revision < 0 ? current : page.revision;
    return { items: at(revision), revision, after: page.after };
  }
  const bad = badVersion(options.resourceVersion);
  if (bad !== undefined) throw badRequest(`invalid resource version: ${bad}`);
  const wanted = Number(options.resourceVersion);
  if (wanted > current && !(await reached(wanted, cluster)))
    throw tooLargeVersion(options.resourceVersion, store.resourceVersion());
  // A limit with a resourceVersion means that revision and no other, unless the match says otherwise: a rule of old.
  const exact =
    options.resourceVersionMatch === 'Exact' ||
    (options.resourceVersionMatch === '' && options.limit > 0 && wanted > 0);
  const revision = exact ? wanted : store.resourceVersion();
  return { items: at(revision), revision, after: '' };
}

/** GET of a collection. */
export const list: ResourceHandler = {
  takes: (request) => request.verb === 'list' && request.subresource === undefined,
  async handle(exchange, request, cluster) {
    const form = formFor(exchange, request);
    const options = readListOptions(exchange, request, cluster);
    const scope = await scopeOf(options, request, cluster);
    if (scope.items === undefined) {
      if (options.continueToken === '')
        throw new Refusal(expired('The resourceVersion for the provided list is too old.'));
      throw new Refusal(
        expired(tooOldPage, continueText({ revision: -1, after: scope.after }, request.namespace)),
      );
    }
    const inScope = inNamespace(scope.items, request.kind.namespaced ? request.namespace : undefined);
    let start = scope.after === '' ? 0 : indexOfKey(inScope, scope.after);
    if (inScope[start]?.key === scope.after) start += 1;
    // `resourceVersion=0` is served from the cache, where a limit means nothing.
    const limit = options.resourceVersion === '0' && options.resourceVersionMatch === '' ? 0 : options.limit;

    const found: Stored[] = [];
    let at = start;
    for (; at < inScope.length && (limit === 0 || found.length < limit); at += 1) {
      const item = inScope[at];
      if (item !== undefined && (options.matches === undefined || options.matches(item.object)))
        found.push(item);
    }
    const rest = inScope.length - at;
    const last = inScope[at - 1];
    const meta = {
      resourceVersion: String(scope.revision),
      ...(rest > 0 && last !== undefined
        ? { continue: continueText({ revision: scope.revision, after: last.key }, request.namespace) }
        : {}),
      // With a selector the server cannot know how many of the rest will match.
      ...(rest > 0 && options.matches === undefined ? { remainingItemCount: rest } : {}),
    };
    await exchange.bytes(200, writerOf(form, request, cluster, options.include).list(found, meta), { form });
  },
};

/** GET of one object. */
export const get: ResourceHandler = {
  takes: (request) =>
    request.verb === 'get' && (request.subresource === undefined || request.subresource === 'status'),
  async handle(exchange, request, cluster) {
    const form = formFor(exchange, request);
    const { kind, namespace, name = '' } = request;
    const stored = cluster.store.stored(kind, namespace, name);
    if (stored === undefined) throw notFound(kind.group, kind.plural, name);
    await exchange.bytes(200, writerOf(form, request, cluster, includeOf(exchange.query)).object(stored), {
      form,
    });
  },
};
