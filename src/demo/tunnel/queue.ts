import type { Input } from './process.ts';

/** Bytes that come when they come, read when they are wanted. */
export interface Queue extends Input {
  push(bytes: Buffer): void;
  end(): void;
}

export function createQueue(): Queue {
  const held: Buffer[] = [];
  let ended = false;
  let wake: (() => void) | undefined;
  const stir = (): void => {
    wake?.();
    wake = undefined;
  };
  return {
    push(bytes) {
      if (bytes.length > 0) held.push(bytes);
      stir();
    },
    end() {
      ended = true;
      stir();
    },
    async next() {
      for (;;) {
        const first = held.shift();
        if (first !== undefined || ended) return first;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
