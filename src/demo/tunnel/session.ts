import type { Cluster, ResourceRequest } from '../cluster.ts';
import { fieldAt, isRecord, type JsonRecord, type KubeLike } from '../object.ts';
import { containerOf, statusOf } from '../routes/logs.ts';
import { badRequest, Refusal, statusBody } from '../status.ts';
import { existing } from '../writes/options.ts';
import { createFileSystems, environmentOf, type Files } from './files.ts';
import { type Container, NoSuchProgram, type Streams } from './process.ts';
import { run } from './shell.ts';

/** A command in a container, or the process that it runs: what exec and attach are about. */
export interface Session {
  readonly tty: boolean;
  readonly wants: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  /** Runs to its end; gives the Status that the client is told. */
  start(streams: Streams, signal: AbortSignal): Promise<JsonRecord>;
}

const systems = new WeakMap<object, (pod: KubeLike, container: JsonRecord) => Files>();

const flag = (query: URLSearchParams, name: string): boolean => /^(1|true)$/i.test(query.get(name) ?? '');

/** Images that hold one program and nothing else. */
const isBare = /distroless|scratch|coredns|pause|static|metrics-server|kueue|jobset|lws|kube-proxy/;

function containerSpec(pod: KubeLike, name: string): JsonRecord {
  for (const field of ['containers', 'initContainers', 'ephemeralContainers']) {
    const list = fieldAt(pod, `spec.${field}`);
    const found = Array.isArray(list) ? list.filter(isRecord).find((one) => one['name'] === name) : undefined;
    if (found !== undefined) return found;
  }
  return { name };
}

/** What the kubelet says when the container does not run. */
function refuseUnlessRunning(pod: KubeLike, container: string): void {
  const name = pod.metadata?.name ?? '';
  if (fieldAt(pod, 'spec.nodeName') === undefined)
    throw badRequest(`pod ${name} does not have a host assigned`);
  const phase = fieldAt(pod, 'status.phase');
  if (phase === 'Succeeded' || phase === 'Failed')
    throw badRequest(`cannot exec into a container in a completed pod; current phase is ${phase}`);
  if (fieldAt(statusOf(pod, container), 'state.running') === undefined)
    throw new Refusal(
      statusBody(500, `unable to upgrade connection: container not found ("${container}")`, {
        reason: 'InternalError',
        details: {
          causes: [{ message: `unable to upgrade connection: container not found ("${container}")` }],
        },
      }),
    );
}

const success: JsonRecord = { metadata: {}, status: 'Success' };
const failure = (code: number): JsonRecord => ({
  metadata: {},
  status: 'Failure',
  message: `command terminated with non-zero exit code: exit status ${code}`,
  reason: 'NonZeroExitCode',
  details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
});
const broken = (why: string): JsonRecord => ({
  metadata: {},
  status: 'Failure',
  message: `Internal error occurred: error executing command in container: ${why}`,
  reason: 'InternalError',
  details: { causes: [{ message: `error executing command in container: ${why}` }] },
  code: 500,
});

/** What the process of a container writes from now on, and nothing that it reads. */
async function follow(
  cluster: Cluster,
  pod: KubeLike,
  container: string,
  streams: Streams,
  signal: AbortSignal,
): Promise<void> {
  const source = cluster.logs(pod, container, { previous: false });
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve());
    const stop = source?.follow?.((line) => {
      if (line === undefined) resolve();
      else streams.out(`${line.text}\n`);
    });
    signal.addEventListener('abort', () => stop?.());
    void (async () => {
      for (let part = await streams.input.next(); part !== undefined; part = await streams.input.next());
      // Whoever gives no input stays, to watch.
    })();
  });
}

/** Takes an exec or attach request apart. Throws what the API server or the kubelet would answer. */
export function sessionOf(query: URLSearchParams, request: ResourceRequest, cluster: Cluster): Session {
  const pod = existing(request, cluster);
  const name = containerOf(pod, query.get('container') ?? '');
  const command = query.getAll('command');
  const isExec = request.subresource === 'exec';
  const wants = { stdin: flag(query, 'stdin'), stdout: flag(query, 'stdout'), stderr: flag(query, 'stderr') };
  if (!wants.stdin && !wants.stdout && !wants.stderr)
    throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  if (isExec && command.length === 0)
    throw badRequest('you must specify at least one command for the container');
  refuseUnlessRunning(pod, name);
  const spec = containerSpec(pod, name);
  const tty = flag(query, 'tty');
  return {
    tty,
    wants,
    async start(streams, signal) {
      const files = systems.get(cluster.store) ?? createFileSystems(cluster.store);
      systems.set(cluster.store, files);
      const environment = environmentOf(cluster.store, pod, spec);
      if (tty) environment.set('TERM', 'xterm');
      const container: Container = {
        store: cluster.store,
        pod,
        spec,
        files: files(pod, spec),
        environment,
        now: cluster.now,
        signal,
        directory: typeof spec['workingDir'] === 'string' ? spec['workingDir'] : '/workspace',
      };
      const isDebugger = isRecord(spec) && spec['targetContainerName'] !== undefined;
      try {
        if (isExec) {
          if (isBare.test(String(spec['image'])) && !isDebugger) throw new NoSuchProgram(command[0] ?? '');
          const code = await run(command, streams, container, tty);
          return code === 0 ? success : failure(code);
        }
        // An ephemeral container, and any other with a terminal, runs a shell; the rest is only watched.
        if (spec['tty'] === true && spec['stdin'] === true) {
          const code = await run(['sh'], streams, container, true);
          return code === 0 ? success : failure(code);
        }
        await follow(cluster, pod, name, streams, signal);
        return success;
      } catch (error) {
        return broken(error instanceof Error ? error.message : String(error));
      }
    },
  };
}
