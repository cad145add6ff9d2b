import type { Connection } from '../../kube/contract.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { PodRow } from '../../resources/pod-row.ts';
import { pathOf, type Resource, type Row } from '../../resources/resource.ts';
import { sanitizeLine } from '../../resources/sanitize.ts';
import { type Action, type ActionContext, say } from '../action.ts';
import { askForm, askMenu } from '../ask.ts';
import { inNamespace } from '../kubectl.ts';
import {
  containerPatch,
  containersOf,
  envPatch,
  type Named,
  parseEnv,
  parseResources,
  resourcesPatch,
} from './containers.ts';
import { kindOf, kubectlKind } from './delete.ts';
import { wordsOf } from './flow.ts';
import { nameOf } from './impact.ts';
import { jsonPatching, objectAt, objectPath, type Plan, patching, type WriteContext } from './plan.ts';
import { noRow, writeAction } from './write-action.ts';

const templated: readonly string[] = ['deployments', 'statefulsets', 'daemonsets'];
const rolled: readonly string[] = templated;
const scaled: readonly string[] = ['deployments', 'statefulsets', 'replicasets'];

/** Templates of these cannot be changed: what to do instead. */
const fixedTemplates: Readonly<Record<string, string>> = {
  jobs: 'A Job’s template cannot be changed: edit what makes it, or delete it and create it anew.',
  replicasets: 'Change the Deployment that owns it; it makes a new ReplicaSet.',
  cronjobs: '',
};

interface One {
  readonly resource: Resource;
  readonly row: Row;
}

const oneOf = (context: ActionContext): One | undefined => {
  const resource = kindOf(context);
  return resource === undefined || context.row === undefined ? undefined : { resource, row: context.row };
};

const words = (
  { resource, row }: One,
  verb: readonly string[],
  rest: readonly string[] = [],
): readonly string[] => [
  ...inNamespace(row.namespace),
  ...verb,
  `${kubectlKind(resource)}/${row.name}`,
  ...rest,
];

const typed = ({ resource, row }: One): Plan['toType'] => ({
  what: `${resource.kind.toLowerCase()} name`,
  text: row.name,
});

export const restart: Action = writeAction({
  id: 'restart',
  keys: ['r'],
  title: 'restart its pods, a few at a time',
  places: rolled,
  risk: 'disruptive',
  whyNot: noRow,
  kubectl: (context) => {
    const one = oneOf(context);
    return one === undefined ? undefined : words(one, ['rollout', 'restart']);
  },
  plan(context) {
    const resource = kindOf(context);
    if (resource === undefined) return undefined;
    const { rows } = context;
    const [first] = rows;
    if (first === undefined) return undefined;
    const at = new Date(context.hands.clock()).toISOString().replace(/\.\d+Z$/, 'Z');
    return {
      action: 'restart',
      title:
        rows.length === 1
          ? `Restart ${resource.kind.toLowerCase()}`
          : `Restart ${rows.length} ${resource.name}`,
      verb: 'Restart',
      risk: rows.length > 5 ? 'destructive' : 'disruptive',
      names: rows.map((row) => nameOf(resource.kind, row)),
      toType:
        rows.length === 1 ? typed({ resource, row: first }) : { what: 'number', text: String(rows.length) },
      impact: [
        { label: 'effect', text: 'every pod is replaced, as its update strategy says' },
        ...(resource.name === 'statefulsets'
          ? [
              {
                label: 'note',
                text: 'one pod after the other; a broken one stops the rest',
                tone: 'warn' as const,
              },
            ]
          : []),
      ],
      kubectl: words({ resource, row: first }, ['rollout', 'restart']),
      operations: rows.map((row) =>
        patching(objectAt(resource, row), 'strategic', {
          spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': at } } } },
        }),
      ),
      done: `Restarting ${rows.length === 1 ? first.name : `${rows.length} ${resource.name}`}.`,
    };
  },
});

const replicasOf = (row: Row): number => {
  const { desired } = row as { readonly desired?: unknown };
  return typeof desired === 'number' ? desired : 0;
};

