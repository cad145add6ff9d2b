import type { EvidenceIndex } from './evidence-index.ts';
import { notKnown, type Part, type Step, stepsOf, type Values, valuesAt } from './path.ts';
import type { ContainerFacts, PodFacts } from './pod-facts.ts';
import { list, record, text } from './read.ts';
import { containerSpec, containerStatus, rowPart } from './row-part.ts';

/** What `forEach` may go through; each is `$c` in turn. */
export const loops = ['containers', 'inits', 'allContainers', 'volumes', 'nodes'] as const;
export type Loop = (typeof loops)[number];

/** One of what `forEach` goes through. */
export interface Bound {
  readonly name: string;
  readonly object: unknown;
  readonly container: ContainerFacts | undefined;
}

/** What a condition of a pack is asked about. */
export interface Scene {
  readonly facts: PodFacts;
  readonly bound: Bound | undefined;
}

/** Fields that a container has in its status; all others, and what both have, are the spec's. */
const ofStatus = new Set([
  'ready',
  'restartCount',
  'state',
  'lastState',
  'started',
  'imageID',
  'containerID',
  'allocatedResources',
]);

function boundContainer(facts: PodFacts, container: ContainerFacts): Bound {
  const { row } = facts;
  if (facts.object !== undefined || row === undefined)
    return {
      name: container.name,
      object: { ...record(container.status), ...record(container.spec) },
      container,
    };
  const held = row.spec.containers.find(({ name }) => name === container.name);
  const [spec, status] = [
    containerSpec(row, container.name),
    held === undefined ? undefined : containerStatus(row, held),
  ];
  const object: Part = (key) => (ofStatus.has(key) ? status : spec)?.(key) ?? undefined;
  return { name: container.name, object, container };
}

const named = (object: unknown, name: string): Bound => ({ name, object, container: undefined });

/** Everything that a loop goes through; undefined where that is not known. */
export function boundsOf(loop: Loop, facts: PodFacts): readonly Bound[] | undefined {
  switch (loop) {
    case 'containers':
      return facts.containers
        .filter(({ kind }) => kind === 'main')
        .map((container) => boundContainer(facts, container));
    case 'inits':
      return facts.containers
        .filter(({ kind }) => kind === 'init' || kind === 'sidecar')
        .map((container) => boundContainer(facts, container));
    case 'allContainers':
      return facts.containers.map((container) => boundContainer(facts, container));
    case 'volumes':
      if (facts.object === undefined) return undefined;
      return list(facts.object, 'spec', 'volumes').map((volume) => named(volume, text(volume, 'name')));
    case 'nodes':
      // Of a row this would be every node for every pod.
      if (facts.object === undefined) return undefined;
      return facts.index.of('Node').map((node) => named(node, text(node, 'metadata', 'name')));
  }
}

export interface PackPath {
  readonly text: string;
  readonly root: 'pod' | 'owner' | 'node' | 'ns' | '$c';
  readonly steps: readonly Step[];
}

/** A path with what it starts at: `owner.`, `node.`, `ns.`, `$c.`, else the pod. Undefined where the text is no path. */
export function parsePath(path: string): PackPath | undefined {
  const found = /^(owner|node|ns|\$c)\.(.+)$/.exec(path);
  const root = (found?.[1] ?? 'pod') as PackPath['root'];
  const steps = stepsOf(found?.[2] ?? path);
  return steps === undefined ? undefined : { text: path, root, steps };
}

const unknownValues: Values = { found: [], isWhole: false };

/** What a node that was made of a row holds whole. */
const ofNodeRow = new Set(['metadata', 'spec.unschedulable', 'spec.taints', 'status.conditions']);

function nodeOf(index: EvidenceIndex, name: string): unknown {
  return name === '' ? undefined : index.get('Node', '', name);
}

/** All values at a path of a pack. */
export function valuesOf({ facts, bound }: Scene, path: PackPath): Values {
  switch (path.root) {
    case 'pod': {
      if (facts.object !== undefined) return valuesAt(facts.object, path.steps);
      return facts.row === undefined ? unknownValues : valuesAt(rowPart(facts.row), path.steps);
    }
    case '$c':
      return bound === undefined ? unknownValues : valuesAt(bound.object, path.steps);
    case 'owner': {
      const owner = facts.owners.at(-1);
      if (owner === undefined)
        // That a pod has no owner is known; what a row says of one is its name and kind.
        return { found: [], isWhole: true };
      if (owner.object !== undefined) return valuesAt(owner.object, path.steps);
      const metadata: Part = (key) =>
        key === 'name' ? owner.name : key === 'namespace' ? owner.namespace : notKnown;
      const part: Part = (key) => (key === 'kind' ? owner.kind : key === 'metadata' ? metadata : notKnown);
      // A row knows the nearest owner, which need not be the outermost.
      return facts.object === undefined && owner.kind === 'ReplicaSet'
        ? unknownValues
        : valuesAt(part, path.steps);
    }
    case 'node': {
      const node = nodeOf(facts.index, facts.node);
      if (node === undefined) return { found: [], isWhole: facts.node === '' };
      const values = valuesAt(node, path.steps);
      if (values.found.length > 0 || facts.object !== undefined) return values;
      const [first, second] = path.steps;
      return {
        found: [],
        isWhole: ofNodeRow.has(String(first)) || ofNodeRow.has(`${String(first)}.${String(second)}`),
      };
    }
    case 'ns': {
      const namespace = facts.index.get('Namespace', '', facts.namespace);
      return namespace === undefined ? unknownValues : valuesAt(namespace, path.steps);
    }
  }
}
