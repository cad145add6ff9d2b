import { findTable } from '../resources/index.ts';
import { isClusterScoped } from './evidence-index.ts';
import type { Cause, Fix, FixRight, SubjectReport } from './report.ts';

/** A right that a command stands on, in the words of RBAC. */
export interface FixNeed {
  readonly verb: string;
  /** `''` for the core group. */
  readonly group: string;
  /** Plural. */
  readonly resource: string;
  readonly subresource?: string;
  /** Undefined: all namespaces, or a kind without them. */
  readonly namespace?: string;
  /** Undefined: any of them, or one that does not exist yet. */
  readonly name?: string;
}

interface Kind {
  readonly group: string;
  readonly resource: string;
  readonly namespaced: boolean;
}

/** Of which mltop has no table, but commands. */
const otherKinds: Readonly<Record<string, readonly [group: string, resource: string]>> = {
  volumeattachment: ['storage.k8s.io', 'volumeattachments'],
  csinode: ['storage.k8s.io', 'csinodes'],
  csidriver: ['storage.k8s.io', 'csidrivers'],
  runtimeclass: ['node.k8s.io', 'runtimeclasses'],
  ingressclass: ['networking.k8s.io', 'ingressclasses'],
  apiservice: ['apiregistration.k8s.io', 'apiservices'],
  validatingwebhookconfiguration: ['admissionregistration.k8s.io', 'validatingwebhookconfigurations'],
  mutatingwebhookconfiguration: ['admissionregistration.k8s.io', 'mutatingwebhookconfigurations'],
  validatingadmissionpolicy: ['admissionregistration.k8s.io', 'validatingadmissionpolicies'],
  nodeclaim: ['karpenter.sh', 'nodeclaims'],
  nodepool: ['karpenter.sh', 'nodepools'],
  clusterpolicy: ['nvidia.com', 'clusterpolicies'],
};

const singular = (word: string): string =>
  word.endsWith('classes') || word.endsWith('ies')
    ? word.replace(/ies$/, 'y').replace(/classes$/, 'class')
    : word.replace(/s$/, '');

/** Undefined where nobody knows what the word means without asking the server. */
function kindNamed(word: string): Kind | undefined {
  const table = findTable(word);
  if (table !== undefined) return { group: table.group, resource: table.name, namespaced: table.namespaced };
  const other = otherKinds[word.toLowerCase()] ?? otherKinds[singular(word.toLowerCase())];
  if (other !== undefined) return { group: other[0], resource: other[1], namespaced: false };
  const dot = word.indexOf('.');
  return dot <= 0
    ? undefined
    : { group: word.slice(dot + 1), resource: word.slice(0, dot), namespaced: !isClusterScoped(word) };
}

/** Flags whose value is the next word. */
const withValue = new Set(['-n', '--namespace', '-c', '-o', '-l', '-f', '-L', '-p', '--type', '-it', '-i']);
const withoutValue = new Set(['-it', '-i', '-A', '-w']);
const twoWords = new Set(['rollout', 'set', 'top', 'auth', 'certificate', 'create']);

interface Words {
  readonly verb: string;
  readonly namespace: string | undefined;
  readonly plain: readonly string[];
  readonly flags: readonly string[];
}

function wordsOf([program, ...words]: readonly string[]): Words | undefined {
  if (program !== 'kubectl') return undefined;
  let namespace: string | undefined;
  const [plain, flags]: [string[], string[]] = [[], []];
  for (let word = words.shift(); word !== undefined && word !== '--'; word = words.shift()) {
    if (!word.startsWith('-')) plain.push(word);
    else {
      flags.push(word);
      const value = withValue.has(word) && !withoutValue.has(word) ? words.shift() : undefined;
      if (word === '-n' || word === '--namespace') namespace = value;
      else if (value !== undefined) flags.push(value);
    }
  }
  const verb = plain.splice(0, twoWords.has(plain[0] ?? '') ? 2 : 1).join(' ');
  if (flags.some((flag) => flag === '-A' || flag === '--all-namespaces')) namespace = undefined;
  return { verb, namespace, plain, flags };
}

/** `deployment/web`, `pod web-1`, `services,endpointslices`: each kind with the name behind it. */
function objectsIn([first = '', second]: readonly string[]): readonly {
  readonly kind: Kind | undefined;
  readonly name: string | undefined;
}[] {
  const slash = first.indexOf('/');
  if (slash > 0) return [{ kind: kindNamed(first.slice(0, slash)), name: first.slice(slash + 1) }];
  const name = second?.includes('=') === true ? undefined : second;
  return first.split(',').map((word) => ({ kind: kindNamed(word), name }));
}

const patching = new Set(['edit', 'patch', 'label', 'annotate', 'taint', 'rollout undo', 'rollout restart']);
const reading = new Set(['get', 'describe', 'rollout status', 'rollout history']);