export const scale: Action = writeAction({
  id: 'scale',
  keys: ['s'],
  title: 'scale: how many pods',
  places: scaled,
  risk: 'reversible',
  whyNot: noRow,
  kubectl: (context) => {
    const one = oneOf(context);
    return one === undefined ? undefined : words(one, ['scale'], [`--replicas=${replicasOf(one.row)}`]);
  },
  async plan(context) {
    const resource = kindOf(context);
    const { rows } = context;
    const [first] = rows;
    if (resource === undefined || first === undefined) return undefined;
    const now = replicasOf(first);
    const values = await askForm(context, {
      title: rows.length === 1 ? `Scale ${first.name}` : `Scale ${rows.length} ${resource.name}`,
      body: [{ text: `now ${rows.map(replicasOf).join(', ')} replicas`, tone: 'dim' }],
      fields: [{ label: 'replicas', text: String(now) }],
      verb: 'Next',
      check: ([text = '']) =>
        /^\d{1,6}$/.test(text) ? undefined : `"${text}" is not a number of replicas: write 0 or more.`,
    });
    if (values === undefined) return undefined;
    const wanted = Number(values[0]);
    const least = Math.max(...rows.map(replicasOf));
    const isDown = wanted < least;
    return {
      action: 'scale',
      title: `Scale to ${wanted}`,
      verb: 'Scale',
      risk: rows.length > 5 ? 'destructive' : isDown ? 'disruptive' : 'reversible',
      names: rows.map((row) => nameOf(resource.kind, row)),
      toType:
        rows.length === 1 ? typed({ resource, row: first }) : { what: 'number', text: String(rows.length) },
      impact: rows.slice(0, 8).map((row) => ({
        label: 'effect',
        text: `${row.name}: ${replicasOf(row)} to ${wanted}${wanted < replicasOf(row) ? `, ${replicasOf(row) - wanted} pods end` : ''}`,
        ...(wanted < replicasOf(row) ? { tone: 'warn' as const } : {}),
      })),
      kubectl: words({ resource, row: first }, ['scale'], [`--replicas=${wanted}`]),
      operations: rows.map((row) =>
        jsonPatching(objectAt(resource, row, 'scale'), [
          { op: 'add', path: '/spec/replicas', value: wanted },
        ]),
      ),
      done: `Scaled ${rows.length === 1 ? first.name : `${rows.length} ${resource.name}`} to ${wanted}.`,
      undo: rows.length === 1 ? `Undo: s ${now}.` : `Before: ${rows.map(replicasOf).join(', ')}.`,
    };
  },
});

/** Why its template cannot be set; undefined: it can. */
function whyNotTemplate(context: ActionContext): string | undefined {
  const resource = kindOf(context);
  if (resource === undefined || context.row === undefined) return 'There is no row here.';
  if (resource.name !== 'pods') return fixedTemplates[resource.name] || undefined;
  const { owner } = context.row as PodRow;
  return owner === undefined
    ? undefined
    : `Its ${owner.kind} ${owner.name} would make the next one as before: set it there.`;
}

/** The object as it is now, and which of its containers is meant. */
async function pickContainer(
  context: WriteContext,
  { resource, row }: One,
): Promise<{ readonly object: KubeObject; readonly container: Named } | undefined> {
  const read = context.hands.access()?.read;
  if (read === undefined) return undefined;
  let object: KubeObject;
  try {
    object = await read.json({ path: objectPath(resource, row) });
  } catch (error) {
    say(context, wordsOf(error), 'bad');
    return undefined;
  }
  const containers = containersOf(object, resource.name);
  if (containers.length <= 1) {
    const [only] = containers;
    if (only === undefined) say(context, 'It has no containers.', 'warn');
    return only === undefined ? undefined : { object, container: only };
  }
  const picked = await askMenu(
    context,
    `Which container of ${row.name}?`,
    containers.map(({ name, image, isInit }) => ({ text: name, note: `${isInit ? 'init  ' : ''}${image}` })),
  );
  const container = picked === undefined ? undefined : containers[picked];
  return container === undefined ? undefined : { object, container };
}

