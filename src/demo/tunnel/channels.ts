import type { WebSocket } from 'ws';
import { createQueue } from './queue.ts';
import type { Session } from './session.ts';

/** The channels of `v5.channel.k8s.io` and before: the first byte of every message. */
const channel = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const;

/** As the kubelet's copies have it. */
const messageBytes = 32 * 1024;
/** Beyond this nobody reads: the program waits no longer for us than we for the client. */
const tooFarBehind = 64 * 1024 * 1024;

const bytesOf = (data: unknown): Buffer => {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data as Buffer[]) : Buffer.from(data as ArrayBuffer);
};

/** Serves a session over a WebSocket whose subprotocol has been agreed on. */
export async function serveChannels(socket: WebSocket, session: Session): Promise<void> {
  const input = createQueue();
  const abort = new AbortController();
  const inBase64 = socket.protocol.startsWith('base64.');
  const send = (to: number, bytes: Buffer): void => {
    if (socket.readyState !== socket.OPEN) return;
    if (inBase64) socket.send(`${to}${bytes.toString('base64')}`);
    else socket.send(Buffer.concat([Buffer.from([to]), bytes]), { binary: true });
    if (socket.bufferedAmount > tooFarBehind) socket.terminate();
  };
  const writer =
    (to: number) =>
    (text: Buffer | string): void => {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; at += messageBytes) send(to, bytes.subarray(at, at + messageBytes));
    };
  if (!session.wants.stdin) input.end();
  socket.on('message', (data) => {
    const bytes = bytesOf(data);
    const to = inBase64 ? (bytes[0] ?? 0) - 48 : bytes[0];
    const content = inBase64 ? Buffer.from(bytes.subarray(1).toString(), 'base64') : bytes.subarray(1);
    if (to === channel.stdin) input.push(content);
    else if (to === channel.close && content[0] === channel.stdin) input.end();
  });
  socket.on('close', () => {
    abort.abort();
    input.end();
  });
  socket.on('error', () => socket.terminate());
  const out = writer(channel.stdout);
  const err = session.tty ? out : writer(channel.stderr);
  const status = await session.start(
    { input, out: session.wants.stdout ? out : () => undefined, err },
    abort.signal,
  );
  send(channel.status, Buffer.from(JSON.stringify(status)));
  socket.close(1000);
}
