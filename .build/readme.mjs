// Writes the lists in README.md (keys, commands, flags, exit codes) from the lists that the program itself uses.
// With --check it only says whether they agree.
import { readFileSync, writeFileSync } from 'node:fs';
import { promptCommands } from '../src/actions/commands.ts';
import { keyTable } from '../src/actions/index.ts';
import { commands, exitCodes } from '../src/cli/commands.ts';
import { flags } from '../src/cli/flags.ts';
import { flagUsage } from '../src/cli/help.ts';

const path = new URL('../README.md', import.meta.url);
const cell = (text) => text.replaceAll('|', '\\|');
const code = (text) => `\`${cell(text)}\``;
const table = (head, rows) =>
  [
    `| ${head.join(' | ')} |`,
    `|${head.map(() => '---').join('|')}|`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ].join('\n');

const views = [...new Set(keyTable().map((key) => key.view))];
const sections = {
  keys: views
    .map((view) => {
      const rows = keyTable()
        .filter((key) => key.view === view)
        .map((key) => [code(key.keys), `${cell(key.title)}${key.needsWrite ? ' **W**' : ''}`]);
      return `**${view}**\n\n${table(['key', 'does'], rows)}`;
    })
    .concat(
      `**commands after \`:\`**\n\n${table(
        ['command', 'does'],
        promptCommands.map(({ usage, title }) => [code(usage), cell(title)]),
      )}`,
    )
    .join('\n\n'),
  commands: table(
    ['command', ''],
    commands.map((command) => [code(command.usage), cell(command.help)]),
  ),
  flags: table(
    ['flag', ''],
    flags
      .filter((flag) => flag.hidden !== true)
      .map((flag) => [code(flagUsage(flag).trim()), cell(flag.help)]),
  ),
  'exit codes': table(
    ['code', 'meaning'],
    exitCodes.map(([number, meaning]) => [number, cell(meaning)]),
  ),
};

const before = readFileSync(path, 'utf8');
let after = before;
for (const [name, text] of Object.entries(sections)) {
  const marked = new RegExp(`(<!-- ${name}: generated -->\\n)[\\s\\S]*?(<!-- end -->)`);
  if (!marked.test(after)) throw new Error(`README.md has no place for the ${name}`);
  after = after.replace(marked, (_, open, close) => `${open}${text}\n${close}`);
}
if (process.argv.includes('--check')) {
  if (after !== before) {
    console.error('README.md differs from the lists in src: run `npm run fix`.');
    process.exitCode = 1;
  }
} else writeFileSync(path, after);
