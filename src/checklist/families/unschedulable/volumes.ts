import { classOfReason } from '../../../scheduling/message.ts';
import { nameOf } from '../../evidence-index.ts';
import { describe, editOwner, getObject, kubectl } from '../../fixes.ts';
import type { PodFacts } from '../../pod-facts.ts';
import { at, brief, list, nearNames, text } from '../../read.ts';
import { cause } from '../../state.ts';
import { claimsOf } from '../pod-claims.ts';
import { claimTrouble } from '../storage.ts';
import { detailOf, type Explain, type Explained, simple } from './explain.ts';
import { trust, type Verdicts } from './verdict.ts';

/** The claims that keep it from any node, each with its own trouble. */
export const claims: Explain = (facts, found) => {
  const words = found.said.preFilter ?? found.message;
  const absent = /persistentvolumeclaim "([^"]+)" not found/.exec(words)?.[1];
  if (absent !== undefined) return claimMissing(facts, absent);
  const ghost = /(?:persistentvolumeclaim "([^"]+)" )?bound to non-existent persistentvolume "([^"]+)"/.exec(
    words,
  );
  if (ghost !== null)
    return {
      headline: `claim is bound to a volume that does not exist: ${ghost[2]}`,
      causes: [
        cause(
          'C8.volume-missing',
          'proven',
          `the claim ${ghost[1] ?? ''} is bound to volume ${ghost[2]}, which does not exist`,
          getObject('See claims and volumes', 'pvc,pv', facts.namespace),
        ),
      ],
    };
  const deleting = /persistentvolumeclaim "([^"]+)" is being deleted/.exec(words)?.[1];
  const troubled = claimsOf(facts).flatMap((name) => {
    const claim = facts.index.get('PersistentVolumeClaim', facts.namespace, name);
    const trouble = claim === undefined ? undefined : claimTrouble(facts.index, claim);
    return trouble !== undefined && (trouble.causes.length > 0 || name === deleting)
      ? [{ name, trouble }]
      : [];
  });
  if (deleting !== undefined && !troubled.some((entry) => entry.name === deleting))
    return {
      headline: `claim ${deleting} is being deleted`,
      causes: [
        cause(
          'C8.deleting',
          'proven',
          `its claim ${deleting} is being deleted: no new pod may use it, and it goes when the last pod with it ends`,
          describe('pvc', facts.namespace, deleting),
        ),
      ],
    };
  const [first] = troubled;
  if (first === undefined) return unbound(facts, found);
  const { name, trouble } = first;
  return {
    headline: `claim ${name}: ${trouble.headline}`,
    causes:
      trouble.causes.length > 0
        ? trouble.causes
        : [
            cause(
              'C8.deleting',
              'proven',
              `claim ${name} is being deleted`,
              describe('pvc', facts.namespace, name),
            ),
          ],
    items: trouble.items,
  };
};

/** No claim of that name, with the names that come close. */
function claimMissing(facts: PodFacts, absent: string): Explained {
  const ephemeral = list(facts.object, 'spec', 'volumes').some(
    (volume) => at(volume, 'ephemeral') !== undefined && `${facts.name}-${text(volume, 'name')}` === absent,
  );
  const near = nearNames(
    absent,
    facts.index.inNamespace('PersistentVolumeClaim', facts.namespace).map(nameOf),
  );
  const elsewhere = facts.index
    .of('PersistentVolumeClaim')
    .find((claim) => nameOf(claim) === absent && claim.metadata?.namespace !== facts.namespace);
  const hint =
    near.length > 0
      ? `; there is ${near.join(', ')}`
      : elsewhere === undefined
        ? ''
        : `; it exists in namespace ${elsewhere.metadata?.namespace}`;
  return {
    headline: `claim ${absent} does not exist`,
    causes: [
      cause(
        'C8.claim-missing',
        'proven',
        `the PersistentVolumeClaim ${absent} does not exist in namespace ${facts.namespace}${hint}${ephemeral ? ' (the ephemeral volume controller makes it)' : ''}`,
        getObject('See the claims of the namespace', 'pvc', facts.namespace),
        editOwner(facts, 'Correct the claim name, or create the claim'),
      ),
    ],
  };
}

