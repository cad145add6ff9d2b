import { createQueue } from './queue.ts';
import type { Session } from './session.ts';
import { type SpdyStream, serveSpdy, type Wire } from './spdy.ts';

/** Exec and attach as kubectl up to 1.29 speaks them: a SPDY stream for each of stdin, stdout, stderr, errors and sizes. */
export function serveSession(wire: Wire, session: Session): void {
  const streams = new Map<string, SpdyStream>();
  const { stdin, stdout, stderr } = session.wants;
  const wanted = [
    'error',
    ...(stdin ? ['stdin'] : []),
    ...(stdout ? ['stdout'] : []),
    ...(stderr && !session.tty ? ['stderr'] : []),
  ];
  const abort = new AbortController();
  wire.onClose(() => abort.abort());
  let started = false;
  serveSpdy(wire, (stream) => {
    streams.set(stream.headers.get('streamtype') ?? '', stream);
    if (started || !wanted.every((name) => streams.has(name))) return;
    started = true;
    const nothing = createQueue();
    nothing.end();
    const out = (bytes: Buffer | string): void => streams.get('stdout')?.write(Buffer.from(bytes));
    const err = session.tty
      ? out
      : (bytes: Buffer | string): void => streams.get('stderr')?.write(Buffer.from(bytes));
    void session
      .start({ input: streams.get('stdin')?.input ?? nothing, out, err }, abort.signal)
      .then((status) => {
        streams.get('error')?.write(Buffer.from(JSON.stringify(status)));
        for (const one of streams.values()) one.end();
      });
  });
}
