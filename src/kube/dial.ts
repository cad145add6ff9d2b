import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket, type ConnectionOptions as TlsOptions } from 'node:tls';
import { machineAuthorities } from './authorities.ts';
import { bare } from './proxy.ts';

/** How to reach one server. */
export interface Route {
  readonly server: URL;
  readonly proxy: URL | undefined;
  /** Verification and client certificate; ignored for `http:` servers. */
  readonly tls: TlsOptions;
  /** Lists of authorities to be tried in turn; unused where nothing is verified. */
  readonly authorities: readonly (readonly string[])[];
  /** The proxy is spoken to in the server's place: requests then name their server (RFC 9112, absolute-form). */
  readonly relayed?: boolean;
  readonly alpn: readonly string[];
  readonly timeoutMs: number;
  readonly userAgent: string;
  /** What the TCP handshake took, in ms: a round trip to the server, or to the proxy. */
  readonly onReached?: (roundTripMs: number) => void;
}

/** A socket that came so far; `alpnProtocol` says what TLS agreed on. */
export type OpenSocket = Socket | TLSSocket;

/**
 * TCP, then the proxy's handshake, then TLS. One connector for every route, because undici's proxy agents lose
 * pings, window sizes, `tls-server-name` (SOCKS) and HTTP/2. Rejects with Node's errors, or `EPROXY`.
 */
export async function dial(route: Route, signal?: AbortSignal): Promise<OpenSocket> {
  const [authorities = [], ...others] = route.authorities;
  try {
    return await dialOnce(route, authorities, signal);
  } catch (error) {
    const isOfAnother = error instanceof Error && 'code' in error && error.code === 'CERT_SIGNATURE_FAILURE';
    if (!isOfAnother || others.length === 0) throw error;
    return await dial({ ...route, authorities: others }, signal);
  }
}

async function dialOnce(
  route: Route,
  authorities: readonly string[],
  signal: AbortSignal | undefined,
): Promise<OpenSocket> {
  const opened: OpenSocket[] = [];
  let refuse: (error: Error) => void = () => {};
  const refused = new Promise<never>((_resolve, reject) => {
    refuse = reject;
  });
  refused.catch(() => {});
  const onAbort = (): void => refuse(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
  signal?.addEventListener('abort', onAbort, { once: true });
  const deadline = setTimeout(
    () => refuse(coded('ETIMEDOUT', `no answer within ${route.timeoutMs} ms`)),
    route.timeoutMs,
  );
  try {
    if (signal?.aborted === true) onAbort();
    return await Promise.race([steps(route, authorities, opened), refused]);
  } catch (error) {
    for (const socket of opened) socket.on('error', () => {}).destroy();
    throw error;
  } finally {
    clearTimeout(deadline);
    signal?.removeEventListener('abort', onAbort);
  }
}

async function steps(
  route: Route,
  authorities: readonly string[],
  opened: OpenSocket[],
): Promise<OpenSocket> {
  const { server, proxy } = route;
  const ca = route.tls.rejectUnauthorized === false ? undefined : [...authorities];
  const host = bare(server.hostname);
  const port = Number(server.port) || (server.protocol === 'https:' ? 443 : 80);
  let socket: OpenSocket;
  if (proxy === undefined) {
    socket = await tcp(host, port, opened, route.onReached);
  } else {
    socket = await toProxy(proxy, opened, {
      rejectUnauthorized: route.tls.rejectUnauthorized ?? true,
      // Go asks the kubeconfig's authority alone; a company's proxy has its certificate from the company's.
      ...(ca !== undefined && proxy.protocol === 'https:' && { ca: [...ca, ...machineAuthorities()] }),
    });
    if (route.relayed === true) return socket;
    await (proxy.protocol.startsWith('socks')
      ? socks5(socket, proxy, host, port)
      : httpConnect(socket, proxy, host, port, route.userAgent));
  }
  if (server.protocol !== 'https:') return socket;
  const name = route.tls.servername ?? host;
  return await secure(
    {
      ...route.tls,
      ...(ca !== undefined && { ca }),
      socket,
      host,
      ...sni(name),
      ALPNProtocols: [...route.alpn],
    },
    opened,
  );
}

/** An IP address is no SNI name, but it is what the certificate must name. */
const sni = (name: string): TlsOptions =>
  isIP(name) === 0 ? { servername: name } : { servername: '', host: name };

async function tcp(
  host: string,
  port: number,
  opened: OpenSocket[],
  onReached?: (roundTripMs: number) => void,
): Promise<Socket> {
  let startedMs = performance.now();
  const socket = connectTcp({
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
    autoSelectFamily: true,
  });
  opened.push(socket);
  socket.once('lookup', () => {
    startedMs = performance.now();
  });
  await once(socket, 'connect');
  onReached?.(performance.now() - startedMs);
  return socket;
}

async function secure(options: TlsOptions, opened: OpenSocket[]): Promise<TLSSocket> {
  const socket = connectTls(options);
  opened.push(socket);
  await once(socket, 'secureConnect');
  return socket;
}

function once(socket: OpenSocket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (work: () => void): void => {
      socket.off('error', onError).off('close', onClose);
      work();
    };
    const onError = (error: Error): void => settle(() => reject(error));
    const onClose = (): void => settle(() => reject(coded('ECONNRESET', 'closed during the handshake')));
    socket
      .once(event, () => settle(resolve))
      .on('error', onError)
      .on('close', onClose);
  });
}

const proxyPorts: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

