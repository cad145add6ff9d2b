import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { parse } from 'yaml';

interface Reading {
  readonly ms: number;
  readonly bytes: number;
}

interface Login {
  readonly url: string;
  readonly ca: string;
  readonly token: string;
}

function loginOf(kubeconfig: string): Login {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as {
    clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
    users: { user: { token: string } }[];
  };
  const cluster = config.clusters[0]?.cluster;
  return {
    url: cluster?.server ?? '',
    ca: Buffer.from(cluster?.['certificate-authority-data'] ?? '', 'base64').toString(),
    token: config.users[0]?.user.token ?? '',
  };
}

const protobuf = 'application/vnd.kubernetes.protobuf';

/** The streaming list of all pods in protobuf, read by nobody: what the server and TLS cost alone. */
export function readStreamingList(kubeconfig: string): Promise<Reading> {
  const { url, ca, token } = loginOf(kubeconfig);
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const session = connect(url, { ca, settings: { initialWindowSize: 16 * 1024 * 1024 } });
    session.on('error', reject);
    session.once('connect', () => session.setLocalWindowSize(32 * 1024 * 1024));
    const query =
      'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const request = session.request({
      ':path': `/api/v1/pods?${query}`,
      authorization: `Bearer ${token}`,
      accept: `${protobuf};stream=watch`,
      'user-agent': 'mltop-bench',
    });
    let bytes = 0;
    let tail: Buffer = Buffer.alloc(0);
    request.on('error', reject);
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      // The name may stand on the seam of two chunks.
      if (!Buffer.concat([tail, chunk]).includes('k8s.io/initial-events-end')) {
        tail = chunk.subarray(-32);
        return;
      }
      session.destroy();
      resolve({ ms: performance.now() - started, bytes });
    });
  });
}

/** The whole list as curl reads it, in protobuf; undefined where there is no curl. */
export function readWithCurl(kubeconfig: string): Reading | undefined {
  const { url, token } = loginOf(kubeconfig);
  const { status, stdout } = spawnSync(
    'curl',
    [
      ...['-sk', '--http2', '-o', '/dev/null', '-w', '%{time_total} %{size_download}'],
      ...['-H', `Authorization: Bearer ${token}`, '-H', `Accept: ${protobuf}`, '-A', 'mltop-bench'],
      `${url}/api/v1/pods`,
    ],
    { encoding: 'utf8' },
  );
  if (status !== 0) return undefined;
  const [seconds = 0, bytes = 0] = stdout.split(' ').map(Number);
  return { ms: seconds * 1000, bytes };
}
