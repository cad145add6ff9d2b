import type { ClientRequest, IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { type Demo, type DemoOptions, startDemo } from '../../src/demo/index.ts';
import type { KubeLike } from '../../src/demo/object.ts';

export interface Ask {
  readonly method?: string;
  readonly user?: string;
  /** In place of the user's. */
  readonly token?: string;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<IncomingMessage['headers']>;
  readonly bytes: Buffer;
  readonly text: string;
  readonly json: () => unknown;
}

/** A demo cluster for one test, closed after it. */
export async function demoOf(options: DemoOptions): Promise<Demo> {
  const demo = await startDemo(options);
  onTestFinished(() => demo.close());
  return demo;
}

export const recordedFiles = (...names: readonly string[]): string[] =>
  names.map((name) => fileURLToPath(new URL(`../recorded/objects/${name}.jsonl.gz`, import.meta.url)));

function open(demo: Demo, path: string, ask: Ask): ClientRequest {
  const token = ask.token ?? (ask.user === 'anonymous' ? undefined : demo.users.token(ask.user ?? 'admin'));
  return request(`${demo.url}${path}`, {
    method: ask.method ?? 'GET',
    ca: demo.caPem,
    agent: false,
    headers: {
      accept: ask.accept ?? 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(ask.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(ask.body)) }),
      ...ask.headers,
    },
  });
}

/** One request and its whole answer. */
export function ask(demo: Demo, path: string, options: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = open(demo, path, options);
    sent.on('error', reject);
    sent.on('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const bytes = Buffer.concat(parts);
        const text = bytes.toString();
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          bytes,
          text,
          json: () => JSON.parse(text) as unknown,
        });
      });
    });
    sent.end(options.body);
  });
}

export interface Stream {
  readonly status: number;
  /** The next line, or undefined when the answer has ended. Rejects when it broke off. */
  next(): Promise<string | undefined>;
  /** The next line of a watch. */
  event(): Promise<WatchEvent>;
  /** Every line up to the end. */
  rest(): Promise<string[]>;
  close(): void;
}

interface WatchEvent {
  readonly type: string;
  readonly object: KubeLike & { readonly code?: number };
}

/** A request whose answer is read line by line; closed after the test. */
export function stream(demo: Demo, path: string, options: Ask = {}): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const sent = open(demo, path, options);
    sent.on('error', reject);
    sent.on('response', (response) => {
      const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
      let held = '';
      let ended = false;
      async function next(): Promise<string | undefined> {
        for (;;) {
          const feed = held.indexOf('\n');
          if (feed >= 0) {
            const line = held.slice(0, feed);
            held = held.slice(feed + 1);
            return line;
          }
          if (ended) return undefined;
          const chunk = await chunks.next();
          if (chunk.done === true) ended = true;
          else held += chunk.value.toString();
        }
      }
      const reader: Stream = {
        status: response.statusCode ?? 0,
        next,
        async event() {
          const line = await next();
          if (line === undefined) throw new Error('the watch has ended');
          return JSON.parse(line) as WatchEvent;
        },
        async rest() {
          const lines: string[] = [];
          for (let line = await next(); line !== undefined; line = await next()) lines.push(line);
          return lines;
        },
        close: () => sent.destroy(),
      };
      onTestFinished(reader.close);
      resolve(reader);
    });
    sent.end(options.body);
  });
}

export interface PodParts {
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly phase?: string;
  readonly node?: string;
  readonly padding?: string;
}

/** A small pod that runs. */
export function pod(
  name: string,
  { namespace = 'train', labels = {}, phase = 'Running', node = 'n1', padding }: PodParts = {},
): KubeLike {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels, ...(padding === undefined ? {} : { annotations: { padding } }) },
    spec: { nodeName: node, containers: [{ name: 'main', image: 'train:1' }] },
    status: {
      phase,
      containerStatuses: [
        {
          name: 'main',
          ready: true,
          restartCount: 0,
          image: 'train:1',
          state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
        },
      ],
    },
  };
}

export interface ListBody {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly KubeLike[];
}

export const list = async (demo: Demo, path: string, options: Ask = {}): Promise<ListBody> =>
  (await ask(demo, path, options)).json() as ListBody;

export const names = (body: ListBody): string[] => body.items.map((item) => item.metadata?.name ?? '');
