import { type CommandWord, commandFlags } from './command-flags.ts';
import { commands } from './commands.ts';
import { type Flag, flags } from './flags.ts';
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

/** What may stand behind the word of a command. */
const behind: Readonly<Record<string, readonly string[]>> = {
  top: ['pods', 'nodes'],
  rules: ['list', 'lint', 'test', 'explain', 'schema'],
  demo: views,
  completion: ['bash', 'zsh', 'fish'],
  help: Object.keys(commandFlags),
};

interface Completed {
  /** `''`: the general command line. */
  readonly word: CommandWord | '';
  readonly flags: readonly Flag[];
}

const own = Object.entries(commandFlags) as [CommandWord, readonly Flag[]][];
const tables: readonly Completed[] = [
  { word: '', flags },
  ...own.map(([word, table]) => ({ word, flags: table })),
].map(({ word, flags: table }) => ({
  word: word as CommandWord | '',
  flags: table.filter(({ hidden }) => hidden !== true),
}));

const isFile = ({ value = '' }: Flag): boolean => /FILE|DIR/.test(value);

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

const offer = (choices: readonly string[]): string =>
  `COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$word"))`;

/** `'check --output'|'check -o'`. */
const pattern = (word: string, { name, short }: Flag): string =>
  [`--${name}`, ...(short === undefined ? [] : [`-${short}`])].map((flag) => `'${word} ${flag}'`).join('|');

function bash(): string {
  const values = tables.flatMap(({ word, flags: table }) =>
    table
      .filter(({ value }) => value !== undefined)
      .map((flag) => {
        const answer =
          flag.choices !== undefined
            ? offer(flag.choices)
            : isFile(flag)
              ? 'COMPREPLY=($(compgen -f -- "$word"))'
              : 'COMPREPLY=()';
        return `    ${pattern(word, flag)}) ${answer}; return ;;`;
      }),
  );
  const names = tables
    .filter(({ word }) => word !== '')
    .map(({ word, flags: table }) => `      ${word}) ${offer(table.map(({ name }) => `--${name}`))} ;;`);
  const after = Object.entries(behind).map(([word, choices]) => `    ${word}) ${offer(choices)}; return ;;`);
  return `_mltop() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command=
  case \${COMP_WORDS[1]} in
    ${own.map(([word]) => word).join('|')}) command=\${COMP_WORDS[1]} ;;
  esac
  case "$command $before" in
${values.join('\n')}
  esac
  case $word in
    -*) case $command in
${names.join('\n')}
      *) ${offer((tables[0]?.flags ?? []).map(({ name }) => `--${name}`))} ;;
    esac; return ;;
  esac
  case $before in
${after.join('\n')}
  esac
  case $command in
    rules|check|fit|demo) COMPREPLY=($(compgen -f -- "$word")) ;;
    *) ${offer([...views, ...words])} ;;
  esac
}
complete -F _mltop mltop
`;
}

function fish(): string {
  const seen = own.map(([word]) => word).join(' ');
  const lines = tables.flatMap(({ word, flags: table }) => {
    const where =
      word === '' ? `not __fish_seen_subcommand_from ${seen}` : `__fish_seen_subcommand_from ${word}`;
    return table.map((flag) => {
      const short = flag.short === undefined ? '' : ` -s ${flag.short}`;
      const value =
        flag.value === undefined
          ? ''
          : flag.choices !== undefined
            ? ` -x -a '${flag.choices.join(' ')}'`
            : isFile(flag)
              ? ' -r -F'
              : ' -x';
      return `complete -c mltop -n '${where}' -l ${flag.name}${short}${value} -d '${flag.help.replaceAll("'", '')}'`;
    });
  });
  const after = Object.entries(behind).map(
    ([word, choices]) =>
      `complete -c mltop -f -n '__fish_seen_subcommand_from ${word}' -a '${choices.join(' ')}'`,
  );
  return `complete -c mltop -f -n __fish_use_subcommand -a '${[...views, ...words].join(' ')}'\n${[...after, ...lines].join('\n')}\n`;
}
