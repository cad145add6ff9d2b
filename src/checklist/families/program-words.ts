import type { KubeObject } from '../../kube/object.ts';
import { labelsOf, nameOf } from '../evidence-index.ts';
import {
  changeTemplate,
  describe,
  editOwner,
  getObject,
  halfAgain,
  kubectl,
  readLog,
  setResources,
} from '../fixes.ts';
import { type ContainerFacts, type PodFacts, podFacts } from '../pod-facts.ts';
import { lastWords, rootError, type SignatureHit } from '../program-log.ts';
import { at, brief, list, record, strings, text } from '../read.ts';
import type { Cause, Item } from '../report.ts';
import { cause, evidence, item, type PodState } from '../state.ts';
import { xidMeaning } from '../xid.ts';
import { type Crash, crashOf, crashState, diagnoseCrash, limitOf, place } from './crash-facts.ts';
import { blockedBy, shutOff } from './network-policy.ts';

/** The host that a line is about where the pattern caught none: a name, or the address of a Service. */
function hostIn(facts: PodFacts, line: string): string {
  const named =
    /lookup ([\w.-]+)|host ?name "([^"]+)"|resolve host:? '?([\w.-]+)|(?:getaddrinfo \w+|ENOTFOUND|EAI_AGAIN) ([\w.-]+)|https?:\/\/([a-z][\w.-]*)/i
      .exec(line)
      ?.slice(1)
      .find((entry) => entry !== undefined);
  if (named !== undefined) return named;
  const address = /\b(\d{1,3}(?:\.\d{1,3}){3})\b/.exec(line)?.[1];
  const service =
    address === undefined
      ? undefined
      : facts.index.of('Service').find((entry) => text(entry, 'spec', 'clusterIP') === address);
  return service === undefined ? '' : `${nameOf(service)}.${service.metadata?.namespace ?? ''}`;
}

interface Dependency {
  /** What is known of it, after a semicolon; `''` when nothing. */
  readonly text: string;
  readonly item: Item | undefined;
  readonly host: string;
}

/** Where a host:port of a log leads to in the cluster, and what stands in the way. */
export function dependency(facts: PodFacts, hit: SignatureHit): Dependency {
  const found = destination(facts, hit);
  const shut = shutOff(facts, hit.line);
  return shut === undefined
    ? found
    : {
        ...found,
        text: `; ${shut.says}`,
        item: item(
          'L7.policy',
          'reachable',
          'Network policies let it out',
          'fail',
          evidence('NetworkPolicy', shut.policy, 'spec.egress', {
            ref: { kind: 'NetworkPolicy', namespace: facts.namespace, name: shut.policy },
          }),
        ),
      };
}

function destination(facts: PodFacts, hit: SignatureHit): Dependency {
  const host =
    hit.captures
      .find(
        (entry) =>
          /[a-z]/i.test(entry) && !/^(?:dial|tcp|connect|ipv[46]|the|to|host|remote|server)$/.test(entry),
      )
      ?.replace(/:\d+$/, '') ?? hostIn(facts, hit.line);
  const [name = '', namespace = facts.namespace] = host.replace(/\.svc.*$/, '').split('.');
  const service = name === '' ? undefined : facts.index.get('Service', namespace, name);
  if (service === undefined) {
    const elsewhere =
      name === '' ? undefined : facts.index.of('Service').find((entry) => nameOf(entry) === name);
    if (elsewhere !== undefined)
      return {
        text: `; a Service ${name} exists in namespace ${elsewhere.metadata?.namespace}, not in ${namespace}`,
        item: undefined,
        host,
      };
    return {
      text:
        facts.index.listed('Service') && host !== '' && !host.includes('.') && host !== 'localhost'
          ? `; there is no Service ${name} in namespace ${namespace}`
          : '',
      item: undefined,
      host,
    };
  }
  const selector = strings(service, 'spec', 'selector');
  const pods =
    Object.keys(selector).length === 0
      ? []
      : facts.index
          .inNamespace('Pod', namespace)
          .filter((pod) => Object.entries(selector).every(([key, value]) => labelsOf(pod)[key] === value));
  const ready = pods.filter((pod) =>
    list(pod, 'status', 'conditions').some(
      (entry) => text(entry, 'type') === 'Ready' && text(entry, 'status') === 'True',
    ),
  );
  const says =
    pods.length === 0
      ? `; Service ${name} selects no pod`
      : ready.length === 0
        ? `; Service ${name} has no ready pod (${pods.map(nameOf).slice(0, 3).join(', ')})`
        : '';
  const closed = ready.length === 0 ? undefined : blockedBy(facts, ready);
  if (closed !== undefined)
    return {
      text: `; NetworkPolicy ${closed} does not allow it`,
      item: item(
        'L7.policy',
        'reachable',
        `Network policies allow it to reach ${name}`,
        'fail',
        evidence('NetworkPolicy', closed, 'spec', {
          ref: { kind: 'NetworkPolicy', namespace, name: closed },
        }),
      ),
      host,
    };
  return {
    text: says,
    item: item(
      'H1.dependency',
      'staysUp',
      `Service ${name} has ready pods`,
      ready.length > 0 ? 'pass' : 'fail',
      evidence('pods', `${ready.length} ready of ${pods.length}`, 'spec.selector', {
        ref: { kind: 'Service', namespace, name },
      }),
    ),
    host,
  };
}

