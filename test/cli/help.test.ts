import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { type CommandWord, commandFlags } from '../../src/cli/command-flags.ts';
import { commands } from '../../src/cli/commands.ts';
import { completionScript } from '../../src/cli/completion.ts';
import { firstWordAt } from '../../src/cli/flags.ts';
import { commandHelpText } from '../../src/cli/help.ts';

const own = Object.keys(commandFlags) as CommandWord[];

test.each(own)('the help of %s names every flag that it takes', (word) => {
  const text = commandHelpText(word, 'more about it');
  expect(commands.some((command) => command.word === word)).toBe(true);
  expect(text).toContain(`mltop ${word}`);
  expect(text).toContain('more about it');
  for (const { name, short, hidden } of commandFlags[word]) {
    if (hidden === true) continue;
    expect(text).toMatch(new RegExp(`${short === undefined ? '   ' : `-${short},`} --${name}( |$)`, 'm'));
  }
});

/** What the script of bash offers for a line whose last word is being typed. */
function offered(...line: readonly string[]): readonly string[] {
  const script = `${completionScript('bash')}
COMP_WORDS=("$@"); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _mltop; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script, 'bash', 'mltop', ...line], { encoding: 'utf8' })
    .split('\n')
    .filter((word) => word !== '');
}

test('completion offers the flags of the command, and their values', () => {
  expect(offered('check', '--fa')).toEqual(['--fail-on']);
  expect(offered('check', '--w')).toEqual(['--wait']);
  expect(offered('check', '--fail-on', '')).toEqual(['warn', 'bad']);
  expect(offered('check', '-o', '')).toEqual(['text', 'json', 'md']);
  expect(offered('fit', '-o', '')).toEqual(['table', 'wide', 'json']);
  expect(offered('pods', '-o', 'j')).toEqual(['json', 'jsonl']);
  expect(offered('fit', '--pen')).toEqual(['--pending']);
  expect(offered('pods', '--pen')).toEqual([]);
  expect(offered('pods', '-n', '')).toEqual([]);
});

test('completion offers what stands behind a command', () => {
  expect(offered('top', '')).toEqual(['pods', 'nodes']);
  expect(offered('rules', 'l')).toEqual(['list', 'lint']);
  expect(offered('completion', 'z')).toEqual(['zsh']);
  expect(offered('che')).toEqual(['check']);
});

test('the scripts of zsh and fish have the flags of each command, too', () => {
  for (const shell of ['zsh', 'fish']) {
    const script = completionScript(shell);
    for (const word of own)
      for (const { name, hidden } of commandFlags[word])
        if (hidden !== true) expect(script).toContain(shell === 'fish' ? `-l ${name}` : `--${name}`);
  }
});

test('the first word may stand behind flags and their values', () => {
  expect(firstWordAt(['check'])).toBe(0);
  expect(firstWordAt(['--context', 'prod', 'check', '-A'])).toBe(2);
  expect(firstWordAt(['--context=prod', '-A', 'check'])).toBe(2);
  expect(firstWordAt(['-n', 'check'])).toBe(2);
  expect(firstWordAt([])).toBe(0);
});
