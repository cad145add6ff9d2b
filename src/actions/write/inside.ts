import {
  capture,
  type ExecResult,
  type Inside,
  type Interaction,
  interact,
  mayStream,
  shellCommand,
} from '../../kube/exec.ts';
import { list, record, text } from '../../resources/fields.ts';
import type { PodRow } from '../../resources/pod-row.ts';
import { pods as podKind } from '../../resources/pods.ts';
import { anyResource } from '../../resources/resource.ts';
import { sanitizeLine, sanitizeText } from '../../resources/sanitize.ts';
import { push } from '../../state/session.ts';
import { type Action, type ActionContext, say, step } from '../action.ts';
import { askForm, askMenu } from '../ask.ts';
import { inNamespace } from '../kubectl.ts';
import { wordsOf } from './flow.ts';
import { devicesText, nameOf } from './impact.ts';
import {
  type ObjectAt,
  type Outcome,
  objectAt,
  objectPath,
  type Plan,
  type Running,
  type WriteContext,
} from './plan.ts';
import { writeAction } from './write-action.ts';

/** A container as a person may enter it. */
export interface Enterable {
  readonly name: string;
  readonly image: string;
  readonly stdin: boolean;
  readonly tty: boolean;
  /** Why nobody can enter it now; undefined: one can. */
  readonly whyNot: string | undefined;
  /** Ports that it says it listens on. */
  readonly ports: readonly { readonly name: string; readonly port: number }[];
}

/** The pod under the cursor, or the one whose containers are shown. */
export function podOf({ row, view, cluster }: ActionContext): PodRow | undefined {
  if (view.kind !== 'detail') return row as PodRow | undefined;
  return cluster.get(anyResource(podKind), view.of.key) as PodRow | undefined;
}

const noPod = (context: ActionContext): string | undefined =>
  podOf(context) === undefined ? 'There is no pod here.' : undefined;

/** Its containers now, the one that its annotation names first. Rejects with KubeError. */
export async function enterables(context: WriteContext, pod: PodRow): Promise<readonly Enterable[]> {
  const read = context.hands.access()?.read;
  if (read === undefined) return [];
  const object = await read.json({ path: objectPath(anyResource(podKind), pod) });
  const spec = record(object['spec']);
  const status = record(object['status']);
  const states = new Map(
    ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses']
      .flatMap((field) => list(status[field]))
      .map((raw) => [text(record(raw)['name']), record(record(raw)['state'])] as const),
  );
  const found = ['containers', 'ephemeralContainers', 'initContainers']
    .flatMap((field) => list(spec[field]))
    .map((raw) => enterable(record(raw), states.get(text(record(raw)['name']))));
  const first = object.metadata?.annotations?.['kubectl.kubernetes.io/default-container'];
  return found.sort((a, b) => Number(b.name === first) - Number(a.name === first));
}

function enterable(
  container: Readonly<Record<string, unknown>>,
  state: Readonly<Record<string, unknown>> | undefined,
): Enterable {
  return {
    name: text(container['name']),
    image: text(container['image']),
    stdin: container['stdin'] === true,
    tty: container['tty'] === true,
    whyNot: whyNotRunning(state),
    ports: list(container['ports']).flatMap((raw) => {
      const port = record(raw)['containerPort'];
      return typeof port === 'number' ? [{ name: text(record(raw)['name']), port }] : [];
    }),
  };
}

function whyNotRunning(state: Readonly<Record<string, unknown>> | undefined): string | undefined {
  if (state === undefined) return 'has not started';
  if (state['running'] !== undefined) return undefined;
  const waiting = record(state['waiting']);
  const ended = record(state['terminated']);
  if (state['terminated'] !== undefined)
    return `has ended: ${text(ended['reason']) || `exit ${String(ended['exitCode'])}`}`;
  return `waits: ${text(waiting['reason']) || 'not started yet'}`;
}

