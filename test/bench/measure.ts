import { Program } from '../e2e/program.ts';
import { pause, percentile } from './cluster.ts';

/** One figure, with what it is of. */
export function line(what: string, figure: string): void {
  process.stdout.write(`${what.padEnd(66)} ${figure}\n`);
}

export const spread = (sample: readonly number[]): string =>
  `p50 ${percentile(sample, 0.5).toFixed(1)}  p99 ${percentile(sample, 0.99).toFixed(1)} ms`;

/** `200x60` as numbers. */
export function sizeOf(text: string): { columns: number; rows: number } {
  const [columns = 200, rows = 60] = text.split('x').map(Number);
  return { columns, rows };
}

/** Starts and quits it as a person does: V8's compile cache is written at the end, and only the first start ever lacks it. */
export async function warmUp(kubeconfig: string): Promise<void> {
  const program = new Program(['pods', '-A', '--kubeconfig', kubeconfig]);
  await program.waitFor(/\b\d+\/\d+ +(\S )?[A-Z]/, 60_000);
  program.press(':', 'q', 'Enter');
  await program.exit();
}

/** Milliseconds from the start of the program on. */
export interface Start {
  readonly firstFrameMs: number;
  readonly firstRowsMs: number;
  readonly allRowsMs: number;
  readonly cpuMs: number;
  readonly peakMb: number;
}

/** Waits until a program that was just started shows all of its pods. */
export async function timeStart(program: Program, pods: number): Promise<Start> {
  const since = (): number => performance.now() - program.startedAt;
  const whole = pods.toLocaleString('en');
  await program.waitFor(/\S/);
  const firstFrameMs = since();
  await program.waitFor(/\b\d+\/\d+ +(\S )?[A-Z]/, 60_000);
  const firstRowsMs = since();
  await program.waitFor(new RegExp(`\\[(${whole}|${pods})\\]|/(${whole}|${pods})\\]`), 300_000);
  const allRowsMs = since();
  const { cpuMs, peakMb } = program.usage();
  return { firstFrameMs, firstRowsMs, allRowsMs, cpuMs, peakMb };
}

/** Presses one key and waits for the first bytes of the answer, then for quiet. */
export async function pressAndTime(program: Program, key: string): Promise<{ ms: number; bytes: number }> {
  const before = program.bytes;
  const start = performance.now();
  const answered = new Promise<number>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no answer to ${key}`)), 3000);
    const listener = program.pty.onData(() => {
      clearTimeout(late);
      listener.dispose();
      resolve(performance.now() - start);
    });
  });
  program.press(key);
  const ms = await answered;
  await program.quiet(40, 400);
  return { ms, bytes: program.bytes - before };
}

/** The same for a walk of the cursor on the first screen. */
export async function walk(program: Program, keys: number): Promise<{ ms: number[]; bytes: number }> {
  program.press('g');
  await program.quiet(200, 1500);
  const moves: { ms: number; bytes: number }[] = [];
  for (let press = 0; press < keys; press += 1)
    moves.push(await pressAndTime(program, press % 20 < 10 ? 'Down' : 'Up'));
  return { ms: moves.map(({ ms }) => ms), bytes: middleOf(moves.map(({ bytes }) => bytes)) };
}

/** Bytes of a key once the cursor stands at the lower edge, so that the table scrolls. */
export async function scrollBytes(program: Program, rows: number, keys: number): Promise<number> {
  for (let press = 0; press < rows; press += 1) program.press('Down');
  await program.quiet(200);
  const bytes: number[] = [];
  for (let press = 0; press < keys; press += 1) bytes.push((await pressAndTime(program, 'Down')).bytes);
  return middleOf(bytes);
}

/** CPU in percent of a core and bytes to the terminal, over so many seconds in which nobody presses anything. */
export async function idle(
  program: Program,
  seconds: number,
): Promise<{ cpu: number; bytes: number; rssMb: number }> {
  const before = { ...program.usage(), bytes: program.bytes };
  await pause(seconds * 1000);
  const after = program.usage();
  return {
    cpu: (after.cpuMs - before.cpuMs) / seconds / 10,
    bytes: program.bytes - before.bytes,
    rssMb: after.rssMb,
  };
}

/** Milliseconds by which each frame came later than the clock of data frames promises, while data never stops. */
export async function lateness(program: Program, seconds: number, everyMs: number): Promise<number[]> {
  const late: number[] = [];
  let last: number | undefined;
  const listener = program.pty.onData(() => {
    const now = performance.now();
    // A frame comes in several pieces, one after the other.
    if (last === undefined || now - last > everyMs / 4) {
      if (last !== undefined) late.push(Math.max(0, now - last - everyMs));
      last = now;
    }
  });
  await pause(seconds * 1000);
  listener.dispose();
  return late;
}

export const middleOf = (sample: readonly number[]): number => percentile(sample, 0.5);
