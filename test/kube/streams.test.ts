import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Demo, startDemo } from '../../src/demo/index.ts';
import { connect } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/contract.ts';
import { copyFromPod, copyToPod, placeOf } from '../../src/kube/copy.ts';
import { capture, type Inside, interact, mayStream, openExec, shellCommand } from '../../src/kube/exec.ts';
import { KubeError } from '../../src/kube/kube-error.ts';
import { openForward, startForward } from '../../src/kube/port-forward.ts';
import { createTarReader, tarEnd, tarHeader, tarPadding } from '../../src/kube/tar.ts';
import { guard } from '../../src/kube/write-gate.ts';
import { temporaryFolder } from '../folder.ts';
import { quickTiming } from './api-server.ts';

let demo: Demo;
let kubeconfig: string;
let connection: Connection;
const open: Connection[] = [];
const folder = (): string => temporaryFolder('streams');

async function as(context?: string): Promise<Connection> {
  const one = await connect({
    kubeconfig,
    userAgent: 'mltop/test',
    timing: quickTiming,
    ...(context === undefined ? {} : { context }),
  });
  open.push(one);
  return one;
}

beforeAll(async () => {
  demo = await startDemo({ still: true });
  kubeconfig = await demo.writeKubeconfig(join(folder(), 'config'));
  connection = await as();
}, 30_000);

afterAll(async () => {
  await Promise.all(open.map((one) => one.close()));
  await demo.close();
});

const pod: Inside = { namespace: 'team-e', pod: 'moe-pretrain-0-x7k2p', container: 'main' };
const limits = { bytes: 100_000, timeoutMs: 10_000 };

describe('exec', () => {
  test('gives what a command prints and how it ended', async () => {
    expect(await capture(connection, pod, ['sh', '-c', 'echo out; echo err 1>&2; exit 3'], limits)).toEqual({
      output: 'out\nerr\n',
      exitCode: 3,
      message: expect.stringMatching(/exit code|exit status/),
      dropped: 0,
    });
    expect(await capture(connection, pod, ['hostname'], limits)).toMatchObject({
      output: `${pod.pod}\n`,
      exitCode: 0,
      message: undefined,
    });
  });

  test('keeps no more than was asked for, and counts the rest', async () => {
    const { output, dropped } = await capture(connection, pod, ['echo', 'x'.repeat(50)], {
      ...limits,
      bytes: 10,
    });
    expect([output, dropped]).toEqual(['x'.repeat(10), 41]);
  });

  test('closes stdin, so that what reads to the end ends', async () => {
    let said = '';
    const session = await openExec(connection, {
      ...pod,
      command: ['cat'],
      stdin: true,
      tty: false,
      onOutput: (bytes) => {
        said += bytes.toString();
      },
    });
    await session.write(Buffer.from('one\n'));
    await session.write(Buffer.from('two\n'));
    expect(session.endInput()).toBe(true);
    expect((await session.done).exitCode).toBe(0);
    expect(said).toBe('one\ntwo\n');
  });

  test('holds output back while it is not taken, and loses none of it', async () => {
    const parts: string[] = [];
    const session = await openExec(connection, {
      ...pod,
      command: ['sh', '-c', 'echo 1; echo 2; echo 3; echo 4'],
      stdin: false,
      tty: false,
      onOutput: (bytes) =>
        new Promise((resolve) => {
          setImmediate(() => {
            parts.push(bytes.toString());
            resolve();
          });
        }),
    });
    await session.done;
    expect(parts.join('')).toBe('1\n2\n3\n4\n');
  });

  test('a program that the image lacks, a pod that is gone, a right that is missing: in the server’s words', async () => {
    const missing = await capture(connection, pod, ['no-such-program'], limits);
    expect(missing.message).toMatch(/no-such-program/);
    await expect(capture(connection, { ...pod, pod: 'gone' }, ['ls'], limits)).rejects.toMatchObject({
      kind: 'not-found',
      message: expect.stringMatching(/pods "gone" not found/),
    });
    await expect(capture(connection, { ...pod, container: 'nope' }, ['ls'], limits)).rejects.toThrow(/nope/);
    const viewer = await as('demo-viewer');
    await expect(capture(viewer, pod, ['ls'], limits)).rejects.toMatchObject({
      kind: 'forbidden',
      status: 403,
    });
    expect(await mayStream(viewer, pod, 'exec')).toMatchObject({
      allowed: 'no',
      reason: expect.stringMatching(/pods\/exec in namespace team-e/),
    });
    expect(await mayStream(connection, pod, 'exec')).toMatchObject({ allowed: 'yes' });
  });

  test('what takes too long is left, and says so', async () => {
    await expect(
      capture(connection, pod, ['sleep', '1000'], { ...limits, timeoutMs: 150 }),
    ).rejects.toMatchObject({ kind: 'timeout', message: expect.stringMatching(/sleep 1000/) });
  });
});

