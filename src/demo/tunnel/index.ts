import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Cluster, ResourceRequest } from '../cluster.ts';
import type { Exchange } from '../exchange.ts';
import { badRequest } from '../status.ts';
import { serveChannels } from './channels.ts';
import { forwardLegacy, forwardPorts, portsOf } from './port-forward.ts';
import { sessionOf } from './session.ts';
import { overWebSocket } from './spdy.ts';

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
  return new Promise((resolve) => server.handleUpgrade(request, socket, head, resolve));
}

/** Exec, attach and port-forward: everything that can be refused is refused before the connection is upgraded. */
export async function openTunnel(
  exchange: Exchange,
  upgrade: Upgrade,
  request: ResourceRequest,
  cluster: Cluster,
): Promise<void> {
  const kind = String(upgrade.request.headers.upgrade ?? '').toLowerCase();
  if (kind !== 'websocket')
    throw badRequest(
      `unable to upgrade: this server speaks WebSocket only, not ${kind}; kubectl does from 1.30 (exec, attach, cp) and 1.31 (port-forward) on`,
    );
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
