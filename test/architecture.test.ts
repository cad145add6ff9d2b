import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const source = resolve(import.meta.dirname, '../src');
const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) =>
  /\.tsx?$/.test(file),
);

/** Rooms that read no clock and do no I/O. */
const pureRooms = ['resources/', 'accelerators/', 'scheduling/', 'workloads/', 'checklist/', 'describe/'];

const pure = ['kube/object.ts', '@kubernetes/client-node'];

/**
 * A room of src and what it may import: the table of `src/README.md`, deny by default.
 * Type-only imports of client-node cost nothing at run time; `types` lists rooms that may import it only so.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  'kube/': ['node:', '@kubernetes/client-node', 'undici', 'ws', 'yaml'],
  'resources/': pure,
  'accelerators/': ['resources/', ...pure],
  'scheduling/': ['resources/', 'accelerators/', ...pure],
  'workloads/': ['resources/', 'accelerators/', 'scheduling/', ...pure],
  'checklist/': ['resources/', 'accelerators/', 'scheduling/', 'workloads/', 'yaml', ...pure],
  'describe/': ['resources/', 'yaml', ...pure],
  'state/': [...pureRooms, 'kube/object.ts', 'zustand/vanilla'],
  'feed.ts': ['node:', 'kube/', ...pureRooms, 'state/'],
  'feed/': ['node:', 'kube/', ...pureRooms, 'state/'],
  'actions/': ['node:', 'kube/', ...pureRooms, 'state/'],
  'ui/': ['node:', 'ink', 'react', 'ink-spinner', 'ink-table', 'string-width', '../themes/'],
  'screens/': ['ui/', 'state/', ...pureRooms, 'actions/', 'ink', 'react', 'zustand', 'kube/object.ts'],
  'cli/': [
    'node:',
    'yaml',
    'kube/',
    ...pureRooms,
    'state/',
    'actions/',
    'feed.ts',
    'feed/rule-packs.ts',
    'feed/measurements.ts',
    'feed/scrape.ts',
    'ui/text.ts',
    'demo/index.ts',
    'version.ts',
  ],
  'demo/': ['node:', '@kubernetes/client-node', 'yaml', 'selfsigned', 'ws'],
  'version.ts': ['node:'],
};

/** Rooms that may only `import type` from client-node: loading it costs 315 ms and 85 MB. */
const typesOnly =
  /^(resources|accelerators|scheduling|workloads|checklist|describe|state|actions|screens|cli|demo)\//;

interface Import {
  readonly name: string;
  readonly isType: boolean;
}

function importsOf(file: string): Import[] {
  const code = readFileSync(join(source, file), 'utf8');
  const statement =
    /(?:^|\n)\s*(import|export)(\s+type)?\s[^;'"]*?from\s*'([^']+)'|import\s*\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g;
  return [...code.matchAll(statement)].map((match) => {
    const name = match[3] ?? match[4] ?? match[5] ?? '';
    return {
      name: name.startsWith('.') ? relative(source, resolve(source, dirname(file), name)) : name,
      isType: match[2] !== undefined,
    };
  });
}

for (const [room, allowed] of Object.entries(mayImport)) {
  test(`${room} imports only what its room may`, () => {
    const strays = files
      .filter((file) => file.startsWith(room))
      .flatMap((file) => importsOf(file).map((imported) => ({ file, ...imported })))
      .filter(({ name }) => ![room, ...allowed].some((prefix) => name === prefix || name.startsWith(prefix)))
      .map(({ file, name }) => `${file} → ${name} is not allowed`);
    expect(strays).toEqual([]);
  });
}

test('pure rooms take only types from client-node', () => {
  const strays = files
    .filter((file) => typesOnly.test(file))
    .flatMap((file) => importsOf(file).map((imported) => ({ file, ...imported })))
    .filter(({ name, isType }) => name.startsWith('@kubernetes/client-node') && !isType)
    .map(({ file }) => `${file} → @kubernetes/client-node at run time is not allowed`);
  expect(strays).toEqual([]);
});

test('pure rooms read no clock and do no I/O', () => {
  const strays = files
    .filter((file) => pureRooms.some((room) => file.startsWith(room)))
    .filter((file) =>
      /\bDate\.now\(|\bnew Date\(\)|\bprocess\.|\bsetTimeout\(|\bsetInterval\(/.test(
        readFileSync(join(source, file), 'utf8'),
      ),
    );
  expect(strays).toEqual([]);
});

test('every file belongs to a room', () => {
  const rooms = ['main.tsx', 'wire.tsx', 'wire/', ...Object.keys(mayImport)];
  expect(files.filter((file) => !rooms.some((room) => file.startsWith(room)))).toEqual([]);
});
