import { createServer, type Server } from 'node:http';
import { createServer as createTls } from 'node:https';
import { type AddressInfo, connect as connectTcp, createServer as createTcp, type Socket } from 'node:net';
import { authority } from './certificates.ts';

/** Proxies that know one way, whatever they are asked for, and note what that was. */
export interface Proxies {
  /** Ports. */
  readonly http: number;
  readonly https: number;
  readonly socks: number;
  /** What was asked for since the last `forget`: `CONNECT host:port login`, `GET http://host:port/path`, `socks host:port login`. */
  readonly asked: () => readonly string[];
  readonly forget: () => void;
  readonly close: () => void;
}

export async function startProxies(to: number): Promise<Proxies> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const held = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    return socket;
  };
  const join = (near: Socket, opened: (far: Socket) => void): void => {
    const far = held(connectTcp(to, '127.0.0.1', () => opened(far)));
    far.on('close', () => near.destroy());
    near.on('close', () => far.destroy());
  };
  function tunnels(server: Server): Server {
    server.on('connect', (request, near: Socket, head) => {
      asked.push(`CONNECT ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
      join(near, (far) => {
        near.write('HTTP/1.1 200 OK\r\n\r\n');
        far.write(head);
        far.pipe(near).pipe(far);
      });
    });
    server.on('request', (request, response) => {
      asked.push(`${request.method} ${new URL(request.url ?? '', 'http://relative').href.split('?')[0]}`);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
    server.on('connection', held);
    return server;
  }
  const http = tunnels(createServer());
  const https = tunnels(createTls((await authority()).server));
  https.on('tlsClientError', () => {});
  const socks = createTcp((near) => {
    held(near);
    let login = '';
    const target = (): unknown =>
      near.once('data', (request) => {
        const size = request[4] ?? 0;
        const isName = request[3] === 3;
        const host = isName ? request.subarray(5, 5 + size) : request.subarray(4, 8).join('.');
        asked.push(`socks ${host}:${request.readUInt16BE(isName ? 5 + size : 8)} ${login}`.trim());
        join(near, (far) => {
          near.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 1]));
          far.pipe(near).pipe(far);
        });
      });
    near.once('data', (hello) => {
      const wantsLogin = hello.subarray(2, 2 + (hello[1] ?? 0)).includes(2);
      near.write(Buffer.from([5, wantsLogin ? 2 : 0]));
      if (!wantsLogin) return target();
      return near.once('data', (bytes) => {
        const length = bytes[1] ?? 0;
        login = `${bytes.subarray(2, 2 + length)}:${bytes.subarray(3 + length)}`;
        near.write(Buffer.from([1, 0]));
        target();
      });
    });
  });
  const ports = await Promise.all(
    [http, https, socks].map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
        }),
    ),
  );
  return {
    http: ports[0] ?? 0,
    https: ports[1] ?? 0,
    socks: ports[2] ?? 0,
    asked: () => [...asked],
    forget: () => {
      asked.length = 0;
    },
    close: () => {
      for (const server of [http, https, socks]) server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
