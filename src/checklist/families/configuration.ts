import { nameOf } from '../evidence-index.ts';
import {
  changeTemplate,
  deletePod,
  describe,
  editOwner,
  getObject,
  kubectl,
  readLog,
  setResources,
} from '../fixes.ts';
import {
  type ContainerFacts,
  lastEvent,
  type PastRun,
  type PodFacts,
  specPath,
  statusPath,
} from '../pod-facts.ts';
import { brief, editDistance, essence, list, nearNames, record, strings, text } from '../read.ts';
import type { Cause, Item } from '../report.ts';
import { cause, type Diagnosis, evidence, item, type Match, type PodState, said, unknown } from '../state.ts';
import { unsupported } from './node-admission.ts';

const waitingFor = (facts: PodFacts, ...reasons: readonly string[]): ContainerFacts | undefined =>
  facts.containers.find((container) => container.state === 'waiting' && reasons.includes(container.reason));

export interface MissingObject {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly name: string;
  readonly key: string | undefined;
}

/** `configmap "x" not found`, `couldn't find key k in Secret ns/x`, `references non-existent secret key: k`. */
export function missingObject(message: string): MissingObject | undefined {
  const whole =
    /\b(configmaps?|secrets?) "([^"]+)" not found/i.exec(message) ??
    /object "[^"/]*"?\/"([^"]+)" not registered/.exec(message);
  if (whole?.[2] !== undefined)
    return {
      kind: /^config/i.test(whole[1] ?? '') ? 'ConfigMap' : 'Secret',
      name: whole[2].replace(/^.*\//, ''),
      key: undefined,
    };
  const key = /couldn't find key (\S+) in (ConfigMap|Secret) (?:[^/\s]+\/)?(\S+)/.exec(message);
  if (key?.[1] !== undefined)
    return { kind: key[2] === 'ConfigMap' ? 'ConfigMap' : 'Secret', name: key[3] ?? '', key: key[1] };
  const reference = /references non-existent (config|secret) key: (\S+)/.exec(message);
  return reference?.[2] === undefined
    ? undefined
    : { kind: reference[1] === 'config' ? 'ConfigMap' : 'Secret', name: '', key: reference[2] };
}

/** The keys that the pod reads from a ConfigMap or Secret, by env and by the items of volumes. */
function keysAskedFor(facts: PodFacts, kind: string, name: string): readonly string[] {
  const reference = kind === 'ConfigMap' ? 'configMapKeyRef' : 'secretKeyRef';
  const env = facts.containers
    .flatMap((container) => list(container.spec, 'env'))
    .filter((entry) => text(entry, 'valueFrom', reference, 'name') === name)
    .map((entry) => text(entry, 'valueFrom', reference, 'key'));
  const volumes = list(facts.object, 'spec', 'volumes')
    .filter(
      (volume) =>
        text(volume, 'configMap', 'name') === (kind === 'ConfigMap' ? name : undefined) ||
        text(volume, 'secret', 'secretName') === (kind === 'ConfigMap' ? undefined : name),
    )
    .flatMap((volume) => [...list(volume, 'configMap', 'items'), ...list(volume, 'secret', 'items')])
    .map((entry) => text(entry, 'key'));
  return [...new Set([...env, ...volumes])].filter((key) => key !== '');
}

/** Is it there now, is there something that looks like it, and how to make it. */
export function missingObjectCause(
  id: string,
  facts: PodFacts,
  missing: MissingObject,
  gate: 'config' | 'volumes',
): { readonly cause: Cause; readonly item: Item; readonly healed: boolean } {
  const { kind, name, key } = missing;
  const word = kind === 'ConfigMap' ? 'ConfigMap' : 'Secret';
  const here = facts.index.find(kind, facts.namespace, name);
  const elsewhere = facts.index
    .of(kind)
    .filter((entry) => nameOf(entry) === name && entry.metadata?.namespace !== facts.namespace);
  const near = nearNames(name, facts.index.inNamespace(kind, facts.namespace).map(nameOf));
  if (key !== undefined) {
    const keys =
      here.state === 'present'
        ? [
            ...Object.keys(record(here.object, 'data')),
            ...Object.keys(record(here.object, 'binaryData')),
            ...Object.keys(strings(here.object, 'stringData')),
          ]
        : [];
    const close = nearNames(key, keys);
    const healed = keys.includes(key);
    const has =
      keys.length > 0 ? `; it has ${close.length > 0 ? close.join(', ') : keys.slice(0, 6).join(', ')}` : '';
    return {
      healed,
      cause: cause(
        `${id}.key-missing`,
        'proven',
        `${word} ${name === '' ? '' : `${name} `}has no key ${key}${has}`,
        kubectl(`See the keys of the ${word}`, 'read', facts.namespace, [
          'describe',
          kind.toLowerCase(),
          ...(name === '' ? [] : [name]),
        ]),
        editOwner(facts, 'Correct the key that the pod asks for'),
      ),
      item:
        here.state === 'unknown'
          ? unknown(`${id}.object`, gate, `${word} ${name} has the key ${key}`, here.why)
          : item(
              `${id}.object`,
              gate,
              `${word} ${name} has the key ${key}`,
              healed ? 'pass' : 'fail',
              evidence('keys', keys.join(', ') || 'none', 'data'),
            ),
    };
  }
  const hint =
    near.length > 0
      ? `; there is ${near.join(', ')}`
      : elsewhere.length > 0
        ? `; it exists in namespace ${elsewhere.map((entry) => entry.metadata?.namespace ?? '').join(', ')}`
        : '';
  const keys = keysAskedFor(facts, kind, name).map((asked) => `--from-literal=${asked}=VALUE`);
  const create =
    kind === 'ConfigMap'
      ? ['create', 'configmap', name, ...(keys.length === 0 ? ['--from-file=FILE'] : keys)]
      : ['create', 'secret', 'generic', name, ...(keys.length === 0 ? ['--from-literal=KEY=VALUE'] : keys)];
  return {
    healed: here.state === 'present',
    cause: cause(
      `${id}.object-missing`,
      'proven',
      here.state === 'present'
        ? `${word} ${name} was not there when the container was to be made; it is there by now, and the kubelet tries again by itself`
        : `${word} ${name} does not exist in namespace ${facts.namespace}${hint}`,
      here.state === 'present'
        ? undefined
        : kubectl(`Create the ${word}`, 'reversible', facts.namespace, create),
      near.length > 0 ? editOwner(facts, `Name ${near[0]} instead`) : undefined,
      getObject(`See the ${word}s of the namespace`, `${kind.toLowerCase()}s`, facts.namespace),
    ),
    item:
      here.state === 'unknown'
        ? unknown(`${id}.object`, gate, `${word} ${name} exists`, here.why)
        : item(
            `${id}.object`,
            gate,
            `${word} ${name} exists`,
            here.state === 'present' ? 'pass' : 'fail',
            evidence(word, here.state === 'present' ? 'there by now' : `not in namespace ${facts.namespace}`),
          ),
  };
}

const createError: PodState = {
  id: 'G1',
  key: 'config.create-error',
  gate: 'config',
  severity: 'bad',
  title: 'The container cannot be configured',
  match: (facts) => {
    const container = waitingFor(
      facts,
      'CreateContainerConfigError',
      'ConfigPodSandboxError',
      'PreCreateHookError',
    );
    if (container === undefined) return undefined;
    const words =
      container.message ||
      lastEvent(facts.events, ['Failed'], /^Error: /)?.event.message.replace(/^Error: /, '') ||
      '';
    const missing = missingObject(words);
    const headline =
      missing !== undefined
        ? `${missing.kind} ${missing.name} ${missing.key === undefined ? 'not found' : `lacks key ${missing.key}`}`
        : /runAsNonRoot/.test(words)
          ? 'runAsNonRoot, but the image runs as root'
          : `cannot configure: ${brief(words, 90)}`;
    return {
      headline,
      since: facts.startedAt,
      diagnose: () => diagnoseConfig(facts, container, words, missing),
    };
  },
};

function diagnoseConfig(
  facts: PodFacts,
  container: ContainerFacts,
  words: string,
  missing: MissingObject | undefined,
): Diagnosis {
  const proof = item(
    'G1.message',
    'config',
    'The container can be configured',
    'fail',
    evidence('kubelet says', words || container.reason, statusPath(container, 'state.waiting.message')),
  );
  if (missing !== undefined) {
    const found = missingObjectCause('G1', facts, missing, 'config');
    return { causes: [found.cause], items: [proof, found.item] };
  }
  if (/runAsNonRoot/.test(words)) {
    const named = /non-numeric user \(([^)]*)\)/.exec(words)?.[1];
    const text =
      named === undefined
        ? `the pod asks for runAsNonRoot, but the image of ${container.name} runs as root`
        : `the pod asks for runAsNonRoot, but the user of the image, ${named}, is a name: the kubelet cannot tell whether it is root`;
    return {
      causes: [
        cause(
          'G1.non-root',
          'proven',
          text,
          changeTemplate(facts, 'Run as a numbered user', (target) => [
            'patch',
            target.resource,
            target.name,
            '--type=strategic',
            '-p',
            `{"spec":{"template":{"spec":{"containers":[{"name":"${container.name}","securityContext":{"runAsUser":1000}}]}}}}`,
          ]),
        ),
      ],
      items: [proof],
    };
  }
  const [id, says] = /failed to sync (?:configmap|secret) cache/.test(words)
    ? [
        'G1.cache',
        `the kubelet of node ${facts.node} does not get the ${/sync secret/.test(words) ? 'Secret' : 'ConfigMap'} from the API server in time: the API server is slow or unreachable from the node, or the kubelet is overloaded`,
      ]
    : /host IPs? unknown/.test(words)
      ? [
          'G1.host-ip',
          `node ${facts.node} reports no InternalIP address, and the container asks for the host IP: ${brief(words)}`,
        ]
      : [undefined, ''];
  if (id !== undefined)
    return {
      causes: [
        cause(
          id,
          id === 'G1.cache' ? 'likely' : 'proven',
          says ?? '',
          describe('node', '', facts.node || 'NODE'),
          describe('pod', facts.namespace, facts.name),
        ),
      ],
      items: [proof],
    };
  if (/subPath/i.test(words))
    return {
      causes: [
        cause(
          'G1.subpath',
          'proven',
          `a subPath cannot be prepared: ${brief(words)}`,
          editOwner(facts, 'Correct the subPath'),
          describe('pod', facts.namespace, facts.name),
        ),
      ],
      items: [proof],
    };
  return {
    causes: [
      cause(
        'G1.other',
        'likely',
        `the kubelet cannot configure container ${container.name}: ${brief(words)}`,
        describe('pod', facts.namespace, facts.name),
        editOwner(facts, 'Correct the template'),
      ),
    ],
    items: [proof],
  };
}

const createContainer: PodState = {
  id: 'G2',
  key: 'config.create-container',
  gate: 'started',
  severity: 'bad',
  title: 'The container cannot be created',
  match: (facts) => {
    const container = waitingFor(facts, 'CreateContainerError');
    if (container === undefined || isStartText(startWords(facts, container))) return undefined;
    const words = startWords(facts, container);
    const [id, says, fixing] = /unresolvable CDI devices|CDI/.test(words)
      ? [
          'cdi',
          `the runtime does not know the device that the plugin names (CDI): ${brief(words, 100)}`,
          'restart the container toolkit or driver on the node',
        ]
      : /is reserved for|already in use by/.test(words)
        ? [
            'name-reserved',
            'an older container of the same name still holds on: the runtime is stuck',
            'the runtime may need a restart',
          ]
        : /no command specified/.test(words)
          ? ['no-command', `the image of ${container.name} has no command and the pod gives none`, '']
          : /input\/output error|[Rr]ead-only file system|structure needs cleaning/.test(words)
            ? ['node-disk', `the disk of node ${facts.node} fails: ${essence(words, 110)}`, '']
            : /context deadline exceeded/.test(words)
              ? [
                  'runtime-slow',
                  'the container runtime does not answer in time (overloaded disk, stuck runtime)',
                  '',
                ]
              : /seccomp|apparmor/i.test(words) && /profile/.test(words)
                ? [
                    'profile',
                    `node ${facts.node} lacks the security profile that the pod asks for: ${essence(words, 140)}`,
                    'put the profile on the node (or let the Security Profiles Operator do it)',
                  ]
                : /no such file or directory|not a directory|failed to stat|mkdir /.test(words)
                  ? /\/dev\/[\w./-]+/.test(words)
                    ? [
                        'device',
                        `the device ${/\/dev\/[\w./-]*\w/.exec(words)?.[0]} is not there on node ${facts.node}: ${essence(words, 110)}`,
                        'it went away (driver reload, reset, hot unplug): see the driver and the device plugin on the node',
                      ]
                    : ['path', `a path that is to be mounted is not there: ${essence(words, 110)}`, '']
                  : /[Dd]uplicate mount point|must be unique/.test(words)
                    ? [
                        'duplicate-mount',
                        `two volumes are mounted on one path of ${container.name}: ${essence(words, 110)}`,
                        '',
                      ]
                    : /operating system does not match/.test(words)
                      ? [
                          'windows-version',
                          `the Windows version of the image of ${container.name} does not match the operating system of node ${facts.node}`,
                          '',
                        ]
                      : [
                          'other',
                          `the runtime cannot create container ${container.name}: ${essence(words, 160)}`,
                          '',
                        ];
    return {
      headline: brief(says ?? '', 100),
      since: facts.startedAt,
      diagnose: () => ({
        causes: [
          cause(
            `G2.${id}`,
            id === 'other' || id === 'runtime-slow' ? 'likely' : 'proven',
            says ?? '',
            id === 'no-command' || id === 'path' || id === 'duplicate-mount' || id === 'windows-version'
              ? editOwner(
                  facts,
                  id === 'no-command'
                    ? 'Give it a command'
                    : id === 'windows-version'
                      ? 'Use an image of that Windows version, or other nodes'
                      : 'Correct the volume or its path',
                )
              : deletePod(facts, 'Start it anew', fixing === '' ? undefined : fixing),
            describe('pod', facts.namespace, facts.name),
          ),
        ],
        items: [
          item(
            'G2.message',
            'started',
            'The container can be created',
            'fail',
            evidence(
              'runtime says',
              words || container.reason,
              statusPath(container, 'state.waiting.message'),
            ),
          ),
        ],
      }),
    };
  },
};

/** Words of runc and the shims when a process could not be started at all. */
const isStartText = (words: string): boolean =>
  /exec: "|executable file not found|OCI runtime create failed|nvidia-container-cli|container init was OOM-killed|unable to start container process|exec format error/.test(
    words,
  );

