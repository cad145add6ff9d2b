import { nameOf } from '../../evidence-index.ts';
import { createPullSecret, describe, getObject, kubectl, setImage } from '../../fixes.ts';
import { lastEvent, type PodFacts } from '../../pod-facts.ts';
import { list, nearNames, text } from '../../read.ts';
import type { Cause, Item, Verdict } from '../../report.ts';
import { cause, evidence, item, unknown } from '../../state.ts';
import type { FaultText, ImageFault } from './fault.ts';
import { closeNames, parseReference } from './reference.ts';

/** The pull secrets of a pod, its own and those of its ServiceAccount. */
export function pullSecrets(facts: PodFacts): {
  readonly names: readonly string[];
  readonly account: string;
} {
  const account = text(facts.object, 'spec', 'serviceAccountName') || 'default';
  const own = list(facts.object, 'spec', 'imagePullSecrets').map((entry) => text(entry, 'name'));
  const given = list(facts.index.get('ServiceAccount', facts.namespace, account), 'imagePullSecrets').map(
    (entry) => text(entry, 'name'),
  );
  return { names: [...new Set([...own, ...given])].filter((name) => name !== ''), account };
}

/** A pull secret that is named and is not there. */
export function secretCause(facts: PodFacts, image: string, verdict: Verdict): Cause | undefined {
  const event = lastEvent(facts.events, ['FailedToRetrieveImagePullSecret'], /\(([^)]+)\)/);
  const { names } = pullSecrets(facts);
  const missing =
    event?.match?.[1] ??
    names.find((name) => facts.index.find('Secret', facts.namespace, name).state === 'missing');
  if (missing === undefined) return undefined;
  const here = facts.index.find('Secret', facts.namespace, missing);
  if (here.state === 'present') return undefined;
  const near = nearNames(missing, facts.index.inNamespace('Secret', facts.namespace).map(nameOf));
  const elsewhere = facts.index.of('Secret').find((secret) => nameOf(secret) === missing);
  const hint =
    near.length > 0
      ? `; there is ${near.join(', ')}`
      : elsewhere === undefined
        ? ''
        : `; it exists in namespace ${elsewhere.metadata?.namespace ?? ''}`;
  return cause(
    'F2.secret-missing',
    verdict,
    `the pull secret ${missing} does not exist in namespace ${facts.namespace}${hint}`,
    createPullSecret('Create the pull secret', facts.namespace, missing, parseReference(image).registry),
    getObject('See the secrets of the namespace', 'secrets', facts.namespace),
  );
}

/** Public registries that answer for a repository that does not exist as for one that is private. */
const hidesAbsence = /^(?:docker\.io|quay\.io|ghcr\.io|registry\.gitlab\.com)$/;

/** Who pulls from the registry of a cloud where the pod names no secret. */
function nodeIdentity(registry: string): string | undefined {
  if (/\.dkr\.ecr\./.test(registry))
    return "the node's IAM role (ECR read access, or a repository policy for another account)";
  if (/(?:^|\.)gcr\.io$|-docker\.pkg\.dev$/.test(registry))
    return "the node's service account (roles/artifactregistry.reader)";
  return /\.azurecr\.io$/.test(registry)
    ? "the kubelet's identity (AcrPull; az aks update --attach-acr)"
    : undefined;
}

/** The registry may say "denied" of what does not exist. */
const perhapsAbsent = ({ said }: ImageFault): boolean =>
  /repository does not exist|insufficient_scope|pull access denied|name unknown/i.test(said);

