import { jsonDecoder } from './json-decoder.ts';
import type { Interruption } from './reflector-faults.ts';
import { type Memory, type Scope, selectors } from './reflector-scope.ts';

export const newEpoch: Interruption = {
  fault: 'newEpoch',
  reason: 'the cluster was restored from a backup',
  retryAfterMs: undefined,
};

/**
 * Asks for one object, whose list bears the server's present version. `behind`: it has not reached the version that the
 * reflector goes on from; a watch from there is accepted, and silent for ever. Rejects with KubeError.
 */
export async function epochOf(
  { connection, target, timing, signal }: Scope,
  memory: Memory,
): Promise<'reached' | 'behind'> {
  // One of any: for one that matches, a server without a cache of the kind reads all. But who may read one object by its
  // name may read no other.
  const isOfOne = target.fieldSelector?.startsWith('metadata.name=') === true;
  const { body } = await connection.request({
    path: target.path,
    query: { ...(isOfOne && selectors(target)), limit: 1 },
    timeoutMs: timing.silentAfterMs / 2,
    signal,
  });
  const now = jsonDecoder.list(body).resourceVersion;
  const { version } = memory;
  const areNumbers = version !== undefined && /^\d+$/.test(now) && /^\d+$/.test(version);
  return areNumbers && BigInt(now) < BigInt(version) ? 'behind' : 'reached';
}