/** A change of one container in a template, by its name: its place in the list is not the same everywhere. */
function templatePlan(
  { resource, row }: One,
  change: Pick<Plan, 'action' | 'title' | 'verb' | 'kubectl' | 'done' | 'impact'> & {
    readonly patch: Readonly<Record<string, unknown>>;
    readonly undo?: string;
  },
): Plan {
  const { patch, ...rest } = change;
  return {
    ...rest,
    risk: resource.name === 'cronjobs' ? 'reversible' : 'disruptive',
    names: [nameOf(resource.kind, row)],
    toType: typed({ resource, row }),
    impact: [
      ...change.impact,
      resource.name === 'pods'
        ? { label: 'effect', text: 'the container restarts with it' }
        : resource.name === 'cronjobs'
          ? { label: 'effect', text: 'from its next Job on' }
          : { label: 'effect', text: 'a rollout: every pod is replaced', tone: 'warn' as const },
    ],
    operations: [patching(objectAt(resource, row), 'strategic', patch)],
  };
}

export const setImage: Action = writeAction({
  id: 'set-image',
  keys: ['i'],
  title: 'set the image of a container',
  places: [...templated, 'pods', 'cronjobs', 'jobs', 'replicasets'],
  risk: 'disruptive',
  whyNot: whyNotTemplate,
  kubectl: (context) => {
    const one = oneOf(context);
    return one === undefined ? undefined : words(one, ['set', 'image'], ['CONTAINER=IMAGE']);
  },
  async plan(context) {
    const one = oneOf(context);
    const picked = one === undefined ? undefined : await pickContainer(context, one);
    if (one === undefined || picked === undefined) return undefined;
    const { container } = picked;
    const values = await askForm(context, {
      title: `Image of ${one.row.name} / ${container.name}`,
      fields: [{ label: 'image', text: container.image }],
      verb: 'Next',
      check: ([image = '']) =>
        image === '' || /\s/.test(image)
          ? 'Write an image: registry/name:tag or registry/name@sha256:…'
          : image === container.image
            ? 'This is the image that it has.'
            : undefined,
    });
    const image = values?.[0];
    if (image === undefined) return undefined;
    return templatePlan(one, {
      action: 'set-image',
      title: 'Set image',
      verb: 'Set image',
      impact: [
        { label: 'from', text: `${container.image}` },
        { label: 'to', text: `${image}` },
      ],
      kubectl: words(one, ['set', 'image'], [`${container.name}=${image}`]),
      patch: containerPatch(one.resource.name, container, { image }),
      done: `Image of ${one.row.name} / ${container.name} set.`,
      ...(one.resource.name === 'deployments' ? { undo: 'Undo: m, rollout undo.' } : {}),
    });
  },
});

export const setEnv: Action = writeAction({
  id: 'set-env',
  keys: [],
  title: 'set or remove environment variables',
  places: [...templated, 'cronjobs', 'jobs', 'replicasets'],
  risk: 'disruptive',
  whyNot: whyNotTemplate,
  kubectl: (context) => {
    const one = oneOf(context);
    return one === undefined ? undefined : words(one, ['set', 'env'], ['NAME=VALUE']);
  },
  async plan(context) {
    const one = oneOf(context);
    const picked = one === undefined ? undefined : await pickContainer(context, one);
    if (one === undefined || picked === undefined) return undefined;
    const { container } = picked;
    const values = await askForm(context, {
      title: `Environment of ${one.row.name} / ${container.name}`,
      body: [{ text: 'NCCL_DEBUG=INFO sets, NCCL_DEBUG- removes; several apart by spaces', tone: 'dim' }],
      fields: [{ label: 'set' }],
      verb: 'Next',
      check: ([text = '']) => {
        const parsed = parseEnv(text);
        return typeof parsed === 'string' ? parsed : undefined;
      },
    });
    const parsed = values === undefined ? undefined : parseEnv(values[0] ?? '');
    if (parsed === undefined || typeof parsed === 'string') return undefined;
    return templatePlan(one, {
      action: 'set-env',
      title: 'Set environment',
      verb: 'Set',
      impact: parsed.map(({ name, value }) => ({
        label: value === undefined ? 'remove' : 'set',
        text: value === undefined ? name : `${name}=${value}`,
      })),
      kubectl: words(
        one,
        ['set', 'env'],
        [
          '-c',
          container.name,
          ...parsed.map(({ name, value }) => (value === undefined ? `${name}-` : `${name}=${value}`)),
        ],
      ),
      patch: envPatch(one.resource.name, container, parsed),
      done: `Environment of ${one.row.name} / ${container.name} set.`,
    });
  },
});

