import { type Flag, flags as generalFlags, rulesFlag } from './flags.ts';

/** Of the general command line: those that say which cluster, and these. */
const shared = (...names: readonly string[]): readonly Flag[] =>
  generalFlags.filter(({ name, group }) => group === 'Cluster' || names.includes(name));

const help = generalFlags.filter(({ name }) => name === 'help');

const output = (choices: readonly string[]): Flag => ({
  name: 'output',
  short: 'o',
  value: 'FORMAT',
  group: 'Output',
  choices,
  help: choices.join(' '),
});

const checkFlags: readonly Flag[] = [
  { name: 'all', group: 'What to show', help: 'healthy subjects and consequences too' },
  {
    name: 'logs',
    value: 'NS/POD/CONTAINER[.previous]=FILE',
    multiple: true,
    group: 'What to show',
    help: 'a log beside the objects of --from',
  },
  {
    name: 'now',
    value: 'TIME',
    group: 'What to show',
    help: 'the time of the evidence (RFC 3339); default: the recording, or the newest time in it',
  },
  {
    name: 'wait',
    value: 'DURATION',
    group: 'What to show',
    help: 'look again until nothing is found, at most so long',
  },
  {
    name: 'fail-on',
    value: 'SEVERITY',
    group: 'Output',
    choices: ['warn', 'bad'],
    help: 'exit with 1 from this severity on: warn (default) or bad',
  },
  output(['text', 'json', 'md']),
  ...shared('namespace', 'all-namespaces', 'selector', 'from', 'rules', 'help'),
];

const fitFlags: readonly Flag[] = [
  {
    name: 'pod',
    value: 'NS/NAME',
    multiple: true,
    group: 'What to show',
    help: 'what blocks this pod on every node',
  },
  { name: 'pending', group: 'What to show', help: 'the same for every pod that waits for a node' },
  { name: 'gpus', value: 'N', group: 'What to show', help: 'where a pod with N GPUs would start' },
  { name: 'type', value: 'MODEL', group: 'What to show', help: 'part of the GPU model: H100' },
  { name: 'count', value: 'N', group: 'What to show', help: 'so many such pods at once' },
  {
    name: 'resource',
    value: 'NAME',
    group: 'What to show',
    help: 'this resource or device class: nvidia.com/mig-1g.10gb',
  },
  { name: 'cpu', value: 'CPU', group: 'What to show', help: 'CPU of each pod (default 1 for each GPU)' },
  {
    name: 'memory',
    value: 'SIZE',
    group: 'What to show',
    help: 'memory of each pod (default 1Gi for each GPU)',
  },
  output(['table', 'wide', 'json']),
  ...shared('namespace', 'from', 'help', 'no-headers'),
];

const recordFlags: readonly Flag[] = [
  { name: 'output', short: 'o', value: 'FILE', group: 'Output', help: 'where to write; default: stdout' },
  ...shared('namespace', 'all-namespaces', 'rules', 'help'),
];

const topFlags: readonly Flag[] = shared(
  'namespace',
  'all-namespaces',
  'selector',
  'field-selector',
  'output',
  'once',
  'no-headers',
  'sort-by',
  'help',
);

const rulesFlags: readonly Flag[] = [rulesFlag, output(['text', 'json']), ...help];

/** The simulated cluster is the cluster: which one, is no question. */
const demoFlags: readonly Flag[] = generalFlags.filter(
  ({ name, group }) => group !== 'Cluster' || name === 'kubeconfig' || name === 'prometheus',
);

/** A command with flags of its own. */
export type CommandWord = 'check' | 'fit' | 'record' | 'top' | 'rules' | 'demo';

/** The flags of each command that has a table of its own; all others have those of the general command line. */
export const commandFlags: Readonly<Record<CommandWord, readonly Flag[]>> = {
  check: checkFlags,
  fit: fitFlags,
  record: recordFlags,
  top: topFlags,
  rules: rulesFlags,
  demo: demoFlags,
};

export const isCommandWord = (word: string): word is CommandWord => Object.hasOwn(commandFlags, word);
