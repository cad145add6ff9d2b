import { Text } from 'ink';
import { describe, expect, test } from 'vitest';
import { dialogOverlay, menuOverlay } from '../../src/ui/dialog.ts';
import { Frame, type FrameProps } from '../../src/ui/Frame.tsx';
import { frameRows } from '../../src/ui/frame.ts';
import { emptyPrompt, promptSpans } from '../../src/ui/prompt.ts';
import { Spinner } from '../../src/ui/Spinner.tsx';
import { StaticTable } from '../../src/ui/StaticTable.tsx';
import { Table } from '../../src/ui/Table.tsx';
import { layoutColumns, type TableColumn, type TableRow } from '../../src/ui/table.ts';
import { themeNamed } from '../../src/ui/theme.ts';
import { openTerminal } from './terminal.tsx';

const theme = themeNamed('dark', { level: 3 });

const columns: readonly TableColumn[] = [
  { title: 'NAMESPACE', width: 8, priority: 1 },
  { title: 'NAME', width: 27, priority: 0, cut: 'middle' },
  { title: 'READY', width: 3, priority: 2 },
  { title: 'STATUS', width: 18, priority: 0 },
  { title: 'RST', width: 2, priority: 3, align: 'right' },
  { title: 'GPU', width: 1, priority: 1, align: 'right' },
  { title: 'NODE', width: 7, priority: 4 },
  { title: 'AGE', width: 3, priority: 2, align: 'right' },
];

const rows: readonly TableRow[] = Array.from({ length: 60 }, (_, index) => ({
  cells: [
    { text: 'train', role: 'dim' as const },
    { text: `llama70b-pretrain-worker-${index}` },
    { text: index % 3 === 0 ? '0/1' : '1/1' },
    index % 3 === 0
      ? { text: '✗ CrashLoopBackOff', role: 'bad' as const }
      : { text: '● Running', role: 'good' as const },
    { text: String(index % 17) },
    { text: '8' },
    { text: `h100-${String(index % 16).padStart(2, '0')}` },
    { text: `${index}m` },
  ],
}));

interface Look extends Partial<FrameProps> {
  readonly selected?: number;
  readonly top?: number;
}

function Screen({
  columns: width,
  rows: height,
  look,
}: {
  readonly columns: number;
  readonly rows: number;
  readonly look: Look;
}) {
  const { selected = 0, top = 0, ...parts } = look;
  const body = frameRows(height, { header: 2, strip: 2 }).body;
  const visible = rows
    .slice(top, top + body - 1)
    .map((row, index) => (index + top === selected ? { ...row, selected: true } : row));
  return (
    <Frame
      theme={theme}
      columns={width}
      rows={height}
      header={[
        {
          left: [{ text: ' PROD ', role: 'header.prod' }, { text: '  gke_prod-eu_ml-1  ns:all  RO' }],
          right: [{ text: '● live 0.8s ', role: 'good' }],
        },
        { left: [{ text: ' nodes 34/36   GPU 212/256' }] },
      ]}
      title={{ left: [{ text: ' Pods(all)[60]' }], right: [{ text: 'sort NAME↑ ' }] }}
      strip={[
        { left: [{ text: ` why  worker-${selected}: trainer exit 1 x14` }] },
        { left: [{ text: '      node h100-07 reported Xid 79' }] },
      ]}
      hints={[
        { key: 'enter', text: 'detail' },
        { key: 'l', text: 'logs' },
        { key: 'c', text: 'cordon', off: true },
        { key: '?', text: 'help' },
      ]}
      {...parts}
    >
      <Table
        theme={theme}
        layout={layoutColumns(columns, width, { sorted: 1 })}
        height={body}
        rows={visible}
        sort={{ column: 1, descending: false }}
      />
    </Frame>
  );
}

