import type { Cluster, ResourceRequest } from '../cluster.ts';
import type { Exchange } from '../exchange.ts';
import type { Include } from '../represent.ts';
import { fieldMatcher, labelMatcher, type Matcher } from '../selectors.ts';
import { badRequest, forbiddenField, invalid, type StatusCause } from '../status.ts';

/** The query of a LIST or WATCH, read and checked. */
export interface ListOptions {
  /** Undefined: every object. */
  readonly matches: Matcher | undefined;
  readonly limit: number;
  readonly continueToken: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly watch: boolean;
  readonly bookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  readonly timeoutSeconds: number | undefined;
  readonly include: Include;
}

const flag = (query: URLSearchParams, name: string): boolean => /^(1|true)$/i.test(query.get(name) ?? '');

export const isWatchQuery = (query: URLSearchParams): boolean => flag(query, 'watch');

function number(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^-?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing "${text}": invalid syntax`);
  return Number(text);
}

export function includeOf(query: URLSearchParams): Include {
  const asked = query.get('includeObject') ?? '';
  if (asked === '') return 'Metadata';
  if (asked === 'None' || asked === 'Metadata' || asked === 'Object') return asked;
  throw badRequest(`unrecognized includeObject value: "${asked}"`);
}

function matcherOf(query: URLSearchParams, request: ResourceRequest): Matcher | undefined {
  const labels = labelMatcher(query.get('labelSelector') ?? '');
  const fields = fieldMatcher(query.get('fieldSelector') ?? '', request.kind);
  if (labels === undefined || fields === undefined) return labels ?? fields;
  return (object) => labels(object) && fields(object);
}

function complaints(options: ListOptions, cluster: Cluster): StatusCause[] {
  const { resourceVersion, resourceVersionMatch: match, continueToken, watch, sendInitialEvents } = options;
  const causes: StatusCause[] = [];
  const field = 'resourceVersionMatch';
  if (watch) {
    if (sendInitialEvents !== undefined && cluster.settings.watchList === 'off') {
      return [
        forbiddenField(
          'sendInitialEvents',
          'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled',
        ),
      ];
    }
    if (sendInitialEvents !== undefined && match !== 'NotOlderThan')
      causes.push(
        forbiddenField(field, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'),
      );
    if (sendInitialEvents === undefined && match !== '')
      causes.push(
        forbiddenField(
          field,
          'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
        ),
      );
    return causes;
  }
  if (sendInitialEvents !== undefined)
    causes.push(forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  if (match === '') return causes;
  if (resourceVersion === '')
    causes.push(
      forbiddenField(field, 'resourceVersionMatch is forbidden unless resourceVersion is provided'),
    );
  if (continueToken !== '')
    causes.push(forbiddenField(field, 'resourceVersionMatch is forbidden when continue is provided'));
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    const message = `Unsupported value: "${match}": supported values: "Exact", "NotOlderThan", ""`;
    causes.push({ reason: 'FieldValueNotSupported', message, field });
  } else if (match === 'Exact' && resourceVersion === '0') {
    causes.push(forbiddenField(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  }
  return causes;
}

/** Reads the query of a LIST or WATCH. Throws the API server's own refusals. */
export function readListOptions(exchange: Exchange, request: ResourceRequest, cluster: Cluster): ListOptions {
  const { query } = exchange;
  const asked = cluster.settings.watchList === 'ignored' ? null : query.get('sendInitialEvents');
  const options: ListOptions = {
    matches: matcherOf(query, request),
    limit: number(query, 'limit') ?? 0,
    continueToken: query.get('continue') ?? '',
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch:
      cluster.settings.watchList === 'ignored' && isWatchQuery(query)
        ? ''
        : (query.get('resourceVersionMatch') ?? ''),
    watch: isWatchQuery(query),
    bookmarks: flag(query, 'allowWatchBookmarks'),
    sendInitialEvents: asked === null ? undefined : /^(1|true)$/i.test(asked),
    timeoutSeconds: number(query, 'timeoutSeconds'),
    include: includeOf(query),
  };
  const causes = complaints(options, cluster);
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions', name: '' }, causes);
  return options;
}

/** Why the text is no resourceVersion, as the API server puts it; undefined when it is one. */
export function badVersion(text: string): string | undefined {
  if (text === '' || /^\d+$/.test(text)) return undefined;
  return `resourceVersion: Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`;
}
