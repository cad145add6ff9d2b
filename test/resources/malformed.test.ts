import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/kube/object.ts';
import { cellText } from '../../src/resources/columns.ts';
import { tables } from '../../src/resources/index.ts';
import type { Resource } from '../../src/resources/resource.ts';
import { recordedNames, recordedObjects } from '../recorded/read.ts';

const recorded = new Set(recordedNames());

function samples({ name, group }: Resource): readonly KubeObject[] {
  const file = [name, `${name}.${group}`, `${name}.${group.split('.')[0]}`].find((candidate) =>
    recorded.has(candidate),
  );
  return file === undefined ? [] : recordedObjects(file).objects.slice(0, 40);
}

const now = Date.parse('2026-11-21T12:00:00Z');

/** Everything that a table does with a row. */
function use(resource: Resource, object: KubeObject): readonly string[] {
  const row = resource.toRow(object, { server: undefined });
  resource.fault?.(row, now);
  const cells = resource.columns.map((column) => {
    column.value(row);
    column.tone?.(row, now);
    return cellText(column, row, now);
  });
  return [...cells, row.name, row.namespace, row.uid, resource.why?.(row, now) ?? ''];
}

/** A real object with one part, anywhere, replaced. */
function damaged(value: unknown, path: readonly number[], by: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined || typeof value !== 'object' || value === null) return by;
  const keys = Object.keys(value);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return by;
  const copy = Array.isArray(value) ? [...value] : { ...value };
  Reflect.set(copy, key, damaged(Reflect.get(value, key), rest, by));
  return copy;
}

const deep: unknown = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`);
const broken = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    undefined,
    '',
    'text',
    0,
    -1,
    1e308,
    true,
    [],
    [null],
    [[]],
    {},
    { a: null },
    deep,
    '99999-99-99T99:99:99Z',
    '0001-01-01T00:00:00Z',
    '1e999',
    '12QQ',
    'x'.repeat(1_500_000),
    '\x1b]52;c;cm0=\x07\u202e',
    JSON.parse('{"__proto__": {"toString": null}}'),
  ),
  fc.jsonValue({ maxDepth: 3 }),
);

describe.each(tables.map((resource) => [resource.name, resource] as const))('%s', (_, resource) => {
  const objects: readonly KubeObject[] = [{}, { metadata: {} }, ...samples(resource)];

  test('an object broken anywhere gives a row with clean text', () => {
    fc.assert(
      fc.property(
        fc.nat(objects.length - 1),
        fc.array(fc.nat(30), { maxLength: 6 }),
        broken,
        (index, path, by) => {
          const object = damaged(objects[index], path, by);
          for (const cell of use(
            resource,
            (typeof object === 'object' && object !== null ? object : {}) as KubeObject,
          )) {
            expect(typeof cell).toBe('string');
            expect(cell).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e\u2028]/);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test('keeps nothing of an object but what its row says', () => {
    for (const object of objects) {
      const text = JSON.stringify(resource.toRow(object, { server: undefined }));
      expect(text).not.toContain('managedFields');
    }
  });
});

test('a row of a secret has no value and no key of it', () => {
  const secrets = tables.find(({ name }) => name === 'secrets');
  const secret = {
    metadata: { name: 's' },
    type: 'Opaque',
    data: { HF_TOKEN: 'aHVudGVyMg==' },
    stringData: { b: 'hunter2' },
  };
  const text = JSON.stringify(secrets?.toRow(secret, { server: undefined }));
  expect(text).not.toMatch(/HF_TOKEN|aHVudGVyMg|hunter2/);
  expect(text).toContain('"keyCount":1');
});
