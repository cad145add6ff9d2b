import { PassThrough, Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { keyName } from '../../src/ui/keys.ts';
import { createTerminal, isUnicodeLocale } from '../../src/ui/terminal.ts';

/** A terminal that answers what it is asked with these bytes. */
function terminalThatSays(reply: string, env: Readonly<Record<string, string>> = {}) {
  const stdin = new PassThrough();
  let asked = '';
  const stdout = Object.assign(
    new Writable({
      decodeStrings: false,
      write(chunk, _encoding, done) {
        asked += String(chunk);
        if (String(chunk).includes('\x1b[c') && reply !== '') stdin.write(reply);
        done();
      },
    }),
    { columns: 80, rows: 24 },
  );
  const terminal = createTerminal({
    stdin,
    stdout,
    stderr: { write: () => true },
    env: { TERM: 'xterm-256color', ...env },
    onGone: () => undefined,
  });
  terminal.start();
  return { terminal, stdin, asked: () => asked };
}

const attributes = '\x1b[?62;22c';

describe('asking the terminal', () => {
  test.each([
    ['\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\', 'dark'],
    ['\x1b]11;rgb:ffff/ffff/ffff\x07', 'light'],
    ['\x1b]11;rgba:ff/ff/f0/ff\x07', 'light'],
    ['\x1b[?997;2n', 'light'],
    ['\x1b[?997;1n', 'dark'],
    ['', undefined],
  ])('%j means a background that is %s', async (reply, background) => {
    const { terminal } = terminalThatSays(reply + attributes);
    expect(await terminal.probe()).toMatchObject({ background, answers: true });
    await terminal.stop();
  });

  test.each([
    ['\x1b[2;2R', true],
    ['\x1b[2;4R', false],
  ])('a cursor at %j after a block means that UTF-8 is %s', async (reply, isUnicode) => {
    const { terminal } = terminalThatSays(reply + attributes);
    expect((await terminal.probe()).isUnicode).toBe(isUnicode);
    await terminal.stop();
  });

  test('without an answer it is COLORFGBG that says, and keys typed in the meantime are kept', async () => {
    const { terminal, stdin } = terminalThatSays('', { COLORFGBG: '0;15' });
    stdin.write('jk');
    expect(await terminal.probe()).toEqual({ background: 'light', isUnicode: undefined, answers: false });
    const keys: string[] = [];
    terminal.onKey((key) => keys.push(keyName(key)));
    expect(keys).toEqual(['j', 'k']);
    await terminal.stop();
  });

  test('the Linux console prints what it does not understand, so it is not asked', async () => {
    const { terminal, asked } = terminalThatSays('', { TERM: 'linux' });
    expect((await terminal.probe()).answers).toBe(false);
    expect(asked()).not.toContain('\x1b]11');
    await terminal.stop();
  });

  test('a title cannot carry an escape', async () => {
    const { terminal, asked } = terminalThatSays(attributes);
    terminal.setTitle('mltop \x1b]52;c;AAAA\x07 ctx');
    expect(asked()).toContain('\x1b]2;mltop ]52;c;AAAA ctx\x1b\\');
    await terminal.stop();
    expect(asked()).toMatch(/\x1b\[\?1049l\x1b\[23;2t$/);
  });
});

test.each([
  [{ LANG: 'en_US.UTF-8' }, true],
  [{ LC_ALL: 'de_DE.ISO-8859-1', LANG: 'en_US.UTF-8' }, false],
  [{ LANG: 'C.utf8' }, true],
  [{ LANG: 'C' }, undefined],
  [{}, undefined],
])('%j promises UTF-8: %s', (env, expected) => {
  expect(isUnicodeLocale(env)).toBe(expected);
});
