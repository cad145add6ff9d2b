import type { KubeObject } from './object.ts';

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/** Of any API object: the server itself refuses more than 3 MB. */
const longestItem = 16 * 1024 * 1024;

/**
 * The items of a list in JSON, each as soon as it is whole, for answers that are too long to be held: 100,000 PodMetrics
 * are 50 MB of text and three times that once parsed. Items that are no objects are passed over.
 *
 * @throws SyntaxError where the text is no JSON object, or ends before the object does
 */
export async function* jsonItems(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<KubeObject> {
  /** The beginning of an item that goes on in the next chunk. */
  let parts: Buffer[] = [];
  let partBytes = 0;
  let depth = 0;
  let inString = false;
  let isEscaped = false;
  /** The name that was read last, where it is one of the list itself. */
  let name = '';
  let nameFrom = -1;
  let nameHead = '';
  let inItems = false;
  let isWhole = false;
  for await (const bytes of chunks) {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let itemFrom = partBytes > 0 ? 0 : -1;
    if (nameFrom !== -1) nameFrom = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (inString) {
        if (isEscaped) isEscaped = false;
        else if (byte === backslash) isEscaped = true;
        else if (byte === quote) {
          inString = false;
          if (nameFrom !== -1) {
            name = nameHead + chunk.toString('latin1', nameFrom, at);
            nameFrom = -1;
          }
        }
        continue;
      }
      switch (byte) {
        case quote:
          inString = true;
          if (depth === 1) {
            nameFrom = at + 1;
            nameHead = '';
          }
          break;
        case openBracket:
          inItems ||= depth === 1 && name === 'items';
          depth += 1;
          break;
        case openBrace:
          if (inItems && depth === 2) itemFrom = at;
          depth += 1;
          break;
        case closeBracket:
        case closeBrace:
          depth -= 1;
          if (depth === 2 && itemFrom !== -1) {
            const rest = chunk.subarray(itemFrom, at + 1);
            const item = partBytes === 0 ? rest : Buffer.concat([...parts, rest]);
            parts = [];
            partBytes = 0;
            itemFrom = -1;
            yield JSON.parse(item.toString()) as KubeObject;
          } else if (depth === 1) inItems = false;
          else if (depth === 0) isWhole = true;
          break;
        default:
          if (depth === 0 && byte !== undefined && byte > 0x20)
            throw new SyntaxError('The answer is no JSON');
      }
    }
    if (itemFrom !== -1) {
      // A chunk is not ours to keep beyond this step.
      const head = Buffer.from(chunk.subarray(itemFrom));
      parts.push(head);
      partBytes += head.length;
      if (partBytes > longestItem) throw new SyntaxError('The answer has an item without an end');
    }
    if (nameFrom !== -1)
      nameHead += chunk.toString('latin1', nameFrom, Math.min(chunk.length, nameFrom + 16));
  }
  if (!isWhole) throw new SyntaxError('The answer ends too early');
}
