import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { columnsOf } from '../../src/cli/print.ts';
import { KubeError } from '../../src/kube/kube-error.ts';
import type { KubeObject, ServerVersion } from '../../src/kube/object.ts';
import { cellText } from '../../src/resources/columns.ts';
import { tables } from '../../src/resources/index.ts';
import { pathOf, type Resource, type Row } from '../../src/resources/resource.ts';
import { sanitizeLine } from '../../src/resources/sanitize.ts';
import { launcher } from '../e2e/program.ts';
import { openTarget, type Target } from './target.ts';

interface ServerTable {
  readonly columnDefinitions: readonly { readonly name: string; readonly priority: number }[];
  readonly rows: readonly { readonly cells: readonly unknown[]; readonly object: KubeObject }[] | null;
  readonly metadata: { readonly continue?: string };
}

const tableAccept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
let target: Target;
let server: ServerVersion;

beforeAll(async () => {
  target = await openTarget();
  server = await target.connection.version();
}, 120_000);
afterAll(async () => {
  await target.close();
});

/** Ages differ by when they were asked for, so they compare as their kind: an age, or not. */
function withoutAges(cell: string): string {
  return cell.replace(/\b(\d+[smhdy]){1,2}\b( ago)?/g, 'AGE').replace(/<invalid>/g, 'AGE');
}

const oneLine = (cell: string): string => {
  const line = withoutAges(cell.replace(/\s+/g, ' ').trim());
  return line === '' ? '<none>' : line;
};

interface ServerRow {
  /** By the column's title, as kubectl writes it. */
  readonly cells: ReadonlyMap<string, string>;
  readonly object: KubeObject;
}

/** Page by page: 50,000 whole objects at once are more than a test should hold. */
async function* serverRows(resource: Resource): AsyncGenerator<ServerRow> {
  let next: string | undefined;
  do {
    const table: ServerTable = await target.connection.json<ServerTable>({
      path: pathOf(resource),
      query: { limit: 500, includeObject: 'Object', continue: next },
      accept: tableAccept,
    });
    const titles = table.columnDefinitions.map(({ name }) => name.toUpperCase());
    for (const { cells, object } of table.rows ?? []) {
      const texts = cells.map((cell) => oneLine(sanitizeLine(String(cell ?? ''), 1 << 20)));
      yield { cells: new Map(titles.map((title, index) => [title, texts[index] ?? ''])), object };
    }
    next = table.metadata.continue === '' ? undefined : table.metadata.continue;
  } while (next !== undefined);
}

/** Rows whose cells differ, of the columns that both have: older servers lack some. */
async function compare(resource: Resource): Promise<{ rows: number; different: string[] }> {
  const now = Date.now();
  const columns = columnsOf(resource, true).filter((column) => column.kubectl !== undefined);
  const different: string[] = [];
  let rows = 0;
  for await (const { cells, object } of serverRows(resource)) {
    rows += 1;
    // The very object that the server printed: no race with a cluster that moves.
    const row = resource.toRow(object, { server });
    const both = columns.filter(({ title }) => cells.has(title));
    const mine = both.map((column) => oneLine(cellText(column, row, now))).join(' | ');
    const theirs = both.map(({ title }) => cells.get(title)).join(' | ');
    if (mine !== theirs) different.push(`${row.namespace}/${row.name}\n  mltop  ${mine}\n  server ${theirs}`);
  }
  return { rows, different };
}

describe('the cells of every kind equal those of the server’s own Table', () => {
  for (const resource of tables as readonly Resource<Row>[]) {
    test(`${resource.name}${resource.group === '' ? '' : `.${resource.group}`}`, async (context) => {
      const compared = await compare(resource).catch((error: unknown) => {
        if (error instanceof KubeError && (error.kind === 'not-found' || error.kind === 'forbidden'))
          return undefined;
        throw error;
      });
      if (compared === undefined) return context.skip('not served, or not allowed');
      const { rows, different } = compared;
      expect(different.slice(0, 10), `${different.length} of ${rows} rows differ`).toEqual([]);
    });
  }
});

test('mltop pods -A prints the rows of kubectl get pods -A', (context) => {
  const run = (command: string, args: readonly string[]): string[] =>
    execFileSync(command, [...args, '--kubeconfig', target.kubeconfig], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .trimEnd()
      .split('\n');
  let theirs: string[];
  try {
    theirs = run('kubectl', ['get', 'pods', '-A']);
  } catch {
    return context.skip('no kubectl here');
  }
  const cut = (line: string): string[] =>
    withoutAges(line)
      .split(/\s{2,}/)
      .slice(0, 5);
  const ours = run(launcher, ['pods', '-A', '-o', 'table']);
  if (target.real) {
    // A real cluster moves between two reads: most rows must be the same, none in another order.
    const same = ours.filter((line, index) => cut(line).join() === cut(theirs[index] ?? '').join()).length;
    expect(same / theirs.length).toBeGreaterThan(0.95);
  } else expect(ours.map(cut)).toEqual(theirs.map(cut));
});
