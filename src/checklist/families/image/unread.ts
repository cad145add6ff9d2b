import { describe, kubectl } from '../../fixes.ts';
import { brief, essence } from '../../read.ts';
import type { Verdict } from '../../report.ts';
import { cause, unknown } from '../../state.ts';
import type { FaultText, ImageFault } from './fault.ts';
import { answer } from './items.ts';

/** What is neither refused, absent nor out of reach, as the beginning of a cause. */
function whyUnread(found: ImageFault): readonly [id: string, verdict: Verdict, text: string] {
  const { image, said: words } = found;
  if (words === '')
    return [
      'F0.unknown',
      'possible',
      `the image ${image} cannot be pulled; the kubelet's reason is gone (events expire after an hour)`,
    ];
  if (
    /manifest\.v1\+|schema ?1|no longer supported|unsupported (?:media type|manifest|schema|compression)/i.test(
      words,
    )
  )
    return [
      'F0.format',
      'proven',
      `the image ${image} is in a format that the container runtime of the node does not read (any more): rebuild and push it again: ${essence(words, 160)}`,
    ];
  if (
    /unexpected commit digest|failed size validation|digest (?:mismatch|verification|did not match)|does not match (?:the )?(?:expected )?digest|checksum|gzip: invalid|archive\/tar|unexpected (?:size|content)/i.test(
      words,
    )
  )
    return [
      'F0.corrupt',
      'likely',
      `a layer of the image ${image} arrives damaged: the registry, a mirror or a proxy between sends something else than the manifest names: ${essence(words, 160)}`,
    ];
  if (/short.?name/i.test(words))
    return [
      'F0.short-name',
      'proven',
      `the image name ${image} does not say its registry, and the runtime of the node does not choose one (${essence(words, 120)}): write the whole name (docker.io/…)`,
    ];
  if (/pull QPS exceeded/.test(words))
    return [
      'F0.qps',
      'proven',
      `the kubelet of the node pulls no more images for the moment: more pulls at once than its registryPullQPS allows; it tries again by itself`,
    ];
  if (/\b412\b|vulnerabilit|due to configured policy|blocked by (?:a )?policy|quarantine/i.test(words))
    return [
      'F0.policy',
      'proven',
      `a policy of the registry keeps the image ${image} from being pulled: ${essence(words, 180)}`,
    ];
  return ['F0.other', 'likely', `the image ${image} cannot be pulled: ${essence(words, 200)}`];
}

/** The pull fails, and the reason is lost or not known to us. */
export const unread: FaultText = {
  label: (_, found) =>
    found.said === '' ? 'image pull fails: reason expired' : `image pull: ${brief(found.said, 80)}`,
  explain: (facts, found) => ({
    causes: [
      cause(
        ...whyUnread(found),
        kubectl('Force a fresh first pull, which says why', 'disruptive', facts.namespace, [
          'delete',
          'pod',
          facts.name,
        ]),
        describe('pod', facts.namespace, facts.name),
      ),
    ],
    items: [
      unknown(
        'F0.why',
        'image',
        'Why the pull fails',
        found.said === '' ? 'eventExpired' : 'ambiguous',
        ...answer(found),
      ),
    ],
  }),
};