/** A terminal whose keys come from the test. */
function typist() {
  let listener: (bytes: Uint8Array) => void = () => {};
  let resized: (columns: number, rows: number) => void = () => {};
  let screen = '';
  const seen: (() => void)[] = [];
  return {
    terminal: {
      onInput: (next: typeof listener) => {
        listener = next;
        return () => {
          listener = () => {};
        };
      },
      onResize: (next: typeof resized) => {
        resized = next;
        return () => {};
      },
      size: () => ({ columns: 90, rows: 30 }),
      write: async (bytes: Uint8Array) => {
        screen += Buffer.from(bytes).toString();
        for (const look of seen.splice(0)) look();
      },
    },
    type: (text: string) => listener(Buffer.from(text)),
    resize: (columns: number, rows: number) => resized(columns, rows),
    screen: () => screen,
    async until(pattern: RegExp): Promise<void> {
      while (!pattern.test(screen)) await new Promise<void>((resolve) => seen.push(resolve));
    },
  };
}

describe('a shell', () => {
  const how = { command: shellCommand, stdin: true, tty: true, detaches: false };

  test('is typed into, and its exit code comes back', async () => {
    const { terminal, type, until } = typist();
    const ending = interact(connection, pod, how, terminal);
    await until(/# $/);
    type('echo a$((1))b\r');
    await until(/a.*b\r\n.*# $/s);
    type('exit 5\r');
    expect(await ending).toMatchObject({ exitCode: 5, left: false });
  });

  test('ctrl-p ctrl-q leaves a process that goes on', async () => {
    const { terminal, type, until } = typist();
    const ending = interact(connection, pod, { ...how, detaches: true }, terminal);
    await until(/# $/);
    type('\x10');
    type('\x11');
    expect(await ending).toMatchObject({ left: true });
  });

  test('ctrl-c leaves what takes no input', async () => {
    const { terminal, type } = typist();
    const ending = interact(
      connection,
      pod,
      { command: undefined, stdin: false, tty: false, detaches: false },
      terminal,
    );
    await new Promise((next) => setImmediate(next));
    type('\x03');
    expect(await ending).toMatchObject({ left: true });
  });
});

const get = (port: number, path: string): Promise<string> =>
  fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } }).then((answer) =>
    answer.text(),
  );

describe('port-forward', () => {
  const server = { namespace: 'serve', pod: 'vllm-chat-6b7d9c5f8-2xk4m', port: 8000 };

  test('carries HTTP there and back, counted, each connection by itself', async () => {
    const forward = await startForward({
      localPort: 0,
      whenInUse: 'fail',
      target: async () => server,
      open: (target, onData, signal) => openForward(connection, target, onData, signal),
      onChange: () => {},
    });
    const texts = await Promise.all([get(forward.localPort, '/metrics'), get(forward.localPort, '/metrics')]);
    for (const text of texts) expect(text).toMatch(/vllm/);
    expect(forward.counts()).toMatchObject({ connections: 2, error: undefined, pod: server.pod });
    expect(forward.counts().bytesIn).toBeGreaterThan(100);
    forward.close();
    await expect(get(forward.localPort, '/metrics')).rejects.toThrow();
  });

  test('goes to another pod when its pod is gone, and says why it fails while there is none', async () => {
    let pods = ['gone'];
    const forward = await startForward({
      localPort: 0,
      whenInUse: 'fail',
      target: async () => {
        const [name] = pods;
        if (name === undefined) throw new KubeError('no pod runs', { kind: 'unavailable', hint: 'Wait.' });
        return { ...server, pod: name };
      },
      open: (target, onData, signal) => openForward(connection, target, onData, signal),
      onChange: () => {},
    });
    await expect(get(forward.localPort, '/metrics')).rejects.toThrow();
    expect(forward.counts().error).toMatch(/pods "gone" not found/);
    pods = [];
    await expect(get(forward.localPort, '/metrics')).rejects.toThrow();
    expect(forward.counts().error).toBe('no pod runs');
    pods = [server.pod];
    expect(await get(forward.localPort, '/metrics')).toMatch(/vllm/);
    expect(forward.counts().error).toBeUndefined();
    forward.close();
  });

  test('a port that nothing listens on, and a local port that is taken, are said', async () => {
    const stream = await openForward(connection, { ...server, port: 9 }, () => {});
    expect((await stream.ended)?.message).toMatch(/refused|9/);
    const taken = createServer();
    await new Promise<void>((resolve) => {
      taken.listen(0, '127.0.0.1', resolve);
    });
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const options = {
      localPort: port,
      target: async () => server,
      open: () => Promise.reject(new Error('never')),
      onChange: () => {},
    };
    await expect(startForward({ ...options, whenInUse: 'fail' })).rejects.toThrow(
      `Port ${port} of this machine is in use`,
    );
    const other = await startForward({ ...options, whenInUse: 'other' });
    expect([other.isOtherPort, other.localPort === port]).toEqual([true, false]);
    other.close();
    taken.close();
  });

  test('goes on when its permit has ended, and begins with none', async () => {
    let valid = true;
    const { forwarder } = guard(connection);
    const opener = forwarder({ isValid: () => valid });
    valid = false;
    const stream = await opener(server, () => {});
    stream.close();
    expect(() => forwarder({ isValid: () => valid })).toThrow(/not armed/);
  });
});

