import type { MetricsReader } from '../kube/metrics.ts';
import { type NodeUse, nodeUseOf, podUseOf } from '../resources/metrics.ts';
import { createPodUses, type PodUses } from '../state/pod-uses.ts';

/** What the pods of a namespace used, `''` for all. Rejects as the reader does. */
export async function readPodUses(
  reader: MetricsReader,
  namespace: string,
  signal: AbortSignal,
): Promise<PodUses> {
  const uses = createPodUses();
  for await (const object of reader.pods(namespace, signal)) {
    const use = podUseOf(object);
    if (use !== undefined) uses.add(use);
  }
  return uses;
}

/** What the nodes used. Rejects as the reader does. */
export async function readNodeUses(reader: MetricsReader, signal: AbortSignal): Promise<readonly NodeUse[]> {
  const uses: NodeUse[] = [];
  for await (const object of reader.nodes(signal)) {
    const use = nodeUseOf(object);
    if (use !== undefined) uses.push(use);
  }
  return uses;
}
