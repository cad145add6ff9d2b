import { expect, test } from 'vitest';
import { type Gate, gates, type ItemStatus, type SubjectReport } from '../../src/checklist/report.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import type { Examination } from '../../src/state/examination.ts';
import type { Subject } from '../../src/state/subject.ts';
import { displayWidth } from '../../src/ui/text.ts';
import { type Given, givenScreen, listed, noon, podKind } from './given.tsx';

const pod: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    namespace: 'train',
    name: 'llama-0',
    uid: 'uid-0',
    creationTimestamp: new Date(noon - 3_600_000).toISOString(),
    ownerReferences: [
      { apiVersion: 'batch/v1', kind: 'Job', name: 'llama', uid: 'uid-job', controller: true },
    ],
  },
  spec: { nodeName: 'h100-07', containers: [{ name: 'main', image: 'train:1' }] },
  status: { phase: 'Running' },
};

const gatesUntil = (broken: Gate, status: ItemStatus): Record<Gate, ItemStatus> => {
  const at = gates.findIndex(({ id }) => id === broken);
  return Object.fromEntries(
    gates.map(({ id }, index) => [id, index < at ? 'pass' : index === at ? status : 'notReached']),
  ) as Record<Gate, ItemStatus>;
};

const broken: SubjectReport = {
  subject: { kind: 'Pod', namespace: 'train', name: 'llama-0' },
  status: 'CrashLoopBackOff',
  state: 'H4',
  id: 'oom.container',
  headline: 'OOM at limit 16Gi',
  severity: 'bad',
  causes: [
    {
      id: 'H4.limit',
      verdict: 'proven',
      text: 'out of memory: container main hit its memory limit 16Gi, 39s after it started',
      fixes: [
        {
          title: 'Raise the memory limit',
          argv: [
            'kubectl',
            '-n',
            'train',
            'set',
            'resources',
            'deployment/llama',
            '-c',
            'main',
            '--limits=memory=24Gi',
          ],
          risk: 'reversible',
          note: 'Argo CD manages this object and will revert the edit: change its source',
        },
        {
          title: 'Read the log of the run that ended',
          argv: ['kubectl', '-n', 'train', 'logs', 'llama-0', '--previous'],
          risk: 'read',
        },
      ],
    },
    { id: 'H4.leak', verdict: 'possible', text: 'the program leaks', fixes: [] },
  ],
  items: [
    {
      id: 'H4.memory',
      gate: 'staysUp',
      title: 'It stays within its memory',
      status: 'fail',
      evidence: [
        {
          label: 'last end',
          value: 'OOMKilled, exit 137',
          path: 'status.containerStatuses[main].lastState.terminated',
          at: noon - 180_000,
        },
        { label: 'node', value: 'has 41Gi free', ref: { kind: 'Node', namespace: '', name: 'h100-07' } },
      ],
    },
    {
      id: 'H4.usage',
      gate: 'staysUp',
      title: 'Memory used before the kill',
      status: 'unknown',
      why: 'noSource',
      evidence: [],
    },
    {
      id: 'F.image',
      gate: 'image',
      title: 'The image is on the node',
      status: 'pass',
      evidence: [{ label: 'pulled in', value: '8s' }],
    },
  ],
  gates: gatesUntil('staysUp', 'fail'),
  overlays: [{ state: 'H12', headline: '14 restarts', severity: 'warn' }],
  explainedBy: undefined,
  since: noon - 41 * 60_000,
  wants: [],
};

const well: SubjectReport = {
  ...broken,
  status: 'Running',
  state: 'healthy',
  id: 'healthy',
  headline: 'healthy',
  severity: 'none',
  causes: [],
  items: [],
  overlays: [],
  since: undefined,
};

const examined =
  (report: SubjectReport | undefined, more: Partial<Examination> = {}) =>
  (subject: Subject): Examination => ({
    subject,
    report,
    object: pod,
    progress: 'done',
    partial: [],
    atMs: noon,
    tookMs: 3,
    ...more,
  });

function given(columns: number, rows: number, examination: ReturnType<typeof examined>): Given {
  const screen = givenScreen({ columns, rows, examination });
  screen.cluster.apply(listed(podKind, [pod]), noon);
  screen.text();
  screen.type('D');
  return screen;
}

