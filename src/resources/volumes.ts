import { amount, list, record, shared } from './fields.ts';
import type { Tone } from './resource.ts';

const shortModes: readonly (readonly [string, string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
];

/** `RWO,ROX`: kubectl's short words in kubectl's order. */
export const accessModesText = (modes: readonly string[]): string =>
  shortModes
    .filter(([long]) => modes.includes(long))
    .map(([, short]) => short)
    .join(',');

export const accessModesOf = (modes: unknown): readonly string[] => list(modes).map(shared);

/** `storage` of a resource list: as it is written, and in bytes (undefined where unreadable). */
export function storageOf(resources: unknown): { readonly text: string; readonly bytes: number | undefined } {
  const raw = record(resources)['storage'];
  return { text: shared(raw), bytes: amount('storage', raw) };
}

export function phaseTone(status: string): Tone {
  if (status === 'Bound' || status === 'Available') return 'good';
  if (status === 'Pending') return 'pending';
  return status === 'Failed' || status === 'Lost' ? 'bad' : 'warn';
}
