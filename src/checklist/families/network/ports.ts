import type { KubeObject } from '../../../kube/object.ts';
import { selects } from '../../evidence-index.ts';
import { kubectl } from '../../fixes.ts';
import { at, list, record, strings, text } from '../../read.ts';
import type { Fix } from '../../report.ts';
import { cause, evidence, item, type ObjectFacts, type ObjectState, unknown } from '../../state.ts';
import { alive, isReady, podsOf, selectorOf } from './service-pods.ts';

interface PortOf {
  readonly name: string;
  readonly port: string;
}

const containerPorts = (pod: KubeObject): readonly PortOf[] =>
  [
    ...list(pod, 'spec', 'containers'),
    ...list(pod, 'spec', 'initContainers').filter(
      (container) => text(container, 'restartPolicy') === 'Always',
    ),
  ].flatMap((container) =>
    list(container, 'ports').map((port) => ({ name: text(port, 'name'), port: text(port, 'containerPort') })),
  );

interface ServicePort {
  readonly port: string;
  readonly target: string;
  readonly named: boolean;
  readonly position: number;
}

const ports = (facts: ObjectFacts): readonly ServicePort[] =>
  list(facts.object, 'spec', 'ports').map((entry, position) => ({
    port: text(entry, 'port'),
    target: text(entry, 'targetPort') || text(entry, 'port'),
    named: typeof at(entry, 'targetPort') === 'string' && !/^\d+$/.test(text(entry, 'targetPort')),
    position,
  }));

/** `value` as JSON has it. */
const setTargetPort = (
  { namespace, name }: ObjectFacts,
  { position }: ServicePort,
  value: string,
): Fix | undefined =>
  kubectl('Correct targetPort', 'reversible', namespace, [
    'patch',
    'service',
    name,
    '--type=json',
    '-p',
    `[{"op":"replace","path":"/spec/ports/${position}/targetPort","value":${value}}]`,
  ]);

/** Pods, or the templates that would make them. */
function podShapes(facts: ObjectFacts): readonly KubeObject[] {
  const pods = podsOf(facts.index, facts.object).filter(alive);
  if (pods.length > 0) return pods;
  return ['Deployment', 'StatefulSet', 'DaemonSet']
    .flatMap((kind) => facts.index.inNamespace(kind, facts.namespace))
    .filter(
      (owner) =>
        Object.keys(selectorOf(facts.object)).length > 0 &&
        selects(selectorOf(facts.object), strings(owner, 'spec', 'template', 'metadata', 'labels')),
    )
    .map((owner) => record(owner, 'spec', 'template') as KubeObject);
}

export const namedPort: ObjectState = {
  id: 'L3',
  key: 'svc.named-port',
  gate: 'endpoints',
  severity: 'bad',
  title: 'Its named port does not exist in the pods',
  kinds: ['Service'],
  match: (facts) => {
    const pods = podShapes(facts);
    const wrong = ports(facts).find(
      (entry) =>
        entry.named &&
        pods.length > 0 &&
        pods.every((pod) => !containerPorts(pod).some((port) => port.name === entry.target)),
    );
    if (wrong === undefined) return undefined;
    const has = [
      ...new Set(
        pods.flatMap((pod) => containerPorts(pod).map((port) => `${port.name || '(unnamed)'}=${port.port}`)),
      ),
    ];
    return {
      headline: `targetPort "${wrong.target}" does not exist in its pods`,
      diagnose: () => ({
        causes: [
          cause(
            'L3.named-port',
            'proven',
            `Service ${facts.name} sends port ${wrong.port} to the named port "${wrong.target}", which its pods do not have${has.length > 0 ? `; they have ${has.slice(0, 4).join(', ')}` : ''}`,
            setTargetPort(
              facts,
              wrong,
              JSON.stringify(has[0]?.split('=')[1] === undefined ? 'PORT' : Number(has[0]?.split('=')[1])),
            ),
          ),
        ],
        items: [
          item(
            'L3.port',
            'endpoints',
            'Its target port exists',
            'fail',
            evidence('targetPort', wrong.target, `spec.ports[${wrong.port}].targetPort`),
            evidence('container ports', has.join(', ') || 'none'),
          ),
        ],
      }),
    };
  },
};

/** A probe that passes on a port proves that something listens there, declared or not. */
const isProbed = (pod: KubeObject, port: string): boolean =>
  isReady(pod) &&
  list(pod, 'spec', 'containers').some((container) =>
    ['readinessProbe', 'livenessProbe', 'startupProbe'].some((probe) =>
      ['httpGet', 'tcpSocket', 'grpc'].some((kind) => text(container, probe, kind, 'port') === port),
    ),
  );

export const targetPort: ObjectState = {
  id: 'L2',
  key: 'svc.targetport',
  gate: 'endpoints',
  severity: 'warn',
  title: 'Nothing declares its target port',
  kinds: ['Service'],
  match: (facts) => {
    const pods = podShapes(facts);
    if (pods.length === 0 || pods.some((pod) => containerPorts(pod).length === 0)) return undefined;
    const wrong = ports(facts).find(
      (entry) =>
        !entry.named &&
        pods.every((pod) => !containerPorts(pod).some((port) => port.port === entry.target)) &&
        !pods.some((pod) => isProbed(pod, entry.target)),
    );
    if (wrong === undefined) return undefined;
    const has = [...new Set(pods.flatMap((pod) => containerPorts(pod).map((port) => port.port)))];
    return {
      headline: `targetPort ${wrong.target}, the containers declare ${has.slice(0, 3).join(', ')}`,
      diagnose: () => ({
        causes: [
          cause(
            'L2.target-port',
            'likely',
            `Service ${facts.name} sends port ${wrong.port} to ${wrong.target}, but its pods declare ${has.join(', ')}: probably nobody listens there (declared ports are informational)`,
            setTargetPort(facts, wrong, has[0] ?? 'PORT'),
            kubectl('Ask a pod on both ports', 'read', facts.namespace, [
              'port-forward',
              `service/${facts.name}`,
              wrong.port,
            ]),
          ),
        ],
        items: [
          item(
            'L2.port',
            'endpoints',
            'A container declares its target port',
            'warn',
            evidence('targetPort', wrong.target, `spec.ports[${wrong.port}].targetPort`),
            evidence('declared', has.join(', ')),
          ),
          unknown('L2.listens', 'endpoints', 'Something listens there', 'needsProbe'),
        ],
      }),
    };
  },
};
