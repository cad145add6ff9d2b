import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ClipboardParts, copyText } from '../../src/ui/clipboard.ts';
import { hintSpans } from '../../src/ui/Frame.tsx';
import { helpLines } from '../../src/ui/help.ts';
import type { Key } from '../../src/ui/keys.ts';
import { createKeyDecoder } from '../../src/ui/keys.ts';
import {
  findInPager,
  matchingLines,
  movePager,
  type PagerState,
  pagerStart,
  pagerView,
  plainText,
  settlePager,
  wrapPager,
} from '../../src/ui/pager.ts';
import { editPrompt, emptyPrompt, type PromptHelp, type PromptState } from '../../src/ui/prompt.ts';
import { layoutColumns, rowLine, type TableColumn } from '../../src/ui/table.ts';
import { displayWidth } from '../../src/ui/text.ts';
import { themeNamed, widthOf } from '../../src/ui/theme.ts';

const bare = themeNamed('mono', { level: 0 });

describe('columns', () => {
  const pods: readonly TableColumn[] = [
    { title: 'NAME', width: 30, priority: 0, cut: 'middle' },
    { title: 'STATUS', width: 16, priority: 0 },
    { title: 'GPU', width: 1, priority: 1, align: 'right' },
    { title: 'AGE', width: 3, priority: 2, align: 'right' },
    { title: 'NODE', width: 12, priority: 3 },
    { title: 'IMAGE', width: 40, priority: 4 },
  ];
  const shown = (width: number, options = {}): string[] =>
    layoutColumns(pods, width, options).columns.map(({ title, width: cells }) => `${title}:${cells}`);

  test.each([
    [120, ['NAME:30', 'STATUS:16', 'GPU:3', 'AGE:3', 'NODE:12', 'IMAGE:40']],
    [90, ['NAME:30', 'STATUS:16', 'GPU:3', 'AGE:3', 'NODE:12', 'IMAGE:20']],
    [70, ['NAME:30', 'STATUS:16', 'GPU:3', 'AGE:3', 'NODE:12']],
    [60, ['NAME:30', 'STATUS:16', 'GPU:3', 'AGE:3']],
    [50, ['NAME:30', 'STATUS:16']],
    [40, ['NAME:24', 'STATUS:14']],
    [20, ['NAME:11', 'STATUS:7']],
  ])('at %i cells', (width, expected) => {
    expect(shown(width)).toEqual(expected);
  });

  test('the sorted column has room for its arrow', () => {
    expect(shown(120, { sorted: 2 })).toContain('GPU:4');
  });

  test('scrolled, the first column stays and the last comes to the right edge', () => {
    expect(shown(70, { scroll: 2 })).toEqual(['NAME:30', 'AGE:3', 'NODE:12', 'IMAGE:21']);
    expect(layoutColumns(pods, 70, { scroll: 99 })).toMatchObject({ scroll: 4 });
    expect(shown(74, { scroll: 99 })).toEqual(['NAME:30', 'IMAGE:40']);
  });

  test('the highlight ends where a column ends', () => {
    expect(layoutColumns(pods, 120).highlight).toBe(120);
    expect(layoutColumns(pods, 200).highlight).toBe(1 + 30 + 1 + 16 + 1 + 3 + 1 + 3 + 1 + 12);
  });

  test('whatever the columns and the width, a row is exactly as wide as the table', () => {
    const column = fc.record({
      title: fc.constantFrom('NAME', 'A', 'NODE', 'LONG TITLE'),
      width: fc.nat(60),
      priority: fc.nat(5),
      align: fc.constantFrom('left' as const, 'right' as const),
      cut: fc.constantFrom('end' as const, 'middle' as const),
    });
    const cell = fc.record({
      text: fc.string({ unit: fc.constantFrom('a', '世', '…', ' ', '7') }),
      role: fc.constantFrom('good' as const, 'plain' as const),
    });
    fc.assert(
      fc.property(
        fc.array(column, { minLength: 1, maxLength: 9 }),
        fc.array(cell, { maxLength: 9 }),
        fc.integer({ min: 4, max: 220 }),
        fc.nat(9),
        fc.boolean(),
        (columns, cells, width, scroll, selected) => {
          const layout = layoutColumns(columns, width, { scroll });
          const line = rowLine(bare, layout, { cells, selected }).replace(/\x1b\[[\d;]*m/g, '');
          expect(displayWidth(line)).toBe(width);
        },
      ),
    );
  });

  test('a row is painted once for as long as it does not change', () => {
    const layout = layoutColumns(pods, 80);
    const cells = pods.map((column) => ({ text: column.title }));
    expect(rowLine(bare, layout, { cells })).toBe(rowLine(bare, layout, { cells }));
    expect(rowLine(bare, layout, { cells, marked: true })).toMatch(/\*/);
    expect(rowLine(bare, layout, { cells, ghost: true })).toContain('9mNAME');
  });
});

describe('the prompt', () => {
  const bytes: Readonly<Record<string, string>> = {
    enter: '\r',
    esc: '\x1b',
    tab: '\t',
    left: '\x1b[D',
    right: '\x1b[C',
    up: '\x1b[A',
    down: '\x1b[B',
    backspace: '\x7f',
    home: '\x1b[H',
  };
  const keysOf = (name: string): readonly Key[] => {
    const decoder = createKeyDecoder();
    const control = /^ctrl-(.)$/.exec(name)?.[1];
    return [
      ...decoder.push(
        bytes[name] ?? (control === undefined ? name : String.fromCharCode(control.charCodeAt(0) & 31)),
      ),
      ...decoder.flush(),
    ];
  };
  function typed(
    names: readonly string[],
    help: PromptHelp = {},
  ): { state: PromptState; event: string | undefined } {
    let state = emptyPrompt;
    let event: string | undefined;
    for (const key of names.flatMap(keysOf))
      ({ state, event } = { event: undefined, ...editPrompt(state, key, help) });
    return { state, event };
  }

  test.each([
    [['pods'], 'pods|'],
    [['pods', 'left', 'left', 'x'], 'pox|ds'],
    [['pod世', 'backspace'], 'pod|'],
    [['a', 'left', 'backspace'], '|a'],
    [['one two', 'ctrl-w'], 'one |'],
    [['one two', 'left', 'ctrl-u'], '|o'],
    [['abc', 'home', 'ctrl-d'], '|bc'],
    [['abc', 'ctrl-a', 'ctrl-k'], '|'],
    [['a\x1b[200~b\r\nc\r\x1b[201~d'], 'ab cd|'],
  ])('%j gives %s', (names, expected) => {
    const { text, cursor } = typed(names).state;
    expect(`${text.slice(0, cursor)}|${text.slice(cursor)}`).toBe(expected);
  });

  test('enter submits, esc and backspace on nothing cancel, a pasted line break does neither', () => {
    expect(typed(['pods', 'enter']).event).toBe('submit');
    expect(typed(['pods', 'esc']).event).toBe('cancel');
    expect(typed(['backspace']).event).toBe('cancel');
    expect(typed(['\x1b[200~pods\r\x1b[201~']).event).toBeUndefined();
  });

  test('tab and right take the suggestion', () => {
    expect(typed(['po', 'tab'], { suggestion: 'pods' }).state.text).toBe('pods');
    expect(typed(['po', 'right'], { suggestion: 'pods' }).state.text).toBe('pods');
    expect(typed(['po', 'left', 'right'], { suggestion: 'pods' }).state.text).toBe('po');
    expect(typed(['x', 'tab'], { suggestion: 'pods' }).state.text).toBe('x');
  });

  test('up and down go through the history and back to what was being typed', () => {
    const history = ['newest', 'older'];
    expect(typed(['dr', 'up'], { history }).state.text).toBe('newest');
    expect(typed(['dr', 'up', 'up', 'up'], { history }).state.text).toBe('older');
    expect(typed(['dr', 'up', 'up', 'down', 'down'], { history }).state.text).toBe('dr');
  });
});

describe('the pager', () => {
  const size = { width: 10, height: 5 };
  const text = Array.from({ length: 20 }, (_, index) =>
    index % 6 === 5 ? `line ${index} which is long` : `line ${index}`,
  );
  const shown = (state: PagerState, lines = text): string[] =>
    pagerView(lines, state, size).lines.map(plainText);

  test('moves by lines and pages, and stops at the ends', () => {
    expect(shown(pagerStart)[0]).toBe('line 0');
    expect(shown(movePager(text, pagerStart, size, 'pageDown'))[0]).toBe('line 4');
    expect(shown(movePager(text, pagerStart, size, 'bottom')).at(-1)).toBe('line 19');
    expect(shown(movePager(text, movePager(text, pagerStart, size, 'bottom'), size, 'down'))[0]).toBe(
      'line 15',
    );
    expect(movePager(text, pagerStart, size, 'up').top).toBe(0);
  });

  test('wraps long lines, and moves by rows then', () => {
    const wrapped = wrapPager(text, { ...pagerStart, top: 5 }, size, true);
    expect(shown(wrapped)).toEqual(['line 5 whi', 'ch is long', 'line 6', 'line 7', 'line 8']);
    expect(shown(movePager(text, wrapped, size, 'down'))[0]).toBe('ch is long');
    expect(shown(movePager(text, wrapped, size, 'up'))[0]).toBe('line 4');
  });

  test('scrolls sideways as far as there is text', () => {
    const right = movePager(text, { ...pagerStart, top: 5 }, size, 'right');
    expect(shown(right)[0]).toBe('hich is lo');
    expect(movePager(text, right, size, 'right').left).toBe(10);
  });

  test('follows the end until it is scrolled up', () => {
    const following = settlePager(text, { ...pagerStart, follow: true }, size);
    expect(shown(settlePager([...text, 'new'], following, size), [...text, 'new']).at(-1)).toBe('new');
    expect(movePager(text, following, size, 'up').follow).toBe(false);
  });

  test('searches forwards and backwards, around the ends', () => {
    const first = findInPager(text, pagerStart, size, 'first', 'which');
    const next = findInPager(text, first, size, 'next');
    expect([
      first.match,
      next.match,
      findInPager(text, findInPager(text, next, size, 'next'), size, 'next').match,
    ]).toEqual([5, 11, 5]);
    expect(findInPager(text, first, size, 'previous').match).toBe(17);
    expect(pagerView(text, next, size, matchingLines(text, 'which'))).toMatchObject({
      matchNumber: 2,
      matchCount: 3,
    });
    expect(shown(next)).toContain('line 11 wh');
  });

  test('a search ignores case unless it has a capital, and takes what is no regular expression literally', () => {
    expect(matchingLines(['NCCL WARN', 'nccl warn'], 'warn')).toEqual([0, 1]);
    expect(matchingLines(['NCCL WARN', 'nccl warn'], 'WARN')).toEqual([0]);
    expect(matchingLines(['a(b', 'ab'], '(')).toEqual([0]);
    expect(matchingLines(['anything'], '')).toEqual([]);
  });

  test('matches are marked without moving a letter', () => {
    const [line] = pagerView(
      [[{ text: 'the wat', role: 'dim' }, { text: 'chdog' }]],
      { ...pagerStart, query: 'watch' },
      { width: 40, height: 3 },
    ).lines;
    expect(line).toEqual([
      { text: 'the ', role: 'dim' },
      { text: 'wat', role: 'match' },
      { text: 'ch', role: 'match' },
      { text: 'dog' },
    ]);
  });

  test('the window never leaves the text', () => {
    const motion = fc.constantFrom(
      'up',
      'down',
      'pageUp',
      'pageDown',
      'halfUp',
      'halfDown',
      'top',
      'bottom',
      'left',
      'right',
      'lineStart',
    );
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', '世', ' ') }), { maxLength: 30 }),
        fc.array(motion),
        fc.boolean(),
        (lines, motions, wrap) => {
          let state: PagerState = { ...pagerStart, wrap };
          for (const step of motions) state = movePager(lines, state, size, step);
          expect(state.top).toBeGreaterThanOrEqual(0);
          expect(state.top).toBeLessThan(Math.max(1, lines.length));
          const view = pagerView(lines, state, size);
          expect(view.lines.length).toBeLessThanOrEqual(size.height);
          if (lines.length >= size.height) expect(view.lines.length).toBe(size.height);
        },
      ),
    );
  });
});

