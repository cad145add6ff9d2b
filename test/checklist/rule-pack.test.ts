import { expect, test } from 'vitest';
import { evaluate } from '../../src/checklist/evaluate.ts';
import { buildIndex } from '../../src/checklist/evidence-index.ts';
import { addedStates, loadPack } from '../../src/checklist/rule-pack.ts';
import { now, pod } from './world.ts';

const head = 'apiVersion: mltop.dev/v1alpha1\nkind: RulePack\nmetadata: {name: acme, version: 1.0.0}\n';
const licence = `${head}params: {server: lic-1}
states:
  - id: acme.license-wait
    when: {all: [{path: status.phase, op: eq, value: Running}, {log: {match: 'waiting for license (?<seat>\\w+)'}}]}
    gate: g15
    severity: warn
    label: "license wait {{ captures.seat }}"
    cause: acme.license-down
causes:
  - {id: acme.license-down, text: "license server {{ params.server }} is down", fixes: [acme.restart]}
fixes:
  - {id: acme.restart, title: Restart it, risk: cluster, argv: [kubectl, -n, "{{ namespace }}", rollout, restart, "deploy/{{ params.server }}"]}
`;

const problems = (text: string): readonly string[] =>
  loadPack(text).problems.map(({ line, message }) => `${line}: ${message}`);

test('a state of a pack is told with its captures, its cause and its command', () => {
  const { pack } = loadPack(licence);
  const index = buildIndex({ objects: [pod()], now, logs: { 'ml/web-1/main': 'waiting for license s7' } });
  const [subject] = index.objects;
  const report =
    subject && evaluate(index, subject, { added: addedStates(pack === undefined ? [] : [pack]) });
  expect(report).toMatchObject({ state: 'acme.license-wait', headline: 'license wait s7', severity: 'warn' });
  expect(report?.causes[0]).toMatchObject({
    id: 'acme.license-down',
    text: 'license server lic-1 is down',
    fixes: [{ argv: ['kubectl', '-n', 'ml', 'rollout', 'restart', 'deploy/lic-1'] }],
  });
});

test('without the log the state is unknown, and so not raised', () => {
  const { pack } = loadPack(licence);
  const index = buildIndex({ objects: [pod()], now });
  const [subject] = index.objects;
  expect(
    subject && evaluate(index, subject, { added: addedStates(pack === undefined ? [] : [pack]) }).severity,
  ).toBe('none');
});

test('exit codes of one image get their meaning', () => {
  const { pack } = loadPack(
    `${head}exitCodes: [{image: 'corp/web:*', code: 42, means: dataset version missing}]\n`,
  );
  const index = buildIndex({
    objects: [
      pod({
        spec: { containers: [{ name: 'main', image: 'registry.io/corp/web:7' }] },
        status: {
          conditions: [],
          containerStatuses: [
            {
              name: 'main',
              restartCount: 1,
              state: { waiting: { reason: 'CrashLoopBackOff' } },
              lastState: { terminated: { exitCode: 42, reason: 'Error' } },
            },
          ],
        },
      }),
    ],
    now,
  });
  const [subject] = index.objects;
  expect(pack?.compiled.length).toBe(1);
  expect(subject && pack?.compiled[0]?.id).toBe('acme.exit-42');
});

test('a built-in state can be switched off by its exact id', () => {
  const { pack } = loadPack(`${head}overrides: [{id: C12, disabled: true}]\n`);
  expect(pack?.disabled).toEqual(['C12']);
  expect(problems(`${head}overrides: [{id: C99, disabled: true}]\n`)).toEqual([
    '4: override of C99: no such built-in id',
  ]);
});

test('problems come with their lines', () => {
  expect(
    problems(`${head}states:\n  - id: acme.a\n    when: {path: 'status..', op: equals}\n    gate: g99\n`),
  ).toEqual(
    expect.arrayContaining([expect.stringMatching(/^6: op equals/), expect.stringMatching(/^7: gate g99/)]),
  );
  expect(problems(`${head}fixes:\n  - {id: acme.f, title: x, argv: [sh, -c, "rm -rf /"]}\n`)).toEqual([
    expect.stringMatching(/^5: sh may not be run/),
  ]);
  expect(problems(`${head}states:\n  - id: acme.a\n    when: {log: {match: '(a+)+$'}}\n`)).toEqual([
    expect.stringMatching(/^6: pattern: a repetition inside a repetition/),
  ]);
  expect(problems('a: [')).toHaveLength(1);
});

test('what comes from the cluster into a command must be a name', () => {
  const { pack } = loadPack(
    licence
      .replace('deploy/{{ params.server }}', 'deploy/{{ captures.seat }}')
      .replace('(?<seat>\\w+)', '(?<seat>.+)'),
  );
  const index = buildIndex({
    objects: [pod()],
    now,
    logs: { 'ml/web-1/main': 'waiting for license $(reboot)' },
  });
  const [subject] = index.objects;
  expect(
    subject &&
      evaluate(index, subject, { added: addedStates(pack === undefined ? [] : [pack]) }).causes[0]?.fixes,
  ).toEqual([]);
});