/** What the runtime says: the status keeps the last try, which may only have timed out behind the telling one. */
function startWords(facts: PodFacts, container: ContainerFacts): string {
  const vague = /^(?:|.*context deadline exceeded|.*is reserved for.*)$/.test(container.message);
  if (!vague) return container.message;
  const told = lastEvent(
    facts.events.filter((event) => event.container === '' || event.container === container.name),
    ['Failed'],
    /^Error: (?!ImagePullBackOff|ErrImagePull|context deadline exceeded|.*is reserved for)(.*)/,
  );
  return told?.match?.[1] ?? container.message;
}

/** The start that failed: in waiting, in the present end, or, while the kubelet backs off, in the run before. */
function failedStart(
  facts: PodFacts,
): { readonly container: ContainerFacts; readonly words: string; readonly path: string } | undefined {
  for (const container of facts.containers) {
    if (container.state === 'running' && container.ready) continue;
    if (
      container.state === 'waiting' &&
      (container.reason === 'RunContainerError' ||
        container.reason === 'PreStartHookError' ||
        (container.reason === 'CreateContainerError' && isStartText(startWords(facts, container))) ||
        (container.reason === 'CrashLoopBackOff' &&
          (container.last === undefined || container.last.exitCode === 128) &&
          (container.last?.message ?? '') === '' &&
          isStartText(startWords(facts, { ...container, message: '' }))))
    ) {
      return {
        container,
        words:
          startWords(
            facts,
            container.reason === 'CrashLoopBackOff' ? { ...container, message: '' } : container,
          ) ||
          container.last?.message.replaceAll('\n', ' ') ||
          '',
        path: statusPath(container, 'state.waiting.message'),
      };
    }
    const failed = (run: PastRun | undefined): boolean =>
      run !== undefined && (run.reason === 'StartError' || run.reason === 'ContainerCannotRun');
    if (failed(container.ended))
      return {
        container,
        words: container.ended?.message.replaceAll('\n', ' ') ?? '',
        path: statusPath(container, 'state.terminated.message'),
      };
    if (container.state === 'waiting' && failed(container.last))
      return {
        container,
        words: container.last?.message.replaceAll('\n', ' ') ?? '',
        path: statusPath(container, 'lastState.terminated.message'),
      };
  }
  return undefined;
}

