import { nameOf } from '../../evidence-index.ts';
import { createPullSecret, describe, getObject, kubectl, setImage } from '../../fixes.ts';
import { lastEvent, type PodFacts } from '../../pod-facts.ts';
import { list, nearNames, text } from '../../read.ts';
import type { Cause, Item } from '../../report.ts';
import { cause, evidence, item, unknown } from '../../state.ts';
import type { ImageFault } from './fault.ts';
import { imageNames, parseReference } from './reference.ts';

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

export function secretCause(
  facts: PodFacts,
  image: string,
  verdict: 'proven' | 'likely' | 'possible',
): Cause | undefined {
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

export function unauthorized(
  facts: PodFacts,
  found: ImageFault,
): { readonly causes: readonly Cause[]; readonly items: readonly Item[] } {
  const ref = parseReference(found.image);
  const { names, account } = pullSecrets(facts);
  const missing = secretCause(facts, found.image, 'proven');
  const perhapsAbsent = /repository does not exist|insufficient_scope|pull access denied|name unknown/i.test(
    found.said,
  );
  const near = nearNames(found.image.replace(/^docker\.io\/(?:library\/)?/, ''), imageNames(facts));
  const allThere = names.every(
    (name) => facts.index.find('Secret', facts.namespace, name).state === 'present',
  );
  const code = /\b(40[13])\b/.exec(found.said)?.[1];
  const how = code === undefined ? 'refuses the pull' : `answers ${code}`;
  const create = createPullSecret('Create a pull secret', facts.namespace, 'regcred', ref.registry);
  const attach = kubectl('Let the ServiceAccount use it', 'reversible', facts.namespace, [
    'patch',
    'serviceaccount',
    account,
    '-p',
    '{"imagePullSecrets":[{"name":"regcred"}]}',
  ]);
  const cloud = /\.dkr\.ecr\./.test(ref.registry)
    ? "the node's IAM role (ECR read access, or a repository policy for another account)"
    : /(?:^|\.)gcr\.io$|-docker\.pkg\.dev$/.test(ref.registry)
      ? "the node's service account (roles/artifactregistry.reader)"
      : /\.azurecr\.io$/.test(ref.registry)
        ? "the kubelet's identity (AcrPull; az aks update --attach-acr)"
        : undefined;
  const refused =
    names.length === 0
      ? cloud !== undefined
        ? cause(
            'F2.node-identity',
            'likely',
            `the registry ${ref.registry} ${how} for ${ref.repository}: unauthorized; the pod names no pull secret, and ${cloud} may not read it${perhapsAbsent ? ' (or the repository does not exist)' : ''}`,
            describe(
              'node',
              '',
              facts.node || 'NODE',
              `Find the identity of the node, and give it the right to pull`,
            ),
            create,
            attach,
          )
        : cause(
            'F2.no-secret',
            perhapsAbsent ||
              hidesAbsence.test(ref.registry) ||
              !/401|unauthorized|authentication required|no basic auth/i.test(found.said)
              ? 'likely'
              : 'proven',
            `the registry ${ref.registry} ${how} for ${ref.repository}: unauthorized, the pod names no pull secret, and the image is private${perhapsAbsent ? ' (or the repository does not exist)' : ''}`,
            create,
            attach,
          )
      : cause(
          'F2.refused',
          perhapsAbsent || !allThere ? 'likely' : 'proven',
          `the registry ${ref.registry} ${how} for ${ref.repository}: unauthorized, the credentials in pull secret ${names.join(', ')} are ${allThere ? '' : 'missing, '}wrong, expired or lack access${perhapsAbsent ? ' (or the repository does not exist)' : ''}`,
          getObject('See age and type of the pull secret', 'secret', facts.namespace, ...names),
          create,
        );
  const absent = cause(
    'F1.not-found',
    'likely',
    `the repository ${ref.repository} may not exist on ${ref.registry}, which says "denied" for both: wrong name?${near.length > 0 ? `; known and close: ${near.join(', ')}` : ''}`,
    setImage(facts, found.container, near[0]),
  );
  const officialName = ref.registry === 'docker.io' && ref.repository.startsWith('library/');
  const ranked =
    missing !== undefined
      ? [missing, refused]
      : perhapsAbsent && (officialName || near.length > 0) && names.length === 0
        ? [absent, refused]
        : perhapsAbsent
          ? [refused, absent]
          : [refused];
  return {
    causes: ranked,
    items: [
      item(
        'F2.secrets',
        'image',
        'Pull secrets',
        names.length === 0 || missing !== undefined ? 'fail' : 'info',
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
    ],
  };
}
