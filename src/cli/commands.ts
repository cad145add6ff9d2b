/** A word after `mltop`, for `--help`, the README and the completion scripts. */
export interface CommandHelp {
  readonly word: string;
  readonly usage: string;
  readonly help: string;
}

export const commands: readonly CommandHelp[] = [
  {
    word: '',
    usage: 'mltop [VIEW] [flags]',
    help: 'the live screen; VIEW is pods (default), jobs, gpus, pending, nodes, events, or any kind',
  },
  {
    word: 'VIEW',
    usage: 'mltop VIEW [NAME…] -o FORMAT',
    help: 'print a view once: pods nodes events gpus jobs pending gns gq, or any kind by its kubectl name',
  },
  {
    word: 'check',
    usage: 'mltop check [KIND/NAME | -l SELECTOR | -A] [--from FILE…]',
    help: 'what is wrong, the evidence, the next command',
  },
  {
    word: 'record',
    usage: 'mltop record KIND/NAME | -A [-n NS] [-o FILE]',
    help: 'the evidence of a checklist as one redacted file',
  },
  {
    word: 'fit',
    usage: 'mltop fit --gpus 8 [--type H100] [--count 2] | --pod NS/NAME | --pending',
    help: 'where it would start, or what blocks it on every node',
  },
  {
    word: 'top',
    usage: 'mltop top pods|nodes [NAME…] [-A] [--sort-by=-UTIL] [-o FORMAT]',
    help: 'processors, memory and GPUs that are used, beside what was asked for',
  },
  {
    word: 'rules',
    usage: 'mltop rules list|lint|test|explain|schema',
    help: 'the rules of the checklist, and your own',
  },
  {
    word: 'demo',
    usage: 'mltop demo [VIEW] [-n NS] [--pods N --nodes N] [--serve]',
    help: 'a simulated GPU cluster: on the screen, or served for kubectl',
  },
  { word: 'completion', usage: 'mltop completion bash|zsh|fish', help: 'shell completion script' },
  { word: 'version', usage: 'mltop version', help: 'the version' },
  { word: 'help', usage: 'mltop help [COMMAND]', help: 'this text, or the flags of a command' },
];

/** Exit codes, for `--help` and the README. */
export const exitCodes: readonly (readonly [string, string])[] = [
  ['0', 'ok'],
  ['1', 'findings (check), or it does not fit (fit)'],
  ['2', 'wrong command line, or no terminal'],
  ['3', 'partial: some sources could not be read; what could be is printed'],
  ['4', 'cannot connect or authenticate'],
  ['5', 'not found'],
  ['124', 'time-out'],
  ['130, 143', 'interrupted'],
];