const commonCommands = [
  'python',
  'python3',
  'bash',
  'sh',
  'torchrun',
  'accelerate',
  'deepspeed',
  'node',
  'npm',
  'java',
  'uvicorn',
  'gunicorn',
  'vllm',
  'mpirun',
  'nginx',
  'sleep',
  'pip',
  'ray',
  'tritonserver',
  'celery',
  'flask',
];

function nvidiaReading(words: string): string {
  if (/driver\/library version mismatch/i.test(words))
    return ', driver and library versions differ (the driver was upgraded under a loaded kernel module: reboot the node)';
  if (/driver not loaded|driver error|nvml error: (?:driver not loaded|unknown)|nvidia-modprobe/.test(words))
    return ', the kernel driver is not loaded there';
  if (/libnvidia-ml\.so|load library failed|cannot open shared object/.test(words))
    return ', the driver is not installed there or not where the toolkit looks';
  if (/unknown device|device error|no-gpu-has/.test(words)) return ', the GPU that it was given is not there';
  if (/file exists/.test(words)) return ', the image brings its own driver libraries';
  if (/ldcache error|ldconfig/.test(words)) return ', ldconfig of the host is not where the toolkit looks';
  return '';
}

function readStart(
  facts: PodFacts,
  container: ContainerFacts,
  words: string,
): { readonly id: string; readonly says: string; readonly label: string } {
  const missing =
    /exec: "((?:[^"\\]|\\.)*)":[^:]*(?:executable file not found|no such file or directory)/.exec(words) ??
    /exec: "((?:[^"\\]|\\.)*)": stat [^:]+: no such file/.exec(words);
  if (missing?.[1] !== undefined) {
    const command = missing[1];
    const close =
      command.includes(' ') || commonCommands.includes(command)
        ? undefined
        : commonCommands
            .filter(
              (name) => name !== command && editDistance(name, command, 2) <= (command.length > 4 ? 2 : 1),
            )
            .sort((a, b) => editDistance(a, command, 2) - editDistance(b, command, 2))[0];
    const hint =
      close !== undefined
        ? `; did you mean ${close}?`
        : /\s/.test(command)
          ? ': a command with blanks must be split into a list'
          : '';
    return {
      id: 'command-not-found',
      says: `the command "${command}" does not exist in the image of ${container.name}${hint}`,
      label: `command not found: ${command}`,
    };
  }
  const denied = /exec: "([^"]*)": permission denied/.exec(words);
  if (denied !== null)
    return {
      id: 'not-executable',
      says: `"${denied[1]}" cannot be executed: no execute permission, or a directory`,
      label: `not executable: ${denied[1]}`,
    };
  if (/exec format error/.test(words))
    return {
      id: 'exec-format',
      says: 'the program is built for another CPU architecture, or is a script without #! line',
      label: 'exec format error',
    };
  if (/mount a directory onto a file|not a directory/.test(words))
    return {
      id: 'mount-type',
      says: `a file is mounted over a directory or the other way round (subPath, workingDir): ${brief(words.slice(Math.max(0, words.indexOf('error mounting'))), 140)}`,
      label: 'mount: file and directory mixed up',
    };
  if (/unsatisfied condition: (cuda[><=]+[\d.]+)/.test(words))
    return {
      id: 'driver-too-old',
      says: `the image needs ${/unsatisfied condition: (cuda[><=]+[\d.]+)/.exec(words)?.[1] ?? 'a newer CUDA'}, which the driver of node ${facts.node} is too old for`,
      label: 'NVIDIA driver too old for the image',
    };
  if (/nvidia-container-cli|libnvidia-ml|driver not loaded|nvml error/.test(words))
    return {
      id: 'nvidia-runtime',
      says: `the NVIDIA runtime on node ${facts.node} cannot start the container${nvidiaReading(words)}: ${brief(words.slice(Math.max(0, words.search(/nvidia-container-cli|nvml error/))), 120)}`,
      label: `NVIDIA runtime error${nvidiaReading(words)}`,
    };
  if (/OOM-killed \(memory limit too low/.test(words) || /init was OOM-killed/.test(words))
    return {
      id: 'limit-too-low',
      says: `the memory limit ${text(container.spec, 'resources', 'limits', 'memory')} is too low even to start a process${/m$/.test(text(container.spec, 'resources', 'limits', 'memory')) ? ': "m" means thousandths of a byte, use Mi' : ''}`,
      label: `memory limit too low to start: ${text(container.spec, 'resources', 'limits', 'memory')}`,
    };
  if (/chdir to cwd|cwd/.test(words))
    return {
      id: 'workdir',
      says: `the working directory cannot be entered: ${brief(words.slice(-160), 140)}`,
      label: 'working directory cannot be entered',
    };
  if (/seccomp|apparmor/i.test(words))
    return {
      id: 'profile',
      says: `a seccomp or AppArmor profile is not there: ${brief(words, 140)}`,
      label: 'security profile missing',
    };
  if (/no space left on device/.test(words))
    return {
      id: 'no-space',
      says: `the disk or cgroup tree of node ${facts.node} is full`,
      label: 'node has no space',
    };
  if (/error mounting|mount .* failed|failed to create .*mount/.test(words))
    return {
      id: 'mount',
      says: `a mount fails: ${brief(words.slice(Math.max(0, words.indexOf('error mounting'))), 140)}`,
      label: 'mount fails at start',
    };
  if (/\/attr\/(?:keycreate|exec|current)\b|setting? .*SELinux|selinux label/i.test(words))
    return {
      id: 'selinux',
      says: `the runtime cannot set the SELinux label of ${container.name} on node ${facts.node || '(unknown)'} (${essence(words, 110)})`,
      label: 'cannot start: SELinux label refused',
    };
  return {
    id: 'other',
    says: `the runtime cannot start ${container.name}: ${essence(words, 160)}`,
    label: `cannot start: ${essence(words, 80)}`,
  };
}

