import { describe, editOwner, kubectl } from '../../fixes.ts';
import type { PodFacts } from '../../pod-facts.ts';
import { brief, essence, list, text, time } from '../../read.ts';
import type { Verdict } from '../../report.ts';
import type { PodState } from '../../state.ts';
import { cause, item, said } from '../../state.ts';
import { missingObject, missingObjectCause } from '../configuration.ts';
import { claimsOf } from '../pod-claims.ts';
import { complaint, creating, since } from './complaint.ts';
import { readMount } from './mount-words.ts';

const mountReasons = [
  'FailedMount',
  'FailedMapVolume',
  'FailedMountOnFilesystemMismatch',
  'FailedAttachVolume',
];

export const objectMissing: PodState = creating(
  'E4',
  'mount.object-missing',
  'volumes',
  'A ConfigMap or Secret to mount is missing',
  (facts) => {
    const found = complaint(
      facts,
      ['FailedMount'],
      /(?:configmap|secret)s? "[^"]+" not found|references non-existent (?:config|secret) key|couldn't find key|object "[^"]*"\/"[^"]+" not registered/,
    );
    if (found === undefined) return undefined;
    const missing = missingObject(found.event.message);
    if (missing === undefined) return undefined;
    const volume = /volume "([^"]+)"/.exec(found.event.message)?.[1] ?? '';
    const source = list(facts.object, 'spec', 'volumes').find((entry) => text(entry, 'name') === volume);
    const named =
      missing.name !== ''
        ? missing
        : { ...missing, name: text(source, 'configMap', 'name') || text(source, 'secret', 'secretName') };
    const { cause: because, item: exists, healed } = missingObjectCause('E4', facts, named, 'volumes');
    const label =
      named.key === undefined
        ? `${named.kind} ${named.name} not found`
        : `${named.kind} ${named.name} lacks key ${named.key}`;
    const made = time(
      facts.index.get(named.kind, facts.namespace, named.name),
      'metadata',
      'creationTimestamp',
    );
    return healed &&
      (facts.index.listed(named.kind) || (made !== undefined && made + 5000 >= (found.event.last ?? 0)))
      ? {
          headline: `${named.kind} ${named.name} is there by now: the kubelet tries again within two minutes`,
          severity: 'none',
          since: since(found.event, facts),
          diagnose: () => ({
            causes: [],
            items: [
              exists,
              item('E4.event', 'volumes', 'Its volumes can be mounted', 'info', said(found.event)),
            ],
          }),
        }
      : {
          headline: `volume ${volume}: ${label}`,
          since: since(found.event, facts),
          diagnose: () => ({
            causes: [because],
            items: [
              item('E4.event', 'volumes', 'Its volumes can be mounted', 'fail', said(found.event)),
              exists,
            ],
          }),
        };
  },
);

type MountReading = readonly [id: string, says: string, verdict: Verdict];

function detailedReading(message: string, facts: PodFacts): MountReading {
  const [id, says] = readMount(message, facts);
  return [id, says, id === 'E5.busy' ? 'likely' : 'proven'];
}

const owningReading = (message: string): MountReading => [
  'E5.fs-group',
  `changing the owner of every file of its volume (fsGroup) goes on and holds the start up: set fsGroupChangePolicy OnRootMismatch (${essence(message, 90)})`,
  'likely',
];

/** The kubelet only says that it waited in vain: why, it said before. */
const summedUp = (message: string, volume: string, facts: PodFacts): MountReading =>
  /^Unable to (?:attach or )?mount volumes/.test(message)
    ? [
        'E5.timeout',
        `the volumes ${volume || 'of the pod'} are not attached and mounted in time, and the message that says why is not in the evidence: the storage backend or its driver does not answer, or a ConfigMap or Secret is missing`,
        'possible',
      ]
    : [...readMount(message, facts), 'possible'];

export const mount: PodState = creating(
  'E5',
  'mount.storage',
  'volumes',
  'A volume cannot be mounted',
  (facts) => {
    // "timed out waiting for the condition" sums up; the message before it names the reason.
    const detailed = complaint(
      facts,
      mountReasons,
      /^(?!Unable to attach or mount volumes|.*timed out waiting for the condition)/,
    );
    const owning = complaint(facts, ['VolumePermissionChangeInProgress']);
    const found = detailed ?? owning ?? complaint(facts, mountReasons);
    if (found === undefined) return undefined;
    const volume =
      /volume "?([^"\s]+)/.exec(found.event.message)?.[1] ??
      /unmounted volumes=\[([^\]]*)\]/.exec(found.event.message)?.[1] ??
      '';
    const { message } = found.event;
    const [id, says, verdict] =
      detailed !== undefined
        ? detailedReading(message, facts)
        : owning !== undefined
          ? owningReading(message)
          : summedUp(message, volume, facts);
    const claim = claimsOf(facts)[0];
    return {
      headline: `volume ${volume} cannot be mounted: ${brief(says.replace(/^.*?: /, ''), 70)}`,
      since: since(found.event, facts),
      diagnose: () => ({
        causes: [
          cause(
            id,
            verdict,
            says,
            id === 'E5.host-path' || id === 'E5.path' || id === 'E5.fs-group'
              ? editOwner(facts, 'Correct the volume')
              : undefined,
            id === 'E5.driver-missing'
              ? kubectl('See the drivers of the node', 'read', '', [
                  'get',
                  'csinode',
                  facts.node || 'NODE',
                  '-o',
                  'yaml',
                ])
              : undefined,
            describe('pod', facts.namespace, facts.name),
            claim === undefined ? undefined : describe('pvc', facts.namespace, claim),
          ),
        ],
        items: [item('E5.event', 'volumes', 'Its volumes can be mounted', 'fail', said(found.event))],
      }),
    };
  },
);