const body = (text: string): string => text.split('\n').slice(2, -2).join('\n');
const lastLines = (text: string): string => text.split('\n').slice(-2).join('\n');

test('at 120x36: on the left the life with its questions, on the right causes, commands and evidence', () => {
  expect(body(given(120, 36, examined(broken)).text())).toMatchInlineSnapshot(`
    " Pods(all) › Pod train/llama-0 checklist
      ✗ CrashLoopBackOff   OOM at limit 16Gi   for 41m
        Job llama   node h100-07   H4 oom.container
        also 14 restarts
     Life  1 fail  1 unknown  1 pass           │  Causes
     ✓ The object exists                       │   1 PROVEN out of memory: container main hit its memory limit 16Gi, 39s
     ✓ Admission lets its pods in              │            after it started
     ✓ No gate, queue or suspension holds it   │ >     Raise the memory limit (reversible)
     ✓ A node was found                        │ >     $ kubectl --context research -n train set resources deployment/llama
     ✓ The node takes it and is healthy        │ >       -c main --limits=memory=24Gi
     ✓ Volumes are attached and mounted        │ >       Argo CD manages this object and will revert the edit: change its
     ✓ Sandbox, network and devices are there  │ >       source
     ✓ The image is on the node                │       Read the log of the run that ended (reads only)
       ✓ The image is on the node              │       $ kubectl --context research -n train logs llama-0 --previous
     ✓ The container can be configured         │   2 POSSIBLE the program leaks
     ✓ The process starts                      │
     ✓ Init containers finish                  │  Checklist  1 fail  1 unknown  1 pass
     ✗ It stays up                             │   ✗ It stays within its memory  g11
       ✗ It stays within its memory            │       last end: OOMKilled, exit 137  3m ago
       ? Memory used before the kill           │         status.containerStatuses[main].lastState.terminated
     ◌ It is ready                             │       node: has 41Gi free
     ◌ Services list it                        │         Node h100-07
     ◌ It can be reached                       │   ? Memory used before the kill  nothing measures it
     ◌ Work moves on                           │   ✓ The image is on the node  pulled in 8s
                                               │
                                               │
                                               │
                                               │
                                               │
                                               │
                                               │
                                               │"
  `);
});

