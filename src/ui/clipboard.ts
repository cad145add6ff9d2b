import { type ChildProcess, spawn } from 'node:child_process';

/** How a text got to the clipboard. `osc52` is not confirmed by any terminal: say "sent", not "copied". */
export type ClipboardMethod = 'native' | 'tmux' | 'osc52' | 'off';

export interface ClipboardParts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** Writes bytes to the terminal, past the frames: `output.control`. */
  readonly control: (bytes: string) => void;
  /** Runs a program with the text as its input; resolves to whether it took it. Default: a child process. */
  readonly pipe?: (command: readonly [string, ...string[]], text: string) => Promise<boolean>;
}

/** What terminals and k9s accept at most: 100,000 bytes with the escape around it. */
const largestOsc52 = 74_994;

/**
 * Puts a text on the clipboard of the person's own machine, as far as that can be reached (ux 1.6). MLTOP_CLIPBOARD chooses:
 * auto, native, tmux, osc52, off. The answer says what was done; too large a text is an error that says so.
 */
export async function copyText(text: string, parts: ClipboardParts): Promise<ClipboardMethod> {
  const { env, pipe = pipeTo } = parts;
  const choice = env['MLTOP_CLIPBOARD'] ?? 'auto';
  if (choice === 'off') return 'off';
  const native = nativeCommand(parts);
  // On the other end of SSH, a native tool fills the clipboard of the wrong machine.
  const isRemote = env['SSH_CONNECTION'] !== undefined || env['SSH_TTY'] !== undefined;
  if (
    native !== undefined &&
    (choice === 'native' || (choice === 'auto' && !isRemote)) &&
    (await pipe(native, text))
  )
    return 'native';
  // tmux drops OSC 52 by default, raw and wrapped; `load-buffer -w` reaches the outer terminal in every configuration tried.
  if (
    env['TMUX'] !== undefined &&
    (choice === 'tmux' || choice === 'auto') &&
    (await pipe(['tmux', 'load-buffer', '-w', '-'], text))
  )
    return 'tmux';
  if (choice === 'native' || choice === 'tmux')
    throw new Error(`No clipboard by ${choice}: set MLTOP_CLIPBOARD=auto, or save to a file`);
  const encoded = Buffer.from(text).toString('base64');
  if (encoded.length > largestOsc52)
    throw new Error(
      `Too large for the terminal's clipboard (${encoded.length} bytes of ${largestOsc52}): save it to a file`,
    );
  parts.control(osc52(encoded, env));
  return 'osc52';
}

/** GNU screen passes on what stands in a DCS, and drops the rest. */
function osc52(encoded: string, env: ClipboardParts['env']): string {
  const sequence = `\x1b]52;c;${encoded}\x07`;
  return env['STY'] !== undefined || /^screen/.test(env['TERM'] ?? '') ? `\x1bP${sequence}\x1b\\` : sequence;
}

function nativeCommand({ env, platform }: ClipboardParts): [string, ...string[]] | undefined {
  if (platform === 'darwin') return ['pbcopy'];
  if (platform === 'win32' || env['WSL_DISTRO_NAME'] !== undefined) return ['clip.exe'];
  if (env['WAYLAND_DISPLAY'] !== undefined) return ['wl-copy'];
  if (env['DISPLAY'] !== undefined) return ['xclip', '-selection', 'clipboard'];
  return undefined;
}

/** A clipboard tool that hangs must not hang the screen. */
const toolWithinMs = 2000;

function pipeTo([command, ...args]: readonly [string, ...string[]], text: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child: ChildProcess = spawn(command, args, { stdio: ['pipe', 'ignore', 'ignore'] });
    const timer = setTimeout(() => {
      child.kill();
      resolve(false);
    }, toolWithinMs);
    const done = (isTaken: boolean): void => {
      clearTimeout(timer);
      resolve(isTaken);
    };
    child.on('error', () => done(false));
    child.on('exit', (code) => done(code === 0));
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(text);
  });
}
