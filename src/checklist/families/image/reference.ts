import type { PodFacts } from '../../pod-facts.ts';
import { list, nearNames, record, text } from '../../read.ts';

/** How names at Docker's own registry begin when they are written out. */
const dockerHub = /^docker\.io\/(?:library\/)?/;

interface Reference {
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

/** `registry | repository | tag | digest`, with Docker's defaults spelled out. */
export function parseReference(image: string): Reference {
  const [path = '', digest = ''] = image.split('@');
  const slash = path.indexOf('/');
  const first = slash < 0 ? '' : path.slice(0, slash);
  const isHost = first.includes('.') || first.includes(':') || first === 'localhost';
  const registry = isHost ? first : 'docker.io';
  const rest = isHost ? path.slice(slash + 1) : path;
  const colon = rest.lastIndexOf(':');
  const name = colon < 0 ? rest : rest.slice(0, colon);
  return {
    registry,
    repository: name.includes('/') || isHost ? name : `library/${name}`,
    tag: colon < 0 ? (digest === '' ? 'latest' : '') : rest.slice(colon + 1),
    digest,
  };
}

function imageNames(facts: PodFacts): Set<string> {
  const names = new Set<string>();
  for (const node of facts.index.of('Node'))
    for (const image of list(node, 'status', 'images'))
      for (const name of list(image, 'names')) names.add(String(name).replace(dockerHub, ''));
  for (const pod of facts.index.of('Pod')) {
    for (const status of list(pod, 'status', 'containerStatuses'))
      if (record(status)['ready'] === true) names.add(text(status, 'image').replace(dockerHub, ''));
  }
  return names;
}

/** Images that nodes hold or pods run, and whose names come close. */
export const closeNames = (facts: PodFacts, image: string): readonly string[] =>
  nearNames(image.replace(dockerHub, ''), imageNames(facts));