test('at 80x24 lines wrap, and how much is below is said', () => {
  const text = given(80, 24, examined(broken)).text();
  for (const line of text.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(80);
  expect(body(text)).toMatchInlineSnapshot(`
    " Pods(all) › Pod train/llama-0 checklist
      ✗ CrashLoopBackOff   OOM at limit 16Gi   for 41m
        Job llama   node h100-07   H4 oom.container
        also 14 restarts
      exists✓ adm✓ queue✓ sched✓ node✓ vol✓ net✓ img✓ cfg✓ start✓ init✓ up✗ ready◌
      ep◌ reach◌ prog◌

     Causes
      1 PROVEN out of memory: container main hit its memory limit 16Gi, 39s after
               it started
    >     Raise the memory limit (reversible)
    >     $ kubectl --context research -n train set resources deployment/llama -c
    >       main --limits=memory=24Gi
    >       Argo CD manages this object and will revert the edit: change its source
          Read the log of the run that ended (reads only)
          $ kubectl --context research -n train logs llama-0 --previous
      2 POSSIBLE the program leaks

     Checklist  1 fail  1 unknown  1 pass
      ↓ 7 below"
  `);
});

test('a healthy object gets one line', () => {
  const text = body(given(80, 24, examined(well)).text());
  expect(text).toContain('● Running   healthy');
  expect(text).toContain('Nothing is wrong with it.');
  expect(text).not.toContain('Cause');
});

test('what could not be read is said, and that more is on its way', () => {
  const more = { progress: 'asking', partial: ['Secret: secrets is forbidden'] } as const;
  const text = body(given(120, 36, examined(broken, more)).text());
  expect(text).toContain('Not read');
  expect(text).toContain('? Secret: secrets is forbidden');
  expect(text).toContain('still asking');
});

test('an object that is gone, or was never read', () => {
  expect(given(80, 24, examined(undefined, { progress: 'gone' })).text()).toContain(
    'This object does not exist any more.',
  );
  expect(given(80, 24, examined(undefined, { progress: 'asking' })).text()).toMatch(
    /Reading Pod train\/llama-0/,
  );
});

test('c copies the command with its context, of evidence the value', () => {
  const screen = given(120, 36, examined(broken));
  screen.text();
  screen.type('c');
  screen.type('jjj');
  screen.text();
  screen.type('c');
  expect(screen.done).toEqual([
    'copy kubectl --context research -n train set resources deployment/llama -c main --limits=memory=24Gi',
    'copy OOMKilled, exit 137',
  ]);
});

test('Enter goes to the object that the evidence names, and Esc comes back', () => {
  const screen = given(120, 36, examined(broken));
  screen.type('jjjj');
  screen.text();
  screen.type('\r');
  expect(screen.text().split('\n')[2]).toMatch(/Pod train\/llama-0 checklist › Nodes h100-07/);
  screen.type('\x1b');
  expect(screen.text()).toContain('OOM at limit 16Gi');
});

test('a fix is not run while nothing can be written, and says why', () => {
  const screen = given(120, 36, examined(broken));
  screen.type('r');
  expect(lastLines(screen.text())).toMatch(/There is no connection to a cluster\. c copies the command\./);
});

test('what only reads is shown at once', () => {
  const screen = given(120, 36, examined(broken));
  screen.type('j\r');
  expect(screen.text().split('\n')[2]).toMatch(/checklist › llama-0 previous lo/);
});

test('Y copies a summary for a ticket', async () => {
  const screen = given(120, 36, examined(broken));
  screen.text();
  screen.type('Y');
  await expect.poll(() => screen.done.length).toBe(1);
  expect(screen.done[0]).toMatchInlineSnapshot(`
    "copy ## Pod train/llama-0: OOM at limit 16Gi

    - context \`research\`, Kubernetes v1.36.3, mltop 0.1.0
    - STATUS \`CrashLoopBackOff\`
    - state H4 (oom.container)
    - since 2026-11-21T11:03:15Z
    - looked at 2026-11-21T11:44:15Z

    ### Causes

    1. **proven**: out of memory: container main hit its memory limit 16Gi, 39s after it started
       - Raise the memory limit (reversible): \`kubectl --context research -n train set resources deployment/llama -c main --limits=memory=24Gi\`; Argo CD manages this object and will revert the edit: change its source
       - Read the log of the run that ended (read): \`kubectl --context research -n train logs llama-0 --previous\`
    2. **possible**: the program leaks

    ### Evidence

    - It stays within its memory: last end \`OOMKilled, exit 137\` (\`status.containerStatuses[main].lastState.terminated\`), 2026-11-21T11:41:15Z
    - It stays within its memory: node \`has 41Gi free\`

    ### Not known

    - Memory used before the kill: nothing measures it
    "
  `);
});

test('the cursor stays in sight from the first line to the last', () => {
  const screen = given(80, 24, examined(broken));
  screen.type('G');
  expect(screen.text()).toMatch(/^> .*The image is on the node/m);
  screen.type('g');
  expect(screen.text()).toMatch(/^> .*Raise the memory limit/m);
});

test('names that try to move the cursor do not', () => {
  const hostile: KubeObject = {
    ...pod,
    metadata: {
      ...pod.metadata,
      ownerReferences: [
        { apiVersion: 'v1', kind: 'Job\x1b[2J', name: 'a\x1b]52;c;aGk=\x07b', uid: 'u', controller: true },
      ],
    },
  };
  const text = given(120, 36, examined(broken, { object: hostile })).text();
  expect(text).not.toContain('\x1b');
  expect(text).toMatch(/Job\S* a\S*b/);
});

test('at 120x36 the question that the cursor is at is marked on the left', () => {
  const screen = given(120, 36, examined(broken));
  screen.type('jjj');
  const line = screen
    .text()
    .split('\n')
    .find((each) => each.includes('last end: OOMKilled'));
  expect(line).toMatch(/│ >/);
  expect(screen.text()).toMatch(/^ › ✗ It stays within its memory +│/m);
  screen.type('jj');
  expect(screen.text()).toMatch(/^ › \? Memory used before the kill +│/m);
});

/** What was wrapped in the right pane, in one line again. */
const flat = (text: string): string =>
  text
    .split('\n')
    .map((line) =>
      line
        .replace(/^[^│]*│/, '')
        .replace(/^\s*>/, '')
        .trim(),
    )
    .join(' ');

test('a fix that one may not do says which right is missing', () => {
  const [first, ...others] = broken.causes;
  const refused: SubjectReport = {
    ...broken,
    causes: [
      {
        ...(first as (typeof broken.causes)[number]),
        fixes: (first?.fixes ?? []).map((fix) =>
          fix.risk === 'read'
            ? { ...fix, right: { allowed: 'yes' } }
            : { ...fix, right: { allowed: 'no', missing: ['patch deployments in train'] } },
        ),
      },
      ...others,
    ],
  };
  for (const [columns, rows] of [
    [80, 24],
    [120, 36],
  ] as const) {
    const text = flat(given(columns, rows, examined(refused)).text());
    expect(text).toContain('Raise the memory limit (reversible; no right: patch deployments in train)');
    expect(text).toContain('Read the log of the run that ended (reads only)');
  }
});

test.each([
  [80, 24],
  [120, 14],
  [120, 36],
  [200, 60],
])('at %ix%i no line is wider than the terminal, and what is out of sight is counted', (columns, rows) => {
  const screen = given(columns, rows, examined(broken));
  const first = body(screen.text()).split('\n');
  for (const line of first) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
  const isWhole = screen.text().includes('pulled in 8s');
  expect(/↓ \d+ below/.test(first.join('\n'))).toBe(!isWhole);
  screen.type('G');
  const last = body(screen.text());
  expect(last).toContain('pulled in 8s');
  expect(/↑ \d+ above/.test(last)).toBe(!isWhole);
});

test('at 120x36 the end of the log fills what is left, without what could move the cursor', () => {
  const logs = {
    'train/llama-0/main': '',
    'train/llama-0/main@previous': Array.from(
      { length: 40 },
      (_, line) => `2026-11-21T11:40:0${line % 10}.123Z step ${line} loss \x1b[2J0.${line}`,
    ).join('\n'),
  };
  const text = given(120, 36, examined(broken, { logs })).text();
  expect(text).not.toContain('\x1b');
  expect(text).toMatch(/│ {2}Log of the run before: main {2}last \d+ lines/);
  const steps = [...text.matchAll(/│ {3}step (\d+) loss/g)].map(([, step]) => Number(step));
  expect(steps.length).toBeGreaterThan(3);
  expect(steps).toEqual(steps.map((_, at) => 40 - steps.length + at));
  expect(given(80, 24, examined(broken, { logs })).text()).not.toContain('Log of the run before');
});

test.each([
  [80, 24],
  [120, 36],
])(
  'at %ix%i Enter goes to the object that the evidence names, and c copies what it says',
  (columns, rows) => {
    const screen = given(columns, rows, examined(broken));
    screen.type('jjjj');
    screen.text();
    screen.type('c');
    expect(screen.done).toEqual(['copy has 41Gi free']);
    screen.type('\r');
    expect(screen.text()).toContain('Nodes h100-07');
  },
);

test('a fix whose key does less than its command says what the key does', () => {
  const fixes = [
    {
      title: 'Correct what ends it',
      argv: ['kubectl', '-n', 'train', 'edit', 'deployment', 'llama'],
      risk: 'reversible',
    },
    {
      title: 'Replace it by an edited copy',
      argv: ['kubectl', '-n', 'train', 'get', 'pod', 'llama-0', '-o', 'yaml'],
      risk: 'disruptive',
    },
  ] as const;
  const [cause] = broken.causes;
  if (cause === undefined) throw new Error('no cause');
  const text = given(120, 36, examined({ ...broken, causes: [{ ...cause, fixes }] })).text();
  expect(text).toContain('Correct what ends it (reversible; r opens your editor)');
  expect(text).toContain('Replace it by an edited copy (disruptive; r only shows it)');
});
