import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonItems } from '../../src/kube/json-items.ts';

async function itemsOf(text: string | Uint8Array, chunkBytes = 7): Promise<unknown[]> {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  }
  const items: unknown[] = [];
  for await (const item of jsonItems(chunks())) items.push(item);
  return items;
}

test('whatever the items hold and wherever the chunks are cut, they are what JSON.parse finds', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue())),
      fc.jsonValue(),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(undefined, 2),
      async (items, extra, chunkBytes, indent) => {
        const list = {
          kind: 'PodMetricsList',
          metadata: { items: [{ not: 'this' }], extra },
          items,
          after: extra,
        };
        const text = JSON.stringify(list, null, indent);
        expect(await itemsOf(text, chunkBytes)).toEqual(JSON.parse(text).items);
      },
    ),
  );
});

test('what is no object is passed over, and a list of nothing has none', async () => {
  expect(await itemsOf('{"items":[1,"{",null,{"a":1},[{"b":2}]]}')).toEqual([{ a: 1 }]);
  expect(await itemsOf('{"items":null}')).toEqual([]);
  expect(await itemsOf('{"kind":"items","other":[{"a":1}]}\n')).toEqual([]);
});

test.each([
  ['', 'ends too early'],
  ['{"items":[{"a":1},{"a"', 'ends too early'],
  ['<html>', 'no JSON'],
  ['{"items":[{"a":}]}', 'Unexpected token'],
])('%s is refused', async (text, why) => {
  await expect(itemsOf(text)).rejects.toThrow(why);
});
