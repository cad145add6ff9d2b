import type { Connection } from './contract.ts';
import { KubeError } from './kube-error.ts';
import type { KubeObject } from './object.ts';

export type FirstListed =
  | {
      /** Which of the paths it was. */
      readonly at: number;
      readonly objects: readonly KubeObject[];
      /** False: there are more than were wanted. */
      readonly isWhole: boolean;
    }
  /** The server has none of them. */
  | 'absent'
  | { readonly refused: KubeError };

/**
 * The objects of the first path that the server has, page after page. What it refuses or fails at is an answer; rejects
 * when it cannot be reached at all.
 */
export async function listFirst(
  connection: Connection,
  paths: readonly string[],
  {
    atMost = Number.POSITIVE_INFINITY,
    signal,
  }: { readonly atMost?: number; readonly signal?: AbortSignal | undefined } = {},
): Promise<FirstListed> {
  for (const [at, path] of paths.entries()) {
    const objects: KubeObject[] = [];
    try {
      for await (const page of connection.pages(path, undefined, signal)) {
        if (page.restarted) objects.length = 0;
        for (const object of page.items) objects.push(object);
        if (objects.length > atMost) return { at, objects: objects.slice(0, atMost), isWhole: false };
      }
      return { at, objects, isWhole: true };
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.kind === 'not-found') continue;
      if (refusals.has(error.kind)) return { refused: error };
      throw error;
    }
  }
  return 'absent';
}

const refusals: ReadonlySet<KubeError['kind']> = new Set([
  'forbidden',
  'unavailable',
  'server-error',
  'invalid',
]);
