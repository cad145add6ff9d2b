import { createServer } from 'node:http';
import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Cluster, ResourceRequest } from '../cluster.ts';
import type { KubeLike } from '../object.ts';
import { fieldAt } from '../object.ts';
import { answerOf, listensOn } from '../proxy/apps.ts';
import { badRequest } from '../status.ts';
import { existing } from '../writes/options.ts';
import { createQueue, type Queue } from './queue.ts';
import { type SpdyStream, serveSpdy, type Wire } from './spdy.ts';

/** What a forwarded port leads to. */
export interface Ports {
  /** Those of the query: the legacy protocol names them there. */
  readonly asked: readonly number[];
  /** Why nothing listens on a port, in the kubelet's words; undefined when something does. */
  refusal(port: number): string | undefined;
  /** Lets the program behind a port talk to the other side until it has no more to say. */
  connect(port: number, input: Queue, send: (bytes: Buffer) => void): Promise<void>;
}

export function portsOf(query: URLSearchParams, request: ResourceRequest, cluster: Cluster): Ports {
  const pod: KubeLike = existing(request, cluster);
  const { name = '', namespace = '', uid = '' } = pod.metadata ?? {};
  if (fieldAt(pod, 'spec.nodeName') === undefined)
    throw badRequest(`pod ${name} does not have a host assigned`);
  if (fieldAt(pod, 'status.phase') !== 'Running')
    throw badRequest(
      `unable to forward port because pod is not running. Current status=${String(fieldAt(pod, 'status.phase'))}`,
    );
  const current = (): KubeLike | undefined =>
    cluster.store.get({ group: '', plural: 'pods', namespace, name });
  return {
    asked: query
      .getAll('ports')
      .flatMap((text) => text.split(',').map(Number))
      .filter((port) => port > 0 && port < 65_536),
    refusal(port) {
      const live = current();
      if (live?.metadata?.uid !== uid)
        return `network namespace for sandbox of pod ${namespace}/${name} is closed`;
      return listensOn(live, port)
        ? undefined
        : `failed to execute portforward in network namespace "/var/run/netns/cni-${uid}": failed to connect to localhost:${port} inside namespace "${uid}", IPv4: dial tcp4 127.0.0.1:${port}: connect: connection refused IPv6 dial tcp6: address localhost: no suitable address found `;
    },
    connect: (port, input, send) => converse(cluster, pod, port, input, send),
  };
}

/** A tiny HTTP server on the other end of one connection. */
function converse(
  cluster: Cluster,
  pod: KubeLike,
  port: number,
  input: Queue,
  send: (bytes: Buffer) => void,
): Promise<void> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://pod');
    const answer = answerOf(cluster, pod, port, {
      method: request.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
    });
    response.writeHead(answer.status, { 'content-type': answer.type });
    response.end(answer.body);
  });
  return new Promise((resolve) => {
    const socket = new Duplex({
      read() {
        void input.next().then(
          (bytes) => this.push(bytes ?? null),
          () => this.push(null),
        );
      },
      write(bytes: Buffer, _encoding, done) {
        send(bytes);
        done();
      },
      final(done) {
        done();
        resolve();
      },
    });
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
    server.emit('connection', socket);
  });
}

const refused = (port: number, why: string): Buffer =>
  Buffer.from(`error forwarding port ${port} to pod: ${why}`);

/** SPDY streams in pairs: for each connection one for errors, then one for data. */
export function forwardPorts(wire: Wire, ports: Ports): void {
  const errors = new Map<string, SpdyStream>();
  serveSpdy(wire, (stream) => {
    const id = stream.headers.get('requestid') ?? '';
    const port = Number(stream.headers.get('port'));
    if (stream.headers.get('streamtype') === 'error') {
      errors.set(id, stream);
      return;
    }
    const error = errors.get(id);
    errors.delete(id);
    const why = ports.refusal(port);
    if (why !== undefined) {
      error?.write(refused(port, why));
      error?.end();
      stream.end();
      return;
    }
    void ports
      .connect(port, stream.input, (bytes) => stream.write(bytes))
      .then(() => {
        stream.end();
        error?.end();
      });
  });
}

/** `v4.channel.k8s.io`: two channels for each port, data and errors, each beginning with the port in two bytes. */
export function forwardLegacy(socket: WebSocket, ports: Ports): void {
  const inputs = ports.asked.map(() => createQueue());
  const send = (channel: number, bytes: Buffer): void => {
    if (socket.readyState === socket.OPEN)
      socket.send(Buffer.concat([Buffer.from([channel]), bytes]), { binary: true });
  };
  let left = ports.asked.length;
  const over = (): void => {
    left -= 1;
    if (left <= 0) socket.close(1000);
  };
  socket.on('error', () => socket.terminate());
  socket.on('close', () => {
    for (const input of inputs) input.end();
  });
  socket.on('message', (data) => {
    const bytes = Buffer.isBuffer(data) ? data : Buffer.concat([data].flat() as Buffer[]);
    inputs[(bytes[0] ?? 0) / 2]?.push(bytes.subarray(1));
  });
  for (const [index, port] of ports.asked.entries()) {
    const number = Buffer.alloc(2);
    number.writeUInt16LE(port);
    send(index * 2, number);
    send(index * 2 + 1, number);
    const why = ports.refusal(port);
    if (why !== undefined) {
      send(index * 2 + 1, refused(port, why));
      over();
      continue;
    }
    const input = inputs[index];
    if (input !== undefined) void ports.connect(port, input, (bytes) => send(index * 2, bytes)).then(over);
  }
}
