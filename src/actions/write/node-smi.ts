import { smiPod } from '../../accelerators/operator.ts';
import type { PodRow } from '../../resources/pod-row.ts';
import { podIndex } from '../../state/pod-index.ts';
import { type Action, type ActionContext, say } from '../action.ts';
import { inNamespace } from '../kubectl.ts';
import { pickContainer, runCommand, streamPlan } from './inside.ts';
import { noRow, writeAction } from './write-action.ts';

const command: readonly string[] = ['nvidia-smi'];

const nodeOf = ({ row, table }: ActionContext): string =>
  table?.name === 'nodes' ? (row?.name ?? '') : ((row as Partial<PodRow> | undefined)?.node ?? '');

function podOn(context: ActionContext): PodRow | undefined {
  const node = nodeOf(context);
  return node === '' ? undefined : smiPod([...podIndex(context.cluster).onNode(node)]);
}

/** The last resort where nothing measures GPUs: asks the driver itself, in a container that sees them. */
export const nodeSmi: Action = writeAction({
  id: 'nvidia-smi',
  keys: ['x'],
  title: 'nvidia-smi on this node',
  places: ['nodes', 'gpus', 'devices', 'gpuhealth'],
  risk: 'reversible',
  whyNot: noRow,
  kubectl(context) {
    const pod = podOn(context);
    return pod === undefined
      ? undefined
      : [...inNamespace(pod.namespace), 'exec', pod.name, '--', ...command];
  },
  async plan(context) {
    const pod = podOn(context);
    if (pod === undefined) {
      say(context, `No running pod on ${nodeOf(context)} sees its GPUs.`, 'warn');
      return undefined;
    }
    const container = (await pickContainer(context, pod, 'nvidia-smi'))?.name;
    if (container === undefined) return undefined;
    return streamPlan(pod, container, {
      action: 'nvidia-smi',
      title: 'nvidia-smi',
      verb: 'Run',
      risk: 'reversible',
      subresource: 'exec',
      impact: [
        { text: `command  ${command.join(' ')}` },
        {
          text: 'note     no answer within seconds is an answer: the driver hangs, or a GPU is lost',
          tone: 'dim',
        },
      ],
      kubectl: [...inNamespace(pod.namespace), 'exec', pod.name, '-c', container, '--', ...command],
      stoppable: true,
      run: (running, inside) => runCommand(context, running, inside, command),
    });
  },
});