const core = { group: '', resource: 'pods' } as const;

/** What `create` makes: `create secret generic x` a secret, `create job --from=cronjob/x` a job. */
const created: Readonly<Record<string, string>> = { quota: 'resourcequotas', token: 'serviceaccounts' };

/**
 * The rights that a command takes, as far as its words say; undefined where they do not. Reading is asked for too: who may
 * not read a log cannot follow the advice to do so.
 */
export function needsOf({ argv }: Pick<Fix, 'argv'>): readonly FixNeed[] | undefined {
  const words = wordsOf(argv);
  if (words === undefined) return undefined;
  const { verb, namespace, plain, flags } = words;
  const here = namespace === undefined ? {} : { namespace };
  const [first = ''] = plain;
  const pod = first.replace(/^pods?\//, '');
  switch (verb) {
    case 'logs':
      return [{ verb: 'get', ...core, subresource: 'log', ...here, name: pod }];
    case 'exec':
      return [{ verb: 'create', ...core, subresource: 'exec', ...here, name: pod }];
    case 'debug':
      return first.startsWith('node/') || flags.some((flag) => flag.startsWith('--copy-to'))
        ? [{ verb: 'create', ...core, ...here }]
        : [{ verb: 'patch', ...core, subresource: 'ephemeralcontainers', ...here, name: pod }];
    case 'port-forward': {
      const isService = /^(?:svc|services?)\//.test(first);
      const forward = { verb: 'create', ...core, subresource: 'portforward', ...here } as const;
      return isService
        ? [{ verb: 'get', group: '', resource: 'services', ...here }, forward]
        : [{ ...forward, name: pod }];
    }
    case 'cordon':
    case 'uncordon':
      return [{ verb: 'patch', group: '', resource: 'nodes', name: first }];
    case 'drain':
      return [
        { verb: 'patch', group: '', resource: 'nodes', name: first },
        { verb: 'create', ...core, subresource: 'eviction' },
      ];
    case 'top pod':
    case 'top pods':
      return [{ verb: 'list', group: 'metrics.k8s.io', resource: 'pods', ...here }];
    case 'top node':
    case 'top nodes':
      return [{ verb: 'list', group: 'metrics.k8s.io', resource: 'nodes' }];
    case 'auth can-i':
      return [];
  }
  if (verb.startsWith('create ')) {
    const what = verb.slice('create '.length);
    const kind = kindNamed(created[what] ?? what);
    return kind && [needOn('create', kind, namespace, undefined)];
  }
  const needs = objectsIn(plain).map(({ kind, name }) => {
    if (kind === undefined) return undefined;
    if (reading.has(verb)) return needOn(name === undefined ? 'list' : 'get', kind, namespace, name);
    if (verb === 'delete') return needOn('delete', kind, namespace, name);
    if (verb === 'scale') return { ...needOn('patch', kind, namespace, name), subresource: 'scale' };
    return patching.has(verb) || verb.startsWith('set ') ? needOn('patch', kind, namespace, name) : undefined;
  });
  const known = needs.filter((need) => need !== undefined);
  return known.length === needs.length ? known : undefined;
}

const needOn = (
  verb: string,
  { group, resource, namespaced }: Kind,
  namespace: string | undefined,
  name: string | undefined,
): FixNeed => ({
  verb,
  group,
  resource,
  ...(namespaced && namespace !== undefined ? { namespace } : {}),
  ...(name === undefined ? {} : { name }),
});

/** `patch deployments in ml`, `create pods/eviction`. */
export const needText = ({ verb, resource, subresource, namespace }: FixNeed): string =>
  `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}${namespace === undefined ? '' : ` in ${namespace}`}`;

/** The fixes of a report, each once. */
export const fixesOf = ({ causes }: Pick<SubjectReport, 'causes'>): readonly Fix[] =>
  causes.flatMap(({ fixes }) => fixes);

/** The same report; its fixes say whether they may be done, where that is known. */
export function withRights<R extends SubjectReport>(
  report: R,
  rightOf: (fix: Fix) => FixRight | undefined,
): R {
  if (report.causes.length === 0) return report;
  const causes = report.causes.map((cause): Cause => {
    const fixes = cause.fixes.map((fix): Fix => {
      const right = rightOf(fix);
      return right === undefined ? fix : { ...fix, right };
    });
    return { ...cause, fixes };
  });
  return { ...report, causes };
}

/** For people, where there is something to say: `no right: patch deployments in ml`. */
export function rightText({ right }: Pick<Fix, 'right'>): string | undefined {
  if (right?.allowed === 'no') return `no right: ${(right.missing ?? []).join(', ')}`;
  return right?.allowed === 'unknown' ? 'right unknown' : undefined;
}
