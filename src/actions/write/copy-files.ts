import { homedir } from 'node:os';
import { join } from 'node:path';
import { type CopyProgress, copyFromPod, copyToPod } from '../../kube/copy.ts';
import { mayStream } from '../../kube/exec.ts';
import type { PodRow } from '../../resources/pod-row.ts';
import { pods as podKind } from '../../resources/pods.ts';
import { anyResource } from '../../resources/resource.ts';
import { sanitizeLine } from '../../resources/sanitize.ts';
import { type Action, say } from '../action.ts';
import { askForm, askMenu } from '../ask.ts';
import { inNamespace } from '../kubectl.ts';
import { wordsOf } from './flow.ts';
import { nameOf } from './impact.ts';
import { enterables, podOf } from './inside.ts';
import { type Outcome, objectAt, type Plan, type Running } from './plan.ts';
import { noRow, writeAction } from './write-action.ts';

/** `12.3 MB of 40.0 MB, 3 files`. */
function progressText({ files, bytes, total }: CopyProgress): string {
  const megabytes = (count: number): string => `${(count / 1e6).toFixed(1)} MB`;
  const share =
    total === undefined || total === 0
      ? ''
      : ` of ${megabytes(total)} (${Math.floor((100 * bytes) / total)} %)`;
  return `${megabytes(bytes)}${share}, ${files} ${files === 1 ? 'file' : 'files'}`;
}

/** A `~` that no shell has read. */
const expanded = (path: string): string =>
  path.startsWith('~/') || path === '~' ? join(homedir(), path.slice(1)) : path;

export const copyFiles: Action = writeAction({
  id: 'copy-files',
  keys: [],
  title: 'copy files from or to a container',
  places: ['pods'],
  risk: 'disruptive',
  whyNot: noRow,
  kubectl: ({ row }) =>
    row === undefined ? undefined : ['cp', `${row.namespace}/${row.name}:PATH`, 'LOCAL'],
  async plan(context) {
    const pod = podOf(context);
    if (pod === undefined) return undefined;
    let open: readonly string[];
    try {
      open = (await enterables(context, pod))
        .filter(({ whyNot }) => whyNot === undefined)
        .map(({ name }) => name);
    } catch (error) {
      say(context, wordsOf(error), 'bad');
      return undefined;
    }
    if (open.length === 0) {
      say(context, `No container of ${pod.name} runs: files are copied with the container's tar.`, 'warn');
      return undefined;
    }
    const direction = await askMenu(context, `Copy files of ${pod.name}`, [
      { text: 'From the container', note: 'to this machine' },
      { text: 'To the container', note: 'from this machine' },
    ]);
    if (direction === undefined) return undefined;
    const isFrom = direction === 0;
    const values = await askForm(context, {
      title: isFrom ? `From ${pod.name}` : `To ${pod.name}`,
      body: [{ text: `containers: ${open.join(', ')}`, tone: 'dim' }],
      fields: [
        { label: 'container    ', text: open[0] ?? '' },
        { label: isFrom ? 'path there   ' : 'folder there ' },
        { label: 'path here    ', text: isFrom ? '.' : '' },
      ],
      verb: 'Next',
      check: ([container = '', remote = '', local = '']) => {
        if (!open.includes(container)) return `No container "${container}" runs here.`;
        if (remote === '' || local === '') return 'Write both paths.';
        return undefined;
      },
    });
    if (values === undefined) return undefined;
    const [container = '', remote = '', local = ''] = values;
    return copyPlan(pod, { container, remote, local: expanded(local), isFrom });
  },
});

interface CopyJob {
  readonly container: string;
  readonly remote: string;
  readonly local: string;
  readonly isFrom: boolean;
}

function copyPlan(pod: PodRow, job: CopyJob): Plan {
  const { container, remote, local, isFrom } = job;
  const there = `${pod.namespace}/${pod.name}:${remote}`;
  const inside = { namespace: pod.namespace, pod: pod.name, container };
  return {
    action: 'copy-files',
    title: isFrom ? 'Copy from a container' : 'Copy into a container',
    verb: 'Copy',
    risk: isFrom ? 'reversible' : 'disruptive',
    names: [`${nameOf('pod', pod)}  container ${container}`],
    toType: { what: 'pod name', text: pod.name },
    impact: [
      { label: 'from', text: `${sanitizeLine(isFrom ? there : local)}` },
      { label: 'to', text: `${sanitizeLine(isFrom ? local : there)}` },
      { label: 'note', text: 'files of the same name there are replaced; links are left out', tone: 'warn' },
    ],
    kubectl: [
      ...inNamespace(pod.namespace),
      'cp',
      '-c',
      container,
      ...(isFrom ? [`${pod.name}:${remote}`, local] : [local, `${pod.name}:${remote}`]),
    ],
    operations: [],
    rights: (read) => [mayStream(read, inside, 'exec')],
    noDryRun: 'exec has no dry-run',
    stoppable: true,
    execute: (running) => copy(running, pod, job),
    done: '',
  };
}

async function copy(
  running: Running,
  pod: PodRow,
  { container, remote, local, isFrom }: CopyJob,
): Promise<Outcome> {
  const operation = { at: objectAt(anyResource(podKind), pod, 'exec'), verb: 'create' };
  let lastTold = 0;
  try {
    const result = await (isFrom ? copyFromPod : copyToPod)(running.write, {
      inside: { namespace: pod.namespace, pod: pod.name, container },
      remote,
      local,
      signal: running.signal,
      onProgress(progress) {
        // Ten times a second is what an eye follows.
        if (Date.now() - lastTold < 100) return;
        lastTold = Date.now();
        running.progress([
          { text: progressText(progress) },
          { text: 'esc stops; what has come stays', tone: 'dim' },
        ]);
      },
    });
    await running.audit(operation, 'done');
    const skipped =
      result.skipped.length === 0
        ? ''
        : ` Left out: ${sanitizeLine(result.skipped.slice(0, 3).join(', '))}${result.skipped.length > 3 ? ` and ${result.skipped.length - 3} more` : ''} (links, devices, names that lead elsewhere).`;
    return { text: `Copied ${progressText(result)}.${skipped}`, isBad: false };
  } catch (error) {
    await running.audit(operation, wordsOf(error));
    throw error;
  }
}
