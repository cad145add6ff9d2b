import type { Connection } from '../kube/contract.ts';
import { KubeError } from '../kube/kube-error.ts';
import type { KubeObject, ServerVersion } from '../kube/object.ts';
import type { SchedulingCluster } from '../scheduling/cluster.ts';
import {
  clusterFrom,
  type SchedulingObjects,
  schedulingPaths,
  sortObjects,
} from '../scheduling/from-objects.ts';
import { connectOptionsOf, type ParsedFlags } from './flags.ts';
import { type CommandIo, UsageError } from './io.ts';

export interface Source {
  readonly cluster: SchedulingCluster;
  /** What could not be read, a sentence each. */
  readonly partial: readonly string[];
  /** Rights are missing: what does not fit here may fit, and the other way round. */
  readonly incomplete: boolean;
  /** Where `--pod NAME` looks; undefined: in any namespace. */
  readonly namespace: string | undefined;
}

/** The cluster that the flags name, or the files.
 * @throws KubeError when nodes cannot be read. */
export async function loadSource(parsed: ParsedFlags, io: CommandIo): Promise<Source> {
  const files = parsed.many('from');
  if (files.length === 0) {
    if (parsed.positionals[0] !== undefined)
      throw new UsageError(`${parsed.positionals[0]}: not expected`, 'A pod is named with --pod NS/NAME.');
    return fromCluster(parsed, io);
  }
  const { readObjects } = await import('../demo/index.ts');
  const { objects, notes } = await readObjects([...files, ...parsed.positionals]);
  return {
    cluster: clusterFrom(sortObjects(objects)),
    partial: notes,
    incomplete: false,
    namespace: parsed.one('namespace'),
  };
}

async function fromCluster(parsed: ParsedFlags, io: CommandIo): Promise<Source> {
  const { connect } = await import('../kube/connection.ts');
  const connection = await connect({
    ...io.connectOptions,
    ...connectOptionsOf(parsed, io.connectOptions),
  });
  try {
    const server: ServerVersion = await connection.version();
    const partial: string[] = [];
    const parts = Object.keys(schedulingPaths) as (keyof SchedulingObjects)[];
    const lists = await Promise.all(
      parts.map(async (part) => [part, await listPart(connection, part, partial)] as const),
    );
    const objects: SchedulingObjects = Object.fromEntries(lists);
    return {
      cluster: clusterFrom(objects, server),
      partial,
      incomplete: partial.length > 0,
      namespace: parsed.one('namespace') ?? connection.namespace,
    };
  } finally {
    await connection.close();
  }
}

/** The objects of one part from the first of its paths that the server has; undefined where they may not be read. */
async function listPart(
  connection: Connection,
  part: keyof SchedulingObjects,
  partial: string[],
): Promise<readonly KubeObject[] | undefined> {
  for (const path of schedulingPaths[part]) {
    try {
      return await listPath(connection, path);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.kind === 'not-found') continue;
      // Without nodes there is nothing to say; without the rest a filter or two cannot tell.
      if (error.kind !== 'forbidden' || part === 'nodes') throw error;
      partial.push(
        part === 'pods'
          ? `other namespaces' pods are not visible, so what nodes have free is too high (${error.message})`
          : error.message,
      );
      return part === 'pods'
        ? listPath(connection, `/api/v1/namespaces/${encodeURIComponent(connection.namespace)}/pods`)
        : undefined;
    }
  }
  // A server that does not know the kind has none of it.
  return [];
}

async function listPath(connection: Connection, path: string): Promise<readonly KubeObject[]> {
  let items: KubeObject[] = [];
  for await (const page of connection.pages(path)) {
    if (page.restarted) items = [];
    for (const item of page.items) items.push(item);
  }
  return items;
}
