import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { KubeLike } from '../object.ts';

/** The moment at which the catalogue was written down: what it says of 14:00 happens at the start of the demo. */
const writtenAt = Date.parse('2026-09-30T14:00:00Z');

/** The folder of the catalogue: beside this room in the sources, beside the bundle in `dist/`. */
function cataloguePath(): string {
  const candidates = ['../catalogue', './catalogue'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const found = candidates.find((path) => existsSync(`${path}/pods.jsonl`));
  if (found === undefined)
    throw new Error(`The demo's catalogue is missing: looked in ${candidates.join(' and ')}.`);
  return found;
}

/** Every object of the catalogue, its times moved so that the story begins at `now` (epoch milliseconds). */
export function readCatalogue(now: number): readonly KubeLike[] {
  const folder = cataloguePath();
  const shiftMs = Math.floor((now - writtenAt) / 1000) * 1000;
  return readdirSync(folder)
    .filter((file) => file.endsWith('.jsonl'))
    .sort()
    .flatMap((file) => readFileSync(`${folder}/${file}`, 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line, (_key, value: unknown) => shifted(value, shiftMs)) as KubeLike);
}

const rfc3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z$/;

function shifted(value: unknown, shiftMs: number): unknown {
  if (typeof value !== 'string') return value;
  const match = rfc3339.exec(value);
  if (match === null) return value;
  const seconds = new Date(Date.parse(`${match[1]}Z`) + shiftMs).toISOString().slice(0, 19);
  return `${seconds}${match[2] ?? ''}Z`;
}
