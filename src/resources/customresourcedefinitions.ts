import type { KubeObject } from '../kube/object.ts';
import { nameColumn } from './columns.ts';
import { type Condition, conditionsOf, conditionText, findCondition } from './conditions.ts';
import { count, flag, list, record, shared, text } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, pathOf, type Resource } from './resource.ts';

/** One of `additionalPrinterColumns`. */
export interface PrinterColumn {
  readonly name: string;
  /** `string`, `integer`, `number`, `boolean`, `date`. */
  readonly type: string;
  /** 0 is in the table, more only with -o wide. */
  readonly priority: number;
  readonly jsonPath: string;
}

interface CustomKindVersion {
  readonly name: string;
  readonly served: boolean;
  readonly columns: readonly PrinterColumn[];
}

export interface CustomResourceDefinitionRow extends OwnedRow {
  readonly createdText: string;
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  readonly versions: readonly CustomKindVersion[];
  readonly conditions: readonly Condition[];
}

export const customresourcedefinitions: Resource<CustomResourceDefinitionRow> =
  defineResource<CustomResourceDefinitionRow>({
    name: 'customresourcedefinitions',
    title: 'CustomResourceDefinitions',
    kind: 'CustomResourceDefinition',
    group: 'apiextensions.k8s.io',
    apiVersion: 'v1',
    aliases: ['crd', 'crds', 'customresourcedefinition'],
    namespaced: false,
    capabilities: [],
    columns: [
      nameColumn,
      {
        title: 'CREATED AT',
        value: (row) => row.createdAt,
        text: (row) => row.createdText || '<unknown>',
        kubectl: 'table',
        priority: 4,
      },
      { title: 'KIND', value: (row) => row.kind, priority: 1 },
      {
        title: 'VERSIONS',
        value: (row) =>
          row.versions
            .filter(({ served }) => served)
            .map(({ name }) => name)
            .join(','),
        priority: 2,
      },
      { title: 'SCOPE', value: (row) => (row.namespaced ? 'Namespaced' : 'Cluster'), priority: 3 },
    ],
    fault: (row) => whyDefinition(row) !== undefined,
    why: whyDefinition,
    toRow: definitionRow,
  });

function whyDefinition(row: CustomResourceDefinitionRow): string | undefined {
  const broken =
    findCondition(row.conditions, 'Established', 'False') ??
    findCondition(row.conditions, 'NamesAccepted', 'False') ??
    findCondition(row.conditions, 'NonStructuralSchema', 'True');
  return broken === undefined ? undefined : conditionText(broken);
}

function definitionRow(object: KubeObject): CustomResourceDefinitionRow {
  const spec = record(object['spec']);
  const names = record(spec['names']);
  return {
    ...ownedMetaOf(object),
    createdText: text(record(object.metadata)['creationTimestamp']),
    group: shared(spec['group']),
    kind: shared(names['kind']),
    plural: shared(names['plural']),
    shortNames: list(names['shortNames']).map(shared),
    namespaced: spec['scope'] === 'Namespaced',
    versions: list(spec['versions']).map(versionOf),
    conditions: conditionsOf(record(object['status'])['conditions']),
  };
}

function versionOf(raw: unknown): CustomKindVersion {
  const version = record(raw);
  return {
    name: shared(version['name']),
    served: flag(version['served']),
    columns: list(version['additionalPrinterColumns']).map((column) => ({
      name: shared(record(column)['name']),
      type: shared(record(column)['type']),
      priority: count(record(column)['priority']),
      jsonPath: shared(record(column)['jsonPath']),
    })),
  };
}

/** Where the definition of a custom kind is. */
export const definitionPath = ({ name, group }: Pick<Resource, 'name' | 'group'>): string =>
  `${pathOf(customresourcedefinitions)}/${name}.${group}`;

/** How a version of the kind that is defined here is printed. */
export const printerColumns = (definition: KubeObject, version: string): readonly PrinterColumn[] =>
  definitionRow(definition).versions.find(({ name }) => name === version)?.columns ?? [];
