import { encodeMessage } from './protobuf/encode.ts';
import { messageOf } from './protobuf/message.ts';
import type { ServedStore } from './store.ts';

/** Work in a row, and the pause after it: requests come in between. */
const sliceMs = 4;
const pauseMs = 4;

/**
 * Encodes what clients list most, little by little, so that the first of them need not wait for it: a generated pod is
 * made when it is first looked at. Ends when everything is done, or when `until` resolves.
 */
export async function warm(store: ServedStore, until: Promise<void>): Promise<void> {
  let stopped = false;
  void until.then(() => {
    stopped = true;
  });
  for (const plural of ['nodes', 'pods']) {
    const kind = store.kindAt('', plural);
    const message = kind && messageOf('v1', kind.kind);
    if (kind === undefined || message === undefined) continue;
    let sliceEnd = performance.now() + sliceMs;
    for (const stored of store.snapshot(kind, store.resourceVersion()) ?? []) {
      if (stored.protobuf !== undefined) continue;
      // What was replaced meanwhile is encoded in vain; it is little.
      store.encodedAs(stored, (object) => encodeMessage(message, object));
      if (performance.now() < sliceEnd) continue;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      if (stopped) return;
      sliceEnd = performance.now() + sliceMs;
    }
  }
}
