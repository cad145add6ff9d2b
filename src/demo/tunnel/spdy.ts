import type { Duplex } from 'node:stream';
import { constants, createDeflate, createInflate } from 'node:zlib';
import type { WebSocket } from 'ws';
import { createQueue, type Queue } from './queue.ts';

/** Bytes to and from a client, whatever carries them. */
export interface Wire {
  send(bytes: Buffer): void;
  onData(take: (bytes: Buffer) => void): void;
  onClose(run: () => void): void;
  close(): void;
}

/** Bytes as binary messages: how kubectl from 1.31 on tunnels SPDY. */
export const overWebSocket = (socket: WebSocket): Wire => ({
  send(bytes) {
    if (socket.readyState === socket.OPEN) socket.send(bytes, { binary: true });
  },
  onData(take) {
    socket.on('message', (data) =>
      take(Buffer.isBuffer(data) ? data : Buffer.concat([data].flat() as Buffer[])),
    );
  },
  onClose(run) {
    socket.on('close', run);
    socket.on('error', () => socket.terminate());
  },
  close: () => socket.close(1000),
});

/** A connection that was upgraded to SPDY itself: what kubectl up to 1.29 does. */
export const overSocket = (socket: Duplex): Wire => ({
  send(bytes) {
    if (socket.writable) socket.write(bytes);
  },
  onData(take) {
    socket.on('data', take);
  },
  onClose(run) {
    socket.on('close', run);
    socket.on('error', () => socket.destroy());
  },
  close: () => socket.end(),
});

/** One stream of a SPDY connection. */
export interface SpdyStream {
  readonly headers: ReadonlyMap<string, string>;
  readonly input: Queue;
  write(bytes: Buffer): void;
  /** Half-closes. */
  end(): void;
}

const names =
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control connection content-base content-encoding content-language content-length content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin';
const phrases =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.';

const numbered = (text: string): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(text));
  return Buffer.concat([length, Buffer.from(text)]);
};

/** The dictionary of SPDY/3 headers, 1,423 bytes with Adler-32 0xe3c6a7c2 (draft 3.1, 2.6.10.1). */
const dictionary = Buffer.concat([
  ...names.split(' ').map((name) => numbered(name.replace('_', ' '))),
  Buffer.from(phrases),
]);

const control = { synStream: 1, synReply: 2, rst: 3, ping: 6 } as const;

function controlFrame(type: number, flags: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x8003, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt32BE(body.length, 4);
  head[4] = flags;
  return Buffer.concat([head, body]);
}

function dataFrame(id: number, bytes: Buffer, last: boolean): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(id, 0);
  head.writeUInt32BE(bytes.length, 4);
  head[4] = last ? 1 : 0;
  return Buffer.concat([head, bytes]);
}

function headersIn(block: Buffer): Map<string, string> {
  const headers = new Map<string, string>();
  let at = 4;
  const text = (): string => {
    const length = block.readUInt32BE(at);
    at += 4 + length;
    return block.toString('utf8', at - length, at);
  };
  for (let left = block.length < 4 ? 0 : block.readUInt32BE(0); left > 0; left -= 1)
    headers.set(text(), text());
  return headers;
}

/** Headers are one zlib stream in each direction, flushed after each block. */
function codec(kind: 'inflate' | 'deflate'): (bytes: Buffer) => Promise<Buffer> {
  const options = { dictionary, flush: constants.Z_SYNC_FLUSH };
  const stream = kind === 'inflate' ? createInflate(options) : createDeflate(options);
  let parts: Buffer[] = [];
  let fail: ((error: Error) => void) | undefined;
  stream.on('data', (part: Buffer) => parts.push(part));
  stream.on('error', (error) => fail?.(error));
  return (bytes) =>
    new Promise((resolve, reject) => {
      fail = reject;
      parts = [];
      stream.write(bytes, () => {
        // What was written comes out before this is called, or in the turn after it.
        setImmediate(() => resolve(Buffer.concat(parts)));
      });
    });
}

/** Serves SPDY/3.1 as far as Kubernetes uses it: streams that the client opens, no flow control (moby/spdystream has none). */
export function serveSpdy(wire: Wire, onStream: (stream: SpdyStream) => void): void {
  const inflate = codec('inflate');
  const deflate = codec('deflate');
  const streams = new Map<number, SpdyStream>();
  let held = Buffer.alloc(0);
  let working = Promise.resolve();

  async function open(body: Buffer, flags: number): Promise<void> {
    const id = body.readUInt32BE(0) & 0x7fffffff;
    const headers = headersIn(await inflate(body.subarray(10)));
    const input = createQueue();
    if ((flags & 1) !== 0) input.end();
    const stream: SpdyStream = {
      headers,
      input,
      write: (bytes) => wire.send(dataFrame(id, bytes, false)),
      end: () => wire.send(dataFrame(id, Buffer.alloc(0), true)),
    };
    streams.set(id, stream);
    const reply = Buffer.alloc(4);
    reply.writeUInt32BE(id);
    wire.send(controlFrame(control.synReply, 0, Buffer.concat([reply, await deflate(Buffer.alloc(4))])));
    onStream(stream);
  }

  async function take(frame: Buffer): Promise<void> {
    const flags = frame[4] ?? 0;
    const body = frame.subarray(8);
    if (((frame[0] ?? 0) & 0x80) === 0) {
      const stream = streams.get(frame.readUInt32BE(0));
      stream?.input.push(Buffer.from(body));
      if ((flags & 1) !== 0) stream?.input.end();
      return;
    }
    const type = frame.readUInt16BE(2);
    if (type === control.synStream) await open(body, flags);
    else if (type === control.ping) wire.send(frame);
    else if (type === control.rst) {
      const id = body.readUInt32BE(0);
      streams.get(id)?.input.end();
      streams.delete(id);
    }
  }

  wire.onData((bytes) => {
    held = Buffer.concat([held, bytes]);
    while (held.length >= 8) {
      const size = 8 + (held.readUInt32BE(4) & 0xffffff);
      if (held.length < size) break;
      const frame = Buffer.from(held.subarray(0, size));
      held = held.subarray(size);
      working = working.then(() => take(frame)).catch(() => wire.close());
    }
  });
  wire.onClose(() => {
    for (const stream of streams.values()) stream.input.end();
  });
}