export const setResources: Action = writeAction({
  id: 'set-resources',
  keys: [],
  title: 'set requests and limits of a container',
  places: [...templated, 'cronjobs', 'jobs', 'replicasets'],
  risk: 'disruptive',
  whyNot: whyNotTemplate,
  kubectl: (context) => {
    const one = oneOf(context);
    return one === undefined ? undefined : words(one, ['set', 'resources'], ['--limits=cpu=4,memory=16Gi']);
  },
  async plan(context) {
    const one = oneOf(context);
    const picked = one === undefined ? undefined : await pickContainer(context, one);
    if (one === undefined || picked === undefined) return undefined;
    const { container } = picked;
    const values = await askForm(context, {
      title: `Resources of ${one.row.name} / ${container.name}`,
      body: [{ text: 'cpu=4,memory=16Gi,nvidia.com/gpu=1; what is left out stays', tone: 'dim' }],
      fields: [
        { label: 'requests', text: container.requests },
        { label: 'limits  ', text: container.limits },
      ],
      verb: 'Next',
      check: (texts) => texts.map(parseResources).find((parsed) => typeof parsed === 'string'),
    });
    if (values === undefined) return undefined;
    const [requests, limits] = values.map(parseResources);
    if (typeof requests !== 'object' || typeof limits !== 'object') return undefined;
    const flag = (name: string, amounts: Readonly<Record<string, string>>): readonly string[] =>
      Object.keys(amounts).length === 0
        ? []
        : [
            `--${name}=${Object.entries(amounts)
              .map(([key, value]) => `${key}=${value}`)
              .join(',')}`,
          ];
    return templatePlan(one, {
      action: 'set-resources',
      title: 'Set resources',
      verb: 'Set',
      impact: [
        { label: 'requests', text: `${container.requests || 'none'} to ${values[0] || 'as they are'}` },
        { label: 'limits', text: `${container.limits || 'none'} to ${values[1] || 'as they are'}` },
      ],
      kubectl: words(
        one,
        ['set', 'resources'],
        ['-c', container.name, ...flag('requests', requests), ...flag('limits', limits)],
      ),
      patch: resourcesPatch(one.resource.name, container, requests, limits),
      done: `Resources of ${one.row.name} / ${container.name} set.`,
    });
  },
});

interface Revision {
  readonly number: number;
  readonly cause: string;
  readonly images: string;
  readonly object: KubeObject;
}

/** Its former templates, the newest first. Rejects with KubeError. */
async function revisionsOf(read: Connection, { resource, row }: One): Promise<readonly Revision[]> {
  const kind = resource.name === 'deployments' ? 'replicasets' : 'controllerrevisions';
  const path = pathOf({ group: 'apps', apiVersion: 'v1', name: kind, namespaced: true }, row.namespace);
  const { items = [] } = await read.json<{ readonly items?: readonly KubeObject[] }>({ path });
  return items
    .filter(({ metadata }) => metadata?.ownerReferences?.some(({ uid }) => uid === row.uid) === true)
    .map((object): Revision => {
      const annotations = object.metadata?.annotations ?? {};
      const revision = object['revision'];
      const number =
        typeof revision === 'number' ? revision : Number(annotations['deployment.kubernetes.io/revision']);
      return {
        number: Number.isFinite(number) ? number : 0,
        cause: sanitizeLine(annotations['kubernetes.io/change-cause'] ?? ''),
        images: [
          ...new Set(containersOf(templateHolder(object), 'deployments').map(({ image }) => image)),
        ].join(', '),
        object,
      };
    })
    .sort((a, b) => b.number - a.number);
}

/** Where a ReplicaSet and a ControllerRevision keep the template. */
const templateHolder = (object: KubeObject): KubeObject =>
  object['data'] !== undefined && typeof object['data'] === 'object'
    ? (object['data'] as KubeObject)
    : object;

