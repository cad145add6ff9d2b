import { leftOpen } from '../checklist/fixes.ts';
import type { Risk } from '../checklist/report.ts';
import type { Connection } from '../kube/contract.ts';
import type { KubeObject } from '../kube/object.ts';
import { list, record, text } from '../resources/fields.ts';
import type { Resource, Row } from '../resources/resource.ts';
import {
  containerPatch,
  containersOf,
  envPatch,
  type Named,
  parseEnv,
  parseResources,
} from './write/containers.ts';
import { nameOf } from './write/impact.ts';
import {
  jsonPatching,
  type ObjectAt,
  type Operation,
  objectAt,
  objectPath,
  type Plan,
  patching,
} from './write/plan.ts';

/** A change that a fix spells out whole, taken apart as far as its words go. */
export interface SpeltOut {
  /** `set image`, `patch`, `label`, `taint`, `scale`. */
  readonly verb: string;
  /** Behind the object: `web=web:2`, `disk=ssd`. */
  readonly words: readonly string[];
  readonly flags: readonly string[];
  readonly title: string;
  readonly risk: Risk;
  /** The arguments of kubectl. */
  readonly kubectl: readonly string[];
}

interface Target {
  readonly resource: Resource;
  readonly row: Row;
  readonly read: Connection;
}

/** `--limits=memory=3Gi`, `-c main`. */
function flagOf(flags: readonly string[], ...names: readonly string[]): string | undefined {
  for (const [at, flag] of flags.entries()) {
    if (names.includes(flag)) return flags[at + 1];
    const name = names.find((one) => flag.startsWith(`${one}=`));
    if (name !== undefined) return flag.slice(name.length + 1);
  }
  return undefined;
}

/** Containers by name; all of them where none is named, as kubectl takes it. */
const chosen = (object: KubeObject, { name }: Resource, wanted: string | undefined): readonly Named[] =>
  containersOf(object, name).filter((one) => wanted === undefined || one.name === wanted);

type Change = {
  readonly operations: readonly Operation[];
  readonly lines: readonly string[];
};

/** Several containers of one template are one patch. */
function templateChange(
  { resource, row }: Target,
  patches: readonly Readonly<Record<string, unknown>>[],
  lines: readonly string[],
): Change | undefined {
  return patches.length === 0
    ? undefined
    : { operations: patches.map((patch) => patching(objectAt(resource, row), 'strategic', patch)), lines };
}

function setChange(spelt: SpeltOut, target: Target, object: KubeObject): Change | undefined {
  const { resource } = target;
  const { verb, words, flags } = spelt;
  const containers = chosen(object, resource, flagOf(flags, '-c', '--containers'));
  if (verb === 'set image') {
    const images = words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]);
    const named = images.map(
      ([name, image]) => [containers.find((one) => one.name === name), image] as const,
    );
    if (named.some(([container]) => container === undefined)) return undefined;
    return templateChange(
      target,
      named.flatMap(([container, image]) =>
        container === undefined ? [] : [containerPatch(resource.name, container, { image })],
      ),
      named.map(([container, image]) => `${container?.name}: ${container?.image} → ${image}`),
    );
  }
  if (verb === 'set resources') {
    const amounts = ['requests', 'limits'].flatMap((part) => {
      const given = flagOf(flags, `--${part}`);
      return given === undefined ? [] : [[part, parseResources(given)] as const];
    });
    if (amounts.length === 0 || amounts.some(([, parsed]) => typeof parsed === 'string')) return undefined;
    const resources = Object.fromEntries(amounts);
    return templateChange(
      target,
      containers.map((container) => containerPatch(resource.name, container, { resources })),
      containers.map(
        ({ name }) =>
          `${name}: ${amounts.map(([part]) => `${part} ${flagOf(flags, `--${part}`)}`).join(', ')}`,
      ),
    );
  }
  const parsed = parseEnv(words.join(' '));
  if (typeof parsed === 'string') return undefined;
  return templateChange(
    target,
    containers.map((container) => envPatch(resource.name, container, parsed)),
    containers.map(({ name }) => `${name}: ${words.join(' ')}`),
  );
}

/** As kubectl merges it for a kind: kinds of operators know no strategic merge. */
const mergeTypeOf = ({ group }: Resource): 'strategic' | 'merge' =>
  group === '' || !group.includes('.') || group.endsWith('.k8s.io') ? 'strategic' : 'merge';

