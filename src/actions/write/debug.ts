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
import { devicesText, nameOf } from './impact.ts';
import { enterables, podOf } from './inside.ts';
import {
  creation,
  deletion,
  type ObjectAt,
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

/** What only the server writes down, and what would make a controller take the copy for one of its own. */
function copied(pod: KubeObject, name: string, image: string, command: string): KubeObject {
  const spec = record(pod['spec']);
  const containers = list(spec['containers']).map((raw, at) =>
    at > 0
      ? record(raw)
      : {
          ...record(raw),
          ...(image === '' ? {} : { image }),
          ...(command === '' ? {} : { command: ['sh', '-c', command], args: [] }),
          // Probes of a process that does not run would kill the copy.
          livenessProbe: undefined,
          readinessProbe: undefined,
          startupProbe: undefined,
        },
  );
  const { nodeName: _node, ephemeralContainers: _ephemeral, ...rest } = spec;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: pod.metadata?.namespace ?? '',
      labels: { 'app.kubernetes.io/managed-by': 'mltop' },
    },
    spec: { ...rest, containers, restartPolicy: 'Never' },
  };
}

export const debugCopy: Action = writeAction({
  id: 'debug-copy',
  keys: [],
  title: 'debug copy: the same pod again, with another command or image',
  places: ['pods'],
  risk: 'disruptive',
  whyNot: noRow,
  kubectl: ({ row }) =>
    row === undefined
      ? undefined
      : [...inNamespace(row.namespace), 'debug', row.name, `--copy-to=${row.name}-debug`, '-it'],
  async plan(context) {
    const pod = podOf(context);
    const read = context.hands.access()?.read;
    if (pod === undefined || read === undefined) return undefined;
    const object = await read.json({ path: objectPath(anyResource(podKind), pod) });
    const values = await askForm(context, {
      title: `Copy of ${pod.name}`,
      body: [{ text: 'empty: as in the pod', tone: 'dim' }],
      fields: [
        { label: 'name   ', text: `${pod.name.slice(0, 50)}-debug` },
        { label: 'image  ' },
        { label: 'command', text: 'sleep 1d' },
      ],
      verb: 'Next',
      check: ([name = '']) =>
        /^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/.test(name) ? undefined : `"${name}" cannot be a pod's name.`,
    });
    if (values === undefined) return undefined;
    const [name = '', image = '', command = ''] = values;
    const devices = devicesText([pod]);
    const at = { group: '', version: 'v1', resource: 'pods', namespace: pod.namespace, name, uid: '' };
    return {
      action: 'debug-copy',
      title: 'Copy a pod',
      verb: 'Copy',
      risk: 'disruptive',
      names: [`pod ${pod.namespace}/${name}, as ${pod.name}`],
      toType: { what: 'pod name', text: name },
      impact: [
        ...(image === '' ? [] : [{ label: 'image', text: image }]),
        ...(command === '' ? [] : [{ label: 'command', text: command }]),
        ...(devices === undefined
          ? []
          : [{ label: 'takes', text: `${devices} more, where it finds them`, tone: 'warn' as const }]),
        {
          label: 'note',
          text: 'no labels and no owner: no Service sends it requests, nothing deletes it',
          tone: 'dim',
        },
      ],
      kubectl: [
        ...inNamespace(pod.namespace),
        'debug',
        pod.name,
        `--copy-to=${name}`,
        ...(image === '' ? [] : [`--set-image=*=${image}`]),
        ...(command === '' ? [] : ['--', 'sh', '-c', command]),
      ],
      operations: [creation(at, copied(object, name, image, command))],
      done: `Made pod ${name}; s opens a shell once it runs.`,
      undo: 'Undo: delete it.',
    };
  },
});

/** As kubectl debug node/…: the node's own processes, network and files, under /host. */
const nodePod = (name: string, namespace: string, node: string, image: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'mltop' } },
  spec: {
    nodeName: node,
    hostPID: true,
    hostNetwork: true,
    hostIPC: true,
    restartPolicy: 'Never',
    tolerations: [{ operator: 'Exists' }],
    volumes: [{ name: 'host-root', hostPath: { path: '/' } }],
    containers: [
      {
        name: 'debugger',
        image,
        stdin: true,
        tty: true,
        volumeMounts: [{ name: 'host-root', mountPath: '/host' }],
      },
    ],
  },
});