/** A claim of which only the scheduler tells that it is not bound. */
function unbound(facts: PodFacts, found: Verdicts): Explained {
  const name = claimsOf(facts)[0];
  const which = name === undefined ? 'a claim of it' : `claim ${name}`;
  const reasons = Object.keys(found.said.reasons).join(' ');
  const local = /persistent volumes to bind/.test(reasons);
  const storage = /free storage/.test(reasons);
  return {
    headline: storage
      ? 'no node has enough free storage'
      : local
        ? 'no volume to bind on any node that fits'
        : `${which} is not bound`,
    causes: [
      cause(
        storage ? 'C8.no-storage' : local ? 'C8.no-volume' : 'C8.unbound',
        trust(found) === 'possible' ? 'possible' : local && !found.trusted ? 'likely' : 'proven',
        local || storage
          ? `no volume can be bound for ${which} on the nodes that would do: no free (local) volume or capacity there`
          : `${name === undefined ? which : `the ${which}`} is not bound, and its class binds at once: no volume was provisioned or matches`,
        name === undefined
          ? getObject('See the claims', 'pvc', facts.namespace)
          : describe('pvc', facts.namespace, name),
        getObject('See the volumes', 'pv', ''),
      ),
    ],
  };
}

/** The volume exists, and can be reached only from nodes that cannot take the pod. */
export const volumeZone: Explain = simple('volume in another zone', (facts, found) => {
  const names = claimsOf(facts);
  const bound = names
    .map((name) => facts.index.get('PersistentVolumeClaim', facts.namespace, name))
    .map((claim) => text(claim, 'spec', 'volumeName'))
    .filter((name) => name !== '');
  const volume = bound
    .map((name) => facts.index.get('PersistentVolume', '', name))
    .find((entry) => at(entry, 'spec', 'nodeAffinity') !== undefined);
  const terms = list(volume, 'spec', 'nodeAffinity', 'required', 'nodeSelectorTerms')
    .flatMap((term) =>
      list(term, 'matchExpressions').map(
        (entry) => `${text(entry, 'key')} in ${list(entry, 'values').join('|')}`,
      ),
    )
    .join(' or ');
  const rest = Object.entries(found.said.reasons)
    .filter(([reason]) => !['volume', 'cordoned'].includes(classOfReason(reason)))
    .map(([reason, nodes]) => `${nodes} ${reason}`)
    .join(', ');
  return {
    id: 'C9.zone',
    headline: `volume ${bound[0] ?? names.join(', ')} is elsewhere${terms === '' ? '' : `: ${brief(terms, 60)}`}`,
    text: `its volume ${bound[0] ?? names.join(', ')} can be reached only from ${terms === '' ? 'other nodes (another zone or host)' : `nodes with ${terms}`}, and those cannot take the pod${rest === '' ? '' : ` (${brief(rest, 120)})`}`,
    fixes: [
      kubectl('See where the volume is', 'read', '', ['get', 'pv', bound[0] ?? 'VOLUME', '-o', 'yaml']),
      kubectl('See the zones of the nodes', 'read', '', [
        'get',
        'nodes',
        '-L',
        'topology.kubernetes.io/zone',
      ]),
      editOwner(facts, 'Let it run where the volume is'),
    ],
  };
});

export const volumeLimits: Explain = simple('volume limits', (facts, found) => {
  const words = Object.keys(found.said.reasons).join(' ');
  const rwop = /ReadWriteOncePod/.test(words);
  const missing = /(\S+) CSI driver is not installed/.exec(words)?.[1];
  return {
    id: rwop ? 'C10.rwop' : missing !== undefined ? 'C10.driver-missing' : 'C10.limit',
    headline: rwop
      ? 'its ReadWriteOncePod claim is in use'
      : missing !== undefined
        ? `CSI driver ${missing} is not on the nodes`
        : 'nodes have reached their volume limit',
    text: rwop
      ? `its claim is ReadWriteOncePod and another pod uses it${detailOf(found, 'VolumeRestrictions')}`
      : missing !== undefined
        ? `the CSI driver ${missing} is not installed on the nodes`
        : `the nodes have as many volumes as they can attach${detailOf(found, 'NodeVolumeLimits')}`,
    fixes: [
      getObject('See the CSI nodes', 'csinodes', ''),
      getObject('See who uses the claims', 'pods', facts.namespace, '-o', 'wide'),
    ],
  };
});
