import { expect, test } from 'vitest';
import { inBatches } from '../../src/kube/batches.ts';

const chunk = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What each reading finds, joined; `!` and the message where the reading ends with an error. */
async function readings(chunks: AsyncIterable<Uint8Array>, restMs: () => number): Promise<string[]> {
  const waiting: string[] = [];
  const found: string[] = [];
  try {
    for await (const _ of inBatches(chunks, (bytes) => waiting.push(new TextDecoder().decode(bytes)), restMs))
      found.push(waiting.splice(0).join(''));
  } catch (error) {
    found.push(`!${(error as Error).message}`);
  }
  return found;
}

async function* from(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield chunk(text);
}

test('without a rest every chunk is read by itself', async () => {
  expect(await readings(from('a', 'b', 'c'), () => 0)).toEqual(['a', 'b', 'c']);
});

test('after the first, what comes within the rest is read together, and the end leaves nothing behind', async () => {
  expect(await readings(from('a', 'b', 'c'), () => 60_000)).toEqual(['a', 'bc']);
});

test('when the rest is over, what waits is read though nothing more comes', async () => {
  const { promise: isRead, resolve: read } = Promise.withResolvers<void>();
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield chunk('a');
    yield chunk('b');
    await isRead;
  }
  const waiting: string[] = [];
  const found: string[] = [];
  for await (const _ of inBatches(
    stream(),
    (bytes) => waiting.push(new TextDecoder().decode(bytes)),
    () => 5,
  )) {
    found.push(waiting.splice(0).join(''));
    if (found.includes('b')) read();
  }
  expect(found).toEqual(['a', 'b']);
});

test('what came before an error is read before the error is told', async () => {
  async function* cut(): AsyncGenerator<Uint8Array> {
    yield chunk('a');
    yield chunk('b');
    throw new Error('cut');
  }
  expect(await readings(cut(), () => 60_000)).toEqual(['a', 'b', '!cut']);
});

test('a reader that stops does not wait for the next chunk', async () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    yield chunk('a');
    await new Promise(() => undefined);
  }
  for await (const _ of inBatches(
    endless(),
    () => undefined,
    () => 0,
  ))
    break;
});