describe('hints and help', () => {
  test('as many hints as fit, and help always', () => {
    const hints = [
      { key: 'enter', text: 'detail' },
      { key: 'l', text: 'logs' },
      { key: 'd', text: 'desc' },
      { key: '?', text: 'help' },
    ];
    const line = (width: number): string =>
      hintSpans(hints, width)
        .map((span) => span.text)
        .join('')
        .trim();
    expect(line(80)).toBe('<enter>detail <l>logs <d>desc <?>help');
    expect(line(26)).toBe('<enter>detail <?>help');
    expect(line(10)).toBe('<?>help');
  });

  test('key tables stand side by side and never wider than the screen', () => {
    const groups = ['GENERAL', 'PODS', 'SORT'].map((title) => ({
      title,
      entries: [{ keys: 'ctrl-d', text: 'delete, after a dialog that says what will happen' }],
    }));
    for (const width of [40, 80, 120, 200]) {
      for (const line of helpLines(groups, width)) expect(widthOf(line)).toBeLessThanOrEqual(width);
    }
    expect(helpLines(groups, 120).length).toBe(4);
    expect(helpLines(groups, 40).length).toBe(14);
    // What does not fit beside its key goes on under it; nothing is cut.
    const said = helpLines(groups.slice(0, 1), 40)
      .flatMap((line) => line.map(({ text }) => text))
      .join(' ');
    expect(said.replace(/\s+/g, ' ')).toContain('delete, after a dialog that says what will happen');
  });
});

