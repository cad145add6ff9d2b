import { execFile, execFileSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Demo, startDemo } from '../../src/demo/index.ts';
import { cleanObject } from '../../src/describe/clean.ts';
import { describe as describeObject, needsOf, type Related } from '../../src/describe/index.ts';
import { connect } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/contract.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { temporaryFolder } from '../folder.ts';
import { configuration } from './objects.ts';

/** The newest kubectl beside the one on PATH, or that one. */
function client(): string | undefined {
  try {
    const found = realpathSync(execFileSync('sh', ['-c', 'command -v kubectl'], { encoding: 'utf8' }).trim());
    return (
      ['1.33', '1.30']
        .map((version) => join(dirname(found), `kubectl.${version}`))
        .find((path) => existsSync(path)) ?? found
    );
  } catch {
    return undefined;
  }
}

const kubectl = client();
test.runIf(kubectl === undefined)(
  'kubectl is not on PATH: describes of the demo are not compared with its',
  ({ skip }) => skip(),
);

let demo: Demo;
let connection: Connection;
let kubeconfig: string;

beforeAll(async () => {
  demo = await startDemo({ still: true });
  kubeconfig = await demo.writeKubeconfig(join(temporaryFolder('describe'), 'config'));
  connection = await connect({ kubeconfig, userAgent: 'mltop/test' });
}, 30_000);

afterAll(async () => {
  await connection.close();
  await demo.close();
});

async function listOf(
  path: string,
  query: Readonly<Record<string, string | undefined>> = {},
): Promise<KubeObject[]> {
  const items: KubeObject[] = [];
  for await (const page of connection.pages(path, query)) items.push(...page.items);
  return items;
}

/** Ages, and what is lined up with them. Escapes are marked otherwise by mltop, when an object arrives. */
const timeless = (text: string): string[] =>
  text
    .trim()
    .replace(/(\d+[smhdy])+( \(x\d+ over (\d+[smhdy])+\))?/g, '~')
    .split('\n')
    .filter((line) => !/\x1b|\^\[/.test(line))
    .map((line) => line.replace(/ {2,}/g, '  ').replace(/-{3,}/g, '---').trimEnd());

test.runIf(kubectl !== undefined).each([
  ['pods', '/api/v1/pods', 'Pod'],
  ['nodes', '/api/v1/nodes', 'Node'],
])(
  'every one of the %s of the demo is described as kubectl does',
  { timeout: 120_000 },
  async (kind, path, name) => {
    const { stdout: text } = await promisify(execFile)(
      kubectl ?? '',
      ['--kubeconfig', kubeconfig, 'describe', kind, ...(kind === 'pods' ? ['-A'] : [])],
      {
        encoding: 'utf8',
        maxBuffer: 1 << 28,
        env: { ...process.env, TZ: 'UTC' },
      },
    );
    const kubectls = text.split(/\n+(?=Name: )/).map(timeless);
    const ours: string[][] = [];
    const events = await listOf('/api/v1/events');
    for (const item of await listOf(path)) {
      const object = { apiVersion: 'v1', kind: name, ...item };
      const { uid } = object.metadata ?? {};
      const related: Record<string, KubeObject[]> = {
        events: events.filter(
          (event) => (event['involvedObject'] as { uid?: string } | undefined)?.uid === uid,
        ),
      };
      for (const need of needsOf(object)) {
        related[need.name] = await listOf(need.path, {
          labelSelector: need.labelSelector,
          fieldSelector: need.fieldSelector,
        });
      }
      ours.push(timeless(describeObject(object, related as Related, Date.now())));
    }
    expect(ours.length).toBeGreaterThan(10);
    expect(ours).toEqual(kubectls);
  },
);

test.runIf(kubectl !== undefined)(
  'what configures the others is described as kubectl does',
  { timeout: 120_000 },
  async () => {
    const run = async (...args: readonly string[]): Promise<string> =>
      (
        await promisify(execFile)(kubectl ?? '', ['--kubeconfig', kubeconfig, ...args], {
          encoding: 'utf8',
          env: { ...process.env, TZ: 'UTC' },
        })
      ).stdout;
    for (const object of configuration) {
      const { kind = '', apiVersion = '', metadata } = object;
      const { namespace, name = '' } = metadata ?? {};
      const folder = temporaryFolder('describe');
      await writeFile(join(folder, 'object.json'), JSON.stringify(object));
      await run('create', '--validate=false', '-f', join(folder, 'object.json'));
      const scope = namespace === undefined ? [] : ['-n', namespace];
      const text = await run('describe', kind.toLowerCase(), name, ...scope);
      const found = JSON.parse(
        await run('get', kind.toLowerCase(), name, ...scope, '-o', 'json'),
      ) as KubeObject;
      const given = cleanObject({ ...found, kind, apiVersion });
      const related: Record<string, KubeObject[]> = { events: [] };
      for (const need of needsOf(given)) related[need.name] = await listOf(need.path);
      // Go goes through the data of config maps and secrets in an order of its own.
      expect(timeless(describeObject(given, related, Date.now())).sort()).toEqual(timeless(text).sort());
    }
  },
);
