import { describe, expect, test } from 'vitest';
import { cellText } from '../../src/resources/columns.ts';
import { customresourcedefinitions } from '../../src/resources/customresourcedefinitions.ts';
import { genericResource, resourceOfDefinition } from '../../src/resources/generic.ts';
import { compilePath } from '../../src/resources/json-path.ts';

const noon = Date.parse('2026-03-01T12:00:00Z');

describe('a JSONPath of a printer column', () => {
  const object = {
    metadata: { labels: { 'a.b/c': 'dotted' } },
    spec: { replicas: 3, hosts: ['x', 'y', 'z'], 'strange key': 1 },
    status: {
      conditions: [
        { type: 'Available', status: 'False', n: 1 },
        { type: 'Ready', status: 'True', n: 5 },
      ],
    },
  };

  test.each<[string, unknown]>([
    ['.spec.replicas', 3],
    ['{.spec.replicas}', 3],
    ['$.spec.replicas', 3],
    ['.metadata.labels.a\\.b/c', 'dotted'],
    ["['spec']['strange key']", 1],
    ['.spec.hosts[0]', 'x'],
    ['.spec.hosts[-1]', 'z'],
    ['.spec.hosts[-1:]', 'z'],
    ['.spec.hosts[*]', 'x'],
    ['.spec.hosts', ['x', 'y', 'z']],
    ['.status.conditions[?(@.type=="Ready")].status', 'True'],
    ["  .status.conditions[?(@.type == 'Ready')].status", 'True'],
    ['.status.conditions[?(@.n>3)].type', 'Ready'],
    ['.status.conditions[?(@.type!="Ready")].status', 'False'],
    ['.status.absent.deeper', undefined],
    ['.spec.hosts[9]', undefined],
    ['.spec.constructor', undefined],
  ])('%s', (path, value) => {
    expect(compilePath(path)?.(object)).toEqual(value);
  });

  test.each(['.spec..replicas', 'spec', '.a[', '.a[0:2]', '.a[?(1==1)]', '.a[(@.length-1)]'])(
    'one that is not understood (%s) is refused, not guessed',
    (path) => {
      expect(compilePath(path)).toBeUndefined();
    },
  );
});

const definition = customresourcedefinitions.toRow(
  {
    metadata: { name: 'rayjobs.ray.io', uid: 'u' },
    spec: {
      group: 'ray.io',
      scope: 'Namespaced',
      names: { kind: 'RayJob', plural: 'rayjobs', shortNames: ['rj'] },
      versions: [
        { name: 'v1alpha1', served: true },
        {
          name: 'v1',
          served: true,
          additionalPrinterColumns: [
            { name: 'job status', type: 'string', jsonPath: '.status.jobStatus' },
            { name: 'Workers', type: 'integer', jsonPath: '.status.workers', priority: 1 },
            { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          ],
        },
        { name: 'v2', served: false },
      ],
    },
  },
  { server: undefined },
);

test('a definition becomes a table with its own columns, in its newest served version', () => {
  const rayjobs = resourceOfDefinition(definition);
  if (rayjobs === undefined) throw new Error('no table');
  expect([rayjobs.name, rayjobs.group, rayjobs.apiVersion, rayjobs.aliases]).toEqual([
    'rayjobs',
    'ray.io',
    'v1',
    ['rj', 'rayjob'],
  ]);
  const row = rayjobs.toRow(
    {
      metadata: { name: 'tune', creationTimestamp: '2026-03-01T11:00:00Z' },
      status: { jobStatus: 'FAILED\x1b[2J', workers: 4 },
    },
    { server: undefined },
  );
  expect(
    rayjobs.columns.map((column) => [column.title, column.kubectl, cellText(column, row, noon)]),
  ).toEqual([
    ['NAME', 'table', 'tune'],
    ['JOB STATUS', 'table', 'FAILED^['],
    ['WORKERS', 'wide', '4'],
    ['AGE', 'table', '60m'],
  ]);
});

test('a kind without columns shows what its status says', () => {
  const widgets = genericResource({
    group: 'x.io',
    apiVersion: 'v1',
    kind: 'Widget',
    plural: 'widgets',
    namespaced: true,
    shortNames: [],
    columns: [],
  });
  const conditions = [
    { type: 'Ready', status: 'False', reason: 'NoGears', message: 'two gears are missing' },
  ];
  const row = widgets.toRow({ metadata: { name: 'w' }, status: { conditions } }, { server: undefined });
  expect([row.status, widgets.fault?.(row, noon), widgets.why?.(row, noon)]).toEqual([
    'NotReady',
    true,
    'NoGears: two gears are missing',
  ]);
});
