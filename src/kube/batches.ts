/**
 * Hands each chunk to `push` as it comes, and yields whenever what was pushed is to be read: at once after a silence, and
 * then `restMs` apart. A thousand events a second that are read one by one find every cache cold, and cost a sixth
 * more than those read together. What came before an end or an error is yielded first. Rejects as `chunks` does.
 */
export async function* inBatches(
  chunks: AsyncIterable<Uint8Array>,
  push: (chunk: Uint8Array) => void,
  restMs: () => number,
): AsyncGenerator<void> {
  const reader = chunks[Symbol.asyncIterator]();
  const clock = createRest();
  let isWaiting = false;
  let readAgainMs = 0;
  try {
    let coming = nextOf(reader);
    for (;;) {
      const step = isWaiting ? await Promise.race([coming, clock.rested()]) : await coming;
      if (step !== 'rested') {
        if (step.done === true) break;
        push(step.value);
        isWaiting = true;
        coming = nextOf(reader);
        const waitMs = readAgainMs - performance.now();
        if (waitMs > 0) {
          clock.start(waitMs);
          continue;
        }
      }
      clock.stop();
      isWaiting = false;
      readAgainMs = performance.now() + restMs();
      yield;
    }
    if (isWaiting) yield;
  } catch (error) {
    if (isWaiting) yield;
    throw error;
  } finally {
    clock.stop();
    // Not awaited: it ends with the request, which the caller gives up.
    reader.return?.().catch(() => {});
  }
}

/** A step that nobody may wait for any more: its failure then is nobody's. */
function nextOf(reader: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
  const step = reader.next();
  step.catch(() => {});
  return step;
}

function createRest(): {
  /** Nothing where it runs already. */
  readonly start: (ms: number) => void;
  readonly rested: () => Promise<'rested'>;
  readonly stop: () => void;
} {
  let timer: NodeJS.Timeout | undefined;
  let rested = Promise.withResolvers<'rested'>();
  return {
    start(ms) {
      timer ??= setTimeout(() => rested.resolve('rested'), ms);
    },
    rested: () => rested.promise,
    stop() {
      if (timer === undefined) return;
      clearTimeout(timer);
      timer = undefined;
      rested = Promise.withResolvers();
    },
  };
}
