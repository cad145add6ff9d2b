import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/kube/object.ts';
import { cellText } from '../../src/resources/columns.ts';
import { tables } from '../../src/resources/index.ts';
import type { Resource } from '../../src/resources/resource.ts';
import { recordedNames, recordedObjects, recordedTable } from '../recorded/read.ts';

const server = { major: 1, minor: 36, text: 'v1.36.3' };

const recorded = new Set(recordedNames());
const nameOf = ({ name, group }: Resource): string => (group === '' ? name : `${name}.${group}`);
const recordedFile = (resource: Resource): string | undefined =>
  [nameOf(resource), `${resource.name}.${resource.group.split('.')[0]}`].find((name) => recorded.has(name));

/** A Table counts ages from when it was asked for: some time within these seconds after the objects were read. */
const clockSlackMs = Array.from({ length: 61 }, (_, second) => (second - 30) * 1000);

const oneLine = (cell: unknown): string =>
  String(cell ?? '')
    .replace(/\s+/g, ' ')
    .trim();

describe.each(tables.map((resource) => [nameOf(resource), resource] as const))('%s', (_, resource) => {
  const file = recordedFile(resource);
  if (file === undefined) throw new Error(`${resource.name} was never recorded`);
  const table = recordedTable(file);
  const { header, objects } = recordedObjects(file);
  const columns = resource.columns.filter((column) => column.kubectl !== undefined);

  test('has the server’s columns in the server’s order', () => {
    expect(columns.map(({ title, kubectl }) => [title, kubectl])).toEqual(
      table.columnDefinitions.map(({ name, priority }) => [
        name.toUpperCase(),
        priority > 0 ? 'wide' : 'table',
      ]),
    );
  });

  test('prints what the server prints, cell by cell', () => {
    const asked = Date.parse(header.recordedAt);
    const byUid = new Map(objects.map((object) => [object.metadata?.uid, object]));
    const different = (table.rows ?? []).flatMap(({ cells, object }) => {
      const theirs = cells.map(oneLine);
      const full = byUid.get(object.metadata?.uid) as KubeObject;
      const row = resource.toRow(full, { server });
      const ours = columns.map((column, index) => {
        const printed = clockSlackMs.map((slack) => oneLine(cellText(column, row, asked + slack)));
        return printed.find((cell) => cell === theirs[index]) ?? printed[30];
      });
      return ours.join(' | ') === theirs.join(' | ') ? [] : [{ ours, theirs }];
    });
    expect(different.slice(0, 5)).toEqual([]);
  });
});
