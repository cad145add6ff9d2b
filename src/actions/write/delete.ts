import type { OwnedRow } from '../../resources/meta.ts';
import type { PodRow } from '../../resources/pod-row.ts';
import { pods as podKind } from '../../resources/pods.ts';
import type { Resource, Row } from '../../resources/resource.ts';
import type { DialogLine } from '../../state/dialog.ts';
import { portForwards } from '../../state/held-tables.ts';
import { podIndex } from '../../state/pod-index.ts';
import { isResource } from '../../state/source.ts';
import { type Action, type ActionContext, say } from '../action.ts';
import { inNamespace } from '../kubectl.ts';
import { manyObjects } from './flow.ts';
import { budgetLines, comebackOf, nameOf, podImpact } from './impact.ts';
import {
  deletion,
  eviction,
  graces,
  objectAt,
  type Plan,
  type WriteContext,
  type WriteRisk,
} from './plan.ts';
import { noRow, writeAction } from './write-action.ts';

const propagations: readonly string[] = ['Background', 'Foreground', 'Orphan'];

/** The kind of the shown table, where its rows are objects. */
export const kindOf = ({ table }: ActionContext): Resource | undefined =>
  table !== undefined && isResource(table) ? table : undefined;

const noObject = (context: ActionContext): string | undefined =>
  noRow(context) ?? (kindOf(context) === undefined ? 'These rows are no objects of the API.' : undefined);

/** What kubectl calls a kind: with its group where several could be meant. */
export const kubectlKind = ({ kind, name, group }: Resource): string =>
  group === '' || ['apps', 'batch'].includes(group) ? kind.toLowerCase() : `${name}.${group}`;

const asPods = (resource: Resource, rows: readonly Row[]): readonly PodRow[] =>
  resource.name === podKind.name ? (rows as readonly PodRow[]) : [];

/** How bad it is to lose these: what comes back by itself is a disruption, the rest is gone. */
function riskOfDeleting(resource: Resource, rows: readonly Row[]): WriteRisk {
  if (rows.length > manyObjects) return 'destructive';
  const owners = rows.map((row) => (row as OwnedRow).owner);
  const comesBack =
    resource.name === podKind.name
      ? owners.every((owner) => comebackOf(owner) === 'yes')
      : resource.name === 'replicasets'
        ? owners.every((owner) => owner?.kind === 'Deployment')
        : resource.name === 'events' || resource.name === 'leases';
  return comesBack ? 'disruptive' : 'destructive';
}

/** What else goes with objects of this kind. */
function lossLines(
  resource: Resource,
  rows: readonly Row[],
  { cluster }: ActionContext,
): readonly DialogLine[] {
  const lost = (text: string): readonly DialogLine[] => [{ label: 'loses', text, tone: 'bad' }];
  switch (resource.name) {
    case 'namespaces': {
      const count = rows.reduce((sum, { name }) => sum + podIndex(cluster).inNamespace(name).size, 0);
      return lost(`everything in it, ${count} pods among that`);
    }
    case 'persistentvolumeclaims':
      return lost('the data, where the volume’s reclaim policy is Delete');
    case 'persistentvolumes':
      return lost('the volume; its data, where the driver deletes it');
    case 'nodes':
      return lost('the Node object; its kubelet may register it anew');
    case 'customresourcedefinitions':
      return lost('every object of this kind');
    case 'deployments':
    case 'statefulsets':
    case 'daemonsets':
    case 'replicasets':
    case 'jobs':
    case 'cronjobs':
      return [...lost('all its pods'), ...podImpactOfOwner(rows, cluster)];
    default:
      return rows.some((row) => (row as Partial<OwnedRow>).owner !== undefined)
        ? [{ label: 'owner', text: 'may make it again', tone: 'warn' }]
        : lost('what it says; nothing brings it back');
  }
}

function podImpactOfOwner(rows: readonly Row[], cluster: ActionContext['cluster']): readonly DialogLine[] {
  const owners = new Set(rows.map((row) => row.uid));
  const owned = [...owners].flatMap((uid) => (uid === '' ? [] : [...podIndex(cluster).ownedBy(uid)]));
  return podImpact(owned, cluster).filter(({ label }) => label !== 'owner');
}