/** The container that is meant; says why where there is none to enter. */
export async function pickContainer(
  context: WriteContext,
  pod: PodRow,
  what: string,
): Promise<Enterable | undefined> {
  let all: readonly Enterable[];
  try {
    all = await enterables(context, pod);
  } catch (error) {
    say(context, wordsOf(error), 'bad');
    return undefined;
  }
  // In the view of a pod's containers the cursor says which.
  const here = all.find(({ name }) => name === context.container);
  if (here?.whyNot === undefined && here !== undefined) return here;
  if (here !== undefined) {
    say(context, `${here.name} ${here.whyNot}.`, 'warn');
    return undefined;
  }
  const open = all.filter(({ whyNot }) => whyNot === undefined);
  const [only] = open;
  if (only === undefined) {
    const why = all.map(({ name, whyNot }) => `${name} ${whyNot}`).join('; ');
    say(
      context,
      `No container of ${pod.name} runs (${why}). l and p show its logs; m has a debug container.`,
      'warn',
    );
    return undefined;
  }
  if (open.length === 1) return only;
  const picked = await askMenu(
    context,
    `${what}: which container of ${pod.name}?`,
    all.map(({ name, image, whyNot }) => ({ text: name, note: whyNot ?? image, off: whyNot !== undefined })),
  );
  const container = picked === undefined ? undefined : all[picked];
  return container?.whyNot === undefined ? container : undefined;
}

const streamAt = (pod: PodRow, subresource: string): ObjectAt =>
  objectAt(anyResource(podKind), pod, subresource);

/** A plan whose effect is a stream into a pod. */
export function streamPlan(
  pod: PodRow,
  container: string,
  parts: Pick<Plan, 'action' | 'title' | 'verb' | 'kubectl' | 'impact'> & {
    readonly subresource: 'exec' | 'attach';
    readonly risk?: Plan['risk'];
    readonly run: (running: Running, inside: Inside) => Promise<Outcome>;
    readonly stoppable?: boolean;
  },
): Plan {
  const { subresource, run, risk, ...rest } = parts;
  const inside = { namespace: pod.namespace, pod: pod.name, container };
  return {
    ...rest,
    risk: risk ?? 'disruptive',
    names: [`${nameOf('pod', pod)}  container ${container}`],
    toType: { what: 'pod name', text: pod.name },
    operations: [],
    rights: (read) => [mayStream(read, inside, subresource)],
    noDryRun: `${subresource} has no dry-run`,
    execute: async (running) => {
      const operation = { at: streamAt(pod, subresource), verb: 'create' };
      try {
        const outcome = await run(running, inside);
        await running.audit(operation, outcome.isBad ? outcome.text : 'done');
        return outcome;
      } catch (error) {
        await running.audit(operation, wordsOf(error));
        throw error;
      }
    },
    done: '',
  };
}

const holdsLine = (pod: PodRow): Plan['impact'] => {
  const devices = devicesText([pod]);
  return devices === undefined
    ? []
    : [{ label: 'note', text: `it holds ${devices}; what runs there shares them`, tone: 'warn' }];
};

const noShell = (result: ExecResult): boolean =>
  result.exitCode === 126 ||
  result.exitCode === 127 ||
  /executable file not found|no such file or directory|exec format error/i.test(result.message ?? '');

/** Hands the terminal to a process in a container. */
async function handOver(
  context: WriteContext,
  running: Running,
  inside: Inside,
  how: Interaction,
  greeting: string,
): ReturnType<typeof interact> {
  running.closeDialog();
  return context.hands.raw(async (terminal) => {
    await terminal.write(Buffer.from(`${greeting}\r\n`));
    return interact(running.write, inside, how, terminal);
  });
}

const where = (context: ActionContext): string => context.session.getState().context;

export const shell: Action = writeAction({
  id: 'shell',
  keys: ['s'],
  title: 'shell in a container',
  places: ['pods', 'detail'],
  risk: 'disruptive',
  hint: { order: 6, word: 'shell' },
  whyNot: noPod,
  kubectl: ({ row }) =>
    row === undefined ? undefined : [...inNamespace(row.namespace), 'exec', '-it', row.name, '--', 'sh'],
  async plan(context) {
    const pod = podOf(context);
    const container = pod === undefined ? undefined : await pickContainer(context, pod, 'Shell');
    if (pod === undefined || container === undefined) return undefined;
    return streamPlan(pod, container.name, {
      action: 'shell',
      title: 'Shell',
      verb: 'Open shell',
      subresource: 'exec',
      impact: holdsLine(pod),
      kubectl: [
        ...inNamespace(pod.namespace),
        'exec',
        '-it',
        pod.name,
        '-c',
        container.name,
        '--',
        ...shellCommand,
      ],
      async run(running, inside) {
        const greeting = `mltop: shell in ${pod.namespace}/${pod.name} (${container.name}) of ${where(context)}; "exit" comes back`;
        const how = { command: shellCommand, stdin: true, tty: true, detaches: false };
        const result = await handOver(context, running, inside, how, greeting);
        if (noShell(result))
          return {
            text: `The image of ${container.name} has no shell (${sanitizeLine(result.message ?? '') || `exit ${result.exitCode}`}). m has a debug container, which brings one.`,
            isBad: true,
          };
        return {
          text: `The shell in ${pod.name} ended${result.exitCode === undefined ? '' : ` with exit ${result.exitCode}`}.`,
          isBad: false,
        };
      },
    });
  },
});

