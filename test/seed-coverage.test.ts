import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { actions } from '../src/actions/index.ts';
import { createTables } from '../src/actions/tables.ts';
import { flags } from '../src/cli/flags.ts';

/**
 * Every row of the seed documents' coverage with a kubectl line that is reached live or with a key: its id, its reach,
 * the line, and the places where mltop has it.
 */
type Seed = readonly [id: string, reach: string, kubectl: string, places: readonly string[]];

const seeds = JSON.parse(
  readFileSync(new URL('./seed-coverage.json', import.meta.url), 'utf8'),
) as readonly Seed[];

/** Tables that the live screen adds to the kinds. */
const derived = ['gpus', 'workloads'];
const views = new Set([...createTables([]).all.map(({ name }) => name), ...derived]);
const known: Readonly<Record<string, (name: string) => boolean>> = {
  action: (name) => actions.some(({ id }) => id === name),
  view: (name) => views.has(name),
  flag: (name) => flags.some((flag) => flag.name === name),
  // The first lines of the screen: whether the server answers (mltop asks /livez), and both versions.
  header: (name) => ['live', 'version'].includes(name),
};

describe('every kubectl line of the seed documents has its place', () => {
  test('there are as many as there were', () => {
    expect(new Set(seeds.map(([id]) => id)).size).toBe(292);
  });

  test.each(seeds.map((seed) => [`${seed[0]} ${seed[2].slice(0, 80)}`, seed] as const))(
    '%s',
    (_line, [, reach, kubectl, places]) => {
      expect(reach).toMatch(/KEY|LIVE/);
      expect(kubectl).toMatch(/^kubectl /);
      expect(places.length).toBeGreaterThan(0);
      for (const place of places) {
        const [kind = '', name = ''] = place.split(':');
        expect([place, known[kind]?.(name)]).toEqual([place, true]);
      }
    },
  );

  test('what a key changes is told apart from what a key shows', () => {
    const changing = seeds.filter(([, , line]) =>
      /^kubectl (set|edit|patch|scale|label|apply|delete|rollout (undo|restart)) /.test(line),
    );
    expect(changing.length).toBeGreaterThan(25);
    for (const [id, , , places] of changing) {
      const found = places.flatMap(
        (place) => actions.find((action) => `action:${action.id}` === place) ?? [],
      );
      expect([id, found.some(({ risk }) => risk !== 'read')]).toEqual([id, true]);
    }
  });
});
