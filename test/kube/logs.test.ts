import type { ServerResponse } from 'node:http';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import type { Connection } from '../../src/kube/contract.ts';
import {
  followLog,
  type LogFollow,
  type LogHandlers,
  type LogLine,
  type LogState,
  type LogTarget,
} from '../../src/kube/logs.ts';
import { connectTo, type Seen, sendStatus, startServer } from './api-server.ts';

let cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
});

const target: LogTarget = { namespace: 'ml', pod: 'train-0', container: 'main', follow: true };
const second = '2026-01-02T03:04:05';
const stamp = (nanos: number): string => `${second}.${String(nanos).padStart(9, '0')}Z`;

function open(seen: Seen): {
  readonly write: (text: string | Buffer) => void;
  readonly end: () => void;
  readonly cut: () => void;
} {
  const response = seen.response as ServerResponse;
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.flushHeaders();
  return {
    write: (text) => void response.write(text),
    end: () => void response.end(),
    cut: () =>
      'stream' in response
        ? (response as unknown as { stream: { close: (code: number) => void } }).stream.close(2)
        : response.destroy(),
  };
}

interface Followed extends LogFollow {
  readonly lines: LogLine[];
  readonly texts: () => string[];
  readonly states: LogState[];
  readonly seen: readonly Seen[];
  readonly connection: Connection;
}

async function follow(
  answer: (seen: Seen, count: number) => void,
  asked: Partial<LogTarget> = {},
  handlers: Partial<LogHandlers> = {},
): Promise<Followed> {
  let count = 0;
  const server = await startServer((seen) => {
    count += 1;
    answer(seen, count);
  });
  cleanups.push(server.close);
  const connection = await connectTo(server);
  cleanups.push(connection.close);
  const lines: LogLine[] = [];
  const states: LogState[] = [];
  const log = followLog(
    connection,
    { ...target, ...asked },
    { line: (line) => lines.push(line), state: (state) => states.push(state), ...handlers },
  );
  cleanups.push(log.stop);
  return { ...log, lines, texts: () => lines.map(({ text }) => text), states, seen: server.seen, connection };
}

test('lines come with their times, over a lane of their own', async () => {
  const log = await follow((seen) => {
    const stream = open(seen);
    stream.write(`${stamp(1)} one\n${stamp(2)} two`);
    stream.write(' halves\n');
    stream.write('no time\n');
  });
  await expect.poll(log.texts).toEqual(['one', 'two halves', 'no time']);
  expect(log.lines.map(({ time }) => time)).toEqual([stamp(1), stamp(2), undefined]);
  expect(log.states.map(({ state }) => state)).toEqual(['connecting', 'following']);
  expect(log.seen[0]?.path).toBe('/api/v1/namespaces/ml/pods/train-0/log');
  expect(Object.fromEntries(log.seen[0]?.query ?? [])).toEqual({
    container: 'main',
    timestamps: 'true',
    follow: 'true',
  });
  expect(log.seen[0]?.headers['accept']).toBe('*/*');
});

test('tailLines and sinceSeconds of 0 are said', async () => {
  const log = await follow((seen) => open(seen).end(), { follow: false, tailLines: 0, sinceSeconds: 0 });
  await log.done;
  expect(log.seen[0]?.query.get('tailLines')).toBe('0');
  expect(log.seen[0]?.query.get('sinceSeconds')).toBe('0');
  expect(log.states.at(-1)).toMatchObject({ state: 'ended' });
});

test('a stream that breaks goes on behind its last line: none twice, none missing', async () => {
  const log = await follow(
    (seen, count) => {
      const stream = open(seen);
      if (count === 1) {
        stream.write(`${stamp(1)} a\n${stamp(5)} b\n${stamp(5)} b\n${stamp(6)} tor`);
        setTimeout(stream.cut, 20);
      } else {
        stream.write(`${stamp(1)} a\n${stamp(5)} b\n${stamp(5)} b\n${stamp(5)} b\n${stamp(6)} torn\n`);
      }
    },
    { tailLines: 100 },
  );
  await expect.poll(log.texts).toEqual(['a', 'b', 'b', 'b', 'torn']);
  expect(log.states.map(({ state }) => state)).toEqual([
    'connecting',
    'following',
    'reconnecting',
    'following',
  ]);
  expect(Object.fromEntries(log.seen[1]?.query ?? [])).toMatchObject({
    sinceTime: `${second}Z`,
    follow: 'true',
  });
  expect(log.seen[1]?.query.has('tailLines')).toBe(false);
});