/** A container that asks for no GPU while another of the pod does. */
function gpuElsewhere(facts: PodFacts, container: ContainerFacts): string | undefined {
  const gpu = (entry: ContainerFacts): string | undefined =>
    Object.keys(record(entry.spec, 'resources', 'limits')).find((name) =>
      /gpu|gaudi|neuron|tpu|mig-/.test(name),
    );
  if (gpu(container) !== undefined || container.spec === undefined) return undefined;
  const other = facts.containers.find((entry) => entry !== container && gpu(entry) !== undefined);
  return other === undefined
    ? 'none of the containers requests a GPU'
    : `container ${other.name} requests the GPU, ${container.name} does not`;
}

export const shmMount = (facts: PodFacts, container: ContainerFacts): boolean =>
  list(container.spec, 'volumeMounts').some(
    (mount) =>
      text(mount, 'mountPath') === '/dev/shm' &&
      list(facts.object, 'spec', 'volumes').some((volume) => text(volume, 'name') === text(mount, 'name')),
  );

const signals: Readonly<Record<number, string>> = {
  6: 'SIGABRT (it gave up by itself)',
  7: 'SIGBUS',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  15: 'SIGTERM',
};
const acceleratorMemory = /oom|alloc|kv|free-mem|tgi-memory|sglang-memory/;
const deviceOf = (line: string): string => (/TPU|hbm/.test(line) ? 'TPU' : 'GPU');