function patchChange({ flags }: SpeltOut, { resource, row }: Target): Change | undefined {
  const [given, type] = [flagOf(flags, '-p', '--patch'), flagOf(flags, '--type')];
  if (given === undefined) return undefined;
  let body: unknown;
  try {
    body = JSON.parse(given);
  } catch {
    return undefined;
  }
  const at = objectAt(resource, row);
  if (Array.isArray(body))
    return { operations: [jsonPatching(at, body.map(record))], lines: body.map((step) => stepText(step)) };
  const kind = type === 'merge' || type === 'strategic' ? type : mergeTypeOf(resource);
  return { operations: [patching(at, kind, record(body))], lines: [given] };
}

const stepText = (step: unknown): string => {
  const { op, path, value } = record(step);
  return `${text(op)} ${text(path)}${value === undefined ? '' : ` ${JSON.stringify(value)}`}`;
};

/** `a=b` sets, `a-` removes. */
const pairsOf = (words: readonly string[]): Readonly<Record<string, string | null>> =>
  Object.fromEntries(
    words.map((word): [string, string | null] => {
      const equals = word.indexOf('=');
      return equals < 0 ? [word.replace(/-$/, ''), null] : [word.slice(0, equals), word.slice(equals + 1)];
    }),
  );

/** `gpu=only:NoSchedule` adds or replaces, `gpu:NoSchedule-` removes. The list is replaced as it was read. */
function taintChange({ words }: SpeltOut, at: ObjectAt, object: KubeObject): Change | undefined {
  let taints = list(record(object['spec'])['taints']).map(record);
  for (const word of words) {
    const found = /^([^=:]+)(?:=([^:]*))?(?::([A-Za-z]+))?(-)?$/.exec(word);
    if (found === null) return undefined;
    const [, key, value, effect, minus] = found;
    taints = taints.filter(
      (taint) => taint['key'] !== key || (effect !== undefined && taint['effect'] !== effect),
    );
    if (minus === undefined) taints = [...taints, { key, ...(value === undefined ? {} : { value }), effect }];
  }
  const version = object.metadata?.resourceVersion;
  const metadata = version === undefined ? {} : { metadata: { resourceVersion: version } };
  return {
    operations: [patching(at, 'merge', { ...metadata, spec: { taints } })],
    lines: words.map((word) => (word.endsWith('-') ? `remove ${word.slice(0, -1)}` : `add ${word}`)),
  };
}

const risks: Readonly<Record<Risk, Plan['risk']>> = {
  read: 'reversible',
  reversible: 'reversible',
  disruptive: 'disruptive',
  destructive: 'destructive',
  cluster: 'disruptive',
};

/**
 * The plan that does exactly what a fix says; undefined where the command leaves something open, or mltop has no request
 * for it. Rejects with KubeError where the object cannot be read.
 */
export async function planOfFix(spelt: SpeltOut, target: Target): Promise<Plan | undefined> {
  if (leftOpen([...spelt.words, ...spelt.flags]).length > 0) return undefined;
  const change = await changeOf(spelt, target);
  if (change === undefined) return undefined;
  const { resource, row } = target;
  const kind = resource.kind.toLowerCase();
  return {
    action: `fix-${spelt.verb.replace(' ', '-')}`,
    title: spelt.title,
    verb: 'Do it',
    risk: risks[spelt.risk],
    names: [nameOf(resource.kind, row)],
    toType: { what: `${kind} name`, text: row.name },
    impact: change.lines.map((line) => ({ label: 'change', text: line })),
    kubectl: spelt.kubectl,
    operations: change.operations,
    done: `${resource.kind} ${row.name}: done.`,
  };
}

async function changeOf(spelt: SpeltOut, target: Target): Promise<Change | undefined> {
  const { resource, row, read } = target;
  const { verb, words, flags } = spelt;
  const whole = (): Promise<KubeObject> => read.json({ path: objectPath(resource, row) });
  switch (verb) {
    case 'set image':
    case 'set resources':
    case 'set env':
      return setChange(spelt, target, await whole());
    case 'patch':
      return patchChange(spelt, target);
    case 'label':
    case 'annotate': {
      if (words.length === 0) return undefined;
      const field = verb === 'label' ? 'labels' : 'annotations';
      const metadata = { [field]: pairsOf(words) };
      return { operations: [patching(objectAt(resource, row), 'merge', { metadata })], lines: words };
    }
    case 'taint':
      return words.length === 0 ? undefined : taintChange(spelt, objectAt(resource, row), await whole());
    case 'scale': {
      const replicas = Number(flagOf(flags, '--replicas') ?? Number.NaN);
      if (!Number.isInteger(replicas) || replicas < 0) return undefined;
      const at = objectAt(resource, row, 'scale');
      return {
        operations: [jsonPatching(at, [{ op: 'add', path: '/spec/replicas', value: replicas }])],
        lines: [`${replicas} replicas`],
      };
    }
    default:
      return undefined;
  }
}
