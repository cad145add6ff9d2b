import { createPullSecret, describe, editOwner, kubectl, setImage, undoRollout } from '../../fixes.ts';
import { lastEvent } from '../../pod-facts.ts';
import { brief } from '../../read.ts';
import { cause } from '../../state.ts';
import { pullSecrets, secretCause } from './credentials.ts';
import type { FaultText } from './fault.ts';
import { closeNames, parseReference } from './reference.ts';

/** The registry knows no such image. */
export const notFound: FaultText = {
  label: (_, found) => `image pull: not found: ${found.image}`,
  explain: (facts, found) => {
    const ref = parseReference(found.image);
    const near = closeNames(facts, found.image);
    const hint = near.length > 0 ? `; known and close: ${near.join(', ')}` : '';
    const whole =
      /name unknown|NAME_UNKNOWN|repository (?:with name|\S+ not found)|repository name not known/i.test(
        found.said,
      );
    const what = ref.digest !== '' ? `digest ${ref.digest.slice(0, 19)}…` : `tag ${ref.tag}`;
    return {
      causes: [
        cause(
          'F1.not-found',
          'proven',
          whole
            ? `the image does not exist: ${ref.registry} knows no repository ${ref.repository} (wrong name, or never made)${hint}`
            : `the image does not exist: ${ref.registry} knows no ${what} of ${ref.repository} (wrong name or tag, or not pushed)${hint}`,
          setImage(facts, found.container, near[0]),
          undoRollout(facts),
          describe('pod', facts.namespace, facts.name),
        ),
        ...(lastEvent(facts.events, ['FailedToRetrieveImagePullSecret']) === undefined
          ? []
          : [secretCause(facts, found.image, 'possible')]
        ).filter((entry) => entry !== undefined),
      ],
    };
  },
};

/** Too many pulls for one account or address. */
export const rateLimit: FaultText = {
  label: (_, found) => `image pull: rate limited (429) by ${parseReference(found.image).registry}`,
  explain: (facts, found) => {
    const ref = parseReference(found.image);
    return {
      causes: [
        cause(
          'F3.rate-limit',
          'proven',
          `${ref.registry} limits the rate of pulls (429 Too Many Requests)${pullSecrets(facts).names.length === 0 ? ': the pull is anonymous' : ''}`,
          createPullSecret('Give the pull an account', facts.namespace, 'regcred', ref.registry),
          editOwner(facts, 'Set imagePullPolicy: IfNotPresent, or use a mirror'),
        ),
      ],
    };
  },
};

/** The node does not trust the registry, or speaks TLS where it does not. */
export const tls: FaultText = {
  label: (_, found) => `image pull: TLS error at ${parseReference(found.image).registry}`,
  explain: (facts, found) => {
    const ref = parseReference(found.image);
    const kind = /expired/.test(found.said)
      ? 'its certificate has expired'
      : /HTTP response to HTTPS/.test(found.said)
        ? 'it speaks plain HTTP where HTTPS is expected'
        : /unknown authority/.test(found.said)
          ? 'its certificate is signed by an authority that the node does not trust'
          : 'its certificate is not valid for it';
    return {
      causes: [
        cause(
          'F4.tls',
          'proven',
          `TLS to the registry ${ref.registry} fails: ${kind}`,
          kubectl(
            'See which node it is',
            'read',
            '',
            ['describe', 'node', facts.node || 'NODE'],
            'put the CA on the nodes (certs.d/hosts.toml), or renew the certificate',
          ),
          setImage(facts, found.container),
        ),
      ],
    };
  },
};

/** The registry answers with an error of its own, or something answers in its place. */
export const registryDown: FaultText = {
  label: (_, found) =>
    /text\/html|character '<'/.test(found.said)
      ? `image pull: a proxy answers for ${parseReference(found.image).registry}`
      : `image pull: ${parseReference(found.image).registry} fails (5xx)`,
  explain: (facts, found) => ({
    causes: [
      cause(
        'F10.registry-down',
        'likely',
        /text\/html|character '<'/.test(found.said)
          ? `a web page came in place of the image: a proxy, a login page or a mirror answers for ${parseReference(found.image).registry}`
          : `the registry ${parseReference(found.image).registry} fails with a server error`,
        describe('pod', facts.namespace, facts.name, 'Watch for the next try'),
        setImage(facts, found.container),
      ),
    ],
  }),
};

/** A signature policy refuses the image. */
export const signature: FaultText = {
  label: () => 'image pull: signature refused',
  explain: (facts, found) => ({
    causes: [
      cause(
        'F11.signature',
        'proven',
        `the image is refused by a signature policy: ${brief(found.said)}`,
        setImage(facts, found.container),
      ),
    ],
  }),
};
