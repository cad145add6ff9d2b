import type { ContainerUse, PodUse } from '../resources/metrics.ts';

/** What pods used, by namespace and name. Small: 100,000 of them are some 12 MB. */
export interface PodUses {
  readonly size: number;
  readonly add: (use: PodUse) => void;
  readonly get: (namespace: string, name: string) => PodUse | undefined;
}

interface Namespace {
  /** Place in the lists below, by name. */
  readonly places: Map<string, number>;
  /** Per pod when it was measured (epoch ms, NaN: not said), its CPU and its memory. */
  numbers: Float64Array;
  /** Per pod its containers; most have one, of which the name says all. */
  readonly containers: (string | readonly ContainerUse[])[];
}

const perPod = 3;

/** Numbers and shared texts in rows of their own: as objects they would take three times the room. */
export function createPodUses(uses: Iterable<PodUse> = []): PodUses {
  const namespaces = new Map<string, Namespace>();
  let size = 0;

  function add({ namespace, name, at, cpu, memory, containers }: PodUse): void {
    let own = namespaces.get(namespace);
    if (own === undefined) {
      own = { places: new Map(), numbers: new Float64Array(8 * perPod), containers: [] };
      namespaces.set(namespace, own);
    }
    let place = own.places.get(name);
    if (place === undefined) {
      place = own.places.size;
      own.places.set(name, place);
      size += 1;
    }
    if ((place + 1) * perPod > own.numbers.length) {
      const wider = new Float64Array(own.numbers.length * 2);
      wider.set(own.numbers);
      own.numbers = wider;
    }
    own.numbers.set([at ?? Number.NaN, cpu, memory], place * perPod);
    const [only] = containers;
    own.containers[place] = containers.length === 1 && only !== undefined ? only.name : containers;
  }

  for (const use of uses) add(use);

  return {
    get size() {
      return size;
    },
    add,
    get(namespace, name) {
      const own = namespaces.get(namespace);
      const place = own?.places.get(name);
      if (own === undefined || place === undefined) return undefined;
      const numberAt = (which: number): number => own.numbers[place * perPod + which] ?? Number.NaN;
      const at = numberAt(0);
      const cpu = numberAt(1);
      const memory = numberAt(2);
      const containers = own.containers[place] ?? [];
      return {
        namespace,
        name,
        at: Number.isNaN(at) ? undefined : at,
        cpu,
        memory,
        containers: typeof containers === 'string' ? [{ name: containers, cpu, memory }] : containers,
      };
    },
  };
}
