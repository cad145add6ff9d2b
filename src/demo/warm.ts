import { encodeMessage } from './protobuf/encode.ts';
import { messageOf } from './protobuf/message.ts';
import type { ServedStore, Stored } from './store.ts';

/** Work in a row; a pause twice as long as it really took follows: requests, and a busy machine, come first. */
const sliceMs = 2;

/** Encodes one object; false when there was no room to keep it. */
type Encode = (stored: Stored) => boolean;

/**
 * Encodes what clients list most, little by little, so that the first of them need not wait for it: a generated pod is
 * made when it is first looked at. Protobuf first, which most clients ask for, then JSON. Ends when everything is done or
 * nothing more can be kept, or when `until` resolves.
 */
export async function warm(store: ServedStore, until: Promise<void>): Promise<void> {
  let stopped = false;
  void until.then(() => {
    stopped = true;
  });
  async function each(plural: string, encode: Encode): Promise<void> {
    const kind = store.kindAt('', plural);
    let sliceStart = performance.now();
    for (const stored of (kind && store.snapshot(kind, store.resourceVersion())) ?? []) {
      // What was replaced meanwhile is encoded in vain; it is little.
      if (stopped || !encode(stored)) return;
      const tookMs = performance.now() - sliceStart;
      if (tookMs < sliceMs) continue;
      await new Promise((resolve) => setTimeout(resolve, tookMs * 2));
      sliceStart = performance.now();
    }
  }
  for (const [plural, kind] of [
    ['nodes', 'Node'],
    ['pods', 'Pod'],
  ] as const) {
    const message = messageOf('v1', kind);
    if (message === undefined) continue;
    await each(plural, (stored) => {
      store.encodedAs(stored, (object) => encodeMessage(message, object));
      return stored.protobuf !== undefined;
    });
  }
  for (const plural of ['nodes', 'pods'])
    await each(plural, (stored) => {
      store.encoded(stored);
      return stored.bytes !== undefined;
    });
}