async function pickRevision(
  context: WriteContext,
  one: One,
  title: string,
): Promise<{ readonly picked: Revision; readonly current: Revision } | undefined> {
  const read = context.hands.access()?.read;
  if (read === undefined) return undefined;
  let revisions: readonly Revision[];
  try {
    revisions = await revisionsOf(read, one);
  } catch (error) {
    say(context, wordsOf(error), 'bad');
    return undefined;
  }
  const [current] = revisions;
  if (current === undefined) {
    say(context, `${one.row.name} has no revisions.`, 'warn');
    return undefined;
  }
  const index = await askMenu(
    context,
    title,
    revisions.map(({ number, cause, images }, at) => ({
      text: `revision ${number}`,
      note: `${at === 0 ? 'now  ' : ''}${images}${cause === '' ? '' : `  ${cause}`}`,
    })),
    Math.min(1, revisions.length - 1),
  );
  const picked = index === undefined ? undefined : revisions[index];
  return picked === undefined ? undefined : { picked, current };
}

export const rolloutHistory: Action = {
  id: 'rollout-history',
  keys: [],
  title: 'rollout history: former revisions',
  group: 'row',
  risk: 'read',
  places: rolled,
  whyNot: noRow,
  kubectl: (context) => {
    const one = oneOf(context);
    return one === undefined ? undefined : words(one, ['rollout', 'history']);
  },
  async run(context) {
    const one = oneOf(context);
    const { hands } = context.services;
    if (one !== undefined && hands !== undefined)
      await pickRevision({ ...context, hands }, one, `Revisions of ${one.row.name}`);
  },
};

export const rolloutUndo: Action = writeAction({
  id: 'rollout-undo',
  keys: [],
  title: 'rollout undo: back to a former revision',
  places: rolled,
  risk: 'disruptive',
  whyNot: noRow,
  kubectl: (context) => {
    const one = oneOf(context);
    return one === undefined ? undefined : words(one, ['rollout', 'undo']);
  },
  async plan(context) {
    const one = oneOf(context);
    if (one === undefined) return undefined;
    const chosen = await pickRevision(context, one, `Back to which revision of ${one.row.name}?`);
    if (chosen === undefined) return undefined;
    const { picked, current } = chosen;
    if (picked === current) {
      say(context, `Revision ${picked.number} is the present one.`, 'warn');
      return undefined;
    }
    const at = objectAt(one.resource, one.row);
    return {
      action: 'rollout-undo',
      title: `Back to revision ${picked.number}`,
      verb: 'Undo rollout',
      risk: 'disruptive',
      names: [nameOf(one.resource.kind, one.row)],
      toType: typed(one),
      impact: [
        { label: 'from', text: `revision ${current.number}  ${current.images}` },
        { label: 'to', text: `revision ${picked.number}  ${picked.images}` },
        { label: 'effect', text: 'a rollout: every pod is replaced', tone: 'warn' },
      ],
      kubectl: words(one, ['rollout', 'undo'], [`--to-revision=${picked.number}`]),
      operations: [
        one.resource.name === 'deployments'
          ? jsonPatching(at, [
              { op: 'replace', path: '/spec/template', value: formerTemplate(picked.object) },
            ])
          : patching(at, 'strategic', templateHolder(picked.object) as Readonly<Record<string, unknown>>),
      ],
      done: `${one.row.name} goes back to revision ${picked.number}.`,
      undo: `Undo: rollout undo to revision ${current.number}.`,
    };
  },
});

/** A ReplicaSet's template without the label that only its pods have. */
function formerTemplate({ spec }: KubeObject): Readonly<Record<string, unknown>> {
  const template =
    (spec as { readonly template?: Readonly<Record<string, unknown>> } | undefined)?.template ?? {};
  const metadata = (template['metadata'] ?? {}) as { readonly labels?: Readonly<Record<string, string>> };
  const { 'pod-template-hash': _hash, ...labels } = metadata.labels ?? {};
  return { ...template, metadata: { ...metadata, labels } };
}
