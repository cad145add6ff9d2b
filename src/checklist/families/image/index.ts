import { targetOf } from '../../fixes.ts';
import { type PodFacts, statusPath } from '../../pod-facts.ts';
import { type Diagnosis, evidence, item, type PodState } from '../../state.ts';
import { unauthorized } from './credentials.ts';
import { type FaultText, fault, type ImageFault } from './fault.ts';
import { answer, commonItems } from './items.ts';
import { invalidName, volumeImage } from './name.ts';
import { neverPull, noSpace, platform, unreachable } from './node.ts';
import { notFound, rateLimit, registryDown, signature, tls } from './registry.ts';
import { unread } from './unread.ts';

function diagnose(id: string, { explain }: FaultText, facts: PodFacts, found: ImageFault): Diagnosis {
  const { causes, items = [] } = explain(facts, found);
  const target = targetOf(facts);
  return {
    causes,
    items: [
      item(
        `${id}.answer`,
        'image',
        'The image can be pulled',
        'fail',
        ...answer(found),
        ...(answer(found).length === 0
          ? [evidence('waiting', found.container.reason, statusPath(found.container, 'state.waiting.reason'))]
          : []),
      ),
      ...items,
      ...commonItems(facts, found),
      item(
        'F0.owner',
        'image',
        'Where the image is named',
        'info',
        evidence('owner', `${target.kind} ${target.name}`),
      ),
    ],
  };
}

const state = (id: string, key: string, title: string, text: FaultText): PodState => ({
  id,
  key,
  title,
  gate: 'image',
  severity: 'bad',
  match: (facts) => {
    const found = fault(facts);
    if (found?.state !== id) return undefined;
    const { kind, name } = found.container;
    return {
      headline: `${text.label(facts, found)}${kind === 'main' ? '' : ` (${kind} ${name})`}`,
      since: found.event?.first ?? facts.startedAt ?? facts.createdAt,
      diagnose: () => diagnose(id, text, facts, found),
    };
  },
});

export const imageStates: readonly PodState[] = [
  state('F7', 'image.invalid-name', 'The image name is invalid', invalidName),
  state('F6', 'image.platform', 'The image is built for another platform', platform),
  state('F3', 'image.rate-limit', 'The registry limits the rate of pulls', rateLimit),
  state('F4', 'image.tls', 'TLS to the registry fails', tls),
  state('F11', 'image.signature', 'The signature of the image is refused', signature),
  state('F9', 'image.no-space', 'No room for the image on the node', noSpace),
  state('F5', 'image.network', 'The registry cannot be reached', unreachable),
  state('F2', 'image.unauthorized', 'The registry refuses the credentials', unauthorized),
  state('F1', 'image.not-found', 'The image does not exist', notFound),
  state('F10', 'image.registry-down', 'The registry fails', registryDown),
  state('F8', 'image.never-pull', 'Pull policy Never and the image is not there', neverPull),
  state('F12', 'image.volume', 'The image of a volume cannot be pulled', volumeImage),
  state('F0', 'image.unknown', 'The image cannot be pulled', unread),
];