describe('the frame', () => {
  test('a table at 80x24', async () => {
    const terminal = await openTerminal((size) => <Screen {...size} look={{}} />, { columns: 80, rows: 24 });
    expect(`\n${terminal.frame()}`).toMatchInlineSnapshot(`
      "
       PROD   gke_prod-eu_ml-1  ns:all  RO                                ● live 0.8s
       nodes 34/36   GPU 212/256
       Pods(all)[60]                                                       sort NAME↑
       NAMESPACE NAME↑                       READY STATUS             RST GPU AGE
      >train     llama70b-pretrain-worker-0  0/1   ✗ CrashLoopBackOff   0   8  0m
       train     llama70b-pretrain-worker-1  1/1   ● Running            1   8  1m
       train     llama70b-pretrain-worker-2  1/1   ● Running            2   8  2m
       train     llama70b-pretrain-worker-3  0/1   ✗ CrashLoopBackOff   3   8  3m
       train     llama70b-pretrain-worker-4  1/1   ● Running            4   8  4m
       train     llama70b-pretrain-worker-5  1/1   ● Running            5   8  5m
       train     llama70b-pretrain-worker-6  0/1   ✗ CrashLoopBackOff   6   8  6m
       train     llama70b-pretrain-worker-7  1/1   ● Running            7   8  7m
       train     llama70b-pretrain-worker-8  1/1   ● Running            8   8  8m
       train     llama70b-pretrain-worker-9  0/1   ✗ CrashLoopBackOff   9   8  9m
       train     llama70b-pretrain-worker-10 1/1   ● Running           10   8 10m
       train     llama70b-pretrain-worker-11 1/1   ● Running           11   8 11m
       train     llama70b-pretrain-worker-12 0/1   ✗ CrashLoopBackOff  12   8 12m
       train     llama70b-pretrain-worker-13 1/1   ● Running           13   8 13m
       train     llama70b-pretrain-worker-14 1/1   ● Running           14   8 14m
       train     llama70b-pretrain-worker-15 0/1   ✗ CrashLoopBackOff  15   8 15m
      ────────────────────────────────────────────────────────────────────────────────
       why  worker-0: trainer exit 1 x14

       <enter>detail <l>logs <c>cordon <?>help"
    `);
    await terminal.close();
  });

  test('draws exactly the rows there are, from 200x60 down to 40x10 and below', async () => {
    const terminal = await openTerminal((size) => <Screen {...size} look={{}} />, { columns: 200, rows: 60 });
    for (const [width, height] of [
      [200, 60],
      [120, 36],
      [80, 24],
      [60, 18],
      [40, 10],
      [30, 7],
      [20, 5],
      [10, 3],
      [120, 36],
    ] as const) {
      await terminal.resize(width, height);
      const lines = terminal.lines();
      expect(lines.length).toBe(height);
      if (height >= 6 && width >= 20) {
        expect(lines.at(-1)).toContain('<?>help');
        expect(lines.join('\n')).toMatch(/>.*llama|>llama/);
      }
    }
    await terminal.close();
  });

  test('the parts always add up', () => {
    for (let height = 1; height < 80; height++) {
      const share = frameRows(height, { header: 2, strip: 2 });
      expect(Object.values(share).reduce((sum, part) => sum + part, 0)).toBe(height);
    }
  });

  test('keys move the selection, in the frame of the same turn', async () => {
    let selected = 0;
    const terminal = await openTerminal((size) => <Screen {...size} look={{ selected }} />, {
      onKey: (_key, name) => {
        if (name === 'j') selected++;
      },
    });
    await terminal.type('jjj');
    expect(terminal.lines().findIndex((line) => line.startsWith('>'))).toBe(7);
    expect(terminal.frame()).toContain('why  worker-3');
    expect(terminal.cell(7, 20).bg).toBe(0x25324a);
    expect(terminal.cell(6, 20).bg).toBe(-1);
    await terminal.close();
  });

  test('a dialog lies over the body, and what is under it comes back', async () => {
    let isOpen = false;
    const terminal = await openTerminal(
      (size) => (
        <Screen
          {...size}
          look={
            isOpen
              ? {
                  overlay: dialogOverlay(
                    theme,
                    {
                      title: 'DELETE in PROD',
                      border: 'danger',
                      focus: 0,
                      body: [
                        [{ text: '1 pod   train/llama70b-pretrain-worker-3' }],
                        'frees 8 x H100 on h100-07; 15 peers lose rank 3, and the whole job starts again from its last checkpoint',
                      ],
                      confirm: {
                        ask: 'type the pod name to confirm:',
                        expected: 'worker-3',
                        typed: emptyPrompt,
                      },
                      buttons: [
                        { text: 'Cancel' },
                        { text: 'Delete', danger: true, whyNot: 'the name is not typed yet' },
                      ],
                      footer: [{ text: '<K>', role: 'hint.key' }, { text: 'copy command' }],
                    },
                    size.columns,
                    size.rows,
                  ),
                }
              : {}
          }
        />
      ),
      {
        columns: 100,
        rows: 30,
        onKey: () => {
          isOpen = !isOpen;
        },
      },
    );
    const before = terminal.frame();
    await terminal.press('d');
    expect(`\n${terminal.lines().slice(8, 22).join('\n')}`).toMatchInlineSnapshot(`
      "
       train     l┌─ DELETE in PROD ─────────────────────────────────────────────────────────┐
       train     l│                                                                          │
       train     l│  1 pod   train/llama70b-pretrain-worker-3                                │
       train     l│  frees 8 x H100 on h100-07; 15 peers lose rank 3, and the whole job      │
       train     l│  starts again from its last checkpoint                                   │
       train     l│                                                                          │
       train     l│  type the pod name to confirm:                                           │
       train     l│                                                                          │
       train     l│  [ Cancel ]    Delete                                                    │
       train     l│                                                                          │
       train     l└─ <K>copy command ────────────────────────────────────────────────────────┘
       train     llama70b-pretrain-worker-15 0/1   ✗ CrashLoopBackOff  15   8 h100-15 15m
       train     llama70b-pretrain-worker-16 1/1   ● Running           16   8 h100-00 16m
       train     llama70b-pretrain-worker-17 1/1   ● Running            0   8 h100-01 17m"
    `);
    await terminal.press('esc');
    expect(terminal.frame()).toBe(before);
    await terminal.close();
  });

  test('a menu shows what is off and why', async () => {
    const overlay = menuOverlay(
      theme,
      {
        title: [{ text: 'train/worker-3' }],
        selected: 1,
        items: [
          { key: 'l', text: 'logs' },
          { key: 'd', text: 'describe' },
          { key: 'ctrl-d', text: 'delete', off: true, note: 'read-only: press W to arm' },
        ],
      },
      80,
      24,
    );
    const terminal = await openTerminal((size) => <Screen {...size} look={{ overlay }} />);
    expect(terminal.frame()).toContain('│  ctrl-d  delete    read-only: press W to arm');
    expect(terminal.frame()).toContain('│> d       describe');
    await terminal.close();
  });

  test('the prompt shows its cursor, the suggestion and a note', async () => {
    const prompt = promptSpans({ ...emptyPrompt, text: 'po', cursor: 2 }, 80, {
      label: ':',
      suggestion: 'pods',
      note: { text: 'enter runs' },
    });
    const terminal = await openTerminal((size) => <Screen {...size} look={{ prompt }} />);
    const line = terminal.lines().at(-2) ?? '';
    expect(line).toMatch(/^ :pods +enter runs$/);
    expect(terminal.cell(22, 4).inverse).toBe(true);
    await terminal.close();
  });

  test('a message stands where there are no rows', async () => {
    const terminal = await openTerminal(
      (size) => (
        <Table
          theme={theme}
          layout={layoutColumns(columns, size.columns)}
          height={size.rows}
          rows={[]}
          message={{
            role: 'warn',
            title: 'Pods of all namespaces are forbidden',
            lines: ['Ask for "list pods" in namespace train, or choose a namespace with :ns.'],
          }}
        />
      ),
      { columns: 60, rows: 12 },
    );
    expect(`\n${terminal.frame()}`).toMatchInlineSnapshot(`
      "
       NAMESPACE NAME                        STATUS


        Pods of all namespaces are forbidden
        Ask for "list pods" in namespace train, or choose a
        namespace with :ns.





      "
    `);
    await terminal.close();
  });

  test('ink-table draws the small fixed tables', async () => {
    const terminal = await openTerminal(
      () => (
        <StaticTable
          theme={theme}
          data={[
            { CONTAINER: 'trainer', STATE: 'Waiting', RESTARTS: 14 },
            { CONTAINER: 'sidecar', STATE: 'Running', RESTARTS: 0 },
          ]}
          right={['RESTARTS']}
        />
      ),
      { columns: 60, rows: 9 },
    );
    expect(`\n${terminal.frame()}`).toMatchInlineSnapshot(`
      "
      ┌───────────┬─────────┬──────────┐
      │ CONTAINER │ STATE   │ RESTARTS │
      ├───────────┼─────────┼──────────┤
      │ trainer   │ Waiting │       14 │
      ├───────────┼─────────┼──────────┤
      │ sidecar   │ Running │        0 │
      └───────────┴─────────┴──────────┘

      "
    `);
    await terminal.close();
  });

  test('stock Ink shows the same screen', async () => {
    const [ours, stock] = await Promise.all(
      (['frames', 'stock'] as const).map((renderer) =>
        openTerminal((size) => <Screen {...size} look={{ selected: 4 }} />, {
          columns: 100,
          rows: 30,
          renderer,
        }),
      ),
    );
    expect(stock?.frame()).toBe(ours?.frame());
    await ours?.close();
    await stock?.close();
  });

  test.each(['frames', 'stock'] as const)(
    'with %s, the screen is the same after it was lent',
    async (renderer) => {
      const terminal = await openTerminal((size) => <Screen {...size} look={{ selected: 4 }} />, {
        columns: 100,
        rows: 30,
        renderer,
      });
      const before = terminal.frame();
      await terminal.terminal.lend(async () => terminal.requestFrame('key'));
      await terminal.until((frame) => frame === before);
      await terminal.close();
    },
  );

  test('a spinner turns beside ready lines', async () => {
    const terminal = await openTerminal(
      (size) => (
        <Frame
          theme={theme}
          {...size}
          header={[]}
          title={{ left: [{ text: ' Pods' }] }}
          strip={[]}
          hints={[]}
        >
          <Spinner theme={theme} label="listing pods" />
        </Frame>
      ),
      { columns: 40, rows: 8 },
    );
    const first = terminal.lines()[1] ?? '';
    expect(first).toMatch(/^[-\\|/] listing pods$/);
    await terminal.until((frame) => frame.split('\n')[1] !== first);
    expect(terminal.lines()[0]).toBe(' Pods');
    await terminal.close();
  });

  test('text that Ink would wrap or collapse does not move the rows', async () => {
    const terminal = await openTerminal((size) => (
      <Frame theme={theme} {...size} header={[]} title={{ left: [{ text: 'title' }] }} strip={[]} hints={[]}>
        <Text>body</Text>
      </Frame>
    ));
    expect(terminal.lines()[1]).toBe('body');
    await terminal.close();
  });
});
