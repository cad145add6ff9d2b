import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { evaluate } from '../../src/checklist/evaluate.ts';
import { buildIndex, type IndexInput } from '../../src/checklist/evidence-index.ts';
import { podFacts, rowFacts } from '../../src/checklist/pod-facts.ts';
import type { Predicate } from '../../src/checklist/predicate.ts';
import { compileCondition, operators } from '../../src/checklist/predicate.ts';
import type { SubjectReport } from '../../src/checklist/report.ts';
import { loadPack } from '../../src/checklist/rule-pack.ts';
import { type Rules, rulesOf } from '../../src/checklist/rules.ts';
import { trueState } from '../../src/checklist/true-state.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { pods } from '../../src/resources/pods.ts';
import { ago, crashed, creating, ended, event, node, now, pending, pod, waiting } from './world.ts';

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
  loadPack(text).problems.map(
    ({ line, message, level }) => `${line}: ${level === 'warning' ? '! ' : ''}${message}`,
  );

function rules(...texts: readonly string[]): Rules {
  const packs = texts.map((text) => {
    const { pack, problems: found } = loadPack(text);
    expect(found.filter(({ level }) => level === 'error')).toEqual([]);
    return pack;
  });
  const made = rulesOf(packs.filter((pack) => pack !== undefined));
  if (made === undefined) throw new Error('no pack');
  return made;
}

function reportBy(
  added: Rules | undefined,
  subject: KubeObject,
  more: Partial<IndexInput> = {},
): SubjectReport {
  const index = buildIndex({ now, ...more, objects: [subject, ...(more.objects ?? [])] });
  return evaluate(index, subject, added === undefined ? {} : { added });
}

const stateBy = (when: string, more = ''): string =>
  `${head}states:\n  - id: acme.a\n    when: ${when}\n    label: it holds\n${more}`;

const holds = (when: string, subject: KubeObject, given: Partial<IndexInput> = {}, more = ''): boolean =>
  reportBy(rules(stateBy(when, more)), subject, given).state === 'acme.a';

const rowState = (added: Rules | undefined, subject: KubeObject, at = now) =>
  trueState(pods.toRow(subject, { server: undefined }), { now: at, eventsOf: () => [] }, 0, added);

const logs = (text: string): Partial<IndexInput> => ({ logs: { 'ml/web-1/main': text } });

