import type { Connection } from './contract.ts';
import { KubeError } from './kube-error.ts';
import type { KubeObject } from './object.ts';

/** What one may want to do, in the words of RBAC. */
export interface Wish {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string | undefined;
  /** Undefined: in all namespaces, or a kind without namespaces. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

/** `unknown`: the question itself was refused or failed. It is a hint either way: the real call's 403 wins. */
export interface Right {
  readonly allowed: 'yes' | 'no' | 'unknown';
  /** The server's words: the binding that allows it, or why the question failed. */
  readonly reason: string | undefined;
}

const answers = new WeakMap<
  Connection,
  Map<string, { readonly right: Promise<Right>; readonly atMs: number }>
>();

/** SelfSubjectAccessReview, kept for a minute. Never rejects. */
export function mayI(connection: Connection, wish: Wish): Promise<Right> {
  const known = answers.get(connection) ?? new Map<string, { right: Promise<Right>; atMs: number }>();
  answers.set(connection, known);
  const key = JSON.stringify([
    wish.verb,
    wish.group,
    wish.resource,
    wish.subresource,
    wish.namespace,
    wish.name,
  ]);
  const now = connection.timing.now();
  const old = known.get(key);
  if (old !== undefined && Math.abs(now - old.atMs) < connection.timing.rightsCacheMs) return old.right;
  const right = ask(connection, wish);
  known.set(key, { right, atMs: now });
  return right;
}

/** Forgets the answers: after a 403, or when a person asks for a reload. */
export function forgetRights(connection: Connection): void {
  answers.delete(connection);
}

async function ask(connection: Connection, wish: Wish): Promise<Right> {
  const body = JSON.stringify({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { ...wish, namespace: wish.namespace ?? '' } },
  });
  try {
    const answer = await connection.json<KubeObject>({
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      body,
    });
    const status = record(answer['status']);
    return {
      allowed: status['allowed'] === true ? 'yes' : 'no',
      reason: typeof status['reason'] === 'string' ? status['reason'] : undefined,
    };
  } catch (error) {
    return { allowed: 'unknown', reason: error instanceof Error ? error.message : String(error) };
  }
}

/** What may be done in one namespace. */
export interface Rules {
  readonly resources: readonly {
    readonly verbs: readonly string[];
    readonly groups: readonly string[];
    readonly resources: readonly string[];
    readonly names: readonly string[];
  }[];
  /** Some authorisers cannot list their rules: then what is not here may still be allowed. */
  readonly incomplete: boolean;
}

/** SelfSubjectRulesReview: for key hints, not for yes or no. Rejects with KubeError. */
export async function rulesIn(connection: Connection, namespace: string): Promise<Rules> {
  const body = JSON.stringify({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectRulesReview',
    spec: { namespace },
  });
  const answer = await connection.json<KubeObject>({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
    body,
  });
  const status = record(answer['status']);
  const rules = Array.isArray(status['resourceRules']) ? status['resourceRules'].map(record) : [];
  return {
    resources: rules.map((rule) => ({
      verbs: strings(rule['verbs']),
      groups: strings(rule['apiGroups']),
      resources: strings(rule['resources']),
      names: strings(rule['resourceNames']),
    })),
    incomplete: status['incomplete'] === true || !Array.isArray(status['resourceRules']),
  };
}

/** Whether the rules allow a wish; `unknown` where they are incomplete and silent. */
export function allows(rules: Rules, wish: Wish): Right['allowed'] {
  const resource = wish.subresource === undefined ? wish.resource : `${wish.resource}/${wish.subresource}`;
  const hit = (all: readonly string[], one: string): boolean => all.includes('*') || all.includes(one);
  const found = rules.resources.some(
    (rule) =>
      hit(rule.verbs, wish.verb) &&
      hit(rule.groups, wish.group) &&
      (hit(rule.resources, resource) ||
        (wish.subresource !== undefined && rule.resources.includes(`*/${wish.subresource}`))) &&
      (rule.names.length === 0 || (wish.name !== undefined && rule.names.includes(wish.name))),
  );
  return found ? 'yes' : rules.incomplete ? 'unknown' : 'no';
}

/** Namespaces that a person may look into, and how that is known. */
export interface VisibleNamespaces {
  readonly names: readonly string[];
  /** `all`: the list of the cluster; `projects`: OpenShift's list of one's own; `given`: only those that a person and the kubeconfig name. */
  readonly source: 'all' | 'projects' | 'given';
  /** For other sources than `all`: why there is no better one. */
  readonly reason: string | undefined;
}

/**
 * The ladder of narrow rights: list of namespaces, else OpenShift's projects, else what is given and what other contexts of
 * the same cluster name. Rejects only when the server cannot be reached.
 */
export async function visibleNamespaces(
  connection: Connection,
  given: readonly string[],
  signal?: AbortSignal,
): Promise<VisibleNamespaces> {
  try {
    return {
      names: await namesAt(connection, '/api/v1/namespaces', signal),
      source: 'all',
      reason: undefined,
    };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const projects = await namesAt(connection, '/apis/project.openshift.io/v1/projects', signal).catch(
      () => [],
    );
    if (projects.length > 0) return { names: projects, source: 'projects', reason: error.message };
    return {
      names: [...new Set([...given, ...(connection.otherNamespaces ?? [])])].filter((name) => name !== ''),
      source: 'given',
      reason: error.message,
    };
  }
}

const isRefusal = (error: unknown): error is KubeError =>
  error instanceof KubeError && (error.kind === 'forbidden' || error.kind === 'not-found');

async function namesAt(
  connection: Connection,
  path: string,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  let names: string[] = [];
  for await (const page of connection.pages(path, undefined, signal)) {
    if (page.restarted) names = [];
    names.push(
      ...[...page.items].flatMap((item) =>
        typeof item.metadata?.name === 'string' ? [item.metadata.name] : [],
      ),
    );
  }
  return names.sort();
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
