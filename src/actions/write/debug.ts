import type { Connection } from '../../kube/contract.ts';
import { interact, mayStream } from '../../kube/exec.ts';
import type { KubeObject } from '../../kube/object.ts';
import { list, record, text } from '../../resources/fields.ts';
import type { PodRow } from '../../resources/pod-row.ts';
import { pods as podKind } from '../../resources/pods.ts';
import { anyResource } from '../../resources/resource.ts';
import { sanitizeLine } from '../../resources/sanitize.ts';
import { type Action, say } from '../action.ts';
import { askForm } from '../ask.ts';
import { inNamespace } from '../kubectl.ts';
import { wordsOf } from './flow.ts';
import { nameOf } from './impact.ts';
import { enterables, podOf } from './inside.ts';
import {
  type Operation,
  type Outcome,
  objectAt,
  objectPath,
  patching,
  type Running,
  type WriteContext,
} from './plan.ts';
import { noRow, writeAction } from './write-action.ts';

const defaultImage = 'busybox:1.37';
/** An image may take long; a person who waits sees why and can leave. */
const startWithinMs = 120_000;
const lookEveryMs = 500;

export const debug: Action = writeAction({
  id: 'debug',
  keys: [],
  title: 'debug container: a shell with tools of its own, beside a container',
  places: ['pods'],
  risk: 'disruptive',
  whyNot: noRow,
  kubectl: ({ row }) =>
    row === undefined
      ? undefined
      : [...inNamespace(row.namespace), 'debug', '-it', row.name, `--image=${defaultImage}`],
  async plan(context) {
    const pod = podOf(context);
    if (pod === undefined) return undefined;
    let targets: readonly string[];
    try {
      targets = (await enterables(context, pod))
        .filter(({ whyNot }) => whyNot === undefined)
        .map(({ name }) => name);
    } catch (error) {
      say(context, wordsOf(error), 'bad');
      return undefined;
    }
    const values = await askForm(context, {
      title: `Debug container in ${pod.name}`,
      body: [
        { text: `running: ${targets.join(', ') || 'none'}`, tone: 'dim' },
        { text: 'with a target it sees the processes of that container', tone: 'dim' },
      ],
      fields: [
        { label: 'image ', text: defaultImage },
        { label: 'target', text: targets[0] ?? '' },
      ],
      verb: 'Next',
      check: ([image = '', target = '']) => {
        if (image === '' || /\s/.test(image)) return 'Write an image.';
        return target === '' || targets.includes(target) ? undefined : `No container "${target}" runs here.`;
      },
    });
    if (values === undefined) return undefined;
    const [image = defaultImage, target = ''] = values;
    const name = `debugger-${Math.random().toString(36).slice(2, 7)}`;
    const operation = patching(objectAt(anyResource(podKind), pod, 'ephemeralcontainers'), 'strategic', {
      spec: {
        ephemeralContainers: [
          {
            name,
            image,
            resources: {},
            stdin: true,
            tty: true,
            terminationMessagePolicy: 'File',
            ...(target === '' ? {} : { targetContainerName: target }),
          },
        ],
      },
    });
    const inside = { namespace: pod.namespace, pod: pod.name, container: name };
    return {
      action: 'debug',
      title: 'Debug container',
      verb: 'Add and attach',
      risk: 'disruptive',
      names: [`${nameOf('pod', pod)}  new container ${name}`],
      toType: { what: 'pod name', text: pod.name },
      impact: [
        { label: 'image', text: `${image}${target === '' ? '' : `, beside ${target}`}` },
        { label: 'note', text: 'it stays in the pod until the pod goes: nobody can remove it', tone: 'warn' },
        { label: 'note', text: 'it has no requests and no limits of its own', tone: 'dim' },
      ],
      kubectl: [
        ...inNamespace(pod.namespace),
        'debug',
        '-it',
        pod.name,
        `--image=${image}`,
        ...(target === '' ? [] : [`--target=${target}`]),
      ],
      operations: [operation],
      rights: (read) => [mayStream(read, inside, 'attach')],
      execute: (running) => enter(context, running, operation, pod, name),
      stoppable: true,
      done: '',
    };
  },
});

async function enter(
  context: WriteContext,
  running: Running,
  operation: Operation,
  pod: PodRow,
  container: string,
): Promise<Outcome> {
  await running.send(operation);
  const read = context.hands.access()?.read ?? running.write;
  const why = await untilRunning(read, running, pod, container);
  if (why !== undefined)
    return { text: `The debug container ${container} does not run: ${why}`, isBad: true };
  running.closeDialog();
  const inside = { namespace: pod.namespace, pod: pod.name, container };
  const result = await context.hands.raw(async (terminal) => {
    await terminal.write(
      Buffer.from(
        `mltop: debug container ${container} in ${pod.namespace}/${pod.name}; "exit" ends it, ctrl-p ctrl-q leaves it\r\n`,
      ),
    );
    return interact(
      running.write,
      inside,
      { command: undefined, stdin: true, tty: true, detaches: true },
      terminal,
    );
  });
  await running.audit({ at: objectAt(anyResource(podKind), pod, 'attach'), verb: 'create' }, 'done');
  return { text: result.left ? `Left ${container}; it goes on.` : `${container} ended.`, isBad: false };
}

/** Why it does not run; undefined once it does. */
async function untilRunning(
  read: Connection,
  running: Running,
  pod: PodRow,
  container: string,
): Promise<string | undefined> {
  const deadline = Date.now() + startWithinMs;
  let last = 'it is being started';
  while (!running.signal.aborted && Date.now() < deadline) {
    const object = await read.json({ path: objectPath(anyResource(podKind), pod) });
    const state = stateOf(object, container);
    if (state['running'] !== undefined) return undefined;
    const ended = record(state['terminated']);
    if (state['terminated'] !== undefined) return `it ended with exit ${String(ended['exitCode'])}`;
    const waiting = record(state['waiting']);
    last =
      sanitizeLine(
        [text(waiting['reason']), text(waiting['message'])].filter((part) => part !== '').join(': '),
      ) || last;
    if (/ErrImagePull|ImagePullBackOff|InvalidImageName|CreateContainer/.test(last)) return last;
    running.progress([
      { text: `${container}: ${last}` },
      { text: 'esc stops waiting; the container stays', tone: 'dim' },
    ]);
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
  return running.signal.aborted ? 'you stopped waiting' : `after ${startWithinMs / 1000} s: ${last}`;
}

function stateOf(object: KubeObject, container: string): Readonly<Record<string, unknown>> {
  const found = list(record(object['status'])['ephemeralContainerStatuses'])
    .map(record)
    .find((status) => status['name'] === container);
  return record(found?.['state']);
}
