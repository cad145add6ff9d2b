import { nameOf } from '../../evidence-index.ts';
import { lastEvent, type PodFacts, specPath } from '../../pod-facts.ts';
import { list } from '../../read.ts';
import type { Evidence, Item } from '../../report.ts';
import { evidence, item, said } from '../../state.ts';
import type { ImageFault } from './fault.ts';
import { parseReference } from './reference.ts';

export function commonItems(facts: PodFacts, found: ImageFault): readonly Item[] {
  const ref = parseReference(found.image);
  const items: Item[] = [
    item(
      'F0.reference',
      'image',
      'Which image',
      'info',
      evidence(`container ${found.container.name}`, found.image, specPath(found.container, 'image')),
      evidence('registry', ref.registry),
      evidence('tag', ref.tag || ref.digest),
    ),
  ];
  const holders = facts.index
    .of('Node')
    .filter((node) =>
      list(node, 'status', 'images').some((image) =>
        list(image, 'names').some(
          (name) => String(name) === found.image || String(name) === `docker.io/${ref.repository}:${ref.tag}`,
        ),
      ),
    );
  if (holders.length > 0)
    items.push(
      item(
        'F0.elsewhere',
        'image',
        'Nodes that have it',
        'info',
        evidence('nodes', holders.map(nameOf).join(', '), 'status.images'),
      ),
    );
  const backOff = lastEvent(facts.events, ['BackOff'], /pulling image/);
  if (backOff !== undefined)
    items.push(item('F0.retry', 'image', 'The kubelet tries again', 'info', said(backOff.event)));
  return items;
}

export const answer = (found: ImageFault): readonly Evidence[] => [
  ...(found.said === ''
    ? []
    : [evidence('registry says', found.said, found.path === '' ? undefined : found.path)]),
  ...(found.event === undefined || found.event.message.includes(found.said) === false
    ? []
    : [said(found.event)]),
];
