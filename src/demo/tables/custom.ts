import type { PrinterColumn } from '../kinds.ts';
import { fieldAt } from '../object.ts';
import { ageAt } from './duration.ts';
import { type Cell, type ColumnDefinition, listAt, type Printer, textAt } from './read.ts';

/** Columns and printer of a custom resource, as the API server makes them of `additionalPrinterColumns`. */
export function customColumns(
  name: ColumnDefinition,
  printerColumns: readonly PrinterColumn[],
): { readonly columns: readonly ColumnDefinition[]; readonly print: Printer } {
  const print: Printer = (object, { now }) => [
    textAt(object, 'metadata.name'),
    ...printerColumns.map((column) => cellAt(object, column, now)),
  ];
  return { columns: [name, ...printerColumns.map(definitionOf)], print };
}

const definitionOf = (column: PrinterColumn): ColumnDefinition => ({
  name: column.name,
  type: column.type,
  format: column.format ?? '',
  description:
    column.description ?? `Custom resource definition column (in JSONPath format): ${column.jsonPath}`,
  priority: column.priority ?? 0,
});

/** The filters that real CRDs use: one element by its type, and the last element. */
const byType = /^(.+)\[\?\(@\.type\s*==\s*["']([^"']+)["']\)\]\.(.+)$/;
const last = /^(.+)\[-1:\]\.(.+)$/;

function valueAt(object: unknown, jsonPath: string): unknown {
  const path = jsonPath.replace(/^\./, '');
  const filtered = byType.exec(path);
  if (filtered !== null) {
    const [, list = '', type, rest = ''] = filtered;
    return fieldAt(
      listAt(object, list).find((item) => item['type'] === type),
      rest,
    );
  }
  const final = last.exec(path);
  if (final !== null) return fieldAt(listAt(object, final[1] ?? '').at(-1), final[2] ?? '');
  return fieldAt(object, path);
}

/** A missing value is null, not an empty text. */
function cellAt(object: unknown, column: PrinterColumn, now: number): Cell {
  const value = valueAt(object, column.jsonPath);
  if (value === undefined || value === null) return null;
  switch (column.type) {
    case 'date':
      return ageAt({ value }, 'value', now);
    case 'integer':
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    default:
      return typeof value === 'object' ? JSON.stringify(value) : String(value);
  }
}
