import type { KubeObject } from '../kube/object.ts';
import { quantity } from '../resources/fields.ts';
import { annotationsOf, labelsOf } from './evidence-index.ts';
import type { ContainerFacts, PodFacts } from './pod-facts.ts';
import type { Fix, ObjectRef, Risk } from './report.ts';

/** Names, references, quantities, selectors and JSON patches of our own: nothing that a terminal or a shell could take for more. */
const safeArgument = /^[\w./:@=,+%{}[\]"' \-\\()!*#|]*$/;

/** Words that stand for what only a person can know, and what to put in their place. */
const placeholders: Readonly<Record<string, string>> = {
  USER: 'your user there',
  PASSWORD: 'its password or token',
  FILE: 'the file that holds it',
  KEY: 'the key that the program reads',
  VALUE: 'the value',
  AMOUNT: 'how much it needs',
  PORT: 'the port that the container listens on',
};
const placeholder = new RegExp(`(?:^|[=":,])(${Object.keys(placeholders).join('|')})(?=$|[",])`, 'g');

/** Of a command what a person has to put in before it can be run; each word once. */
export const leftOpen = (argv: readonly string[]): readonly string[] => [
  ...new Set(argv.flatMap((argument) => [...argument.matchAll(placeholder)].map(([, word = '']) => word))),
];

/** `put in USER (your user there) and PASSWORD (its password or token)`, behind what else there is to say. */
function noteWith(note: string | undefined, argv: readonly string[]): string | undefined {
  const open = leftOpen(argv).map((word) => `${word} (${placeholders[word]})`);
  if (open.length === 0) return note;
  const told = `put in ${open.join(', ').replace(/, ([^,]*)$/, ' and $1')}`;
  return note === undefined ? told : `${note}; ${told}`;
}

const build = (title: string, risk: Risk, argv: readonly string[], note?: string): Fix | undefined =>
  // A word in capitals stands for what the evidence does not name: a command with it could not be run.
  argv.every((argument) => !/^(?:NODE|VOLUME|CLASS)$/.test(argument)) &&
  argv.every((argument) => argument !== '' && argument.length < 2000 && safeArgument.test(argument))
    ? { title, argv, risk, ...noted(noteWith(note, argv)) }
    : undefined;

const noted = (note: string | undefined): Pick<Fix, 'note'> => (note === undefined ? {} : { note });

/** A kubectl command in a namespace. Undefined when a name in it is not one that the API would accept. */
export const kubectl = (
  title: string,
  risk: Risk,
  namespace: string,
  argv: readonly string[],
  note?: string,
): Fix | undefined =>
  build(title, risk, namespace === '' ? ['kubectl', ...argv] : ['kubectl', '-n', namespace, ...argv], note);

/** What to edit so that the next pod is right, and why not the pod itself. */
export interface OwnerTarget extends ObjectRef {
  /** kubectl's name of the kind: `deployment`, `pytorchjob.kubeflow.org`. */
  readonly resource: string;
  /** Editing it changes running pods (Deployment and the like); false: the template cannot change (Job) or children are made anew. */
  readonly editable: boolean;
  /** Who would revert an edit: Helm, Argo CD, Flux. */
  readonly managedBy: string | undefined;
}

const editable = new Set([
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'ReplicationController',
  'CronJob',
]);

/** The deployment tool that owns an object and would undo an edit. */
export function managerOf(object: KubeObject | undefined): string | undefined {
  if (object === undefined) return undefined;
  const labels = labelsOf(object);
  const annotations = annotationsOf(object);
  if (
    annotations['argocd.argoproj.io/tracking-id'] !== undefined ||
    labels['argocd.argoproj.io/instance'] !== undefined
  )
    return 'Argo CD';
  if (
    labels['kustomize.toolkit.fluxcd.io/name'] !== undefined ||
    labels['helm.toolkit.fluxcd.io/name'] !== undefined
  )
    return 'Flux';
  if (
    labels['app.kubernetes.io/managed-by'] === 'Helm' ||
    annotations['meta.helm.sh/release-name'] !== undefined
  )
    return 'Helm';
  return undefined;
}

/** The outermost owner that a person edits; the pod itself when it has none. */
export function targetOf(facts: PodFacts): OwnerTarget {
  const { owners } = facts;
  let chosen: (ObjectRef & { readonly object?: KubeObject | undefined }) | undefined = owners.findLast(
    (owner) => owner.kind !== 'Workload' && owner.kind !== 'Node',
  );
  const hash = facts.labels['pod-template-hash'];
  if (chosen?.kind === 'ReplicaSet' && chosen.object === undefined) {
    // The hash of a pod template has no vowels: a ReplicaSet with one behind its name is a Deployment's.
    const suffix =
      hash !== undefined && chosen.name.endsWith(`-${hash}`)
        ? hash
        : /-([bcdf-hj-np-tv-xz2456789]{6,10})$/.exec(chosen.name)?.[1];
    if (suffix !== undefined)
      chosen = {
        kind: 'Deployment',
        namespace: facts.namespace,
        name: chosen.name.slice(0, -suffix.length - 1),
      };
  } else if (chosen?.kind === 'ReplicaSet' && hash !== undefined && chosen.name.endsWith(`-${hash}`)) {
    chosen = { kind: 'Deployment', namespace: facts.namespace, name: chosen.name.slice(0, -hash.length - 1) };
  }
  if (chosen === undefined)
    return {
      kind: 'Pod',
      namespace: facts.namespace,
      name: facts.name,
      resource: 'pod',
      editable: false,
      managedBy: managerOf(facts.object),
    };
  const object = chosen.object ?? facts.index.get(chosen.kind, facts.namespace, chosen.name);
  return {
    kind: chosen.kind,
    namespace: chosen.namespace,
    name: chosen.name,
    resource: chosen.kind.toLowerCase(),
    editable: editable.has(chosen.kind),
    managedBy: managerOf(object),
  };
}

const reverted = (target: OwnerTarget): string | undefined =>
  target.managedBy === undefined
    ? undefined
    : `${target.managedBy} manages this object and will revert the edit: change its source`;

/** One and a half times an amount of bytes, in a unit that a person would write. */
export function halfAgain(amount: string): string {
  const bytes = quantity(amount);
  if (bytes === undefined || bytes <= 0) return '1Gi';
  const mebi = Math.ceil((bytes * 1.5) / 2 ** 20);
  return mebi % 1024 === 0 || mebi > 20 * 1024 ? `${Math.ceil(mebi / 1024)}Gi` : `${mebi}Mi`;
}

/** Changes the template where that is possible, and says how to make the object anew where it is not. */
export function changeTemplate(
  facts: PodFacts,
  what: string,
  edit: (target: OwnerTarget) => readonly string[],
): Fix | undefined {
  const target = targetOf(facts);
  if (target.kind === 'Pod')
    return kubectl(
      `${what}: a pod cannot be edited, so replace it by an edited copy`,
      'disruptive',
      target.namespace,
      ['get', 'pod', target.name, '-o', 'yaml'],
      'then edit and `kubectl replace --force -f` the copy',
    );
  if (target.kind === 'Job') {
    return kubectl(
      `${what}: a Job's template cannot be edited, so replace it by an edited copy`,
      'disruptive',
      target.namespace,
      ['get', 'job', target.name, '-o', 'yaml'],
      'remove .spec.selector and the controller-uid labels, then `kubectl replace --force -f`',
    );
  }
  if (!target.editable)
    return kubectl(
      `${what} in the ${target.kind}: its controller makes the children anew`,
      'disruptive',
      target.namespace,
      ['edit', target.resource, target.name],
      reverted(target),
    );
  return kubectl(what, 'reversible', target.namespace, edit(target), reverted(target));
}

/** Sets the image where a better one is known, else opens the object that names it. */
export const setImage = (facts: PodFacts, container: ContainerFacts, image?: string): Fix | undefined =>
  image === undefined
    ? facts.owners.length === 0
      ? kubectl(`Correct the image of ${container.name}`, 'reversible', facts.namespace, [
          'edit',
          'pod',
          facts.name,
        ])
      : editOwner(facts, `Correct the image of ${container.name}`)
    : facts.owners.length === 0
      ? kubectl('Set the right image', 'reversible', facts.namespace, [
          'set',
          'image',
          `pod/${facts.name}`,
          `${container.name}=${image}`,
        ])
      : changeTemplate(facts, 'Set the right image', (target) => [
          'set',
          'image',
          `${target.resource}/${target.name}`,
          `${container.name}=${image}`,
        ]);

export const setResources = (
  facts: PodFacts,
  container: ContainerFacts,
  what: string,
  amounts: string,
): Fix | undefined =>
  changeTemplate(facts, what, (target) => [
    'set',
    'resources',
    `${target.resource}/${target.name}`,
    '-c',
    container.name,
    amounts,
  ]);

export const editOwner = (facts: PodFacts, what: string): Fix | undefined =>
  changeTemplate(facts, what, (target) => ['edit', target.resource, target.name]);

export const undoRollout = (facts: PodFacts): Fix | undefined => {
  const target = targetOf(facts);
  return ['Deployment', 'StatefulSet', 'DaemonSet'].includes(target.kind)
    ? kubectl(
        'Go back to the revision before',
        'disruptive',
        target.namespace,
        ['rollout', 'undo', `${target.resource}/${target.name}`],
        reverted(target),
      )
    : undefined;
};

export const readLog = (facts: PodFacts, container: string, previous: boolean): Fix | undefined =>
  kubectl(previous ? 'Read the log of the run that ended' : 'Read the log', 'read', facts.namespace, [
    'logs',
    facts.name,
    '-c',
    container,
    ...(previous ? ['--previous'] : []),
    '--tail=200',
  ]);

export const describe = (
  kind: string,
  namespace: string,
  name: string,
  title = `Look at the ${kind} and its events`,
): Fix | undefined => kubectl(title, 'read', namespace, ['describe', kind.toLowerCase(), name]);

export const getObject = (
  title: string,
  kind: string,
  namespace: string,
  ...names: readonly string[]
): Fix | undefined => kubectl(title, 'read', namespace, ['get', kind, ...names]);

/** The pods of a node; of one namespace, or of all of them. */
export const podsOnNode = (title: string, node: string, namespace = ''): Fix | undefined =>
  getObject(
    title,
    'pods',
    namespace,
    ...(namespace === '' ? ['-A'] : []),
    '-o',
    'wide',
    '--field-selector',
    `spec.nodeName=${node || 'NODE'}`,
  );

/** What only one pod at a time can have: the old one must go before the new one comes. */
export const recreateDeployment = (namespace: string, name: string): Fix | undefined =>
  kubectl('Replace instead of rolling', 'reversible', namespace, [
    'patch',
    'deployment',
    name,
    '-p',
    '{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null}}}',
  ]);

export const deletePod = (facts: PodFacts, title: string, note?: string): Fix | undefined =>
  kubectl(
    title,
    facts.phase === 'Failed' || facts.phase === 'Succeeded' ? 'reversible' : 'disruptive',
    facts.namespace,
    ['delete', 'pod', facts.name],
    note,
  );

export const cordon = (node: string): Fix | undefined =>
  kubectl('Keep new pods off the node', 'cluster', '', ['cordon', node]);

/** Registries whose account name is the same for everybody, and where their passwords come from. */
const registryLogins: readonly (readonly [registry: RegExp, user: string, note: string])[] = [
  [/\.dkr\.ecr\./, 'AWS', '`aws ecr get-login-password` gives the password; it is good for 12 hours'],
  [/(?:^|\.)(?:pkg\.dev|gcr\.io)$/, '_json_key', 'the password is the key file of a service account'],
  [/^nvcr\.io$/, 'USER', 'at nvcr.io everybody is $oauthtoken, and the password is an NGC API key'],
  [/^ghcr\.io$/, 'USER', 'the password is a token with read:packages'],
];

/** An account for a registry, as far as it is not a secret. */
export function createPullSecret(
  title: string,
  namespace: string,
  name: string,
  registry: string,
): Fix | undefined {
  const [, user = 'USER', note] = registryLogins.find(([pattern]) => pattern.test(registry)) ?? [];
  return kubectl(
    title,
    'reversible',
    namespace,
    [
      'create',
      'secret',
      'docker-registry',
      name,
      `--docker-server=${registry}`,
      `--docker-username=${user}`,
      '--docker-password=PASSWORD',
    ],
    note,
  );
}
