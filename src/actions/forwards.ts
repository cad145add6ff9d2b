import { type Forward, type ForwardOptions, startForward } from '../kube/port-forward.ts';
import type { ForwardRow } from '../state/held-tables.ts';

export interface ForwardRequest extends Omit<ForwardOptions, 'onChange'> {
  readonly namespace: string;
  readonly source: string;
  readonly port: number;
}

/** The port-forwards of this run. */
export interface Forwards {
  readonly rows: () => readonly ForwardRow[];
  /** Rejects with KubeError where the local port cannot be had. */
  readonly start: (request: ForwardRequest) => Promise<Forward>;
  readonly close: (uid: string) => void;
  readonly closeAll: () => void;
}

export function createForwards(onChange: () => void, now: () => number): Forwards {
  const open = new Map<
    string,
    { readonly request: ForwardRequest; readonly forward: Forward; readonly sinceMs: number }
  >();
  let count = 0;

  function close(uid: string): void {
    open.get(uid)?.forward.close();
    if (open.delete(uid)) onChange();
  }

  return {
    rows: () =>
      [...open].map(([uid, { request, forward, sinceMs }]): ForwardRow => {
        const { connections, open: openNow, bytesIn, bytesOut, error, pod } = forward.counts();
        return {
          uid,
          namespace: request.namespace,
          name: request.source,
          createdAt: sinceMs,
          version: '',
          localPort: forward.localPort,
          source: request.source,
          pod: pod ?? '',
          port: request.port,
          connections,
          open: openNow,
          bytesIn,
          bytesOut,
          error,
        };
      }),
    async start(request) {
      const forward = await startForward({ ...request, onChange });
      count += 1;
      open.set(`forward-${count}`, { request, forward, sinceMs: now() });
      onChange();
      return forward;
    },
    close,
    closeAll() {
      for (const uid of [...open.keys()]) close(uid);
    },
  };
}
