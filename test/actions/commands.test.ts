import { expect, test } from 'vitest';
import { type Command, parseCommand, suggestions } from '../../src/actions/commands.ts';
import { createTables } from '../../src/actions/tables.ts';

const tables = createTables([]);

function said(command: Command): string {
  switch (command.kind) {
    case 'open': {
      const parts = [
        command.table.name,
        command.namespaces === undefined ? '' : `ns ${String(command.namespaces)}`,
      ];
      if (command.filter !== '') parts.push(`filter ${command.filter}`);
      if (command.context !== undefined) parts.push(`context ${command.context}`);
      return parts.filter((part) => part !== '').join(' | ');
    }
    case 'action':
      return `action ${command.id}`;
    case 'namespace':
      return `namespace ${String(command.namespaces)}`;
    case 'context':
    case 'theme':
      return `${command.kind} ${command.name}`;
    case 'wrong':
      return command.why;
    default:
      return command.kind;
  }
}

test.each([
  ['pod', 'pods'],
  [':po', 'pods'],
  ['PODS', 'pods'],
  ['pod serve', 'pods | ns serve'],
  ['pod all', 'pods | ns all'],
  ['pod a,b', 'pods | ns a,b'],
  ['pod -n serve', 'pods | ns serve'],
  ['pod -A', 'pods | ns all'],
  ['pod /crash|error', 'pods | filter crash|error'],
  ['pod serve /!running x', 'pods | ns serve | filter !running x'],
  ['pod -f vllm', 'pods | filter -f vllm'],
  ['pod app=x,env!=y', 'pods | filter -l app=x,env!=y'],
  ["pod 'app in (a, b)'", 'pods | filter -l "app in (a, b)"'],
  ['pod app in (a,b)', 'pods | filter -l app in (a,b)'],
  ['pod @prod', 'pods | context prod'],
  ['pod serve /x @prod', 'pods | ns serve | filter x | context prod'],
  ['ns', 'namespaces'],
  ['ns train', 'namespace train'],
  ['ns all', 'namespace all'],
  ['ctx', 'contexts'],
  ['ctx prod', 'context prod'],
  ['ctx @prod', 'context prod'],
  ['q', 'quit'],
  ['q!', 'quit'],
  ['quit', 'quit'],
  ['a', 'action aliases'],
  ['help', 'action help'],
  ['theme light', 'theme light'],
  ['', 'nothing'],
  ['podz', 'no view or command "podz"; did you mean :pods?'],
  ['pod -n', '-n wants a value'],
  ['pod a b', '"b" after the namespace is not understood'],
])(':%s', (text, wanted) => {
  expect(said(parseCommand(text, tables))).toBe(wanted);
});

function offered(typed: string, history: readonly string[] = []): string[] {
  const sources = {
    tables,
    namespaces: ['serve', 'train'],
    contexts: ['prod', 'staging'],
    themes: ['dark', 'light'],
    history,
  };
  return suggestions(typed, sources).map(({ text }) => text);
}

test('the word that is complete comes first', () => {
  expect(offered('po')[0]).toBe('pods');
  expect(offered('no')[0]).toBe('nodes');
});

test('after a view come namespaces and contexts, after a context only contexts', () => {
  expect(offered('pods s')).toEqual(['pods serve']);
  expect(offered('pods @')).toEqual(['pods @prod', 'pods @staging']);
  expect(offered('ctx ')).toEqual(['ctx prod', 'ctx staging']);
  expect(offered('nodes s')).toEqual([]);
  expect(offered('theme l')).toEqual(['theme light']);
});

test('with nothing typed, what was run before comes first', () => {
  expect(offered('', ['pods serve /x', 'nodes'])[0]).toBe('pods serve /x');
});

test('what cannot be a namespace is said, not asked for', () => {
  expect(parseCommand('pods train/(', tables)).toMatchObject({ kind: 'wrong' });
  expect(parseCommand('ns Team_A', tables)).toMatchObject({ kind: 'wrong' });
  expect(parseCommand('ns team-a,team-b', tables)).toMatchObject({ kind: 'namespace' });
});