describe('copying', () => {
  test('a folder goes in and comes out as it was', async () => {
    const here = folder();
    mkdirSync(join(here, 'data/deep'), { recursive: true });
    writeFileSync(join(here, 'data/a.txt'), 'alpha');
    writeFileSync(join(here, 'data/deep/b.bin'), Buffer.alloc(300_000, 7));
    symlinkSync('/etc/passwd', join(here, 'data/link'));
    const progress: number[] = [];
    const sent = await copyToPod(connection, {
      inside: pod,
      remote: '/tmp',
      local: join(here, 'data'),
      onProgress: ({ bytes }) => progress.push(bytes),
    });
    expect(sent).toMatchObject({ files: 2, bytes: 300_005, total: 300_005, skipped: ['data/link'] });
    expect(progress.at(-1)).toBe(300_005);
    const back = await copyFromPod(connection, {
      inside: pod,
      remote: '/tmp/data',
      local: join(here, 'back'),
      onProgress: () => {},
    });
    expect(back.files).toBe(2);
    expect(readFileSync(join(here, 'back/a.txt'), 'utf8')).toBe('alpha');
    expect(readFileSync(join(here, 'back/deep/b.bin')).equals(Buffer.alloc(300_000, 7))).toBe(true);
  });

  test('what is not there is said in the words of tar', async () => {
    const local = folder();
    await expect(
      copyFromPod(connection, { inside: pod, remote: '/no/such', local, onProgress: () => {} }),
    ).rejects.toMatchObject({ kind: 'invalid', message: expect.stringMatching(/such/) });
    await expect(
      copyToPod(connection, {
        inside: pod,
        remote: '/tmp',
        local: join(local, 'none'),
        onProgress: () => {},
      }),
    ).rejects.toThrow(/cannot be read/);
  });

  test('nothing leaves the folder, whatever an archive calls its files', () => {
    const word = fc.constantFrom('..', '.', '', 'a', 'data', 'b c', '\0', '/etc');
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (parts) => {
        const place = placeOf('/home/ada/data', 'data', parts.join('/'));
        if (place !== undefined)
          expect(place === '/home/ada/data' || place.startsWith('/home/ada/data/')).toBe(true);
      }),
    );
    expect(placeOf('/x/data', 'data', 'data/../../etc/passwd')).toBeUndefined();
    expect(placeOf('/x/data', 'data', 'other')).toBeUndefined();
    expect(placeOf('/x/data', 'data', '/data/a')).toBe('/x/data/a');
  });

  test('an archive is read as it was written, however its bytes are cut', async () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'é', '-', '/'), minLength: 1, maxLength: 150 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(name, fc.uint8Array({ maxLength: 1500 })), { maxLength: 4 }),
        fc.integer({ min: 1, max: 700 }),
        async (files, cut) => {
          const parts = files.flatMap(([path, bytes]) => [
            tarHeader({ path, kind: 'file', size: bytes.length, mode: 0o640, modifiedS: 1 }),
            Buffer.from(bytes),
            tarPadding(bytes.length),
          ]);
          const archive = Buffer.concat([...parts, tarEnd()]);
          const found: [string, Buffer][] = [];
          const reader = createTarReader({
            entry: ({ path }) => void found.push([path, Buffer.alloc(0)]),
            data: (bytes) => {
              const last = found.at(-1);
              if (last !== undefined) last[1] = Buffer.concat([last[1], bytes]);
            },
            end: () => {},
          });
          for (let at = 0; at < archive.length; at += cut) await reader.push(archive.subarray(at, at + cut));
          expect(found.map(([path, bytes]) => [path, [...bytes]])).toEqual(
            files.map(([path, bytes]) => [path, [...bytes]]),
          );
          expect(reader.isWhole()).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });
});
