import { version } from '../version.ts';
import { commands, exitCodes } from './commands.ts';
import { type Flag, flags } from './flags.ts';

/** `-n, --namespace NS[,NS]`. */
export function flagUsage(flag: Flag): string {
  const name = flag.value === undefined ? `--${flag.name}` : `--${flag.name} ${flag.value}`;
  return flag.short === undefined ? `    ${name}` : `-${flag.short}, ${name}`;
}

const groups = ['What to show', 'Output', 'Cluster', 'Screen', 'Demo'] as const;

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
    'Commands',
    ...commands.map((command) => `  ${command.usage}\n      ${command.help}`),
  ];
  for (const group of groups) {
    const shown = flags.filter((flag) => flag.group === group && flag.hidden !== true);
    lines.push('', group, ...shown.map((flag) => `  ${flagUsage(flag).padEnd(36)} ${flag.help}`));
  }
  lines.push('', 'Exit codes', ...exitCodes.map(([code, meaning]) => `  ${code.padEnd(9)} ${meaning}`));
  lines.push('', 'On the screen: ? lists the keys, : runs a command, / filters, :q quits.', '');
  return lines.join('\n');
}
