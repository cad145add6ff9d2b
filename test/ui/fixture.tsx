/** A small program on our terminal seam, run in a pseudo terminal by `pty.test.ts`. Each key ends it in another way. */
import { spawn } from 'node:child_process';
import { Frame } from '../../src/ui/Frame.tsx';
import { Lines } from '../../src/ui/Lines.tsx';
import { mount, type ScreenSize } from '../../src/ui/mount.tsx';
import { createTerminal } from '../../src/ui/terminal.ts';
import { themeNamed } from '../../src/ui/theme.ts';

const theme = themeNamed('dark', { level: 3 });
const terminal = createTerminal({
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  ...(process.env['SURVIVE'] === undefined ? {} : { onRejection: survived }),
});
let typed = '';
let isBroken = false;

function survived(error: unknown): void {
  typed = `survived ${String(error)}`;
  mounted.requestFrame('key');
}

function App(size: ScreenSize) {
  if (isBroken) throw new Error('broken in render');
  return (
    <Frame
      theme={theme}
      {...size}
      header={[]}
      title={{ left: [{ text: ` fixture ${size.columns}x${size.rows}` }] }}
      strip={[]}
      hints={[{ key: 'q', text: 'quit' }]}
    >
      <Lines lines={[`typed: ${typed}`, 'a row that is longer than any terminal '.repeat(9)]} height={2} />
    </Frame>
  );
}

const ends: Readonly<Record<string, () => unknown>> = {
  q: async () => {
    await mounted.unmount();
    await terminal.stop();
    process.stdout.write('bye\n');
  },
  c: () => process.kill(process.pid, 'SIGINT'),
  t: () => process.kill(process.pid, 'SIGTERM'),
  h: () => process.kill(process.pid, 'SIGHUP'),
  x: () => process.exit(7),
  u: () => {
    throw new Error('thrown by a key');
  },
  r: () => void Promise.reject(new Error('a promise nobody caught')),
  e: () => {
    isBroken = true;
  },
  z: () => terminal.suspendProcess(),
  s: () =>
    terminal.lend(
      () =>
        new Promise((resolve) => {
          spawn(
            'sh',
            ['-c', 'echo child has the terminal; read -r line; echo "child read $line"; read -r line'],
            { stdio: 'inherit' },
          ).on('exit', resolve);
        }),
    ),
};

terminal.start();
const probe = await terminal.probe();
const mounted = mount(App, {
  terminal,
  onKey: ({ name }) => {
    typed += name;
    void ends[name]?.();
  },
});
typed = `${probe.background ?? 'unknown'} ${probe.isUnicode ?? '?'} ${probe.answers} `;
mounted.requestFrame('key');
mounted.done.catch(async (error: unknown) => {
  await terminal.stop();
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 3;
});
