import { PassThrough, Writable } from 'node:stream';
import { Frame } from '../../src/ui/Frame.tsx';
import { frameRows } from '../../src/ui/frame.ts';
import { mount, type ScreenSize } from '../../src/ui/mount.tsx';
import { Table } from '../../src/ui/Table.tsx';
import { layoutColumns, type TableCell, type TableColumn } from '../../src/ui/table.ts';
import { createTerminal } from '../../src/ui/terminal.ts';
import { type Role, themeNamed } from '../../src/ui/theme.ts';

/** One kind of change, measured over many frames. */
export interface FrameFigure {
  readonly scene: string;
  /** Key or data in, bytes out: milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Bytes written per frame, markers included: median. */
  readonly bytes: number;
}

const theme = themeNamed('dark', { level: 3 });
const table: readonly TableColumn[] = [
  { title: 'NAMESPACE', width: 12, priority: 1 },
  { title: 'NAME', width: 44, priority: 0, cut: 'middle' },
  { title: 'READY', width: 5, priority: 2 },
  { title: 'STATUS', width: 20, priority: 0 },
  { title: 'RST', width: 3, priority: 3, align: 'right' },
  { title: 'GPU', width: 3, priority: 1, align: 'right' },
  { title: 'UTIL', width: 8, priority: 5 },
  { title: 'HBM', width: 4, priority: 6, align: 'right' },
  { title: 'NODE', width: 24, priority: 4 },
  { title: 'IMAGE', width: 50, priority: 7 },
  { title: 'AGE', width: 5, priority: 2, align: 'right' },
];

const states: readonly (readonly [string, Role])[] = [
  ['● Running', 'good'],
  ['● Running', 'good'],
  ['✗ CrashLoopBackOff', 'bad'],
  ['◌ Pending', 'pending'],
  ['✓ Completed', 'done'],
  ['▲ NotReady', 'warn'],
];

function cellsOf(index: number, version: number): TableCell[] {
  const [status, role] = states[(index * 7) % states.length] ?? ['?', 'unknown'];
  return [
    { text: ['train', 'serve', 'research'][index % 3] ?? '', role: 'dim' },
    { text: `llama70b-pretrain-${(index * 2654435761) % 100000}-worker-${index}` },
    { text: role === 'good' ? '1/1' : '0/1' },
    { text: status, role },
    { text: String((index % 17) + version) },
    { text: '8' },
    { text: '█'.repeat((index % 7) + 1), role: 'accent' },
    { text: `${(index * 13) % 100}%`, role: index % 5 === 0 ? 'warn' : 'plain' },
    { text: `gpu-h100-${String(index % 96).padStart(3, '0')}` },
    { text: `registry.example/llm/train@sha256:${((index * 2654435761) >>> 0).toString(16)}`, role: 'dim' },
    { text: `${(index % 59) + 1}m`, role: 'dim' },
  ];
}

/** A pods table like the real one, and what can be changed about it. */
function createScene(columns: number, rows: number) {
  const cells = Array.from({ length: 2000 }, (_, index) => cellsOf(index, 0));
  const layout = layoutColumns(table, columns);
  const { body } = frameRows(rows, { header: 2, strip: 2 });
  const at = { top: 0, cursor: 0, second: 0 };

  function App(size: ScreenSize) {
    const visible = cells
      .slice(at.top, at.top + body - 1)
      .map((row, index) => (index + at.top === at.cursor ? { cells: row, selected: true } : { cells: row }));
    return (
      <Frame
        theme={theme}
        {...size}
        header={[
          {
            left: [{ text: ' PROD ', role: 'header.prod' }, { text: '  gke_prod-eu_ml-1  ns:all  RO' }],
            right: [{ text: `k8s v1.34.2  mltop 0.1.0   ● live ${at.second}s  42ms ` }],
          },
          {
            left: [
              { text: ' nodes 34/36   GPU 212/256 ' },
              { text: '▕████████████████▌   ▏', role: 'accent' },
              { text: ' 9 idle  9 unusable   queue 37 GPU / 4 jobs' },
            ],
            right: [{ text: '✗ 2  ▲ 3 alerts ', role: 'bad' }],
          },
        ]}
        title={{
          left: [{ text: ' Pods(all)[2000] faults:7 marks:0' }],
          right: [{ text: `sort NAME↑  ${at.cursor + 1}/2000 ` }],
        }}
        strip={[
          { left: [{ text: ` why  worker-${at.cursor}: trainer exit 1 x${at.cursor % 20}, last 3m ago` }] },
          {
            left: [
              {
                text: '      node h100-07 reported Xid 79 (GPU fell off the bus) 4m ago -> likely hardware.',
              },
            ],
          },
        ]}
        hints={[
          'detail',
          'logs',
          'prev',
          'desc',
          'yaml',
          'owner',
          'node',
          'menu',
          'view',
          'filter',
          'cmd',
          'help',
        ].map((text, index) => ({ key: 'elpdyJomt/:?'[index] ?? '', text }))}
      >
        <Table
          theme={theme}
          layout={layout}
          height={body}
          rows={visible}
          sort={{ column: 1, descending: false }}
        />
      </Frame>
    );
  }

  return { App, at, cells, body };
}