export const attach: Action = writeAction({
  id: 'attach',
  keys: ['a'],
  title: 'attach to the process of a container',
  places: ['pods', 'detail'],
  risk: 'disruptive',
  whyNot: noPod,
  kubectl: ({ row }) =>
    row === undefined ? undefined : [...inNamespace(row.namespace), 'attach', '-it', row.name],
  async plan(context) {
    const pod = podOf(context);
    const container = pod === undefined ? undefined : await pickContainer(context, pod, 'Attach');
    if (pod === undefined || container === undefined) return undefined;
    const { stdin, tty, name } = container;
    const leave = stdin
      ? 'ctrl-p ctrl-q leaves, ctrl-c reaches the process'
      : 'it takes no input; ctrl-c leaves';
    return streamPlan(pod, name, {
      action: 'attach',
      title: 'Attach',
      verb: 'Attach',
      subresource: 'attach',
      impact: [
        ...holdsLine(pod),
        { label: 'how', text: `${leave}`, ...(stdin ? { tone: 'warn' as const } : {}) },
      ],
      kubectl: [...inNamespace(pod.namespace), 'attach', ...(stdin ? ['-it'] : []), pod.name, '-c', name],
      async run(running, inside) {
        const greeting = `mltop: attached to ${pod.namespace}/${pod.name} (${name}); ${leave}`;
        const how = { command: undefined, stdin, tty, detaches: stdin };
        const result = await handOver(context, running, inside, how, greeting);
        if (result.left) return { text: `Left ${pod.name}; its process goes on.`, isBad: false };
        const ended = result.message === undefined ? 'ended' : `ended: ${sanitizeLine(result.message)}`;
        return { text: `The process of ${name} ${ended}.`, isBad: result.message !== undefined };
      },
    });
  },
});

interface Probe {
  readonly title: string;
  /** Undefined: the person types it. */
  readonly command: readonly string[] | undefined;
}

const probes: readonly Probe[] = [
  { title: 'nvidia-smi', command: ['nvidia-smi'] },
  { title: 'nvidia-smi topo -m', command: ['nvidia-smi', 'topo', '-m'] },
  { title: 'df -h', command: ['df', '-h'] },
  { title: 'df -h /dev/shm', command: ['df', '-h', '/dev/shm'] },
  { title: 'ps aux', command: ['ps', 'aux'] },
  { title: 'env (secrets masked)', command: ['env'] },
  { title: 'cat /etc/resolv.conf', command: ['cat', '/etc/resolv.conf'] },
  {
    title: 'cat /sys/fs/cgroup/memory.max memory.current',
    command: [
      'sh',
      '-c',
      'cd /sys/fs/cgroup && head memory.max memory.current memory.events 2>/dev/null || head memory/memory.limit_in_bytes memory/memory.usage_in_bytes',
    ],
  },
  {
    title: 'cat /sys/fs/cgroup/cpu.stat',
    command: ['sh', '-c', 'cat /sys/fs/cgroup/cpu.stat 2>/dev/null || cat /sys/fs/cgroup/cpu/cpu.stat'],
  },
  { title: 'free -m', command: ['free', '-m'] },
  { title: 'netstat -tlnp, or ss -tlnp', command: ['sh', '-c', 'ss -tlnp 2>/dev/null || netstat -tlnp'] },
  { title: 'py-spy dump --pid 1', command: ['py-spy', 'dump', '--pid', '1'] },
  { title: 'another command …', command: undefined },
];

const captureLimits = { bytes: 1024 * 1024, timeoutMs: 60_000 } as const;

const secretName = /token|secret|passw|credential|api_?key|access_?key|private|auth|(^|_)key$/i;
const secretValue =
  /\b(hf_\w{8,}|sk-[\w-]{8,}|gh[pousr]_\w{8,}|AKIA[0-9A-Z]{12,}|xox[a-z]-[\w-]{8,}|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*)|(?<=\bBearer )\S+|(?<=:\/\/[^\s:/@]*:)[^\s@]+(?=@)/g;

