import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A wire between client and server that can go dead without closing, as a VPN does or a stopped server. */
export interface Relay {
  readonly port: number;
  /** Nothing passes any more, in either direction; new connections are accepted and not served. */
  readonly freeze: () => void;
  /** The same for one connection, by its place in the order in which they came; others pass. */
  readonly freezeOne: (place: number) => void;
  /** All passes again; `forget` loses what the old connections carry, as a NAT does that was restarted. */
  readonly thaw: (forget?: boolean) => void;
  readonly close: () => Promise<void>;
}

interface Link {
  readonly near: Socket;
  readonly far: Socket;
  lost: boolean;
}

export async function startRelay(target: number): Promise<Relay> {
  const links = new Set<Link>();
  const inOrder: Link[] = [];
  let frozen = false;
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    const link = { near, far, lost: false };
    links.add(link);
    inOrder.push(link);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', () => {});
      from.on('data', (chunk) => {
        if (!link.lost) to.write(chunk);
      });
      from.on('close', () => {
        links.delete(link);
        if (!link.lost) to.destroy();
      });
      if (frozen) from.pause();
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    freeze: () => {
      frozen = true;
      for (const { near, far } of links) {
        near.pause();
        far.pause();
      }
    },
    freezeOne: (place) => {
      inOrder[place]?.near.pause();
      inOrder[place]?.far.pause();
    },
    thaw: (forget = false) => {
      frozen = false;
      for (const link of links) {
        link.lost = forget;
        link.near.resume();
        link.far.resume();
      }
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const { near, far } of links) {
        near.destroy();
        far.destroy();
      }
      await closed;
    },
  };
}
