import { afterEach, describe, expect, test } from 'vitest';
import { Program, type ProgramOptions } from './program.ts';

const open: Program[] = [];

function start(args: readonly string[], options?: ProgramOptions): Program {
  const program = new Program(args, options);
  open.push(program);
  return program;
}

afterEach(() => {
  for (const program of open.splice(0)) program.kill();
});

/** The demo cluster, still, with its pods on the screen. */
async function startDemo(options?: ProgramOptions): Promise<Program> {
  const program = start(['demo', '--still'], options);
  await program.waitFor(/Pods.*\[\d+\]/);
  await program.waitFor(/live/);
  return program;
}

/** Namespace and name under the cursor; the cells behind them may change by themselves. */
const cursorLine = (screen: string): string => /^>\S+(?: +\S+)?/m.exec(screen)?.[0].replace(/ +/g, ' ') ?? '';

describe('the main job, on the demo cluster', () => {
  test('faults stand on top, with GPUs, nodes and the age of the data in the header', async () => {
    const program = await startDemo();
    const screen = program.screen();
    expect(screen).toMatch(/GPU \d+\/\d+/);
    expect(screen).toMatch(/nodes \d+\/\d+/);
    expect(screen).toMatch(/k8s v1\.\d+/);
    expect(screen).toMatch(/RO/);
    expect(screen).toMatch(/CrashLoopBackOff/);
    expect(screen).toMatch(/ why {2}\S/);
  });

  test('k9s’s fingers: move, filter, faults, views, history, help, quit', async () => {
    const program = await startDemo();
    const first = cursorLine(program.screen());
    program.press('j', 'j');
    const second = cursorLine((await program.waitFor((screen) => cursorLine(screen) !== first)).screen);
    expect(second).not.toBe(first);
    program.press('g');
    await program.waitFor((screen) => cursorLine(screen) === first);

    program.press('/', 'oom');
    await program.waitFor(/Pods.*\b\d+\/\d+\]/);
    program.press('Enter');
    const filtered = (await program.waitFor((screen) => /oom/i.test(cursorLine(screen)))).screen;
    expect(filtered).toMatch(/oom/i);
    program.press('Escape');
    await program.waitFor(/Pods[^\n]*\[\d+\]/);

    program.press(':', 'nodes', 'Enter');
    await program.waitFor(/Nodes\[\d+\]/);
    program.press('[');
    await program.waitFor(/Pods[^\n]*\[\d+\]/);
    program.press('Tab');
    await program.waitFor((screen) => !/\[Pods\]/.test(screen));
    program.press('-');
    await program.waitFor(/\[Pods\]/);
    program.press('?');
    await program.waitFor(/Help/);
    program.press('Escape');
    await program.waitFor(/Pods[^\n]*\[\d+\]/);
    program.press(':', 'q', 'Enter');
    expect(await program.exit()).toBe(0);
    expect(program.terminal.buffer.active.type).toBe('normal');
  });

  test('the GPUs view says who holds what and what is free', async () => {
    const program = await startDemo({ columns: 200, rows: 60 });
    program.press(':', 'gpus', 'Enter');
    // A frame comes in pieces: it is whole once its last rows are there.
    const { screen } = await program.waitFor((text) => /\[GPUs\]/.test(text) && /cordoned/.test(text));
    expect(screen).toMatch(/gpu-h100-02 .*H100/);
    expect(screen).toMatch(/-1/);
  });

  test('bursts of keys and a paste are not taken for one key, nor for commands', async () => {
    const program = await startDemo();
    const first = cursorLine(program.screen());
    program.press('jjjj');
    await program.waitFor((screen) => cursorLine(screen) !== first);
    program.press('\x1b[200~:q\r\x1b[201~');
    await program.quiet();
    expect(program.screen()).toMatch(/Pods/);
    program.press('Ctrl-K');
    await program.quiet();
    expect(program.screen()).toMatch(/Pods/);
  });
});

describe('any size', () => {
  for (const [columns, rows] of [
    [80, 24],
    [120, 36],
    [200, 60],
    [40, 10],
  ] as const) {
    test(`${columns}x${rows} shows pods and moves`, async () => {
      const program = start(['demo', '--still'], { columns, rows });
      await program.waitFor(/CrashLoop|ContainerC|Pending|Error|Image/);
      const before = program.screen();
      program.press('Down');
      await program.waitFor((screen) => screen !== before);
      expect(program.lines().length).toBe(rows);
    });
  }

  test('a resize repaints for the new size, down and up', async () => {
    const program = await startDemo({ columns: 160, rows: 50 });
    program.resize(80, 24);
    await program.quiet(250);
    expect(program.lines().every((line) => line.length <= 80)).toBe(true);
    expect(program.screen()).toMatch(/Pods/);
    program.resize(200, 60);
    await program.quiet(250);
    expect(program.screen()).toMatch(/Pods/);
    program.press('j');
    await program.quiet();
    expect(cursorLine(program.screen())).not.toBe('');
  });
});

describe('the terminal is left as it was', () => {
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) {
    test(`after ${signal}`, async () => {
      const program = await startDemo();
      program.pty.kill(signal);
      await program.exit();
      expect(program.terminal.buffer.active.type).toBe('normal');
      expect(program.terminal.modes.bracketedPasteMode).toBe(false);
    });
  }

  test('after Ctrl-C', async () => {
    const program = await startDemo();
    program.press('Ctrl-C');
    expect(await program.exit()).toBe(0);
    expect(program.terminal.buffer.active.type).toBe('normal');
  });
});
