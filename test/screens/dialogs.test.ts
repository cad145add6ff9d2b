import { expect, test } from 'vitest';
import { type ConfirmDialog, type NoticeDialog, openDialog } from '../../src/state/dialog.ts';
import { fillRecorded, type Given, givenScreen, noon } from './given.tsx';

const sizes = [
  [80, 24],
  [120, 36],
  [60, 14],
] as const;

const many = Array.from({ length: 60 }, (_, at) => ({ text: `object ${at + 1}` }));

function confirm({ session, clock }: Given, more: Partial<ConfirmDialog> = {}): void {
  openDialog<ConfirmDialog>(
    session,
    {
      kind: 'confirm',
      title: 'Drain node',
      danger: true,
      body: many,
      kubectl: 'kubectl drain h100-07',
      check: { state: 'passed', text: 'dry-run=server: ok' },
      typing: undefined,
      verb: 'Drain',
      focus: 0,
      switches: [{ key: 'G', text: 'grace' }],
      progress: undefined,
      stoppable: false,
      ...more,
    },
    clock.now,
  );
  clock.now += 1000;
}

function notice({ session, clock }: Given): void {
  openDialog<NoticeDialog>(session, { kind: 'notice', title: 'Drain failed', body: many }, clock.now);
  clock.now += 1000;
}

function given(columns = 80, rows = 24): Given {
  const screen = givenScreen({ columns, rows });
  fillRecorded(screen.cluster);
  screen.clock.now = noon;
  screen.text();
  return screen;
}

test.each(sizes)(
  'a body that is cut at %ix%i says how much is below, scrolls to its end and back, and keeps the check and the buttons',
  (columns, rows) => {
    const screen = given(columns, rows);
    confirm(screen);
    const first = screen.text();
    expect(first).toContain('object 1');
    expect(first).toMatch(/Drain node {2}1-\d+ of 60/);
    expect(first).toMatch(/\d+ more lines, <down> scrolls/);
    for (const text of [first]) {
      expect(text).toContain('dry-run=server: ok');
      expect(text).toContain('[ Cancel ]');
    }
    screen.type('j\x1b[B');
    expect(screen.text()).toMatch(/Drain node {2}3-\d+ of 60/);
    screen.type('\x1b[6~');
    expect(screen.text()).not.toContain('object 3 ');
    for (let press = 0; press < 80; press++) screen.type('\x1b[B');
    const last = screen.text();
    expect(last).toContain('object 60');
    expect(last).toMatch(/Drain node {2}\d+-60 of 60/);
    expect(last).not.toContain('more lines');
    expect(last).toContain('dry-run=server: ok');
    expect(last).toContain('[ Cancel ]');
    screen.type('k');
    expect(screen.text()).toMatch(/more lines/);
    screen.type('g');
    expect(screen.text()).toBe(first);
  },
);

test('a notice that is cut scrolls too', () => {
  const screen = given();
  notice(screen);
  screen.text();
  screen.type('G');
  expect(screen.text()).toContain('object 60');
  screen.type('\x1b');
  expect(screen.session.getState().dialog).toBeUndefined();
});

test('while a name is typed, letters are letters and arrows scroll', () => {
  const screen = given();
  confirm(screen, {
    typing: { ask: 'Name', expected: 'jk', line: { text: '', cursor: 0, back: 0, draft: '' } },
  });
  screen.type('jk');
  expect(screen.session.getState().dialog).toMatchObject({ typing: { line: { text: 'jk' } } });
  screen.type('\x1b[B\x1b[B');
  expect(screen.text()).toMatch(/Drain node {2}3-\d+ of 60/);
});

test('scrolling is never an answer: the choice stays on Cancel', () => {
  const screen = given();
  confirm(screen);
  screen.type('\x1b[B\x1b[6~\x1b[A');
  expect(screen.session.getState().dialog).toMatchObject({ focus: 0 });
});

test('a body that fits does not scroll, and says nothing of it', () => {
  const screen = given();
  confirm(screen, { body: [{ text: 'one line' }] });
  screen.type('\x1b[B');
  expect(screen.text()).not.toContain('<down> scrolls');
  expect(screen.text()).not.toContain(' of 1');
});

test.each([
  ['a letter', '\x1bj'],
  ['two keys', '\x1b', 'j'],
])('%s in one burst with the Esc that closes a dialog works on what lay under it', (_, ...burst) => {
  const screen = given();
  const before = screen.session.getState().views.at(-1);
  confirm(screen);
  screen.type(burst.join(''));
  expect(screen.session.getState().dialog).toBeUndefined();
  expect(before).toMatchObject({ cursor: { index: 0 } });
  expect(screen.session.getState().views.at(-1)).toMatchObject({ cursor: { index: 1 } });
});

test('Enter in one piece with that Esc opens the row', () => {
  const screen = given();
  confirm(screen);
  screen.type('\x1b\r');
  expect(screen.session.getState().views.at(-1)).toMatchObject({ kind: 'detail' });
});

test('what changes something is never done by a key that came with that Esc', async () => {
  const screen = given();
  confirm(screen);
  screen.type('\x1b');
  screen.type('\x04');
  expect(screen.session.getState().dialog).toBeUndefined();
  expect(screen.text()).toContain(
    '"ctrl-d" came with the key that closed the dialog: not done; press it again.',
  );
  await new Promise((next) => setImmediate(next));
  screen.type('\x04');
  expect(screen.text()).toContain('There is no connection to a cluster.');
});