/** What the program's words mean for this pod, as causes and fixes. */
export function signatureCause(
  facts: PodFacts,
  container: ContainerFacts,
  hit: SignatureHit,
  previous: boolean,
): { readonly cause: Cause; readonly item: Item | undefined; readonly label: string } {
  const { signature, line, captures } = hit;
  const id = `${signature.state}.${signature.id}`;
  const log = readLog(facts, container.name, previous);
  const make = (
    says: string,
    label: string,
    ...fixes: readonly Parameters<typeof cause>[3][]
  ): { readonly cause: Cause; readonly item: Item | undefined; readonly label: string } => ({
    cause: cause(id, 'likely', says, ...fixes, log),
    item: undefined,
    label,
  });
  const quoted = brief(line, 160);
  switch (signature.state) {
    case 'J12':
      return make(
        `shared memory is exhausted: ${shmMount(facts, container) ? 'the volume at /dev/shm is too small' : 'nothing is mounted at /dev/shm, so it has the default 64Mi'} (${quoted})`,
        '/dev/shm is too small',
        changeTemplate(facts, 'Mount a memory volume at /dev/shm', (target) => [
          'patch',
          target.resource,
          target.name,
          '--type=strategic',
          '-p',
          `{"spec":{"template":{"spec":{"volumes":[{"name":"dshm","emptyDir":{"medium":"Memory","sizeLimit":"8Gi"}}],"containers":[{"name":"${container.name}","volumeMounts":[{"name":"dshm","mountPath":"/dev/shm"}]}]}}}}`,
        ]),
      );
    case 'J11': {
      const wrong = /no-cuda/.test(signature.id) ? gpuElsewhere(facts, container) : undefined;
      return make(
        wrong === undefined
          ? `${signature.meaning}: ${quoted}`
          : `no GPU in container ${container.name}: ${wrong} (${quoted})`,
        wrong ?? signature.meaning,
        wrong === undefined
          ? kubectl('See driver and CUDA of the node', 'read', '', [
              'get',
              'node',
              facts.node || 'NODE',
              '-L',
              'nvidia.com/cuda.driver-version.full,nvidia.com/gpu.product',
            ])
          : setResources(facts, container, 'Request the GPU in this container', '--limits=nvidia.com/gpu=1'),
      );
    }
    case 'J10': {
      const code = /Xid (?:\(PCI:[\da-fA-F:.]+\): |=)?(\d+)|Xid=(\d+)/.exec(line);
      const xid = signature.id === 'xid' && code !== null ? Number(code[1] ?? code[2]) : undefined;
      const known = xid === undefined ? undefined : xidMeaning(xid);
      const what = known === undefined ? signature.meaning : `Xid ${xid}, ${known.text}`;
      return make(
        known?.tone === 'app'
          ? `the driver of node ${facts.node} reports ${what}: a fault of the program, the GPU stays usable (${quoted})`
          : `a GPU of node ${facts.node} is broken: ${what} (${quoted})`,
        `GPU fault: ${what}`,
        kubectl('Keep new pods off the node', 'cluster', '', ['cordon', facts.node || 'NODE']),
        describe('node', '', facts.node || 'NODE'),
      );
    }
    case 'H15':
      if (signature.id === 'elastic-child' || signature.id === 'vllm-engine') {
        const root = /exitcode\s*:\s*-\d/.test(line)
          ? undefined
          : (rootError(facts.index.log(facts.namespace, facts.name, container.name, previous)) ??
            rootError(facts.index.log(facts.namespace, facts.name, container.name, !previous)));
        if (root !== undefined)
          return make(
            `the program fails: ${brief(root, 200)}; ${signature.id === 'elastic-child' ? 'torchrun only sums it up' : 'the engine only says that it died of it'}`,
            brief(root, 80),
            editOwner(facts, 'Correct the program or its configuration'),
          );
      }
      if (signature.id === 'elastic-child') {
        const signal = Number(/exitcode\s*:\s*-(\d+)/.exec(line)?.[1] ?? 0);
        return make(
          `a process that torchrun started ${signal === 0 ? 'failed' : `was ended by ${signals[signal] ?? `signal ${signal}`}`}: ${quoted}; why stands in its own lines above the summary`,
          `a rank ${signal === 0 ? 'failed' : `was ended by ${signals[signal] ?? `signal ${signal}`}`}`,
          editOwner(facts, signature.checks),
        );
      }
      return make(
        acceleratorMemory.test(signature.id)
          ? `${deviceOf(line)} memory, not container memory: ${quoted}; a higher memory limit does not help`
          : `${signature.meaning}: ${quoted}`,
        /oom/.test(signature.id)
          ? `${/TPU|hbm/.test(line) ? 'TPU' : /HIP/.test(line) ? 'GPU' : 'CUDA'} out of memory`
          : signature.meaning,
        editOwner(
          facts,
          acceleratorMemory.test(signature.id)
            ? 'Use a smaller batch, context or share of the GPU, or more GPUs'
            : signature.checks,
        ),
      );
    case 'H14':
      return make(
        `a file system is full: ${quoted}`,
        'no space left on device',
        editOwner(facts, 'Write to a larger volume, or raise the limit'),
      );
    case 'H5':
      return make(
        `a child process was killed, most likely for memory: ${quoted}; the container itself was not marked OOMKilled (limit ${limitOf(container, 'memory') || 'none'})`,
        'child process killed (memory)',
        setResources(
          facts,
          container,
          'Raise the memory limit, or use fewer workers',
          `--limits=memory=${halfAgain(limitOf(container, 'memory'))}`,
        ),
      );
    case 'L9':
    case 'L6': {
      const found = dependency(facts, hit);
      return {
        ...make(
          `${signature.meaning}: ${quoted}${found.text}`,
          `${signature.meaning}${found.host === '' ? '' : `: ${found.host}`}`,
          getObject('See the services and their endpoints', 'services,endpointslices', facts.namespace),
          signature.state === 'L6'
            ? kubectl('Look at cluster DNS', 'read', 'kube-system', ['get', 'pods', '-l', 'k8s-app=kube-dns'])
            : undefined,
        ),
        item: found.item,
      };
    }
  }
  switch (signature.id) {
    case 'http-unreachable':
    case 'connection': {
      const found = dependency(facts, hit);
      return {
        ...make(
          `a service that it needs does not answer${found.host === '' ? '' : ` (${found.host})`}: ${quoted}${found.text}`,
          `dependency unreachable${found.host === '' ? '' : `: ${found.host}`}`,
          getObject('See the services and their endpoints', 'services,endpointslices', facts.namespace),
        ),
        item: found.item,
      };
    }
    case 'file-missing':
    case 'ckpt-missing': {
      const path =
        captures.find((entry) => entry.startsWith('/')) ?? /['" ](\/[\w./-]+)/.exec(line)?.[1] ?? '';
      const mount = list(container.spec, 'volumeMounts')
        .map((entry) => text(entry, 'mountPath'))
        .filter((mounted) => path.startsWith(mounted))
        .sort((a, b) => b.length - a.length)[0];
      const says =
        path === ''
          ? ''
          : mount === undefined
            ? '; nothing is mounted there, so the image must hold it'
            : `; it lies in the volume mounted at ${mount}`;
      return make(
        `a file that it needs is not there: ${quoted}${container.spec === undefined ? '' : says}`,
        `file missing${path === '' ? '' : `: ${path}`}`,
        editOwner(facts, 'Correct the path, or mount the volume that holds it'),
      );
    }
    case 'permission': {
      const path =
        captures.find((entry) => entry.startsWith('/')) ?? /['"‘ ](\/[\w./-]+)/.exec(line)?.[1] ?? '';
      const mount = list(container.spec, 'volumeMounts').find((entry) =>
        path.startsWith(text(entry, 'mountPath')),
      );
      const says =
        mount === undefined
          ? ''
          : at(mount, 'readOnly') === true
            ? `; the volume mounted at ${text(mount, 'mountPath')} is mounted read-only`
            : `; it lies in the volume mounted at ${text(mount, 'mountPath')}: fsGroup and runAsUser do not fit its owner`;
      return make(
        `it may not read or write ${path === '' ? 'a path' : path}: ${quoted}${says}`,
        `permission denied${path === '' ? '' : `: ${path}`}`,
        editOwner(facts, 'Set fsGroup or runAsUser to the owner of the files'),
      );
    }
    case 'rbac':
      return make(
        `its ServiceAccount ${captures[0] ?? ''} may not ${captures[1] ?? 'do'} ${captures[2] ?? 'this'}: ${quoted}`,
        'forbidden by RBAC',
        kubectl('Check the right', 'read', facts.namespace, [
          'auth',
          'can-i',
          captures[1] ?? 'get',
          captures[2] ?? 'pods',
          `--as=system:serviceaccount:${captures[0] ?? ''}`,
        ]),
      );
    case 'missing-env':
      return make(
        `an environment variable is missing: ${quoted}`,
        `missing environment variable${captures[0] === undefined ? '' : ` ${captures[0]}`}`,
        changeTemplate(facts, 'Set the variable', (target) => [
          'set',
          'env',
          `${target.resource}/${target.name}`,
          '-c',
          container.name,
          `${captures[0] ?? 'NAME'}=VALUE`,
        ]),
      );
    case 'rust-panic': {
      const said = captures.find((entry) => !/^[\w./-]+:\d+/.test(entry)) ?? captures[0] ?? line;
      return make(
        `the program panicked: ${brief(said, 160)}`,
        brief(`panic: ${said}`, 80),
        editOwner(facts, 'Correct the program or its configuration'),
      );
    }
    case 'py-traceback':
    case 'go-panic': {
      const words =
        lastWords(
          facts.index.log(facts.namespace, facts.name, container.name, previous) ??
            facts.index.log(facts.namespace, facts.name, container.name, !previous),
        ) ??
        lastWords((container.ended ?? container.last)?.message) ??
        line;
      return make(
        `the program fails: ${brief(words, 160)}`,
        brief(words, 80),
        editOwner(facts, 'Correct the program or its configuration'),
      );
    }
    default:
      return make(
        `${signature.meaning}: ${quoted}`,
        brief(signature.meaning, 70),
        editOwner(facts, `Look at: ${signature.checks.split(';')[0]}`),
      );
  }
}

/** What the ranks say that only feel that another one is gone. */
const symptoms = new Set([
  'nccl-watchdog',
  'nccl-remote',
  'nccl-system',
  'nccl-net',
  'nccl-cuda',
  'elastic-child',
  'store-broken',
  'vllm-engine',
  'rdzv-timeout',
  'jax-coordination',
  'gloo-peer',
  'ray-dead',
  'ray-actor',
  'rdzv-store',
  'ray-gcs',
  'connection',
]);

const gangLabels = [
  'training.kubeflow.org/job-name',
  'jobset.sigs.k8s.io/jobset-name',
  'leaderworkerset.sigs.k8s.io/name',
  'volcano.sh/job-name',
  'ray.io/cluster',
  'batch.kubernetes.io/job-name',
  'job-name',
];

/** The pod of the same job that ended first, with a reason of its own (gpu.md 6.1). */
function firstOfGang(
  facts: PodFacts,
  crash: Crash,
): { readonly pod: PodFacts; readonly crash: Crash; readonly why: string } | undefined {
  const label = gangLabels.find((key) => facts.labels[key] !== undefined);
  const owner = facts.owners[0];
  if (crash.hit === undefined || !symptoms.has(crash.hit.signature.id)) return undefined;
  const beside = (object: KubeObject): boolean =>
    label === undefined
      ? owner !== undefined &&
        list(object, 'metadata', 'ownerReferences').some(
          (entry) => text(entry, 'kind') === owner.kind && text(entry, 'name') === owner.name,
        )
      : text(object, 'metadata', 'labels', label) === facts.labels[label];
  const mine = crash.run.finishedAt ?? facts.now;
  let first: { readonly pod: PodFacts; readonly crash: Crash; readonly why: string } | undefined;
  for (const object of facts.index.inNamespace('Pod', facts.namespace)) {
    if (nameOf(object) === facts.name || !beside(object)) continue;
    const pod = podFacts(object, facts.index);
    const other = crashOf(pod);
    if (other === undefined || (other.run.finishedAt ?? facts.now) > mine) continue;
    const own =
      other.hit !== undefined && !symptoms.has(other.hit.signature.id)
        ? other.hit.signature.meaning
        : other.run.reason === 'OOMKilled'
          ? 'out of memory'
          : pod.reason;
    if (own === '' || own === undefined) continue;
    if (first === undefined || (other.run.finishedAt ?? 0) < (first.crash.run.finishedAt ?? 0))
      first = { pod, crash: other, why: own };
  }
  return first;
}

/** The crash says so in its own words: the state is the one that the words stand for. */
export const byWords = (id: string, key: string, title: string): PodState =>
  crashState(id, key, title, (facts, crash) => {
    const { hit } = crash;
    if (hit === undefined || hit.signature.state !== id || crash.ending.by === 'oom') return undefined;
    if (id === 'H1' && hit.signature.rank < 5) return undefined;
    // 126 is not any path: it is the command itself that may not be executed.
    if (hit.signature.id === 'permission' && crash.run.exitCode === 126) return undefined;
    const found = signatureCause(facts, crash.container, hit, !crash.present);
    const items = found.item === undefined ? [] : [found.item];
    return {
      headline: `${place(crash.container)}${brief(found.label, 90)}`,
      diagnose: () => {
        const first = firstOfGang(facts, crash);
        if (first === undefined)
          return diagnoseCrash(facts, crash, [found.cause], 'The program works', items);
        const root = cause(
          'H15.peer-failed-first',
          'likely',
          `another rank failed first: ${first.pod.name}${first.pod.node === '' ? '' : ` on node ${first.pod.node}`}: ${first.why}${first.crash.hit === undefined ? '' : ` (${brief(first.crash.hit.line, 120)})`}; this one only felt it`,
          readLog(first.pod, first.crash.container.name, !first.crash.present),
          describe('pod', facts.namespace, first.pod.name),
        );
        return {
          ...diagnoseCrash(facts, crash, [root, found.cause], 'The program works', items),
          explainedBy: { kind: 'Pod', namespace: facts.namespace, name: first.pod.name },
        };
      },
    };
  });