describe('states of a pack', () => {
  test('are told with captures, cause and command', () => {
    const report = reportBy(rules(licence), pod(), logs('waiting for license s7'));
    expect(report).toMatchObject({
      state: 'acme.license-wait',
      headline: 'license wait s7',
      severity: 'warn',
    });
    expect(report.causes[0]).toMatchObject({
      id: 'acme.license-down',
      verdict: 'likely',
      text: 'license server lic-1 is down',
      fixes: [{ argv: ['kubectl', '-n', 'ml', 'rollout', 'restart', 'deploy/lic-1'], risk: 'cluster' }],
    });
  });

  test('that hang on a log which nobody read are not raised, and the log is asked for', () => {
    const report = reportBy(rules(licence), pod());
    expect(report.severity).toBe('none');
    expect(report.wants).toMatchObject([{ kind: 'log', pod: 'web-1', container: 'main', previous: false }]);
    expect(reportBy(rules(licence), pod({ status: { phase: 'Pending' } })).wants).toEqual([]);
  });

  test('stand in the column of true states, by what a row knows', () => {
    const added = rules(
      stateBy("{path: 'metadata.labels[\\'app\\']', op: eq, value: web}", '    severity: warn\n').replaceAll(
        "\\'",
        "''",
      ),
    );
    expect(rowState(added, pod())).toMatchObject({ state: 'acme.a', label: 'it holds', severity: 'warn' });
    expect(rowState(undefined, pod())).toMatchObject({ state: '', severity: 'none' });
  });

  test('yield to what is worse, and stand before what is as bad', () => {
    const sick = pod(crashed(ended(137, 'OOMKilled')));
    const whatever = '{path: metadata.name, op: eq, value: web-1}';
    const warns = rules(stateBy(whatever, '    severity: warn\n'));
    expect(reportBy(warns, sick)).toMatchObject({ state: 'H4', overlays: [{ state: 'acme.a' }] });
    expect(rowState(warns, sick).state).toBe('H4');
    const fails = rules(stateBy(whatever));
    expect(reportBy(fails, sick).state).toBe('acme.a');
    expect(rowState(fails, sick).state).toBe('acme.a');
    const later = rules(stateBy(whatever, '    priority: 900\n'));
    expect(reportBy(later, sick).state).toBe('H4');
  });

  test('do not say that a station was passed which is broken', () => {
    const sick = pod(crashed(ended(1, 'Error')));
    const report = reportBy(
      rules(stateBy('{path: metadata.name, op: eq, value: web-1}', '    gate: progressing\n')),
      sick,
    );
    expect(report).toMatchObject({
      state: 'acme.a',
      overlays: [{ state: 'H1' }],
      gates: { started: 'pass', staysUp: 'fail', ready: 'notReached', progressing: 'fail' },
    });
  });

  test('say nothing of a pod that is being deleted, unless they ask', () => {
    const leaving = pod({ metadata: { deletionTimestamp: ago(-20), deletionGracePeriodSeconds: 30 } });
    expect(holds('{path: status.phase, op: eq, value: Running}', leaving)).toBe(false);
    expect(holds('{path: metadata.deletionTimestamp, op: exists}', leaving)).toBe(true);
  });

  test('may be about any kind that has a checklist', () => {
    const added = rules(
      `${head}states:\n  - id: acme.fabric\n    subject: Node\n    when: {path: 'status.conditions[type=FabricHealthy].status', op: eq, value: 'False'}\n    label: 'fabric of {{ pod }} is down'\n`,
    );
    const sick = node('gpu-1', { status: { conditions: [{ type: 'FabricHealthy', status: 'False' }] } });
    expect(reportBy(added, sick)).toMatchObject({
      state: 'acme.fabric',
      headline: 'fabric of gpu-1 is down',
    });
  });
});