function finalizerLines(rows: readonly Row[]): readonly DialogLine[] {
  // Pods count theirs, other kinds name them.
  const held = rows.flatMap((row): readonly string[] => {
    const { finalizers } = row as { readonly finalizers?: unknown };
    return Array.isArray(finalizers) ? finalizers.map(String) : [];
  });
  const names = [...new Set(held)];
  return names.length === 0
    ? []
    : [{ label: 'waits', text: `for its finalizers: ${names.join(', ')}`, tone: 'warn' }];
}

interface DeleteOptions {
  readonly grace: number;
  readonly propagation: number;
  readonly budgets: readonly DialogLine[];
}

function deletePlan(
  context: WriteContext,
  resource: Resource,
  rows: readonly Row[],
  options: DeleteOptions,
): Plan {
  const grace = graces[options.grace % graces.length];
  const propagation = propagations[options.propagation % propagations.length] ?? 'Background';
  const pods = asPods(resource, rows);
  const risk = riskOfDeleting(resource, rows);
  const what = rows.length === 1 ? resource.kind.toLowerCase() : `${rows.length} ${resource.name}`;
  const [first] = rows;
  const going = rows.filter((row) => (row as Partial<PodRow>).deletedAt !== undefined);
  return {
    action: 'delete',
    title: `Delete ${what}`,
    verb: 'Delete',
    risk,
    names: rows.map((row) => nameOf(resource.kind, row)),
    toType:
      rows.length === 1
        ? { what: `${resource.kind.toLowerCase()} name`, text: first?.name ?? '' }
        : { what: 'number of objects', text: String(rows.length) },
    impact: [
      ...(pods.length > 0 ? podImpact(pods, context.cluster) : lossLines(resource, rows, context)),
      ...options.budgets,
      ...finalizerLines(rows),
      ...(going.length === 0
        ? []
        : [{ label: 'note', text: `${going.length} being deleted already`, tone: 'warn' as const }]),
      {
        label: 'how',
        text: `grace ${grace === undefined ? 'the object’s own' : `${grace}s`}, propagation ${propagation}`,
        tone: 'dim',
      },
    ],
    kubectl: deleteWords(resource, rows, [
      ...(grace === undefined ? [] : [`--grace-period=${grace}`]),
      ...(propagation === 'Background' ? [] : [`--cascade=${propagation.toLowerCase()}`]),
    ]),
    operations: rows.map((row) =>
      deletion(objectAt(resource, row), {
        ...(grace === undefined ? {} : { graceSeconds: grace }),
        propagation,
        pinVersion: risk === 'destructive',
      }),
    ),
    done: `Deleted ${what}${rows.length === 1 ? ` ${first?.name ?? ''}` : ''}; it goes when its grace period is over.`,
    switches: [
      ...(pods.length > 0
        ? [
            {
              key: 'G',
              text: 'grace',
              next: () => deletePlan(context, resource, rows, { ...options, grace: options.grace + 1 }),
            },
          ]
        : []),
      {
        key: 'P',
        text: 'propagation',
        next: () => deletePlan(context, resource, rows, { ...options, propagation: options.propagation + 1 }),
      },
    ],
  };
}

/** One kubectl line where one is enough; rows of several namespaces need one line each. */
function deleteWords(resource: Resource, rows: readonly Row[], flags: readonly string[]): readonly string[] {
  const [first] = rows;
  const namespace = first?.namespace ?? '';
  const same = rows.filter((row) => row.namespace === namespace);
  return [
    ...inNamespace(namespace),
    'delete',
    kubectlKind(resource),
    ...same.map((row) => row.name),
    ...flags,
  ];
}

export const deleteAction: Action = writeAction({
  id: 'delete',
  keys: ['ctrl-d'],
  title: 'delete, after a dialog',
  places: ['table'],
  risk: 'disruptive',
  whyNot: noObject,
  kubectl: (context) => {
    const kind = kindOf(context);
    return kind === undefined ? undefined : deleteWords(kind, context.rows, []);
  },
  async plan(context) {
    const resource = kindOf(context);
    if (resource === undefined) return undefined;
    const { rows, hands } = context;
    const read = hands.access()?.read;
    const pods = asPods(resource, rows);
    const budgets = read === undefined || pods.length === 0 ? [] : await budgetLines(read, pods, 'delete');
    return deletePlan(context, resource, rows, { grace: 0, propagation: 0, budgets });
  },
});

