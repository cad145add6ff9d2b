import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Cluster, ResourceRequest } from '../cluster.ts';
import type { Exchange } from '../exchange.ts';
import { badRequest, Refusal, statusBody } from '../status.ts';
import { serveChannels } from './channels.ts';
import { forwardLegacy, forwardPorts, portsOf } from './port-forward.ts';
import { sessionOf } from './session.ts';
import { overSocket, overWebSocket, type Wire } from './spdy.ts';
import { serveSession } from './spdy-session.ts';

/** A connection that asks to become something else than HTTP. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

const channelProtocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
  'channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'base64.channel.k8s.io',
];
const spdyOverWebSocket = 'SPDY/3.1+portforward.k8s.io';

/** The first subprotocol of the client's list that is spoken here. */
function protocolOf(request: IncomingMessage, spoken: readonly string[]): string | undefined {
  const asked = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((word) => word.trim());
  return asked.find((word) => spoken.includes(word));
}

function accept({ request, socket, head }: Upgrade, protocol: string): Promise<WebSocket> {
  const server = new WebSocketServer({
    noServer: true,
    handleProtocols: () => protocol,
    perMessageDeflate: false,
  });
  if (protocol === spdyOverWebSocket) {
    // Its slash is no token of HTTP: ws would refuse the name, Go does not mind.
    delete request.headers['sec-websocket-protocol'];
    server.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${protocol}`));
  }
  return new Promise((resolve) => server.handleUpgrade(request, socket, head, resolve));
}

/** Answers 101 and leaves the connection to SPDY: kubectl up to 1.29, and up to 1.30 for port-forward. */
function acceptSpdy({ request, socket, head }: Upgrade, spoken: readonly string[]): Wire {
  const asked = request.rawHeaders
    .filter(
      (_, index, all) => index % 2 === 1 && all[index - 1]?.toLowerCase() === 'x-stream-protocol-version',
    )
    .flatMap((text) => text.split(',').map((word) => word.trim()));
  const protocol = asked.find((word) => spoken.includes(word));
  if (protocol === undefined)
    throw new Refusal(
      statusBody(
        403,
        `unable to upgrade: unable to negotiate protocol: client supports [${asked.join(' ')}], server accepts [${spoken.join(' ')}]`,
        {
          reason: 'Forbidden',
        },
      ),
    );
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
  if (head.length > 0) socket.unshift(head);
  return overSocket(socket);
}

/** Exec, attach and port-forward: everything that can be refused is refused before the connection is upgraded. */
export async function openTunnel(
  exchange: Exchange,
  upgrade: Upgrade,
  request: ResourceRequest,
  cluster: Cluster,
): Promise<void> {
  const kind = String(upgrade.request.headers.upgrade ?? '').toLowerCase();
  if (kind === 'spdy/3.1') {
    if (request.subresource === 'portforward') {
      const ports = portsOf(exchange.query, request, cluster);
      forwardPorts(acceptSpdy(upgrade, ['portforward.k8s.io']), ports);
    } else {
      const session = sessionOf(exchange.query, request, cluster);
      serveSession(acceptSpdy(upgrade, ['v4.channel.k8s.io']), session);
    }
    return;
  }
  if (kind !== 'websocket') throw badRequest(`unable to upgrade: unknown protocol ${kind}`);
  if (request.subresource === 'portforward') {
    const ports = portsOf(exchange.query, request, cluster);
    const protocol = protocolOf(upgrade.request, [spdyOverWebSocket, 'v4.channel.k8s.io']);
    if (protocol === undefined) throw badRequest('unable to upgrade: no port-forward subprotocol in common');
    const socket = await accept(upgrade, protocol);
    if (protocol === spdyOverWebSocket) forwardPorts(overWebSocket(socket), ports);
    else forwardLegacy(socket, ports);
    return;
  }
  const session = sessionOf(exchange.query, request, cluster);
  const protocol = protocolOf(upgrade.request, channelProtocols);
  if (protocol === undefined) throw badRequest('unable to upgrade: no channel subprotocol in common');
  await serveChannels(await accept(upgrade, protocol), session);
}