async function toProxy(proxy: URL, opened: OpenSocket[], trust: TlsOptions): Promise<OpenSocket> {
  const host = bare(proxy.hostname);
  try {
    const socket = await tcp(host, Number(proxy.port) || (proxyPorts[proxy.protocol] ?? 1080), opened);
    return proxy.protocol === 'https:'
      ? await secure({ ...trust, socket, host, ...sni(host), ALPNProtocols: ['http/1.1'] }, opened)
      : socket;
  } catch (cause) {
    throw coded(
      'EPROXY',
      `The proxy ${proxy.host} cannot be reached: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    );
  }
}

/** For `Proxy-Authorization`; undefined where the address names nobody. */
export const proxyLogin = (proxy: URL): string | undefined =>
  proxy.username === ''
    ? undefined
    : `Basic ${Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`).toString('base64')}`;

async function httpConnect(
  socket: OpenSocket,
  proxy: URL,
  host: string,
  port: number,
  userAgent: string,
): Promise<void> {
  const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const known = proxyLogin(proxy);
  const login = known === undefined ? '' : `Proxy-Authorization: ${known}\r\n`;
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\nUser-Agent: ${userAgent}\r\n${login}\r\n`);
  const end = Buffer.from('\r\n\r\n');
  const head = (
    await readUntil(socket, (bytes) => {
      const at = bytes.indexOf(end);
      return at < 0 ? undefined : at + end.length;
    })
  ).toString('latin1');
  const status = /^HTTP\/1\.[01] (\d{3})([^\r]*)/.exec(head);
  if (status?.[1] === '200') return;
  const words =
    status?.[1] === '407'
      ? 'it wants a user and a password in its address'
      : `it answered ${status?.[1] ?? 'nonsense'}${status?.[2] ?? ''}`;
  throw coded('EPROXY', `The proxy ${proxy.host} does not open a tunnel to ${target}: ${words}`);
}

const socksReplies = [
  '',
  'general failure',
  'not allowed by its rules',
  'network unreachable',
  'host unreachable',
  'connection refused',
  'TTL expired',
  'command not supported',
  'address type not supported',
];

/** RFC 1928 with user and password (RFC 1929). The proxy resolves the name, as Go's does. */
async function socks5(socket: OpenSocket, proxy: URL, host: string, port: number): Promise<void> {
  const user = Buffer.from(decodeURIComponent(proxy.username));
  const password = Buffer.from(decodeURIComponent(proxy.password));
  const methods = user.length > 0 ? [0, 2] : [0];
  const refused = (why: string): Error =>
    coded('EPROXY', `The SOCKS proxy ${proxy.host} does not open a way to ${host}:${port}: ${why}`);
  socket.write(Buffer.from([5, methods.length, ...methods]));
  const [version, method] = await readUntil(socket, (bytes) => (bytes.length < 2 ? undefined : 2));
  if (version !== 5) throw refused('it does not speak SOCKS5');
  if (method === 2) {
    socket.write(
      Buffer.concat([Buffer.from([1, user.length]), user, Buffer.from([password.length]), password]),
    );
    const [, verdict] = await readUntil(socket, (bytes) => (bytes.length < 2 ? undefined : 2));
    if (verdict !== 0) throw refused('it rejects the user or the password');
  } else if (method !== 0) {
    throw refused('it wants a login that mltop does not have');
  }
  socket.write(
    Buffer.concat([Buffer.from([5, 1, 0]), socksAddress(host), Buffer.from([port >> 8, port & 255])]),
  );
  const reply = await readUntil(socket, socksReplyLength);
  if (reply[1] !== 0) throw refused(socksReplies[reply[1] ?? 0] ?? `error ${reply[1]}`);
}

function socksAddress(host: string): Buffer {
  if (isIP(host) === 4) return Buffer.from([1, ...host.split('.').map(Number)]);
  const name = Buffer.from(host);
  return Buffer.concat([Buffer.from([3, name.length]), name]);
}

function socksReplyLength(bytes: Buffer): number | undefined {
  const kind = bytes[3];
  if (kind === undefined) return undefined;
  const address = kind === 1 ? 4 : kind === 4 ? 16 : 1 + (bytes[4] ?? 255);
  return bytes.length < 4 + address + 2 ? undefined : 4 + address + 2;
}

/** Reads until `lengthOf` knows the length of what came; what came behind it goes back into the socket. */
function readUntil(socket: OpenSocket, lengthOf: (bytes: Buffer) => number | undefined): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const settle = (work: () => void): void => {
      socket.off('data', onData).off('error', onError).off('close', onClose);
      socket.pause();
      work();
    };
    const onData = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      const length = lengthOf(bytes);
      if (length === undefined && bytes.length < 65_536) return;
      settle(() => {
        if (length === undefined) return reject(coded('EPROXY', 'The proxy answers at too great a length'));
        if (bytes.length > length) socket.unshift(bytes.subarray(length));
        resolve(bytes.subarray(0, length));
      });
    };
    const onError = (error: Error): void =>
      settle(() => reject(coded('EPROXY', `The proxy cut the connection: ${error.message}`, error)));
    const onClose = (): void => settle(() => reject(coded('EPROXY', 'The proxy closed the connection')));
    socket.on('data', onData).on('error', onError).on('close', onClose);
    socket.resume();
  });
}

/** An error with a code, as Node's own have. */
function coded(code: string, message: string, cause?: unknown): Error & { readonly code: string } {
  return Object.assign(new Error(message, { cause }), { code });
}