export const forceDelete: Action = writeAction({
  id: 'force-delete',
  keys: [],
  title: 'force delete: forget the pod without waiting for its node',
  places: ['pods'],
  risk: 'destructive',
  whyNot: noRow,
  kubectl: ({ rows }) => deleteWords(podKind as unknown as Resource, rows, ['--grace-period=0', '--force']),
  plan(context) {
    const resource = podKind as unknown as Resource;
    const pods = context.rows as readonly PodRow[];
    const [first] = pods;
    return {
      action: 'force-delete',
      title: pods.length === 1 ? 'Force delete pod' : `Force delete ${pods.length} pods`,
      verb: 'Force delete',
      risk: 'destructive',
      names: pods.map((pod) => nameOf('pod', pod)),
      toType:
        pods.length === 1
          ? { what: 'pod name', text: first?.name ?? '' }
          : { what: 'number of pods', text: String(pods.length) },
      impact: [
        {
          label: 'danger',
          text: 'its processes may go on running on the node, and hold GPUs and volumes, while another pod with the same name starts elsewhere',
          tone: 'bad',
        },
        ...podImpact(pods, context.cluster),
      ],
      kubectl: deleteWords(resource, pods, ['--grace-period=0', '--force']),
      operations: pods.map((pod) => deletion(objectAt(resource, pod), { graceSeconds: 0, pinVersion: true })),
      done: `Force deleted ${pods.length === 1 ? (first?.name ?? '') : `${pods.length} pods`}.`,
    };
  },
});

/** kubectl has no verb for one eviction; its drain of everything on the node is another thing. */
const evictWords = ({ namespace, name }: Row): readonly string[] => [
  'create',
  '--raw',
  `/api/v1/namespaces/${namespace}/pods/${name}/eviction`,
  '-f',
  '-',
];

export const evictAction: Action = writeAction({
  id: 'evict',
  keys: [],
  title: 'evict: delete, if its disruption budget allows it',
  places: ['pods'],
  risk: 'disruptive',
  whyNot: noRow,
  kubectl: ({ row }) => (row === undefined ? undefined : evictWords(row)),
  async plan(context) {
    const pods = context.rows as readonly PodRow[];
    const read = context.hands.access()?.read;
    const [first] = pods;
    if (first === undefined) {
      say(context, 'There is no row here.', 'warn');
      return undefined;
    }
    return {
      action: 'evict',
      title: pods.length === 1 ? 'Evict pod' : `Evict ${pods.length} pods`,
      verb: 'Evict',
      risk: riskOfDeleting(podKind as unknown as Resource, pods),
      names: pods.map((pod) => nameOf('pod', pod)),
      toType:
        pods.length === 1
          ? { what: 'pod name', text: first.name }
          : { what: 'number of pods', text: String(pods.length) },
      impact: [
        ...podImpact(pods, context.cluster),
        ...(read === undefined ? [] : await budgetLines(read, pods, 'evict')),
      ],
      kubectl: evictWords(first),
      operations: pods.map((pod) => eviction(objectAt(podKind as unknown as Resource, pod))),
      done: `Evicted ${pods.length === 1 ? first.name : `${pods.length} pods`}.`,
    };
  },
});

/** Ctrl-D in `:pf` closes the forward; the cluster is not asked. */
export const closeForward: Action = {
  id: 'close-forward',
  keys: ['ctrl-d'],
  title: 'close the port-forward',
  group: 'row',
  risk: 'read',
  places: [portForwards.name],
  hint: { order: 3, word: 'close' },
  whyNot: noRow,
  run(context) {
    for (const row of context.rows) context.services.hands?.forwards.close(row.uid);
    say(context, context.rows.length === 1 ? 'Closed.' : `Closed ${context.rows.length}.`, 'good');
  },
};