export const debugNode: Action = writeAction({
  id: 'debug-node',
  keys: [],
  title: 'debug pod: a shell that sees the whole node',
  places: ['nodes'],
  risk: 'destructive',
  whyNot: noRow,
  kubectl: ({ row }) =>
    row === undefined ? undefined : ['debug', `node/${row.name}`, '-it', `--image=${defaultImage}`],
  async plan(context) {
    const { row } = context;
    if (row === undefined) return undefined;
    const { namespaces } = context.session.getState();
    const values = await askForm(context, {
      title: `Debug pod on ${row.name}`,
      body: [{ text: 'the files of the node are under /host: chroot /host', tone: 'dim' }],
      fields: [
        { label: 'image    ', text: defaultImage },
        { label: 'namespace', text: namespaces === 'all' ? 'default' : (namespaces[0] ?? 'default') },
      ],
      verb: 'Next',
      check: ([image = '', namespace = '']) =>
        image === '' || namespace === '' || /\s/.test(image + namespace)
          ? 'Write an image and a namespace.'
          : undefined,
    });
    if (values === undefined) return undefined;
    const [image = defaultImage, namespace = 'default'] = values;
    const name = `node-debugger-${row.name.slice(0, 40)}-${Math.random().toString(36).slice(2, 7)}`;
    const at = { group: '', version: 'v1', resource: 'pods', namespace, name, uid: '' };
    const operation = creation(at, nodePod(name, namespace, row.name, image));
    return {
      action: 'debug-node',
      title: 'Debug pod',
      verb: 'Start and attach',
      risk: 'destructive',
      names: [`pod ${namespace}/${name} on node ${row.name}`],
      toType: { what: 'node name', text: row.name },
      impact: [
        { label: 'danger', text: 'it sees and may change every file and process of the node', tone: 'bad' },
        { label: 'note', text: 'it is deleted when you come back', tone: 'dim' },
      ],
      kubectl: [...inNamespace(namespace), 'debug', `node/${row.name}`, '-it', `--image=${image}`],
      operations: [operation],
      rights: (read) => [mayStream(read, { namespace, pod: name }, 'attach')],
      execute: (running) => enterNode(context, running, operation),
      stoppable: true,
      done: '',
    };
  },
});

async function enterNode(context: WriteContext, running: Running, operation: Operation): Promise<Outcome> {
  const { at } = operation;
  const made = await running.send(operation);
  const pod = { ...at, uid: made.metadata?.uid ?? '' };
  const outcome = await inNode(context, running, pod).catch(
    (error: unknown): Outcome => ({ text: `The debug pod: ${wordsOf(error)}`, isBad: true }),
  );
  try {
    await running.send(deletion(pod, { graceSeconds: 0, pinVersion: false }));
    return outcome;
  } catch (error) {
    // The five minutes may be over by now.
    return {
      text: `${outcome.text} The pod ${at.namespace}/${at.name} is still there: ${wordsOf(error)}`,
      isBad: true,
    };
  }
}

async function inNode(context: WriteContext, running: Running, at: ObjectAt): Promise<Outcome> {
  const read = context.hands.access()?.read ?? running.write;
  const why = await untilRunning(read, running, at, 'debugger');
  if (why !== undefined) return { text: `The debug pod ${at.name} does not run: ${why}`, isBad: true };
  running.closeDialog();
  const inside = { namespace: at.namespace, pod: at.name, container: 'debugger' };
  await context.hands.raw(async (terminal) => {
    await terminal.write(
      Buffer.from(
        `mltop: debug pod ${at.namespace}/${at.name}; the node is under /host; "exit" comes back\r\n`,
      ),
    );
    return interact(
      running.write,
      inside,
      { command: undefined, stdin: true, tty: true, detaches: true },
      terminal,
    );
  });
  return { text: `Left ${at.name}; it is deleted.`, isBad: false };
}

/** Why it does not run; undefined once it does. */
async function untilRunning(
  read: Connection,
  running: Running,
  pod: Pick<PodRow, 'namespace' | 'name'>,
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
  const status = record(object['status']);
  const found = [...list(status['ephemeralContainerStatuses']), ...list(status['containerStatuses'])]
    .map(record)
    .find((one) => one['name'] === container);
  return record(found?.['state']);
}
