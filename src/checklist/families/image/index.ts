import { targetOf } from '../../fixes.ts';
import { type PodFacts, statusPath } from '../../pod-facts.ts';
import { type Diagnosis, evidence, item, type Match, type PodState } from '../../state.ts';
import { explain, labels } from './explain.ts';
import { fault, type ImageFault } from './fault.ts';
import { answer, commonItems } from './items.ts';

function matchImage(state: string): (facts: PodFacts) => Match | undefined {
  return (facts) => {
    const found = fault(facts);
    if (found === undefined || found.state !== state) return undefined;
    const label = labels[state]?.(facts, found) ?? '';
    const where = found.container.kind === 'main' ? '' : ` (${found.container.kind} ${found.container.name})`;
    return {
      headline: `${label}${where}`,
      since: found.event?.first ?? facts.startedAt ?? facts.createdAt,
      diagnose: () => diagnose(state, facts, found),
    };
  };
}

function diagnose(state: string, facts: PodFacts, found: ImageFault): Diagnosis {
  const { causes, items = [] } = explain[state]?.(facts, found) ?? { causes: [] };
  const target = targetOf(facts);
  return {
    causes,
    items: [
      item(
        `${state}.answer`,
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

const state = (id: string, key: string, title: string): PodState => ({
  id,
  key,
  title,
  gate: 'image',
  severity: 'bad',
  match: matchImage(id),
});

export const imageStates: readonly PodState[] = [
  state('F7', 'image.invalid-name', 'The image name is invalid'),
  state('F6', 'image.platform', 'The image is built for another platform'),
  state('F3', 'image.rate-limit', 'The registry limits the rate of pulls'),
  state('F4', 'image.tls', 'TLS to the registry fails'),
  state('F11', 'image.signature', 'The signature of the image is refused'),
  state('F9', 'image.no-space', 'No room for the image on the node'),
  state('F5', 'image.network', 'The registry cannot be reached'),
  state('F2', 'image.unauthorized', 'The registry refuses the credentials'),
  state('F1', 'image.not-found', 'The image does not exist'),
  state('F10', 'image.registry-down', 'The registry fails'),
  state('F8', 'image.never-pull', 'Pull policy Never and the image is not there'),
  state('F12', 'image.volume', 'The image of a volume cannot be pulled'),
  state('F0', 'image.unknown', 'The image cannot be pulled'),
];