/** The account that the pull was made with, or that it had none. */
function accountCause(facts: PodFacts, found: ImageFault): Cause {
  const { registry, repository } = parseReference(found.image);
  const { names, account } = pullSecrets(facts);
  const code = /\b(40[13])\b/.exec(found.said)?.[1];
  const refuses = `the registry ${registry} ${code === undefined ? 'refuses the pull' : `answers ${code}`} for ${repository}: unauthorized`;
  const absent = perhapsAbsent(found);
  const orAbsent = absent ? ' (or the repository does not exist)' : '';
  const create = createPullSecret('Create a pull secret', facts.namespace, 'regcred', registry);
  if (names.length > 0) {
    const allThere = names.every(
      (name) => facts.index.find('Secret', facts.namespace, name).state === 'present',
    );
    return cause(
      'F2.refused',
      absent || !allThere ? 'likely' : 'proven',
      `${refuses}, the credentials in pull secret ${names.join(', ')} are ${allThere ? '' : 'missing, '}wrong, expired or lack access${orAbsent}`,
      getObject('See age and type of the pull secret', 'secret', facts.namespace, ...names),
      create,
    );
  }
  const attach = kubectl('Let the ServiceAccount use it', 'reversible', facts.namespace, [
    'patch',
    'serviceaccount',
    account,
    '-p',
    '{"imagePullSecrets":[{"name":"regcred"}]}',
  ]);
  const identity = nodeIdentity(registry);
  if (identity !== undefined)
    return cause(
      'F2.node-identity',
      'likely',
      `${refuses}; the pod names no pull secret, and ${identity} may not read it${orAbsent}`,
      describe(
        'node',
        '',
        facts.node || 'NODE',
        'Find the identity of the node, and give it the right to pull',
      ),
      create,
      attach,
    );
  const clear = /401|unauthorized|authentication required|no basic auth/i.test(found.said);
  return cause(
    'F2.no-secret',
    absent || hidesAbsence.test(registry) || !clear ? 'likely' : 'proven',
    `${refuses}, the pod names no pull secret, and the image is private${orAbsent}`,
    create,
    attach,
  );
}

/** In the order in which they are worth a look. */
function refusedCauses(facts: PodFacts, found: ImageFault): readonly Cause[] {
  const refused = accountCause(facts, found);
  const missing = secretCause(facts, found.image, 'proven');
  if (missing !== undefined) return [missing, refused];
  if (!perhapsAbsent(found)) return [refused];
  const { registry, repository } = parseReference(found.image);
  const near = closeNames(facts, found.image);
  const absent = cause(
    'F1.not-found',
    'likely',
    `the repository ${repository} may not exist on ${registry}, which says "denied" for both: wrong name?${near.length > 0 ? `; known and close: ${near.join(', ')}` : ''}`,
    setImage(facts, found.container, near[0]),
  );
  const official = registry === 'docker.io' && repository.startsWith('library/');
  return (official || near.length > 0) && pullSecrets(facts).names.length === 0
    ? [absent, refused]
    : [refused, absent];
}

function secretItems(facts: PodFacts, found: ImageFault): readonly Item[] {
  const { names, account } = pullSecrets(facts);
  const missing = secretCause(facts, found.image, 'proven') !== undefined;
  return [
    item(
      'F2.secrets',
      'image',
      'Pull secrets',
      names.length === 0 || missing ? 'fail' : 'info',
      evidence('imagePullSecrets', names.join(', ') || 'none', 'spec.imagePullSecrets'),
      evidence('serviceAccount', account, 'spec.serviceAccountName'),
    ),
    ...names.map((name) => {
      const here = facts.index.find('Secret', facts.namespace, name);
      if (here.state === 'unknown')
        return unknown('F2.secret-exists', 'image', `Secret ${name} exists`, here.why);
      return item(
        'F2.secret-exists',
        'image',
        `Secret ${name} exists`,
        here.state === 'present' ? 'pass' : 'fail',
        evidence(
          'secret',
          here.state === 'present' ? `present, type ${text(here.object, 'type')}` : 'not there',
        ),
      );
    }),
  ];
}

/** The registry wants an account, or does not take the one that it is given. */
export const unauthorized: FaultText = {
  label: (facts, found) =>
    secretCause(facts, found.image, 'proven') !== undefined
      ? 'image pull: pull secret missing'
      : `image pull: ${/\b(40[13])\b/.exec(found.said)?.[1] ?? 'unauthorized'} from ${parseReference(found.image).registry}`,
  explain: (facts, found) => ({
    causes: refusedCauses(facts, found),
    items: secretItems(facts, found),
  }),
};