describe('conditions', () => {
  test.each([
    ['{path: status.phase, op: in, value: [Running, Pending]}', true],
    ['{path: status.phase, op: notIn, value: [Running]}', false],
    ["{path: 'spec.containers[name=main].image', op: matches, value: '^registry\\.corp/'}", true],
    ["{path: 'spec.containers[*].image', op: contains, value: 'web:1'}", true],
    ['{path: spec.priority, op: absent}', true],
    ['{path: metadata.creationTimestamp, op: ageGt, value: 59m}', true],
    ['{path: metadata.creationTimestamp, op: ageLt, value: 59m}', false],
    ['{path: metadata.name, op: eq, valuePath: metadata.labels.app}', false],
    ['{path: node.metadata.name, op: eq, valuePath: spec.nodeName}', true],
    ['{path: node.spec.unschedulable, op: eq, value: true}', false],
    ['{path: owner.kind, op: exists}', false],
    ['{not: {path: owner.kind, op: exists}}', true],
    ['{state: healthy}', true],
    ['{fact: restarts, op: eq, value: 0}', true],
    ['{fact: req.gpu, op: eq, value: 0}', true],
    ['{fact: req, args: {resource: memory}, op: eq, value: 0}', true],
    ['{fact: killer, op: eq, value: none}', true],
    ['{metric: {name: gpuBusy, op: lt, value: 0.1}}', true],
    ['{metric: {name: gpuBusy, op: lt, value: 0.1, for: 20m}}', true],
    ['{metric: {name: gpuBusy, op: lt, value: 0.1, for: 2h}}', false],
    ['{metric: {name: volume, op: gt, value: 0.1}}', false],
    ['{not: {metric: {name: volume, op: gt, value: 0.1}}}', false],
    ['{fact: gpu.activity, op: eq, value: idle}', true],
    ['{event: {reason: [Unhealthy], match: "probe failed", within: 10m}}', true],
    ['{event: {reason: Unhealthy, within: 30s}}', false],
    ['{event: {reason: Rebooted, onUid: node}}', false],
    ['{log: {signature: cuda-oom}}', true],
    ['{log: {match: "^step 1$", lastN: 1}}', false],
    ['{log: {match: "^step 1$"}}', true],
    ['{fact: log.signature, op: eq, value: cuda-oom}', true],
    ['{fact: service.readyEndpoints, args: {name: lic, ns: ml}, op: gte, value: 2}', true],
    ['{fact: service.readyEndpoints, args: {name: other, ns: ml}, op: eq, value: 0}', true],
    ['{fact: service.readyEndpoints, args: {name: lic, ns: elsewhere}, op: eq, value: 0}', true],
    ['{fact: node.ready, op: eq, value: true}', true],
  ])('%s is %s', (when, expected) => {
    const given: Partial<IndexInput> = {
      ...logs('step 1\ntorch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\nstep 2'),
      usage: { 'ml/web-1': { gpuBusy: 0.01, forMs: 1_800_000 } },
      listed: ['EndpointSlice', 'Service'],
      objects: [
        node('gpu-1'),
        event('Unhealthy', 'Readiness probe failed: refused', { age: 120 }),
        {
          apiVersion: 'discovery.k8s.io/v1',
          kind: 'EndpointSlice',
          metadata: { name: 'lic-1', namespace: 'ml', labels: { 'kubernetes.io/service-name': 'lic' } },
          endpoints: [
            { addresses: ['10.0.0.1'], conditions: { ready: true } },
            { addresses: ['10.0.0.2'], conditions: {} },
            { addresses: ['10.0.0.3'], conditions: { ready: false } },
          ],
        },
      ],
    };
    // On top of everything built in, so that only the condition decides.
    const added = rules(stateBy(when, '    severity: fail\n'));
    const index = buildIndex({ now, ...given, objects: [pod(), ...(given.objects ?? [])] });
    const [subject] = index.objects;
    const asked = added.pods[0]?.ask(podFacts(subject as KubeObject, index));
    expect(asked?.match !== undefined).toBe(expected);
  });

  test('forEach goes through containers, and names the one', () => {
    const added = rules(
      `${head}states:\n  - id: acme.limit\n    forEach: containers\n    when: {path: $c.resources.limits.memory, op: absent}\n    severity: info\n    label: 'container {{ c }} ({{ $c.image | trunc(12) }}) has no limit'\n`,
    );
    const two = pod({
      spec: {
        containers: [
          { name: 'main', image: 'a/b:1', resources: { limits: { memory: '1Gi' } } },
          { name: 'helper', image: 'registry.corp/helper:12' },
        ],
      },
    });
    expect(reportBy(added, two).headline).toBe('container helper (registry.co…) has no limit');
    expect(rowState(added, two).label).toBe('container helper (registry.co…) has no limit');
  });

  test('what a row says is never against what the whole object says', () => {
    const world = [
      pod(),
      pod(crashed(ended(42, 'Error', { message: 'no dataset' }))),
      pod(creating(100)),
      pod(pending('0/3 nodes are available: 3 Insufficient nvidia.com/gpu.')),
      pod({ status: { containerStatuses: [waiting('ImagePullBackOff', 'denied')] } }),
    ];
    const paths = [
      'status.phase',
      'spec.nodeName',
      'metadata.labels.app',
      'metadata.finalizers',
      'spec.volumes',
      'spec.hostNetwork',
      'spec.containers[*].image',
      'spec.containers[name=main].env',
      'status.conditions[type=Ready].status',
      'status.conditions[type=Initialized].status',
      'status.containerStatuses[name=main].restartCount',
      'status.containerStatuses[name=main].lastState.terminated.exitCode',
      'status.containerStatuses[name=main].state.waiting.reason',
      'status.containerStatuses[name=main].state.running.startedAt',
      'metadata.annotations.x',
      'owner.kind',
    ];
    const leaf = fc.record({
      path: fc.constantFrom(...paths),
      op: fc.constantFrom(
        ...operators.filter((op) => !['matches', 'ageGt', 'ageLt', 'in', 'notIn'].includes(op)),
      ),
      value: fc.constantFrom<unknown>(
        'Running',
        'web',
        'gpu-1',
        'True',
        0,
        5,
        42,
        'main',
        'CrashLoopBackOff',
      ),
    }) as fc.Arbitrary<Predicate>;
    const { condition } = fc.letrec<{ condition: Predicate }>((tie) => ({
      condition: fc.oneof(
        { maxDepth: 2 },
        leaf,
        fc.record({ not: tie('condition') }),
        fc.record({ all: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
        fc.record({ any: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
      ),
    }));
    fc.assert(
      fc.property(fc.constantFrom(...world), condition, (subject, raw) => {
        const asked = compileCondition(raw);
        const index = buildIndex({ objects: [subject], now });
        const whole = asked({ facts: podFacts(subject, index), bound: undefined }).truth;
        const row = rowFacts(pods.toRow(subject, { server: undefined }), { now });
        const byRow = asked({ facts: row, bound: undefined }).truth;
        expect([undefined, whole]).toContain(byRow);
      }),
      { numRuns: 1500 },
    );
  });
});

describe('checks and causes', () => {
  const checked = `${head}params: {service: license}
states:
  - {id: acme.wait, when: {log: {match: waiting for license}}, label: waits for a licence, severity: warn}
checks:
  - id: acme.server
    title: The licence server has endpoints
    for: [acme.wait]
    requires: [services, endpointslices]
    expect: {fact: service.readyEndpoints, args: {name: "{{ params.service }}", ns: ml}, op: gte, value: 1}
    evidence: [{label: ready endpoints, value: "{{ actual }}", jump: "svc/ml/{{ params.service }}"}]
    onFail: {cause: acme.down}
causes:
  - {id: acme.seats, text: all seats are taken, verdict: {likely: [acme.wait]}, refutes: [acme.never]}
  - {id: acme.down, text: the licence server is down, verdict: {proven: [acme.server]}}
`.replace(', refutes: [acme.never]', '');

  test('a check that fails proves its cause, which then comes first', () => {
    const report = reportBy(rules(checked), pod(), {
      ...logs('waiting for license'),
      listed: ['Service', 'EndpointSlice'],
    });
    expect(report.causes.map(({ id, verdict }) => `${id} ${verdict}`)).toEqual([
      'acme.down proven',
      'acme.seats likely',
    ]);
    expect(report.items.find(({ id }) => id === 'acme.server')).toMatchObject({
      status: 'fail',
      evidence: [
        { label: 'service.readyEndpoints', value: '0' },
        { label: 'ready endpoints', value: '0', ref: { kind: 'Service', namespace: 'ml', name: 'license' } },
      ],
    });
  });

  test('what was not listed is unknown, and proves nothing', () => {
    const report = reportBy(rules(checked), pod(), logs('waiting for license'));
    expect(report.items.find(({ id }) => id === 'acme.server')).toMatchObject({
      status: 'unknown',
      why: 'notWatched',
    });
    expect(report.causes.map(({ id }) => id)).toEqual(['acme.seats']);
  });

  test('words alone prove nothing, whatever the pack says', () => {
    const claim = checked.replace('likely: [acme.wait]', 'proven: [acme.wait]');
    expect(reportBy(rules(claim), pod(), logs('waiting for license')).causes[0]).toMatchObject({
      id: 'acme.seats',
      verdict: 'likely',
    });
  });
});

describe('checks for built-in states', () => {
  const share = `${head}checks:
  - {id: acme.quota, title: The namespace is not frozen, for: [H4], expect: {path: ns.metadata.labels.frozen, op: absent}, onFail: {cause: acme.frozen}}
causes:
  - {id: acme.frozen, text: 'namespace {{ ns }} is frozen: its limits are halved'}
`;

  test('add their answer and their cause, behind what is proven', () => {
    const sick = pod(crashed(ended(137, 'OOMKilled')));
    const frozen = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'ml', labels: { frozen: 'yes' } },
    };
    const { causes } = reportBy(undefined, sick);
    const report = reportBy(rules(share), sick, { objects: [frozen] });
    expect(report.state).toBe('H4');
    expect(report.causes.map(({ id }) => id)).toEqual([
      causes[0]?.id,
      'acme.frozen',
      ...causes.slice(1).map(({ id }) => id),
    ]);
    expect(report.items.find(({ id }) => id === 'acme.quota')).toMatchObject({
      status: 'fail',
      gate: 'staysUp',
    });
    expect(reportBy(rules(share), sick).items.find(({ id }) => id === 'acme.quota')?.status).toBe('unknown');
  });
});

describe('exit codes', () => {
  const codes = `${head}exitCodes:
  - {image: 'corp/train:*', code: [42, 43], means: dataset version missing, cause: acme.dataset}
  - {code: 137, means: killed by our watchdog}
`;
  const ends = (code: number, reason = 'Error', image = 'registry.io/corp/train:7'): KubeObject =>
    pod({ ...crashed(ended(code, reason)), spec: { containers: [{ name: 'main', image }] } });

  test('of an image say what the site means by them, in the column and in the checklist', () => {
    const added = rules(codes);
    expect(reportBy(added, ends(42))).toMatchObject({
      state: 'acme.dataset',
      headline: 'exit 42: dataset version missing',
      causes: [{ id: 'acme.dataset', verdict: 'proven' }],
    });
    expect(rowState(added, ends(43))).toMatchObject({
      label: 'exit 43: dataset version missing',
      severity: 'bad',
    });
    expect(reportBy(added, ends(42, 'Error', 'registry.io/other:7')).state).toBe('H1');
  });

  test('do not hide who really ended it', () => {
    expect(reportBy(rules(codes), ends(137)).headline).toBe('exit 137: killed by our watchdog');
    expect(reportBy(rules(codes), ends(137, 'OOMKilled')).state).toBe('H4');
  });
});

describe('overrides', () => {
  const change = (text: string): Rules => rules(`${head}overrides: [${text}]\n`);

  test('switch a state off, so that the next one that holds is told', () => {
    const sick = pod(crashed(ended(1, 'Error')));
    expect(reportBy(change('{id: crash.app, disabled: true}'), sick).state).not.toBe('H1');
    expect(rowState(change('{id: H1, disabled: true}'), sick).state).not.toBe('H1');
  });

  test('change severity and words of a state', () => {
    const added = change("{id: H4, severity: warn, label: 'memory: {{ headline }} on {{ node }}'}");
    const sick = pod(crashed(ended(137, 'OOMKilled')));
    const { headline } = reportBy(undefined, sick);
    expect(reportBy(added, sick)).toMatchObject({
      severity: 'warn',
      headline: `memory: ${headline} on gpu-1`,
    });
    expect(rowState(added, sick)).toMatchObject({ state: 'H4', severity: 'warn' });
  });

  test('change text and commands of a cause', () => {
    const sick = pod(crashed(ended(137, 'OOMKilled')));
    const id = reportBy(undefined, sick).causes[0]?.id ?? '';
    const added = change(
      `{id: ${id}, text: 'ask #gpu-help: {{ text }}', fixes: [{title: Ask, risk: read, argv: [kubectl, -n, '{{ ns }}', get, pod, '{{ pod }}']}]}`,
    );
    expect(reportBy(added, sick).causes[0]).toMatchObject({
      id,
      text: expect.stringMatching(/^ask #gpu-help: /),
      fixes: [{ title: 'Ask', argv: ['kubectl', '-n', 'ml', 'get', 'pod', 'web-1'] }],
    });
  });

  test('move thresholds', () => {
    const restarted = pod({
      status: {
        containerStatuses: [
          {
            name: 'main',
            ready: true,
            restartCount: 4,
            state: { running: { startedAt: ago(500) } },
            lastState: { terminated: ended(1, 'Error', { finishedAt: ago(520) }) },
          },
        ],
      },
    });
    expect(reportBy(undefined, restarted).state).toBe('H12');
    expect(rowState(undefined, restarted).state).toBe('H12');
    const calmer = change('{id: H12, params: {restarts: 10}}');
    expect(reportBy(calmer, restarted).state).toBe('healthy');
    expect(rowState(calmer, restarted).state).toBe('');
  });

  test('of nodes hold as well', () => {
    const lost = node('gpu-1', {
      status: { conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: ago(900) }] },
    });
    const { state, severity } = reportBy(undefined, lost);
    expect(severity).toBe('bad');
    expect(reportBy(change(`{id: ${state}, disabled: true}`), lost).state).not.toBe(state);
  });
});

describe('lint', () => {
  test.each([
    [`states:\n  - id: acme.a\n    when: {path: 'status..x', op: exists}`, /^6: status\.\.x: not a path/],
    [
      `states:\n  - id: acme.a\n    when: {path: status.phase, op: equals, value: x}`,
      /^6: op equals: one of/,
    ],
    [`states:\n  - id: acme.a\n    when: {path: status.phase, op: eq}`, /^6: eq needs a value/],
    [`states:\n  - id: acme.a\n    when: {path: $c.image, op: exists}`, /^6: \$c needs forEach/],
    [`states:\n  - id: acme.a\n    when: {path: a, op: exists}\n    gate: g99`, /^7: gate g99/],
    [
      `states:\n  - id: acme.a\n    when: {path: a, op: exists}\n    sevrity: warn`,
      /^7: unknown key sevrity.*did you mean severity/,
    ],
    [
      `states:\n  - id: acme.a\n    when: {fact: kiler, op: exists}`,
      /^6: no fact kiler.*did you mean killer/,
    ],
    [
      `states:\n  - id: acme.a\n    when: {fact: service.readyEndpoints, op: exists}`,
      /^6: fact .* needs args: \{name/,
    ],
    [`states:\n  - id: acme.a\n    when: {metric: {name: gpu, op: gt, value: 1}}`, /^6: metric gpu: one of/],
    [`states:\n  - id: acme.a\n    when: {log: {match: '(?=x)'}}`, /^6: pattern: look-around/],
    [`states:\n  - id: acme.a\n    when: {log: {}}`, /^6: a log is asked for by match or by signature/],
    [`states:\n  - id: acme.a\n    when: {event: {reason: X, within: soon}}`, /^6: an age is written/],
    [`states:\n  - id: acme.a\n    when: {state: H99}`, /^6: no built-in state H99/],
    [
      `states:\n  - id: acme.a\n    when: {path: a, op: exists}\n    label: '{{ captures.x }}'`,
      /^7: nothing captures x/,
    ],
    [
      `states:\n  - id: acme.a\n    when: {path: a, op: exists}\n    label: '{{ params.x }}'`,
      /^7: no parameter x/,
    ],
    [
      `states:\n  - id: acme.a\n    when: {path: a, op: exists}\n    label: '{{ pdo }}'`,
      /^7: \{\{ pdo \}\} is neither/,
    ],
    [
      `states:\n  - {id: acme.a, when: {path: a, op: exists}}\n  - {id: acme.a, when: {path: a, op: exists}}`,
      /^6: acme\.a stands twice/,
    ],
    [`states:\n  - {id: H4, when: {path: a, op: exists}}`, /^5: H4 is a built-in id|^5: states: an id/],
    [`fixes:\n  - {id: acme.f, title: x, argv: [sh, -c, "rm -rf /"]}`, /^5: sh may not be run/],
    [`causes:\n  - {id: acme.c, text: x, fixes: [acme.f]}`, /^5: no fix acme\.f/],
    [`overrides: [{id: C99, disabled: true}]`, /^4: override of C99: no such built-in id/],
    [
      `overrides: [{id: J8, params: {stalMinutes: 3}}]`,
      /^4: J8 knows stallMinutes, longPhaseMinutes, not stalMinutes/,
    ],
    [
      `overrides: [{id: H4.limit, disabled: true}]`,
      /^4: H4\.limit is a cause: disabled stands with its state H4/,
    ],
    [`exitCodes: [{code: 300, means: x}]`, /^4: code is a number from 0 to 255/],
    [`tests: [{name: x, given: {}, want: {}}]`, /^4: want is empty/],
    [`reads: [unicorns]`, /^4: reads unicorns/],
    [`x: &a [1]\nstates: *a`, /^(?:4|5): /],
  ])('%s', (text, problem) => {
    const found = problems(`${head}${text}\n`);
    expect(found.filter((line) => problem.test(line))).not.toEqual([]);
  });

  test('an index into a list is only warned of', () => {
    const text = stateBy("{path: 'spec.containers[0].image', op: exists}");
    expect(problems(text)).toEqual([expect.stringMatching(/^6: ! a number depends on the order/)]);
    expect(loadPack(text).pack).toBeDefined();
  });

  test('a pack may need a newer mltop', () => {
    const asking = (needs: string): string => head.replace('version: 1.0.0', `mltop: '${needs}'`);
    const found = (needs: string): readonly string[] =>
      loadPack(asking(needs), '0.10.2').problems.map(({ line, message }) => `${line}: ${message}`);
    expect(found('>=0.3')).toEqual([]);
    expect(found('>=0.10.2')).toEqual([]);
    expect(found('>=1')).toEqual(['3: the pack needs mltop 1, this is 0.10.2']);
    expect(found('newest')).toEqual(['3: mltop is the least version: ">=0.3"']);
  });

  test('a condition has at most 40 parts', () => {
    const parts = Array.from({ length: 50 }, () => '{path: a, op: exists}').join(', ');
    expect(problems(stateBy(`{all: [${parts}]}`))).toEqual(['6: a condition has at most 40 parts']);
  });
});

/** Every key of the language once. */
const everything = `${head}params: {p: 1}
reads: [pods]
states:
  - {id: acme.a, subject: Pod, forEach: containers, when: {all: [{path: $c.image, op: matches, value: x}, {not: {fact: killer, args: {container: $c}, op: eq, value: oom}}]}, gate: g11, severity: warn, label: 'a {{ c }}', priority: 10, cause: acme.c}
  - {id: acme.b, when: {any: [{log: {match: 'license (?<x>\\w+)', previous: false, lastN: 5, container: main}}, {event: {reason: [A], match: b, within: 5m, onUid: node, container: main}}, {metric: {name: memory, op: gt, value: 0.5, for: 5m}}, {state: H4}, {path: metadata.name, op: in, value: [a, web-1]}, {path: metadata.name, op: eq, valuePath: spec.nodeName}]}, label: 'b {{ captures.x }}'}
  - {id: acme.n, subject: Node, when: {path: metadata.name, op: exists}}
checks:
  - {id: acme.k, title: t, for: [acme.a, acme.b, H4], order: 1, forEach: containers, requires: [services], severity: warn, expect: {path: $c.name, op: absent}, evidence: [{label: l, value: '{{ actual }}', jump: 'svc/a/b'}], onFail: {cause: acme.c}}
causes:
  - {id: acme.c, text: 'c {{ pod }}', fixes: [acme.f], verdict: {proven: [acme.k], likely: [acme.a], possible: [acme.b]}, refutes: [acme.k]}
fixes:
  - {id: acme.f, title: f, argv: [kubectl, get, pod, '{{ pod }}'], risk: read, note: n, docs: d, preflight: [{verb: get, group: '', resource: pods, ns: a}]}
overrides:
  - {id: H4, disabled: false, severity: warn, label: 'x {{ headline }}', params: {}, fixes: [acme.f, {title: g, argv: [kubectl, version], risk: read}]}
  - {id: H4.limit, text: 'y {{ text }}', fixes: [acme.f]}
  - {id: H12, params: {restarts: 5}}
exitCodes: [{image: '*', code: [42], means: m, severity: fail, cause: acme.c, docs: d}]
tests: [{name: n, given: {pod: {}}, want: {state: acme.a, not: [H1]}}]
`;

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Place = readonly (string | number)[];

const placesOf = (value: Json): readonly Place[] =>
  typeof value !== 'object' || value === null
    ? [[]]
    : [
        [],
        ...Object.entries(value).flatMap(([key, inner]) =>
          placesOf(inner as Json).map((rest) => [Array.isArray(value) ? Number(key) : key, ...rest]),
        ),
      ];

function replacedAt(value: unknown, [first, ...rest]: Place, by: unknown): unknown {
  if (first === undefined) return by;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<
    string | number,
    unknown
  >;
  copy[first] = replacedAt(copy[first], rest, by);
  return copy;
}

describe('hostile packs', () => {
  test('the pack with every key is right', () => {
    expect(problems(everything)).toEqual([]);
  });

  test.each([
    ['nesting of brackets', `${head}states: ${'['.repeat(200_000)}`],
    ['nesting of maps', `${head}states: ${'{a: '.repeat(60_000)}`],
    [
      'nesting of blocks',
      `${head}${Array.from({ length: 2000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')}`,
    ],
    ['nesting in one line', `${head}states: \n  ${'- '.repeat(100_000)}x`],
    ['a billion laughs', `a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\nd: [*c, *c, *c]\n`],
    ['a circle', `a: &a [*a]\n`],
    ['size', `${head}x: ${'y'.repeat(300_000)}`],
    ['a tag', `${head}states: !!js/function 'function () {}'\n`],
    ['nothing', ''],
    ['a list', '- a\n'],
    ['a prototype', `${head}__proto__: {states: 1}\nconstructor: 2\n`],
    ['control characters', '\u0000\u0007\u001b[31m'],
  ])('%s is refused, not followed', (_, text) => {
    const { pack, problems: found } = loadPack(text);
    expect(pack).toBeUndefined();
    expect(found.length).toBeGreaterThan(0);
    expect(found.every(({ line }) => line >= 1)).toBe(true);
  });

  test('no text makes it throw', () => {
    const word = fc.constantFrom(
      'states',
      'when',
      'all',
      'path',
      'op',
      'eq',
      'value',
      'id',
      'acme.a',
      'x',
      'log',
      'match',
      '(a',
      'overrides',
      'tests',
      'params',
    );
    const value = fc.letrec<{ any: unknown }>((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        word,
        fc.integer(),
        fc.constant(null),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(word, tie('any'), { maxKeys: 4 }),
      ),
    })).any;
    fc.assert(
      fc.property(fc.dictionary(word, value, { maxKeys: 5 }), (body) => {
        const text = JSON.stringify({
          apiVersion: 'mltop.dev/v1alpha1',
          kind: 'RulePack',
          metadata: { name: 'x' },
          ...body,
        });
        expect(() => loadPack(text)).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });

  test('a pack with anything in a place of it is refused, or asks without a fault', () => {
    const whole = parse(everything) as Json;
    const places = placesOf(whole);
    const junk = fc.constantFrom<unknown>(
      null,
      true,
      -1,
      1e9,
      0.5,
      '',
      'x',
      '{{',
      '{{ captures.x }}',
      '{{ pod',
      '(',
      '$c.image',
      'status..',
      [],
      ['x'],
      [[]],
      {},
      { x: 1 },
      { path: 'status.phase', op: 'eq', value: 1 },
      [{ id: 'acme.q' }],
      'H4',
      'acme.a',
      '__proto__',
      'constructor',
    );
    const worlds = [
      pod(),
      pod(crashed(ended(42, 'Error'))),
      pod(crashed(ended(137, 'OOMKilled'))),
      node('gpu-1'),
    ];
    let usable = 0;
    fc.assert(
      fc.property(fc.constantFrom(...places), junk, fc.constantFrom(...worlds), (place, value, subject) => {
        const { pack } = loadPack(JSON.stringify(replacedAt(whole, place, value)));
        if (pack === undefined) return;
        usable += 1;
        const added = rulesOf([pack]);
        reportBy(added, subject, logs('waiting for license s7'));
        if (subject.kind === 'Pod') rowState(added, subject);
      }),
      { numRuns: 3000 },
    );
    expect(usable).toBeGreaterThan(100);
  });

  test.each(['$(reboot)', '--all', '-A', 'a b', 'x;y', '../../etc', '"', ''])(
    'what comes from the cluster into a command must be a name: %s is none',
    (word) => {
      const text = licence
        .replace('deploy/{{ params.server }}', '{{ captures.seat }}')
        .replace('(?<seat>\\w+)', '(?<seat>.*)');
      const report = reportBy(rules(text), pod(), logs(`waiting for license ${word}`));
      expect(report.causes[0]?.fixes).toEqual([]);
    },
  );

  test('what comes from the cluster into a headline is one clean line', () => {
    const text = licence.replace('(?<seat>\\w+)', '(?<seat>.*)');
    const report = reportBy(rules(text), pod(), logs('waiting for license \u001b]0;x\u0007s\u202e7'));
    expect(report.headline).not.toMatch(/[\u0000-\u001f\u202e]/);
  });

  test('a pattern that would take others for ever decides nothing, soon', () => {
    expect(holds("{log: {match: '(a|aa)+$'}}", pod(), logs(`${'a'.repeat(60_000)}!`))).toBe(false);
  });
});
