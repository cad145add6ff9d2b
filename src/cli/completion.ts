import { commands } from './commands.ts';
import { flags } from './flags.ts';
import { UsageError } from './io.ts';

const words = commands.map((command) => command.word).filter((word) => /^[a-z]+$/.test(word));
const views = [
  'pods',
  'nodes',
  'events',
  'gpus',
  'namespaces',
  'jobs',
  'deployments',
  'statefulsets',
  'services',
];
const longFlags = flags.filter((flag) => flag.hidden !== true).map((flag) => `--${flag.name}`);

/**
 * The completion script of a shell. Static: it asks no cluster and starts no Node while you type.
 * @throws UsageError for a shell that is not known.
 */
export function completionScript(shell: string | undefined): string {
  switch (shell) {
    case 'bash':
      return bash();
    case 'zsh':
      return `#compdef mltop\nautoload -U +X bashcompinit && bashcompinit\n${bash()}`;
    case 'fish':
      return fish();
    default:
      throw new UsageError(`completion: unknown shell '${shell ?? ''}'`, 'Choose bash, zsh or fish.');
  }
}

function bash(): string {
  const choices = flags
    .filter((flag) => flag.choices !== undefined)
    .map((flag) => {
      const names = [`--${flag.name}`, ...(flag.short === undefined ? [] : [`-${flag.short}`])].join('|');
      return `    ${names}) COMPREPLY=($(compgen -W '${flag.choices?.join(' ')}' -- "$word")); return ;;`;
    });
  return `_mltop() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  case $before in
${choices.join('\n')}
    completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- "$word")); return ;;
    rules) COMPREPLY=($(compgen -W 'list lint test explain schema' -- "$word")); return ;;
    --kubeconfig|--from|--rules|--requests|--certificate-authority|--client-certificate|--client-key) COMPREPLY=($(compgen -f -- "$word")); return ;;
  esac
  case $word in
    -*) COMPREPLY=($(compgen -W '${longFlags.join(' ')}' -- "$word")) ;;
    *) COMPREPLY=($(compgen -W '${[...views, ...words].join(' ')}' -- "$word")) ;;
  esac
}
complete -F _mltop mltop
`;
}

function fish(): string {
  const lines = flags
    .filter((flag) => flag.hidden !== true)
    .map((flag) => {
      const short = flag.short === undefined ? '' : ` -s ${flag.short}`;
      const value =
        flag.value === undefined
          ? ''
          : flag.choices === undefined
            ? ' -r'
            : ` -x -a '${flag.choices.join(' ')}'`;
      return `complete -c mltop -l ${flag.name}${short}${value} -d '${flag.help.replaceAll("'", '')}'`;
    });
  return `complete -c mltop -f -n __fish_use_subcommand -a '${[...views, ...words].join(' ')}'\n${lines.join('\n')}\n`;
}