/** The lines of `env` with what must not be read over a shoulder, or be saved, masked. */
export const maskSecrets = (output: string): string =>
  output
    .split('\n')
    .map((line) => {
      const [, name, value] = /^([A-Za-z_][\w.]*)=(.*)$/.exec(line) ?? [];
      if (name !== undefined && value !== undefined && value !== '' && secretName.test(name))
        return `${name}=••••`;
      return line.replace(secretValue, '••••');
    })
    .join('\n');

/** `nvidia-smi -q -d "PAGE RETIREMENT"` as words; quotes hold a word together. */
const commandWords = (line: string): readonly string[] =>
  (line.match(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g) ?? []).map((word) => word.replace(/(["'])(.*?)\1/gs, '$2'));

export const run: Action = writeAction({
  id: 'exec',
  keys: ['x'],
  title: 'run one command in a container, and read what it says',
  places: ['pods', 'detail'],
  risk: 'reversible',
  whyNot: noPod,
  kubectl: ({ row }) =>
    row === undefined ? undefined : [...inNamespace(row.namespace), 'exec', row.name, '--', 'nvidia-smi'],
  async plan(context) {
    const pod = podOf(context);
    const container = pod === undefined ? undefined : await pickContainer(context, pod, 'Run');
    if (pod === undefined || container === undefined) return undefined;
    const picked = await askMenu(
      context,
      `Run in ${pod.name} / ${container.name}`,
      probes.map(({ title }) => ({ text: title })),
    );
    const probe = picked === undefined ? undefined : probes[picked];
    if (probe === undefined) return undefined;
    const command = probe.command ?? (await askCommand(context));
    if (command === undefined) return undefined;
    return streamPlan(pod, container.name, {
      action: 'exec',
      title: 'Run',
      verb: 'Run',
      // Our own words only look; what a person types may do anything.
      risk: probe.command === undefined ? 'disruptive' : 'reversible',
      subresource: 'exec',
      impact: [{ label: 'command', text: `${sanitizeLine(command.join(' '))}` }],
      kubectl: [...inNamespace(pod.namespace), 'exec', pod.name, '-c', container.name, '--', ...command],
      stoppable: true,
      run: (running, inside) => runCommand(context, running, inside, command),
    });
  },
});

async function askCommand(context: WriteContext): Promise<readonly string[] | undefined> {
  const values = await askForm(context, {
    title: 'Which command?',
    body: [{ text: 'runs without a shell; sh -c "a | b" brings one', tone: 'dim' }],
    fields: [{ label: 'command' }],
    verb: 'Next',
    check: ([line = '']) => (commandWords(line).length === 0 ? 'Write a command.' : undefined),
  });
  return values === undefined ? undefined : commandWords(values[0] ?? '');
}

export async function runCommand(
  context: WriteContext,
  running: Running,
  inside: Inside,
  command: readonly string[],
): Promise<Outcome> {
  const result = await capture(running.write, inside, command, { ...captureLimits, signal: running.signal });
  if (result.output === '' && noShell(result))
    return {
      text: `${inside.container} has no ${command[0] ?? ''}: ${sanitizeLine(result.message ?? `exit ${result.exitCode}`)}`,
      isBad: true,
    };
  const isEnv = command[0] === 'env' || command[0] === 'printenv';
  const said = sanitizeText(isEnv ? maskSecrets(result.output) : result.output).replace(/\n$/, '');
  const ending = [
    ...(result.dropped > 0 ? [`… ${result.dropped} more bytes were not kept`] : []),
    ...(result.exitCode === 0
      ? []
      : [
          `exit ${result.exitCode ?? '?'}${result.message === undefined ? '' : `: ${sanitizeLine(result.message)}`}`,
        ]),
  ];
  running.closeDialog();
  const title = `${inside.pod} / ${inside.container} $ ${sanitizeLine(command.join(' '), 60)}`;
  step(context, push({ kind: 'output', title, lines: [...said.split('\n'), ...ending], top: 0 }));
  const failed = result.exitCode !== 0 && result.exitCode !== undefined;
  return { text: `${command[0] ?? ''} ended with exit ${result.exitCode ?? '?'}.`, isBad: failed };
}
