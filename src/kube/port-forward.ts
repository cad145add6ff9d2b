import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Connection } from './contract.ts';
import { KubeError } from './kube-error.ts';
import { type ChannelSocket, openChannels } from './websocket.ts';

/** Where one connection through a forward goes. */
export interface ForwardTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

export interface ForwardCounts {
  /** Connections so far, those of now included. */
  readonly connections: number;
  readonly open: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Of the last connection that failed; undefined after one that did not. */
  readonly error: string | undefined;
  /** Where the last connection went. */
  readonly pod: string | undefined;
}

export interface Forward {
  readonly localPort: number;
  /** The port that was asked for was in use: `localPort` is another. */
  readonly isOtherPort: boolean;
  readonly counts: () => ForwardCounts;
  readonly close: () => void;
}

export interface ForwardOptions {
  /** 0: any free one. */
  readonly localPort: number;
  /** Where to listen. Default: 127.0.0.1, which only this machine reaches. */
  readonly address?: string;
  /** What to do where the port is in use. */
  readonly whenInUse: 'other' | 'fail';
  /** Asked for each connection: the pod may have been replaced since. Rejects where there is none now. */
  readonly target: () => Promise<ForwardTarget>;
  /** One socket to a pod's port. */
  readonly open: OpenForward;
  readonly onChange: () => void;
}

/** A stream to a port of a pod, in both directions. */
export interface ForwardStream {
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** Undefined: a regular end. */
  readonly ended: Promise<KubeError | undefined>;
  readonly pause: () => void;
  readonly resume: () => void;
  readonly close: () => void;
}

export type OpenForward = (
  target: ForwardTarget,
  onData: (bytes: Buffer) => void,
  signal?: AbortSignal,
) => Promise<ForwardStream>;

/** After the client has said its last word, an answer may still come; this protocol cannot pass the end on. */
const lingerMs = 30_000;

const dataChannel = 0;
const errorChannel = 1;

/** A connection to a port of a pod over a WebSocket of its own (`v4.channel.k8s.io`, served by kubelets of every age). */
export async function openForward(
  connection: Connection,
  { namespace, pod, port }: ForwardTarget,
  onData: (bytes: Buffer) => void,
  signal?: AbortSignal,
): Promise<ForwardStream> {
  // The first message of each channel is the port, in two bytes.
  const begun = new Set<number>();
  let said = '';
  let opened: ChannelSocket | undefined;
  const socket = await openChannels(connection, {
    path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/portforward`,
    query: new URLSearchParams({ ports: String(port) }),
    protocols: ['v4.channel.k8s.io'],
    signal,
    onMessage(channel, bytes) {
      if (!begun.has(channel)) {
        begun.add(channel);
        if (bytes.length <= 2) return;
      }
      if (channel === dataChannel) onData(bytes);
      else if (channel === errorChannel) {
        said += bytes.toString('utf8');
        opened?.close();
      }
    },
  });
  opened = socket;
  // The error came with the upgrade.
  if (said !== '') socket.close();
  return {
    write: (bytes) => socket.send(dataChannel, bytes),
    ended: socket.ended.then((error) =>
      said === ''
        ? error
        : new KubeError(said.trim(), {
            kind: 'unreachable',
            hint: `Does anything in the pod listen on port ${port}?`,
          }),
    ),
    pause: socket.pause,
    resume: socket.resume,
    close: socket.close,
  };
}

/** Listens on loopback; each connection opens a stream of its own. Rejects where the port cannot be had. */
export async function startForward(options: ForwardOptions): Promise<Forward> {
  const closing = new AbortController();
  const sockets = new Set<Socket>();
  let counts: ForwardCounts = {
    connections: 0,
    open: 0,
    bytesIn: 0,
    bytesOut: 0,
    error: undefined,
    pod: undefined,
  };
  const change = (next: Partial<ForwardCounts>): void => {
    counts = { ...counts, ...next };
    options.onChange();
  };
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      sockets.delete(socket);
      change({ open: sockets.size });
    });
    change({ connections: counts.connections + 1, open: sockets.size });
    carry(socket).catch((error: unknown) => {
      change({ error: error instanceof Error ? error.message : String(error) });
      socket.resetAndDestroy();
    });
  });

  async function carry(socket: Socket): Promise<void> {
    const target = await options.target();
    let opened: ForwardStream | undefined;
    const stream = await options.open(
      target,
      (bytes) => {
        counts = { ...counts, bytesIn: counts.bytesIn + bytes.length };
        if (!socket.write(bytes)) opened?.pause();
      },
      closing.signal,
    );
    opened = stream;
    change({ pod: target.pod, error: undefined });
    socket.on('drain', stream.resume);
    socket.on('data', (bytes) => {
      counts = { ...counts, bytesOut: counts.bytesOut + bytes.length };
      socket.pause();
      stream.write(bytes).then(
        () => socket.resume(),
        () => socket.destroy(),
      );
    });
    let linger: NodeJS.Timeout | undefined;
    socket.once('end', () => {
      linger = setTimeout(stream.close, lingerMs);
      linger.unref();
    });
    socket.once('close', stream.close);
    socket.resume();
    const error = await stream.ended;
    clearTimeout(linger);
    if (error !== undefined && !closing.signal.aborted) throw error;
    socket.end();
    socket.destroySoon();
  }

  const isOtherPort = await listen(server, options);
  const { port } = server.address() as AddressInfo;
  return {
    localPort: port,
    isOtherPort,
    counts: () => counts,
    close() {
      closing.abort();
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function listen(
  server: ReturnType<typeof createServer>,
  { localPort, whenInUse, address = '127.0.0.1' }: ForwardOptions,
): Promise<boolean> {
  const once = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, address, () => {
        server.off('error', reject);
        resolve();
      });
    });
  try {
    await once(localPort);
    return false;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const why =
      code === 'EADDRINUSE'
        ? `Port ${localPort} of this machine is in use`
        : code === 'EACCES'
          ? `Port ${localPort} of this machine needs root`
          : `Port ${localPort} of this machine cannot be listened on: ${String(code)}`;
    if (whenInUse === 'other') {
      await once(0);
      return true;
    }
    throw new KubeError(why, {
      kind: 'invalid',
      hint: 'Choose another, or 0 for any free one.',
      cause: error,
    });
  }
}
