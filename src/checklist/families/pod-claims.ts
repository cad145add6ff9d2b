import type { PodFacts } from '../pod-facts.ts';
import { at, list, text } from '../read.ts';

export function claimsOf(facts: PodFacts): readonly string[] {
  if (facts.object === undefined)
    return (facts.row?.spec.volumes ?? []).flatMap((volume) =>
      volume.kind === 'claim'
        ? [volume.claim]
        : volume.kind === 'ephemeral'
          ? [`${facts.name}-${volume.volume}`]
          : [],
    );
  return list(facts.object, 'spec', 'volumes')
    .map(
      (volume) =>
        text(volume, 'persistentVolumeClaim', 'claimName') ||
        (at(volume, 'ephemeral') === undefined ? '' : `${facts.name}-${text(volume, 'name')}`),
    )
    .filter((name) => name !== '');
}