const startError: PodState = {
  id: 'G3',
  key: 'config.start-error',
  gate: 'started',
  severity: 'bad',
  title: 'The process cannot be started',
  match: (facts) => {
    const found = failedStart(facts);
    if (found === undefined || /exec format error/.test(found.words)) return undefined;
    const words = found.words || lastEvent(facts.events, ['Failed'], /^Error: /)?.event.message || '';
    const read = readStart(facts, found.container, words);
    return {
      headline: brief(read.label, 100),
      since: facts.startedAt,
      diagnose: () => diagnoseStart(facts, found.container, words, found.path, read),
    };
  },
};

function diagnoseStart(
  facts: PodFacts,
  container: ContainerFacts,
  words: string,
  path: string,
  read: ReturnType<typeof readStart>,
): Diagnosis {
  const command = [...list(container.spec, 'command'), ...list(container.spec, 'args')].map(String).join(' ');
  const fix =
    read.id === 'limit-too-low'
      ? setResources(facts, container, 'Raise the memory limit', '--limits=memory=512Mi')
      : read.id === 'driver-too-old' || read.id === 'nvidia-runtime'
        ? kubectl('Look at the driver of the node', 'read', '', [
            'get',
            'node',
            facts.node || 'NODE',
            '-L',
            'nvidia.com/cuda.driver-version.full,nvidia.com/cuda.runtime-version.full',
          ])
        : editOwner(
            facts,
            read.id.startsWith('mount') || read.id === 'workdir'
              ? 'Correct the mount or the working directory'
              : 'Correct the command',
          );
  return {
    causes: [
      cause(
        `G3.${read.id}`,
        read.id === 'other' ? 'likely' : 'proven',
        read.says,
        fix,
        describe('pod', facts.namespace, facts.name),
      ),
    ],
    items: [
      item(
        'G3.message',
        'started',
        'The process can be started',
        'fail',
        evidence('runtime says', words || container.reason, path),
      ),
      ...(command === ''
        ? []
        : [
            item(
              'G3.command',
              'started',
              'What is to run',
              'info',
              evidence('command', command, specPath(container, 'command')),
            ),
          ]),
    ],
  };
}