/** Measures a pods table of that size through Ink, the differ and a terminal that takes everything at once. */
export async function measureFrames(columns: number, rows: number, turns: number): Promise<FrameFigure[]> {
  let written = 0;
  let onWritten: () => void = () => undefined;
  const sink = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      written += Buffer.byteLength(String(chunk));
      done();
      onWritten();
    },
  });
  const stdin = new PassThrough();
  const terminal = createTerminal({
    stdin,
    stdout: Object.assign(sink, { columns, rows }),
    stderr: process.stderr,
    env: {},
    onGone: () => undefined,
  });
  const { App, at, cells, body } = createScene(columns, rows);
  const scenes: Readonly<Record<string, (turn: number) => void>> = {
    cursor: (turn) => {
      at.top = 0;
      at.cursor = turn % (body - 2);
    },
    'scroll by a row': (turn) => {
      at.top = turn % 1900;
      at.cursor = at.top + 20;
    },
    'one cell': (turn) => {
      at.second = turn;
    },
    'a fifth of the rows': (turn) => {
      for (let row = at.top; row < at.top + body; row += 5) cells[row] = cellsOf(row, turn % 100);
    },
    page: (turn) => {
      at.top = (turn * body) % 1900;
      at.cursor = at.top;
    },
    'at rest': () => undefined,
  };
  let change: () => void = () => undefined;
  terminal.start();
  const mounted = mount(App, { terminal, onKey: () => change() });
  const figures: FrameFigure[] = [];
  for (const [scene, apply] of Object.entries(scenes)) {
    const times: number[] = [];
    const sizes: number[] = [];
    at.top = 0;
    at.cursor = 0;
    for (let turn = 1; turn <= turns + 30; turn++) {
      // Between two keys the program is at rest, as it is with a person.
      await new Promise((resolve) => setImmediate(resolve));
      change = () => apply(turn);
      const before = written;
      const start = performance.now();
      const painted = new Promise<void>((resolve) => {
        onWritten = resolve;
      });
      stdin.write('j');
      await (scene === 'at rest' ? new Promise((resolve) => setImmediate(resolve)) : painted);
      if (turn > 30) {
        times.push(performance.now() - start);
        sizes.push(written - before);
      }
    }
    times.sort((a, b) => a - b);
    sizes.sort((a, b) => a - b);
    figures.push({
      scene,
      p50Ms: times[times.length >> 1] ?? 0,
      p99Ms: times[Math.floor(times.length * 0.99)] ?? 0,
      bytes: sizes[sizes.length >> 1] ?? 0,
    });
  }
  await mounted.unmount();
  await terminal.stop();
  return figures;
}

export interface SlowLinkFigure {
  /** From the last key to the moment from which on the terminal shows the right screen. */
  readonly lateMs: number;
  readonly bytes: number;
}

/**
 * Holds a key over a link of so many bytes a second, behind a kernel and an SSH that take everything at once. The terminal
 * answers queries, as all do, when the question has come through.
 */
export async function measureSlowLink(
  columns: number,
  rows: number,
  bytesPerSecond: number,
  keys: number,
  asks: boolean,
): Promise<SlowLinkFigure> {
  const { App, at, body } = createScene(columns, rows);
  const link: string[] = [];
  const stdin = new PassThrough();
  let sent = 0;
  let arrivedAt = 0;
  const sink = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      link.push(String(chunk));
      sent += Buffer.byteLength(String(chunk));
      done();
    },
  });
  const terminal = createTerminal({
    stdin,
    stdout: Object.assign(sink, { columns, rows }),
    stderr: process.stderr,
    env: {},
    onGone: () => undefined,
  });
  let credit = 0;
  let last = performance.now();
  const wire = setInterval(() => {
    const now = performance.now();
    credit += ((now - last) / 1000) * bytesPerSecond;
    last = now;
    for (let next = link[0]; next !== undefined && Buffer.byteLength(next) <= credit; next = link[0]) {
      link.shift();
      credit -= Buffer.byteLength(next);
      arrivedAt = now;
      if (next.includes('\x1b[5n')) stdin.write('\x1b[0n');
    }
    if (link.length === 0) credit = 0;
  }, 2);
  if (asks) terminal.output.startFlowControl();
  terminal.start();
  const mounted = mount(App, {
    terminal,
    onKey: () => {
      at.cursor++;
      if (at.cursor >= at.top + body - 1) at.top += body - 1;
    },
  });
  const settled = async (): Promise<void> => {
    while (link.length > 0 || terminal.output.isBackedUp())
      await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await settled();
  sent = 0;
  for (let key = 0; key < keys; key++) {
    stdin.write('j');
    await new Promise((resolve) => setTimeout(resolve, 33));
  }
  const lastKeyAt = performance.now();
  await settled();
  clearInterval(wire);
  await mounted.unmount();
  await terminal.stop();
  return { lateMs: Math.max(0, arrivedAt - lastKeyAt), bytes: sent };
}
