import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { columnsOf } from '../../src/cli/print.ts';
import { KubeError } from '../../src/kube/kube-error.ts';
import type { KubeObject, ServerVersion } from '../../src/kube/object.ts';
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

async function serverTable(
  resource: Resource,
): Promise<Map<string, { cells: string[]; object: KubeObject }>> {
  const rows = new Map<string, { cells: string[]; object: KubeObject }>();
  let next: string | undefined;
  do {
    const table: ServerTable = await target.connection.json<ServerTable>({
      path: pathOf(resource),
      query: { limit: 500, includeObject: 'Object', continue: next },
      accept: tableAccept,
    });
    for (const row of table.rows ?? []) {
      const cells = row.cells.map((cell) =>
        sanitizeLine(String(cell ?? ''), 1 << 20)
          .replace(/\s+/g, ' ')
          .trim(),
      );
      rows.set(row.object.metadata?.uid ?? '', {
        cells: cells.map((cell) => (cell === '' ? '<none>' : cell)),
        object: row.object,
      });
    }
    next = table.metadata.continue === '' ? undefined : table.metadata.continue;
  } while (next !== undefined);
  return rows;
}

describe('the cells of every kind equal those of the server’s own Table', () => {
  for (const resource of tables as readonly Resource<Row>[]) {
    test(`${resource.name}${resource.group === '' ? '' : `.${resource.group}`}`, async (context) => {
      const now = Date.now();
      const rows = await serverTable(resource).catch((error: unknown) => {
        if (error instanceof KubeError && (error.kind === 'not-found' || error.kind === 'forbidden'))
          return undefined;
        throw error;
      });
      if (rows === undefined) return context.skip('not served, or not allowed');
      const columns = columnsOf(resource, true).filter((column) => column.kubectl !== undefined);
      const different: string[] = [];
      for (const { cells, object } of rows.values()) {
        // The very object the server printed: no race with a cluster that moves.
        const row = resource.toRow(object, { server });
        const ours = columns.map((column) =>
          (column.text?.(row, now) ?? String(column.value(row) ?? '')).replace(/\s+/g, ' ').trim(),
        );
        const mine = ours.map((cell) => withoutAges(cell === '' ? '<none>' : cell)).join(' | ');
        const theirs = cells.slice(0, ours.length).map(withoutAges).join(' | ');
        if (mine !== theirs)
          different.push(`${row.namespace}/${row.name}\n  mltop  ${mine}\n  server ${theirs}`);
      }
      expect(different.slice(0, 10), `${different.length} of ${rows.size} rows differ`).toEqual([]);
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
