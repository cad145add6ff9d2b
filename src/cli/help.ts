import { version } from '../version.ts';
import { type CommandWord, commandFlags } from './command-flags.ts';
import { commands, exitCodes } from './commands.ts';
import { type Flag, flags } from './flags.ts';

/** `-n, --namespace NS[,NS]`. */
export function flagUsage(flag: Flag): string {
  const name = flag.value === undefined ? `--${flag.name}` : `--${flag.name} ${flag.value}`;
  return flag.short === undefined ? `    ${name}` : `-${flag.short}, ${name}`;
}

const groups = ['What to show', 'Output', 'Cluster', 'Screen', 'Demo'] as const;

/** A usage that is longer than its column has its help under it. */
const flagLine = (usage: string, help: string): string =>
  usage.length > 36 ? `  ${usage}\n${' '.repeat(39)}${help}` : `  ${usage.padEnd(36)} ${help}`;

const flagLines = (table: readonly Flag[]): readonly string[] =>
  groups.flatMap((group) => {
    const shown = table.filter((flag) => flag.group === group && flag.hidden !== true);
    const lines = shown.map((flag) => flagLine(flagUsage(flag), flag.help));
    return lines.length === 0 ? [] : ['', group, ...lines];
  });

/** What `mltop --help` prints: examples first. */
export function helpText(): string {
  const lines = [
    `mltop ${version}: what is wrong with the ML workloads of this cluster, live`,
    '',
    'Examples',
    '  mltop                                the live screen of the current context',
    '  mltop gpus                           who holds which GPUs',
    '  mltop pods -A -o wide                pods once, as kubectl prints them and more',
    '  mltop check -A                       what is wrong, and the next command',
    '  mltop demo                           no cluster at hand: a simulated one',
    '',
    'Commands (mltop help COMMAND: its flags)',
    ...commands.map((command) => `  ${command.usage}\n      ${command.help}`),
    ...flagLines(flags),
  ];
  lines.push('', 'Exit codes', ...exitCodes.map(([code, meaning]) => `  ${code.padEnd(9)} ${meaning}`));
  lines.push('', 'On the screen: ? lists the keys, : runs a command, / filters, :q quits.', '');
  return lines.join('\n');
}

/** What `mltop COMMAND --help` prints: what it is for, more about it, and every flag that it takes. */
export function commandHelpText(word: CommandWord, more: string): string {
  const told = commands.find((command) => command.word === word);
  return [
    `${told?.usage}\n    ${told?.help}`,
    ...(more === '' ? [] : ['', more.trimEnd()]),
    ...flagLines(commandFlags[word]),
    '',
  ].join('\n');
}
