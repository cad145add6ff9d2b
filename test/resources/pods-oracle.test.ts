import { describe, expect, test } from 'vitest';
import type { ServerVersion } from '../../src/kube/object.ts';
import { cellText } from '../../src/resources/columns.ts';
import { pods } from '../../src/resources/pods.ts';
import { oraclePods } from '../recorded/read.ts';

const servers: readonly (readonly ['1.30' | '1.36', ServerVersion])[] = [
  ['1.30', { major: 1, minor: 30, text: 'v1.30.14' }],
  ['1.36', { major: 1, minor: 36, text: 'v1.36.3' }],
];

describe.each(servers)('pods of a real API server %s', (version, server) => {
  const oracle = oraclePods(version);
  const now = Date.parse(oracle.at);
  const columns = pods.columns.filter((column) => column.kubectl !== undefined);

  test('the columns are the server’s, in its order', () => {
    expect(columns.map((column) => column.title)).toEqual(oracle.columns.map((title) => title.toUpperCase()));
  });

  test('every cell but the age is the server’s, letter by letter', () => {
    const age = columns.findIndex((column) => column.title === 'AGE');
    const different = oracle.cases.flatMap(({ pod, cells }) => {
      const row = pods.toRow(pod, { server });
      const ours = columns.map((column) => cellText(column, row, now));
      const isSame = ours.every((cell, index) => index === age || cell === String(cells[index]));
      return isSame ? [] : [{ ours, theirs: cells }];
    });
    expect(different).toEqual([]);
    expect(oracle.cases.length).toBeGreaterThan(380);
  });
});