const postStart: PodState = {
  id: 'G4',
  key: 'hook.post-start',
  gate: 'started',
  severity: 'bad',
  title: 'The postStart hook fails',
  match: (facts) => {
    const waiting = waitingFor(facts, 'PostStartHookError');
    const event = lastEvent(facts.events, ['FailedPostStartHook']);
    if (waiting === undefined && event === undefined) return undefined;
    const container =
      waiting ??
      facts.containers.find((entry) => entry.name === event?.event.container) ??
      facts.containers.find((entry) => entry.kind === 'main');
    if (container === undefined || (container.state === 'running' && container.ready)) return undefined;
    const words = waiting?.message || event?.event.message || '';
    return {
      headline: `postStart hook of ${container.name} fails`,
      since: event?.event.first,
      diagnose: () => ({
        causes: [
          cause(
            'G4.post-start',
            'proven',
            `the postStart hook of ${container.name} fails, so the kubelet kills the container: ${brief(words, 120)}`,
            editOwner(facts, 'Correct the postStart hook, or move it to an init container'),
            readLog(facts, container.name, true),
          ),
        ],
        items: [
          item(
            'G4.hook',
            'started',
            'The postStart hook succeeds',
            'fail',
            ...(event === undefined ? [] : [said(event.event)]),
            evidence(
              'hook',
              JSON.stringify(record(container.spec, 'lifecycle')['postStart'] ?? {}),
              specPath(container, 'lifecycle.postStart'),
            ),
          ),
        ],
      }),
    };
  },
};

