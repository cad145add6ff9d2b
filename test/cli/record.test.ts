import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { checkCommand } from '../../src/cli/check.ts';
import { type Recording, recordCommand } from '../../src/cli/record.ts';
import { redactObject, redactText } from '../../src/cli/redact.ts';
import { readObjects, startDemo } from '../../src/demo/index.ts';
import type { KubeObject } from '../../src/kube/object.ts';

const folder = mkdtempSync(join(tmpdir(), 'mltop-record-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Command = typeof recordCommand;

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function demoConfig(objects?: readonly KubeObject[]): Promise<string> {
  const demo = await startDemo({
    still: true,
    ...(objects === undefined ? {} : { objects: objects as never }),
  });
  onTestFinished(() => demo.close());
  return demo.writeKubeconfig(join(mkdtempSync(join(folder, 'demo-')), 'config'));
}

async function run(command: Command, args: readonly string[], kubeconfig = ''): Promise<Run> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await command(args, {
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    env: { HOME: folder },
    connectOptions: { userAgent: 'test', ...(kubeconfig === '' ? {} : { kubeconfig }) },
  });
  return { code, out: out.join(''), err: err.join('') };
}

interface Found {
  readonly headline: string;
  readonly causes: readonly { readonly id: string; readonly verdict: string }[];
}

const first = ({ out }: Run): Found =>
  (JSON.parse(out) as { readonly findings: readonly Found[] }).findings[0] as Found;

test.each([
  ['pod/dataprep-oom', 'team-b', 'H4'],
  ['pod/llama-sft-worker-0', 'team-a', 'C2'],
  ['pod/needs-scratch', 'team-c', 'M2'],
  ['deployment/guardrail', 'serve', 'G1'],
])('%s, recorded and read again, has the same first cause', async (subject, namespace, family) => {
  const config = await demoConfig();
  const path = join(folder, `${subject.replace('/', '-')}.json`);
  const recorded = await run(recordCommand, [subject, '-n', namespace, '-o', path], config);
  expect(recorded.err).toMatch(/\d+ objects and \d+ logs in /);
  expect(statSync(path).mode & 0o077).toBe(0);
  const replayed = first(await run(checkCommand, ['--from', path, subject, '-o', 'json']));
  expect(replayed.causes[0]?.id).toMatch(new RegExp(`^${family}\\.`));
  const live = first(await run(checkCommand, [subject, '-A', '-o', 'json'], config));
  expect(replayed.causes[0]).toMatchObject({ id: live.causes[0]?.id, verdict: live.causes[0]?.verdict });
});

test('everything, recorded, gives every finding again', async () => {
  const config = await demoConfig();
  const { out } = await run(recordCommand, ['-A'], config);
  const recording = JSON.parse(out) as Recording;
  expect(recording.serverVersion).toMatch(/^v1\./);
  expect(recording.listed).toContain('ConfigMap');
  const path = join(folder, 'all.json');
  await run(recordCommand, ['-A', '-o', path], config);
  const headlines = async (args: readonly string[], at?: string): Promise<string[]> => {
    const { out: json } = await run(checkCommand, [...args, '-A', '-o', 'json'], at);
    const { findings } = JSON.parse(json) as {
      readonly findings: readonly { readonly subject: { readonly name: string }; readonly state: string }[];
    };
    return findings.map(({ subject, state }) => `${subject.name} ${state}`).sort();
  };
  expect(await headlines(['--from', path])).toEqual(await headlines([], config));
  const { objects, serverVersion } = await readObjects([path]);
  expect(objects).toHaveLength(recording.objects.length);
  expect(serverVersion).toBe(recording.serverVersion);
});

test('a file that is there already is left alone', async () => {
  const path = join(folder, 'all-again.json');
  const config = await demoConfig();
  await run(recordCommand, ['-n', 'team-b', '-o', path], config);
  const before = readFileSync(path, 'utf8');
  await expect(run(recordCommand, ['-n', 'team-b', '-o', path], config)).rejects.toThrow(/is there already/);
  expect(readFileSync(path, 'utf8')).toBe(before);
});

test('without an object and a namespace it asks for one', async () => {
  await expect(run(recordCommand, [])).rejects.toThrow(/needs an object/);
  await expect(run(recordCommand, ['pod/nobody', '-n', 'team-b'], await demoConfig())).rejects.toThrow(
    /not found/,
  );
});

/** Each stands where people put such things; none may be in the file. */
const planted = {
  secret: 'c3VwZXItc2VjcmV0',
  configMap: 'db-password-of-prod',
  env: 'hf_AbCdEfGhIjKlMnOpQrStUvWx',
  plainEnv: 'my-private-endpoint-value',
  flag: 'tok-9f8e7d6c5b4a',
  spaced: 'wandb-1234567890abcdef',
  url: 'hunter2hunter2',
  annotation: 'glpat-abcdefghij0123456789',
  lastApplied: 'applied-secret-value',
  bearer: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdefghijklmnop',
  aws: 'AKIAIOSFODNN7EXAMPLE',
  pem: 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj',
};

const secretive: readonly KubeObject[] = [
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 'wandb',
      namespace: 'train',
      annotations: {
        'kubectl.kubernetes.io/last-applied-configuration': `{"data":{"k":"${planted.lastApplied}"}}`,
      },
    },
    data: { token: planted.secret },
  },
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'settings', namespace: 'train' },
    data: { 'app.yaml': `password: ${planted.configMap}` },
  },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'trainer',
      namespace: 'train',
      annotations: { 'ci.example.com/token': planted.annotation },
    },
    spec: {
      containers: [
        {
          name: 'main',
          image: 'train:1',
          command: ['sh', '-c', `curl -H "Authorization: Bearer ${planted.bearer}" x`],
          args: [
            `--hub-token=${planted.flag}`,
            '--api-key',
            planted.spaced,
            `s3://user:${planted.url}@host/b`,
          ],
          env: [
            { name: 'HF_TOKEN', value: planted.env },
            { name: 'ENDPOINT', value: planted.plainEnv },
            { name: 'NCCL_DEBUG', value: 'INFO' },
            { name: 'NCCL_SECRET', value: planted.aws },
            {
              name: 'KEY',
              value: `-----BEGIN RSA PRIVATE KEY-----\n${planted.pem}\n-----END RSA PRIVATE KEY-----`,
            },
          ],
        },
      ],
    },
    status: { phase: 'Failed', message: `login with password=${planted.url} refused, key ${planted.aws}` },
  },
];

test('no planted secret is in a recording', async () => {
  const { out } = await run(recordCommand, ['-A'], await demoConfig(secretive));
  for (const [where, value] of Object.entries(planted)) expect(out, where).not.toContain(value);
  // What a checklist needs is still there: which keys there are, and what a library was told.
  expect(out).toContain('"app.yaml":"(redacted)"');
  expect(out).toContain('{"name":"NCCL_DEBUG","value":"INFO"}');
});

test('a whole Secret that somebody hands over keeps only its keys', () => {
  const [secret] = secretive;
  expect(redactObject(secret as KubeObject)['data']).toEqual({ token: '(redacted)' });
});

test('no credential of a known shape survives in any text around it', () => {
  const word = fc.stringMatching(/^[a-z ]{0,20}$/);
  const credential = fc.constantFrom(planted.env, planted.aws, planted.bearer, planted.annotation);
  fc.assert(
    fc.property(word, credential, word, (before, value, after) => {
      expect(redactText(`${before} ${value} ${after}`)).not.toContain(value);
    }),
  );
});
