import type { KubeError } from './kube-error.ts';
import { epochOf, newEpoch } from './reflector-epoch.ts';
import type { Interruption } from './reflector-faults.ts';
import { ended, type Memory, pause, type Scope, safely, selectors, startSlice } from './reflector-scope.ts';
import { attributesOf } from './resource-path.ts';
import { forgetRights, mayI } from './rights.ts';

/** Pages of 500, then (where the watch is forbidden) again and again. */
export async function list(scope: Scope, memory: Memory): Promise<Interruption> {
  const { connection, target, handlers, report, timing, signal, decoder } = scope;
  // A poll in the background is no loading: what is shown stays what it is until the list is complete.
  const isPoll = memory.watchDenied && memory.version !== undefined;
  let soFar = 0;
  let version = '';
  const slice = startSlice(timing);
  // What is known of the list so far is kept; but it does not come on.
  const onWait = ({ message, hint, kind }: KubeError, retryAtMs: number): void =>
    report.down({
      state: 'reconnecting',
      reason: message,
      hint,
      ...(kind === 'unauthorized' && { login: 'refused' as const }),
      ...(kind === 'credentials' && { login: 'failed' as const }),
      retryAtMs,
    });
  safely(handlers.listStart);
  for await (const page of connection.pages(target.path, selectors(target), signal, decoder, onWait)) {
    if (page.restarted) {
      soFar = 0;
      safely(handlers.listStart);
    }
    for (const item of page.items) {
      safely(() => handlers.put(item));
      soFar += 1;
      if (slice.isOver()) await slice.next();
      if (signal.aborted) return ended;
    }
    version = page.resourceVersion;
    if (!isPoll) report.listing(soFar, page.remaining === undefined ? undefined : soFar + page.remaining);
  }
  if (signal.aborted) return ended;
  safely(handlers.listEnd);
  memory.version = version;
  memory.listedMs = timing.now();
  if (memory.watchDenied) return await polled(scope, memory);
  // Live is what the watch makes of it; until its headers come, what is shown is proved by the list.
  return ended;
}

/**
 * Whether the server lists: one object, where a whole list would cost it up to a hundred times as much. Where it does, what
 * fails of the watch is the watch's own.
 */
export async function probe(scope: Scope, memory: Memory): Promise<Interruption> {
  const found = await epochOf(scope, memory);
  memory.isDoubted = false;
  memory.isListing = true;
  return found === 'behind' ? newEpoch : ended;
}

/** The kind may be listed, not watched. Waits until it is to be listed again. */
export async function polled(scope: Scope, memory: Memory): Promise<Interruption> {
  const { report, timing, connection, target } = scope;
  report.live(timing.pollEveryMs);
  if (memory.deniedAtMs === 0) memory.deniedAtMs = timing.now();
  await pause(scope, timing.pollEveryMs, 'never', memory);
  if (timing.now() - memory.deniedAtMs >= timing.rightRetryMs) {
    memory.deniedAtMs = timing.now();
    const wanted = attributesOf(target.path);
    forgetRights(connection);
    const right =
      wanted === undefined
        ? undefined
        : await mayI(connection, {
            verb: 'watch',
            group: wanted.group,
            resource: wanted.resource,
            namespace: wanted.namespace,
          });
    if (right?.allowed === 'yes') {
      memory.watchDenied = false;
      memory.watchRefused = false;
      memory.deniedAtMs = 0;
    }
  }
  return ended;
}