test('a rotation that dropped lines of the last second loses none of the new ones', async () => {
  const log = await follow((seen, count) => {
    const stream = open(seen);
    stream.write(count === 1 ? `${stamp(1)} a\n${stamp(2)} b\n` : `${stamp(3)} c\n`);
    if (count === 1) setTimeout(stream.end, 20);
  });
  await expect.poll(log.texts).toEqual(['a', 'b', 'c']);
});

test("an end is the container's only if its pod says so", async () => {
  let runs: boolean | undefined = true;
  const log = await follow((seen) => open(seen).end(), {}, { isRunning: () => runs });
  await expect.poll(() => log.states.some(({ state }) => state === 'reconnecting')).toBe(true);
  runs = false;
  log.retryNow();
  await log.done;
  expect(log.states.at(-1)).toEqual({ state: 'ended', reason: 'the container has ended' });
});

test('a container that has not started is waited for', async () => {
  const log = await follow((seen) =>
    sendStatus(
      seen,
      400,
      'BadRequest',
      'container "main" in pod "train-0" is waiting to start: ContainerCreating',
    ),
  );
  await expect
    .poll(() => log.states.at(-1))
    .toMatchObject({
      state: 'waiting',
      reason: expect.stringContaining('ContainerCreating'),
      retryAtMs: expect.any(Number),
    });
});

test('a pod without a node answers 204 and is waited for', async () => {
  const log = await follow((seen) => {
    (seen.response as ServerResponse).writeHead(204);
    seen.response.end();
  });
  await expect.poll(() => log.states.at(-1)).toMatchObject({ state: 'waiting' });
});

test.each([
  [400, 'BadRequest', 'a container name must be specified for pod train-0, choose one of: [a b]', 'invalid'],
  [403, 'Forbidden', 'pods "train-0" is forbidden', 'forbidden'],
  [404, 'NotFound', 'pods "train-0" not found', 'not-found'],
])("%i is final, with the server's words", async (code, reason, message, kind) => {
  const log = await follow((seen) => sendStatus(seen, code, reason, message));
  await log.done;
  expect(log.states.at(-1)).toMatchObject({ state: 'failed', error: { kind, message } });
});

test('a kubelet that cannot be reached is tried again', async () => {
  const log = await follow((seen, count) => {
    if (count === 1)
      return sendStatus(
        seen,
        500,
        'InternalError',
        'Get "https://10.0.0.1:10250/containerLogs/…": dial tcp 10.0.0.1:10250: connect: connection refused',
      );
    return open(seen).write(`${stamp(1)} back\n`);
  });
  await expect.poll(log.texts).toEqual(['back']);
  expect(log.states.map(({ state }) => state)).toContain('reconnecting');
});

test('the previous container is read once', async () => {
  const log = await follow(
    (seen) => {
      const stream = open(seen);
      stream.write(`${stamp(1)} panic\n`);
      stream.end();
    },
    { previous: true },
  );
  await log.done;
  expect(log.texts()).toEqual(['panic']);
  expect(Object.fromEntries(log.seen[0]?.query ?? [])).toMatchObject({ previous: 'true' });
  expect(log.seen[0]?.query.has('follow')).toBe(false);
});

test('a line of more than 1 MiB is cut, and says by how much', async () => {
  const log = await follow(
    (seen) => {
      const stream = open(seen);
      stream.write('x'.repeat(1_500_000));
      stream.write('\nnext\n');
      stream.end();
    },
    { follow: false },
  );
  await log.done;
  expect(log.lines.map(({ text, cutBytes }) => [text.length, cutBytes])).toEqual([
    [1_048_576, 1_500_000 - 1_048_576],
    [4, 0],
  ]);
});

test('whatever the chunks, the lines are the same', async () => {
  const bytes = Buffer.from(`${stamp(1)} größe 🚀\n\n${stamp(2)} \u2028\r\n${stamp(3)} \ufffd`);
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 8 }),
      async (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const chunks = edges.slice(1).map((end, at) => bytes.subarray(edges[at], end));
        const texts: string[] = [];
        const connection = {
          timing: { now: Date.now },
          stream: async () => ({
            status: 200,
            headers: {},
            chunks: (async function* () {
              yield* chunks;
            })(),
          }),
        } as unknown as Connection;
        await followLog(
          connection,
          { ...target, follow: false },
          { line: ({ text }) => texts.push(text), state: () => {} },
        ).done;
        expect(texts).toEqual(['größe 🚀', '', '\u2028\r', '\ufffd']);
      },
    ),
    { numRuns: 50 },
  );
});

test('a handler that throws ends its log, not the process', async () => {
  const log = await follow(
    (seen) => open(seen).write(`${stamp(1)} a\n`),
    {},
    {
      line: () => {
        throw new Error('a bug');
      },
    },
  );
  log.stop();
  await log.done;
});
