import type { Connection } from './contract.ts';

/** One run of one container. */
export interface LogRun {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** The run before the present one. */
  readonly previous: boolean;
}

/** As recordings and the checklist name it: `ns/pod/container`, `ns/pod/container@previous`. */
export const logKey = ({ namespace, pod, container, previous }: LogRun): string =>
  `${namespace}/${pod}/${container}${previous ? '@previous' : ''}`;

/** The end of a log with its timestamps: 200 lines, 64 KiB, 3 s at most. Rejects with KubeError. */
export async function logTail(
  connection: Connection,
  { namespace, pod, container, previous }: LogRun,
  signal?: AbortSignal,
): Promise<string> {
  const answer = await connection.request({
    path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log`,
    query: { container, previous, tailLines: 200, limitBytes: 65_536, timestamps: true },
    timeoutMs: 3000,
    lane: 'logs',
    ...(signal === undefined ? {} : { signal }),
  });
  return new TextDecoder().decode(answer.body);
}
