import { stringify } from 'yaml';
import { cellText } from '../resources/columns.ts';
import type { Column, Resource, Row, Table } from '../resources/resource.ts';
import { displayWidth, pad } from '../ui/text.ts';

export type Format = 'table' | 'wide' | 'json' | 'jsonl' | 'yaml' | 'csv' | 'name';

export interface PrintOptions {
  readonly format: Format;
  /** NAMESPACE is the first column: more than one namespace may be in the rows. */
  readonly withNamespace: boolean;
  readonly headers: boolean;
  /** Epoch ms: ages count to it. */
  readonly now: number;
  /** Goes into the envelope of json and yaml. */
  readonly context: string;
  /** Sources that could not be read; in the envelope too. */
  readonly partial: readonly string[];
}

/** Rows as text on stdout, ending in a newline; empty for no rows in a format without an envelope or header. */
export function printRows<R extends Row>(table: Table<R>, rows: readonly R[], options: PrintOptions): string {
  switch (options.format) {
    case 'table':
    case 'wide':
      return printTable(table, rows, options);
    case 'csv':
      return printCsv(table, rows, options);
    case 'name':
      return rows.map((row) => `${nameWord(table)}/${row.name}\n`).join('');
    case 'jsonl':
      return rows.map((row) => `${JSON.stringify(plain(row))}\n`).join('');
    case 'json':
      return `${JSON.stringify(envelope(table, rows, options), null, 2)}\n`;
    case 'yaml':
      return stringify(envelope(table, rows, options));
  }
}

/** kubectl's columns in kubectl's order, then mltop's own: `table` leaves out what is wide. */
export function columnsOf<R extends Row>(table: Table<R>, wide: boolean): readonly Column<R>[] {
  const shown = (column: Column<R>): boolean => wide || (column.kubectl !== 'wide' && column.wide !== true);
  const own = table.columns.filter(
    (column) => column.kubectl === undefined && column.title !== 'NAMESPACE' && shown(column),
  );
  return [...table.columns.filter((column) => column.kubectl !== undefined && shown(column)), ...own];
}

/** One line, never two spaces in a row, so that columns can be cut apart again. */
function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line === '' ? '<none>' : line;
}

function printTable<R extends Row>(table: Table<R>, rows: readonly R[], options: PrintOptions): string {
  const columns = columnsOf(table, options.format === 'wide');
  const namespace = options.withNamespace && table.namespaced;
  const lines = rows.map((row) => [
    ...(namespace ? [row.namespace === '' ? '<none>' : row.namespace] : []),
    ...columns.map((column) => oneLine(cellText(column, row, options.now))),
  ]);
  const header = [...(namespace ? ['NAMESPACE'] : []), ...columns.map((column) => column.title)];
  return alignColumns(options.headers ? [header, ...lines] : lines);
}

/** Cells in columns, three spaces apart as kubectl has them; no spaces at the end of a line. */
export function alignColumns(lines: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const line of lines) {
    line.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, displayWidth(cell));
    });
  }
  return lines
    .map(
      (line) =>
        `${line.map((cell, index) => (index === line.length - 1 ? cell : pad(cell, (widths[index] ?? 0) + 3))).join('')}\n`,
    )
    .join('');
}

function printCsv<R extends Row>(table: Table<R>, rows: readonly R[], options: PrintOptions): string {
  const columns = columnsOf(table, true);
  const header = [...(table.namespaced ? ['NAMESPACE'] : []), ...columns.map((column) => column.title)];
  const lines = rows.map((row) => [
    ...(table.namespaced ? [row.namespace] : []),
    ...columns.map((column) => String(column.value(row) ?? '')),
  ]);
  return (options.headers ? [header, ...lines] : lines)
    .map((line) => `${line.map(csvCell).join(',')}\n`)
    .join('');
}

/** RFC 4180, and a quote before what a spreadsheet would run as a formula. */
function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) && !/^[+-]?\d+(\.\d+)?$/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** `pod`, `job.batch`: what `kubectl get -o name` puts before the slash. */
function nameWord<R extends Row>(table: Table<R>): string {
  const resource = table as Partial<Resource<R>>;
  if (resource.kind === undefined) return table.name;
  const kind = resource.kind.toLowerCase();
  return resource.group === undefined || resource.group === '' ? kind : `${kind}.${resource.group}`;
}

function envelope<R extends Row>(
  table: Table<R>,
  rows: readonly R[],
  options: PrintOptions,
): Record<string, unknown> {
  return {
    apiVersion: 'mltop.dev/v1',
    kind: `${table.title.replaceAll(/\W/g, '')}List`,
    context: options.context,
    generatedAt: new Date(options.now).toISOString(),
    partial: options.partial,
    items: rows.map(plain),
  };
}

/** A row as JSON has it: times (names ending in At) as RFC 3339, unknown values left out. */
function plain(row: Row): Record<string, unknown> {
  return JSON.parse(
    JSON.stringify(row, (key, value: unknown) =>
      typeof value === 'number' &&
      (key === 'at' || key.endsWith('At')) &&
      Number.isFinite(value) &&
      Math.abs(value) < 8.64e15
        ? new Date(value).toISOString()
        : value,
    ),
  ) as Record<string, unknown>;
}
