import type { Scene } from './pack-scene.ts';
import { type Captures, fill, fillArgument } from './pack-template.ts';
import type { RawFix, RawPack } from './pack-types.ts';
import type { Fix } from './report.ts';

/** Programs that a command of a pack may be. */
export const programs: readonly string[] = [
  'kubectl',
  'helm',
  'crane',
  'mltop',
  'argocd',
  'flux',
  'kueuectl',
];

/** The commands that are named or written out, those left out whose words from the cluster are no names. */
export function fixesOf(
  fixes: readonly (string | Omit<RawFix, 'id'>)[],
  pack: RawPack,
  scene: Scene,
  captures: Captures,
): readonly Fix[] {
  return fixes.flatMap((fix) => {
    const raw = typeof fix === 'string' ? pack.fixes?.find(({ id }) => id === fix) : fix;
    if (raw === undefined) return [];
    const argv = raw.argv.map((word) => fillArgument(String(word), scene, captures));
    if (!argv.every((word) => word !== undefined)) return [];
    const note = noteOf(raw, scene, captures);
    return [
      {
        title: fill(raw.title, scene, captures),
        argv,
        risk: raw.risk ?? 'disruptive',
        ...(note === '' ? {} : { note }),
      },
    ];
  });
}

/** Its own note, the rights that it needs, and where more is written. */
function noteOf({ note, preflight, docs }: Omit<RawFix, 'id'>, scene: Scene, captures: Captures): string {
  const rights = (preflight ?? []).map(
    ({ verb, group, resource, ns }) =>
      `${verb} ${resource}${group === undefined || group === '' ? '' : `.${group}`}${ns === undefined ? '' : ` in ${ns}`}`,
  );
  return [
    ...(note === undefined ? [] : [fill(note, scene, captures)]),
    ...(rights.length === 0 ? [] : [`needs the right to ${rights.join(', ')}`]),
    ...(docs === undefined ? [] : [`see ${fill(docs, scene, captures)}`]),
  ].join('; ');
}
