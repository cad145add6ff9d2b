import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { type Condition, conditionsOf, conditionText } from './conditions.ts';
import type { CustomResourceDefinitionRow, PrinterColumn } from './customresourcedefinitions.ts';
import { ageText, isRecord, number, record, shared, text, time } from './fields.ts';
import { compilePath } from './json-path.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { type Column, defineResource, type Resource, type Tone, type Value } from './resource.ts';
import { sanitizeLine } from './sanitize.ts';

/** A kind as discovery names it. */
export interface DiscoveredKind {
  readonly group: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  /** From its CRD, where that may be read; empty otherwise. */
  readonly columns: readonly PrinterColumn[];
}

export interface GenericRow extends OwnedRow {
  /** What the object says of itself: phase, state, or its Ready condition; `''` where it says nothing. */
  readonly status: string;
  readonly conditions: readonly Condition[];
  /** One per printer column: epoch ms for dates; undefined where the object has no such field. */
  readonly cells: readonly Value[];
}

/** A kind that mltop has no file for: NAME, the CRD's own columns or what its status says, AGE. */
export function genericResource(kind: DiscoveredKind): Resource<GenericRow> {
  const readers = kind.columns.map((column) => ({ column, read: compilePath(column.jsonPath) }));
  return defineResource<GenericRow>({
    name: kind.plural,
    title: pluralTitle(kind),
    kind: kind.kind,
    group: kind.group,
    apiVersion: kind.apiVersion,
    aliases: [...kind.shortNames, kind.kind.toLowerCase()],
    namespaced: kind.namespaced,
    capabilities: [],
    columns: columnsOf(kind.columns),
    fault: (row) => whyGeneric(row) !== undefined,
    why: whyGeneric,
    toRow: (object) => ({
      ...genericRow(object),
      cells: readers.map(({ column, read }) => cellOf(column, read?.(object))),
    }),
  });
}

/** `NodeClaims`, `ClusterPolicies`: the kind's own capitals, the ending of its plural. */
function pluralTitle({ kind, plural }: DiscoveredKind): string {
  const name = sanitizeLine(kind);
  const lower = name.toLowerCase();
  if (plural.startsWith(lower)) return `${name}${sanitizeLine(plural.slice(lower.length))}`;
  return plural === `${lower.slice(0, -1)}ies` ? `${name.slice(0, -1)}ies` : name;
}

/** The kind that a definition makes, in the newest version that is served; undefined where none is. */
export function resourceOfDefinition(row: CustomResourceDefinitionRow): Resource<GenericRow> | undefined {
  const version = row.versions.filter(({ served }) => served).toSorted(newerFirst)[0];
  if (version === undefined) return undefined;
  const { group, kind, plural, namespaced, shortNames } = row;
  return genericResource({
    group,
    kind,
    plural,
    namespaced,
    shortNames,
    apiVersion: version.name,
    columns: version.columns,
  });
}

/** Kubernetes' version priority: v2 before v1 before v1beta1 before v1alpha1. */
function newerFirst(a: { readonly name: string }, b: { readonly name: string }): number {
  const rank = ({ name }: { readonly name: string }): readonly number[] => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(name);
    if (match === null) return [-1, 0, 0];
    return [
      match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0,
      Number(match[1]),
      Number(match[3] ?? 0),
    ];
  };
  const [left, right] = [rank(a), rank(b)];
  const different = left.findIndex((value, index) => value !== right[index]);
  return different < 0 ? 0 : (right[different] ?? 0) - (left[different] ?? 0);
}

function genericRow(object: KubeObject): Omit<GenericRow, 'cells'> {
  const status = record(object['status']);
  const conditions = conditionsOf(status['conditions']);
  return { ...ownedMetaOf(object), status: statusOf(status, conditions), conditions };
}

function statusOf(status: Readonly<Record<string, unknown>>, conditions: readonly Condition[]): string {
  const word = shared(status['phase']) || shared(status['state']);
  if (word !== '') return word;
  const decisive = decisiveCondition(conditions);
  if (decisive === undefined) return '';
  return decisive.status === 'True' ? decisive.type : `Not${decisive.type}`;
}

/** The condition by which most controllers sum up. */
const decisiveCondition = (conditions: readonly Condition[]): Condition | undefined =>
  ['Failed', 'Ready', 'Available', 'Succeeded', 'Complete']
    .map((type) => conditions.find((condition) => condition.type === type))
    .find(
      (condition) => condition !== undefined && (condition.type !== 'Failed' || condition.status === 'True'),
    );

function whyGeneric(row: GenericRow): string | undefined {
  const failed = row.conditions.find(({ type, status }) => type === 'Failed' && status === 'True');
  if (failed !== undefined) return conditionText(failed);
  const ready = row.conditions.find(({ type }) => type === 'Ready' || type === 'Available');
  return ready?.status === 'False' ? conditionText(ready) || `${ready.type} is False` : undefined;
}

function columnsOf(columns: readonly PrinterColumn[]): readonly Column<GenericRow>[] {
  if (columns.length === 0) {
    return [
      nameColumn,
      {
        title: 'STATUS',
        value: (row) => row.status,
        text: (row) => row.status || '-',
        tone: statusTone,
        priority: 1,
      },
      ageColumn,
    ];
  }
  return [nameColumn, ...columns.map(printerColumn)];
}

function printerColumn(column: PrinterColumn, index: number): Column<GenericRow> {
  const isDate = column.type === 'date';
  const value = (row: GenericRow): Value => row.cells[index];
  return {
    title: column.name.toUpperCase(),
    value,
    text: (row, now) => {
      const cell = value(row);
      if (cell === undefined) return '';
      return isDate && typeof cell === 'number' ? ageText(cell, now) : String(cell);
    },
    align: column.type === 'string' || column.type === 'boolean' ? 'left' : 'right',
    kubectl: column.priority > 0 ? 'wide' : 'table',
    priority: Math.min(9, index + 1),
  };
}

/** As the server's table convertor types it; objects and lists are printed as JSON. */
function cellOf(column: PrinterColumn, found: unknown): Value {
  if (found === undefined || found === null) return undefined;
  if (column.type === 'date') return time(found) ?? '<invalid>';
  if (column.type === 'integer' || column.type === 'number') {
    const parsed = number(found);
    return parsed === undefined ? undefined : column.type === 'integer' ? Math.trunc(parsed) : parsed;
  }
  if (isRecord(found) || Array.isArray(found)) return sanitizeLine(JSON.stringify(found));
  return text(found);
}

function statusTone(row: GenericRow): Tone {
  if (row.status === '') return 'dim';
  return whyGeneric(row) === undefined ? 'plain' : 'bad';
}
