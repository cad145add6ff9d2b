import type { KubeObject } from '../../kube/object.ts';
import { list, record, text } from '../../resources/fields.ts';
import { sanitizeLine } from '../../resources/sanitize.ts';

/** A container of a pod or of a template. */
export interface Named {
  readonly name: string;
  readonly image: string;
  readonly isInit: boolean;
  /** `cpu=4,memory=16Gi`. */
  readonly requests: string;
  readonly limits: string;
}

/** Where the pod spec is in an object of this kind. */
function specPath(resource: string): readonly string[] {
  if (resource === 'pods') return ['spec'];
  return resource === 'cronjobs'
    ? ['spec', 'jobTemplate', 'spec', 'template', 'spec']
    : ['spec', 'template', 'spec'];
}

const amountsText = (amounts: unknown): string =>
  Object.entries(record(amounts))
    .map(([name, value]) => `${sanitizeLine(name)}=${sanitizeLine(String(value))}`)
    .join(',');

export function containersOf(object: KubeObject, resource: string): readonly Named[] {
  const spec = specPath(resource).reduce<unknown>((value, step) => record(value)[step], object);
  const named = (raw: unknown, isInit: boolean): Named => {
    const container = record(raw);
    const resources = record(container['resources']);
    return {
      name: text(container['name']),
      image: text(container['image']),
      isInit,
      requests: amountsText(resources['requests']),
      limits: amountsText(resources['limits']),
    };
  };
  return [
    ...list(record(spec)['containers']).map((raw) => named(raw, false)),
    ...list(record(spec)['initContainers']).map((raw) => named(raw, true)),
  ];
}

type Patch = Readonly<Record<string, unknown>>;

/** A strategic patch of one container, which the server finds by its name. */
export function containerPatch(resource: string, { name, isInit }: Named, fields: Patch): Patch {
  const inner: Patch = { [isInit ? 'initContainers' : 'containers']: [{ name, ...fields }] };
  return specPath(resource).reduceRight<Patch>((value, step) => ({ [step]: value }), inner);
}

export interface EnvChange {
  readonly name: string;
  /** Undefined: it is removed. */
  readonly value: string | undefined;
}

/** `A=1 B="two words" C-`, or what is wrong with it. */
export function parseEnv(line: string): readonly EnvChange[] | string {
  const words = line.match(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g) ?? [];
  if (words.length === 0) return 'Write NAME=value to set, NAME- to remove.';
  const changes: EnvChange[] = [];
  for (const word of words) {
    const set = /^([A-Za-z_.-][\w.-]*)=(.*)$/s.exec(word);
    const unset = /^([A-Za-z_][\w.]*)-$/.exec(word);
    if (unset !== null) changes.push({ name: unset[1] ?? '', value: undefined });
    else if (set !== null)
      changes.push({ name: set[1] ?? '', value: (set[2] ?? '').replace(/(["'])(.*?)\1/gs, '$2') });
    else return `"${word}" is neither NAME=value nor NAME-.`;
  }
  return changes;
}

export const envPatch = (resource: string, container: Named, changes: readonly EnvChange[]): Patch =>
  containerPatch(resource, container, {
    env: changes.map(({ name, value }) =>
      // A variable that came from a Secret or a field would otherwise keep its source beside the value.
      value === undefined ? { name, $patch: 'delete' } : { name, value, valueFrom: null },
    ),
  });

/** `cpu=4,memory=16Gi` as amounts, or what is wrong with it. */
export function parseResources(line: string): Readonly<Record<string, string>> | string {
  const amounts: Record<string, string> = {};
  for (const part of line.split(/[,\s]+/).filter((word) => word !== '')) {
    const [, name, value] =
      /^([A-Za-z0-9./_-]+)=(\d+(?:\.\d+)?(?:[numkMGTPE]|[KMGTPE]i|e\d+)?)$/.exec(part) ?? [];
    if (name === undefined || value === undefined)
      return `"${part}" is no amount: write cpu=4 or memory=16Gi.`;
    amounts[name] = value;
  }
  return amounts;
}

export const resourcesPatch = (
  resource: string,
  container: Named,
  requests: Readonly<Record<string, string>>,
  limits: Readonly<Record<string, string>>,
): Patch => containerPatch(resource, container, { resources: { requests, limits } });