const runtimeErrors: PodState = {
  id: 'G6',
  key: 'config.runtime-error',
  gate: 'started',
  severity: 'bad',
  title: 'The runtime fails',
  match: (facts) => {
    const container = waitingFor(
      facts,
      'KillContainerError',
      'KillPodSandboxError',
      'CreatePodSandboxError',
      'ImageInspectError',
      'PreStartHookError',
      'RemoveContainerError',
      'ResizePodInPlaceError',
    );
    if (container === undefined) return undefined;
    return {
      headline: `${container.reason}: ${brief(container.message, 80)}`,
      since: facts.startedAt,
      diagnose: () => ({
        causes: [
          cause(
            'G6.runtime',
            'likely',
            `the runtime of node ${facts.node} reports ${container.reason}: ${brief(container.message)}`,
            deletePod(facts, 'Start it anew'),
            kubectl('Look at the node', 'read', '', ['describe', 'node', facts.node || 'NODE']),
          ),
        ],
        items: [
          item(
            'G6.message',
            'started',
            'The runtime works',
            'fail',
            evidence(container.reason, container.message, statusPath(container, 'state.waiting.message')),
          ),
        ],
      }),
    };
  },
};

/** Exec format error, from the runtime or from the program's own words. */
export function matchExecFormat(
  facts: PodFacts,
  container: ContainerFacts,
  words: string,
  path: string | undefined,
): Match {
  const node = facts.index.get('Node', '', facts.node);
  const arch = text(node, 'status', 'nodeInfo', 'architecture');
  return {
    headline: `exec format error${arch === '' ? '' : ` on ${arch}`}`,
    diagnose: () => ({
      causes: [
        cause(
          'G5.exec-format',
          'proven',
          `exec format error: the program in ${container.image} is built for another CPU architecture${arch === '' ? '' : ` than the node's ${arch}`}, or is a script without #! line`,
          editOwner(facts, 'Use an image of the right architecture, or a nodeSelector kubernetes.io/arch'),
          kubectl('See the architectures of the nodes', 'read', '', [
            'get',
            'nodes',
            '-L',
            'kubernetes.io/arch',
          ]),
        ),
      ],
      items: [
        item(
          'G5.words',
          'started',
          'The program can be executed here',
          'fail',
          evidence('says', words, path),
        ),
      ],
    }),
  };
}

const execFormat: PodState = {
  id: 'G5',
  key: 'image.exec-format',
  gate: 'started',
  severity: 'bad',
  title: 'Built for another architecture',
  match: (facts) => {
    const found = failedStart(facts);
    return found !== undefined && /exec format error/.test(found.words)
      ? matchExecFormat(facts, found.container, found.words, found.path)
      : undefined;
  },
};

export const configurationStates: readonly PodState[] = [
  unsupported,
  createError,
  postStart,
  execFormat,
  startError,
  createContainer,
  runtimeErrors,
];