describe('the clipboard', () => {
  function copied(env: ClipboardParts['env'], platform: NodeJS.Platform = 'linux', works = true) {
    const ran: string[] = [];
    const sent: string[] = [];
    return {
      ran,
      sent,
      result: copyText('train/worker-3', {
        env,
        platform,
        control: (bytes) => sent.push(bytes),
        pipe: async (command) => {
          ran.push(command.join(' '));
          return works;
        },
      }),
    };
  }

  test.each([
    [{ DISPLAY: ':0' }, 'native', 'xclip -selection clipboard'],
    [{ WAYLAND_DISPLAY: 'wayland-0' }, 'native', 'wl-copy'],
    [{ TMUX: '/tmp/tmux', SSH_CONNECTION: 'x', DISPLAY: ':0' }, 'tmux', 'tmux load-buffer -w -'],
  ])('%j is %s', async (env, method, command) => {
    const { result, ran } = copied(env);
    expect(await result).toBe(method);
    expect(ran).toEqual([command]);
  });

  test('over SSH the terminal is asked, with a wrapping that GNU screen lets through', async () => {
    const plain = copied({ SSH_CONNECTION: 'x', DISPLAY: ':0', TERM: 'xterm-256color' });
    expect(await plain.result).toBe('osc52');
    expect(plain.sent).toEqual(['\x1b]52;c;dHJhaW4vd29ya2VyLTM=\x07']);
    const screen = copied({ SSH_CONNECTION: 'x', TERM: 'screen' });
    await screen.result;
    expect(screen.sent).toEqual(['\x1bP\x1b]52;c;dHJhaW4vd29ya2VyLTM=\x07\x1b\\']);
  });

  test('a tool that fails is no end: the terminal is asked', async () => {
    const { result, sent } = copied({ DISPLAY: ':0', TERM: 'xterm' }, 'linux', false);
    expect(await result).toBe('osc52');
    expect(sent.length).toBe(1);
  });

  test('too large a text is an error that says what to do; off does nothing', async () => {
    const parts = { env: {}, platform: 'linux' as const, control: () => undefined };
    await expect(copyText('x'.repeat(80_000), parts)).rejects.toThrow('save it to a file');
    expect(await copyText('x', { ...parts, env: { MLTOP_CLIPBOARD: 'off' } })).toBe('off');
  });
});
