import { blankText } from './columns.ts';
import { amount, list, record, shared } from './fields.ts';
import type { Column, Row, Tone } from './resource.ts';

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

function phaseTone(status: string): Tone {
  if (status === 'Bound' || status === 'Available') return 'good';
  if (status === 'Pending') return 'pending';
  return status === 'Failed' || status === 'Lost' ? 'bad' : 'warn';
}

/** What a claim and its volume say alike. */
interface StorageRow extends Row {
  readonly status: string;
  readonly storageClass: string;
  readonly attributesClass: string;
  readonly volumeMode: string;
}

export const phaseColumn: Column<StorageRow> = {
  title: 'STATUS',
  value: (row) => row.status,
  text: (row) => row.status,
  tone: (row) => phaseTone(row.status),
  kubectl: 'table',
  priority: 1,
};

/** STORAGECLASS and VOLUMEATTRIBUTESCLASS. */
export const storageClassColumns: readonly Column<StorageRow>[] = [
  {
    title: 'STORAGECLASS',
    value: (row) => row.storageClass,
    text: blankText((row) => row.storageClass),
    kubectl: 'table',
    priority: 3,
  },
  {
    title: 'VOLUMEATTRIBUTESCLASS',
    value: (row) => row.attributesClass,
    text: (row) => row.attributesClass || '<unset>',
    kubectl: 'table',
    priority: 9,
  },
];

export const volumeModeColumn: Column<StorageRow> = {
  title: 'VOLUMEMODE',
  value: (row) => row.volumeMode,
  text: (row) => row.volumeMode || '<unset>',
  kubectl: 'wide',
  priority: 9,
};
