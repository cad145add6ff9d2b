import type { KubeObject } from '../../kube/object.ts';
import { type EvidenceIndex, labelsOf, nameOf, namespaceOf, refOf, selects } from '../evidence-index.ts';
import { describe, getObject, kubectl } from '../fixes.ts';
import {
  at,
  brief,
  condition,
  conditions,
  list,
  nearNames,
  record,
  span,
  strings,
  text,
  thereIs,
  time,
} from '../read.ts';
import type { Cause } from '../report.ts';
import {
  cause,
  evidence,
  item,
  type Match,
  type ObjectFacts,
  type ObjectState,
  said,
  unknown,
} from '../state.ts';

const isReady = (pod: KubeObject): boolean => condition(pod, 'Ready')?.status === 'True';
const alive = (pod: KubeObject): boolean => !['Succeeded', 'Failed'].includes(text(pod, 'status', 'phase'));

const selectorOf = (service: KubeObject): Readonly<Record<string, string>> =>
  strings(service, 'spec', 'selector');

const podsOf = (index: EvidenceIndex, service: KubeObject): readonly KubeObject[] => {
  const selector = selectorOf(service);
  return Object.keys(selector).length === 0
    ? []
    : index.inNamespace('Pod', namespaceOf(service)).filter((pod) => selects(selector, labelsOf(pod)));
};

const slicesOf = (facts: ObjectFacts): readonly KubeObject[] =>
  facts.index
    .inNamespace('EndpointSlice', facts.namespace)
    .filter((slice) => labelsOf(slice)['kubernetes.io/service-name'] === facts.name);

/** Workloads whose template would match but for one label. */
function nearMisses(facts: ObjectFacts): readonly string[] {
  const selector = Object.entries(selectorOf(facts.object));
  const found: { readonly text: string; readonly hits: number; readonly close: number }[] = [];
  const seen = new Set<string>();
  const pods = facts.index.inNamespace('Pod', facts.namespace);
  // The only workload there is can only be the one that is meant.
  const only = new Set(pods.map((pod) => pod.metadata?.ownerReferences?.[0]?.name ?? nameOf(pod))).size === 1;
  for (const pod of pods) {
    const labels = labelsOf(pod);
    const misses = selector.filter(([key, value]) => labels[key] !== value);
    const differing = misses
      .map(([key, value]) => `${key}=${labels[key] ?? '(none)'} instead of ${value}`)
      .join(', ');
    const owner = pod.metadata?.ownerReferences?.[0]?.name ?? nameOf(pod);
    if (misses.length === 0 || misses.length > 2 || seen.has(`${owner}${differing}`)) continue;
    const similar = misses.filter(
      ([key, value]) =>
        labels[key] !== undefined &&
        (nearNames(value, [labels[key] ?? '']).length > 0 ||
          (labels[key] ?? '').includes(value) ||
          value.includes(labels[key] ?? '\0')),
    ).length;
    if (misses.length === selector.length && similar === 0 && !only && !nameOf(pod).includes(facts.name))
      continue;
    seen.add(`${owner}${differing}`);
    found.push({
      text: `${nameOf(pod)} has ${differing}`,
      hits: selector.length - misses.length,
      close: similar,
    });
  }
  return found
    .sort((a, b) => b.close - a.close || b.hits - a.hits)
    .map((entry) => entry.text)
    .slice(0, 3);
}

/** Workloads scaled to zero that the selector means. */
const scaledDown = (facts: ObjectFacts): KubeObject | undefined =>
  ['Deployment', 'StatefulSet']
    .flatMap((kind) => facts.index.inNamespace(kind, facts.namespace))
    .find(
      (owner) =>
        selects(selectorOf(facts.object), strings(owner, 'spec', 'template', 'metadata', 'labels')) &&
        at(owner, 'spec', 'replicas') === 0,
    );

const selectorMismatch: ObjectState = {
  id: 'L1a',
  key: 'svc.selector-mismatch',
  gate: 'endpoints',
  severity: 'bad',
  title: 'Its selector matches no pod',
  kinds: ['Service'],
  match: (facts) => {
    const { object, index, namespace, name } = facts;
    const selector = selectorOf(object);
    if (Object.keys(selector).length === 0 || text(object, 'spec', 'type') === 'ExternalName')
      return undefined;
    if (podsOf(index, object).length > 0) return undefined;
    const slices = slicesOf(facts);
    const endpoints = index.get('Endpoints', namespace, name);
    const emptySlice =
      (slices.length > 0 && slices.every((slice) => list(slice, 'endpoints').length === 0)) ||
      (endpoints !== undefined && list(endpoints, 'subsets').length === 0);
    if (
      slices.some((slice) => list(slice, 'endpoints').length > 0) ||
      (endpoints !== undefined && list(endpoints, 'subsets').length > 0)
    )
      return undefined;
    if (scaledDown(facts) !== undefined) return undefined;
    const misses = nearMisses(facts);
    const others = ['Deployment', 'StatefulSet', 'DaemonSet']
      .flatMap((kind) => index.inNamespace(kind, namespace))
      .filter(
        (owner, _, all) =>
          Object.entries(selector).some(([key, value]) => {
            const label = strings(owner, 'spec', 'template', 'metadata', 'labels')[key];
            return label !== undefined && label !== value;
          }) &&
          (all.length === 1 ||
            nameOf(owner).includes(name.split('-')[0] ?? name) ||
            name.includes(nameOf(owner).split('-')[0] ?? '\0')),
      );
    const meant = ['Deployment', 'StatefulSet', 'DaemonSet', 'Rollout']
      .flatMap((kind) => index.inNamespace(kind, namespace))
      .find((owner) => selects(selector, strings(owner, 'spec', 'template', 'metadata', 'labels')));
    // Its workload exists and makes no pods: that is the finding, not the Service.
    if (meant !== undefined) return undefined;
    if (!index.listed('Pod') && !emptySlice && misses.length === 0 && others.length === 0) return undefined;
    const template =
      others[0] === undefined
        ? ''
        : `; ${others[0].kind ?? ''} ${nameOf(others[0])} has ${Object.keys(selector)
            .map(
              (key) =>
                `${key}=${strings(others[0], 'spec', 'template', 'metadata', 'labels')[key] ?? '(none)'}`,
            )
            .join(',')}`;
    const wanted = Object.entries(selector)
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
    const fixKey = misses[0] === undefined ? undefined : /has (\S+?)=(\S+) instead/.exec(misses[0]);
    return {
      headline: `selector ${wanted} matches no pod`,
      diagnose: () => ({
        causes: [
          cause(
            'L1a.selector',
            index.listed('Pod') || emptySlice ? 'proven' : 'likely',
            `the selector of Service ${name} (${wanted}) matches no pod${misses.length > 0 ? `: ${misses[0]}` : template}`,
            fixKey === undefined || fixKey === null || fixKey[2] === '(none)'
              ? kubectl('See the labels of the pods', 'read', namespace, ['get', 'pods', '--show-labels'])
              : kubectl('Correct the selector', 'reversible', namespace, [
                  'patch',
                  'service',
                  name,
                  '-p',
                  `{"spec":{"selector":{"${fixKey[1]}":"${fixKey[2]}"}}}`,
                ]),
            kubectl('See the labels of the pods', 'read', namespace, ['get', 'pods', '--show-labels']),
          ),
        ],
        items: [
          item(
            'L1a.selector',
            'endpoints',
            'Its selector matches pods',
            'fail',
            evidence('selector', wanted, 'spec.selector'),
            ...(emptySlice ? [evidence('EndpointSlice', 'no endpoints')] : []),
            ...misses.map((miss) => evidence('close', miss)),
          ),
        ],
      }),
    };
  },
};

const noPods: ObjectState = {
  id: 'L1c',
  key: 'svc.no-pods',
  gate: 'endpoints',
  severity: 'none',
  title: 'Its workload is scaled to zero',
  kinds: ['Service'],
  match: (facts) => {
    if (Object.keys(selectorOf(facts.object)).length === 0 || podsOf(facts.index, facts.object).some(alive))
      return undefined;
    const owner = scaledDown(facts);
    return owner === undefined
      ? undefined
      : { headline: `${owner.kind ?? ''} ${nameOf(owner)} is scaled to zero` };
  },
};

/** Endpoints that are there and not ready, their pods not known. */
function unreadyEndpoints(facts: ObjectFacts): Match | undefined {
  const addresses = slicesOf(facts).flatMap((slice) => list(slice, 'endpoints'));
  const old = list(facts.index.get('Endpoints', facts.namespace, facts.name), 'subsets');
  const unready = addresses.filter((entry) => at(entry, 'conditions', 'ready') === false);
  const none =
    (addresses.length > 0 && unready.length === addresses.length) ||
    (old.length > 0 &&
      old.every((subset) => list(subset, 'addresses').length === 0) &&
      old.some((subset) => list(subset, 'notReadyAddresses').length > 0));
  if (!none || facts.index.listed('Pod')) return undefined;
  const names = [
    ...unready.map((entry) => text(entry, 'targetRef', 'name')),
    ...old.flatMap((subset) =>
      list(subset, 'notReadyAddresses').map((entry) => text(entry, 'targetRef', 'name')),
    ),
  ].filter((name) => name !== '');
  return {
    headline: 'none of its endpoints is ready',
    diagnose: () => ({
      causes: [
        cause(
          'L1b.none-ready',
          'proven',
          `Service ${facts.name} has no ready endpoint${names.length > 0 ? `: ${names.slice(0, 4).join(', ')} not ready` : ''}`,
          getObject(
            'See the pods',
            'pods',
            facts.namespace,
            '-l',
            Object.entries(selectorOf(facts.object))
              .map(([key, value]) => `${key}=${value}`)
              .join(','),
          ),
        ),
      ],
      items: [
        item(
          'L1b.endpoints',
          'endpoints',
          'It has ready endpoints',
          'fail',
          evidence('not ready', names.join(', ') || String(unready.length), 'endpoints[*].conditions.ready'),
        ),
      ],
    }),
  };
}

const noneReady: ObjectState = {
  id: 'L1b',
  key: 'svc.none-ready',
  gate: 'endpoints',
  severity: 'bad',
  title: 'None of its pods is ready',
  kinds: ['Service'],
  match: (facts) => {
    const pods = podsOf(facts.index, facts.object).filter(alive);
    if (pods.length === 0) return unreadyEndpoints(facts);
    if (pods.some(isReady)) return undefined;
    const reports = pods.map((pod) => ({ pod, report: facts.reportOn(pod) }));
    const worst =
      reports.find((entry) => entry.report.severity === 'bad') ??
      reports.find((entry) => entry.report.causes.length > 0);
    if (worst === undefined) return undefined;
    return {
      headline: `none of ${pods.length} pods ready: ${brief(worst.report.headline, 60)}`,
      diagnose: () => ({
        causes: [
          ...worst.report.causes,
          cause(
            'L1b.none-ready',
            'proven',
            `Service ${facts.name} has no ready endpoint: none of its ${pods.length} pods is ready`,
            getObject(
              'See the pods',
              'pods',
              facts.namespace,
              '-l',
              Object.entries(selectorOf(facts.object))
                .map(([key, value]) => `${key}=${value}`)
                .join(','),
            ),
          ),
        ],
        items: [
          item(
            'L1b.pods',
            'endpoints',
            'It has ready pods',
            'fail',
            ...reports
              .slice(0, 5)
              .map(({ pod, report }) =>
                evidence(nameOf(pod), report.headline || 'not ready', undefined, { ref: refOf(pod) }),
              ),
          ),
        ],
        explainedBy: refOf(worst.pod),
      }),
    };
  },
};

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

const ports = (
  facts: ObjectFacts,
): readonly {
  readonly port: string;
  readonly target: string;
  readonly named: boolean;
  readonly position: number;
}[] =>
  list(facts.object, 'spec', 'ports').map((entry, position) => ({
    port: text(entry, 'port'),
    target: text(entry, 'targetPort') || text(entry, 'port'),
    named: typeof at(entry, 'targetPort') === 'string' && !/^\d+$/.test(text(entry, 'targetPort')),
    position,
  }));

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

const namedPort: ObjectState = {
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
            kubectl('Correct targetPort', 'reversible', facts.namespace, [
              'patch',
              'service',
              facts.name,
              '--type=json',
              '-p',
              `[{"op":"replace","path":"/spec/ports/${wrong.position}/targetPort","value":${JSON.stringify(has[0]?.split('=')[1] === undefined ? 'PORT' : Number(has[0]?.split('=')[1]))}}]`,
            ]),
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

const targetPort: ObjectState = {
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
            kubectl('Correct targetPort', 'reversible', facts.namespace, [
              'patch',
              'service',
              facts.name,
              '--type=json',
              '-p',
              `[{"op":"replace","path":"/spec/ports/${wrong.position}/targetPort","value":${has[0] ?? 'PORT'}}]`,
            ]),
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

/** Local means: only pods of the client's own node. */
const trafficPolicy: ObjectState = {
  id: 'L4',
  key: 'svc.traffic-policy',
  gate: 'endpoints',
  severity: 'none',
  title: 'Only pods of the same node answer',
  kinds: ['Service'],
  match: (facts) => {
    if (text(facts.object, 'spec', 'internalTrafficPolicy') !== 'Local') return undefined;
    const nodes = new Set(
      podsOf(facts.index, facts.object)
        .filter(isReady)
        .map((pod) => text(pod, 'spec', 'nodeName')),
    );
    const all = facts.index.of('Node').length;
    return nodes.size === 0 || all === 0 || nodes.size >= all
      ? undefined
      : { headline: `internalTrafficPolicy Local: answers on ${nodes.size} of ${all} nodes` };
  },
};

const pendingBalancer: ObjectState = {
  id: 'L8',
  key: 'lb.pending',
  gate: 'reachable',
  severity: 'bad',
  title: 'It has no load balancer',
  kinds: ['Service'],
  match: (facts) => {
    if (
      text(facts.object, 'spec', 'type') !== 'LoadBalancer' ||
      list(facts.object, 'status', 'loadBalancer', 'ingress').length > 0
    )
      return undefined;
    const event = facts.events.findLast(
      (entry) =>
        /SyncLoadBalancerFailed|UnAvailableLoadBalancer|AllocationFailed|FailedDeployModel|FailedBuildModel|EnsuringLoadBalancer/.test(
          entry.reason,
        ) ||
        (entry.type === 'Warning' && /[Ll]oad ?[Bb]alancer/.test(entry.message)),
    );
    const failed = event !== undefined && event.reason !== 'EnsuringLoadBalancer';
    const age = facts.now - (time(facts.object, 'metadata', 'creationTimestamp') ?? facts.now);
    // An event is a clock: without one, the paste of a lone Service says that it stayed so.
    if (!failed && age < 5 * 60_000 && (!facts.index.nowIsGuess || facts.events.length > 0)) return undefined;
    return {
      headline: failed
        ? `no load balancer: ${brief(event.message, 70)}`
        : `EXTERNAL-IP pending${age > 0 ? ` for ${span(age)}` : ''}`,
      since: time(facts.object, 'metadata', 'creationTimestamp'),
      diagnose: () => ({
        causes: [
          cause(
            failed ? 'L8.failed' : 'L8.no-controller',
            failed ? 'proven' : 'likely',
            failed
              ? `the load balancer cannot be made: ${brief(event.message, 200)}`
              : `Service ${facts.name} is of type LoadBalancer and nobody gives it an address: no load balancer controller in this cluster (bare metal, kind), or none for its class${text(facts.object, 'spec', 'loadBalancerClass') === '' ? '' : ` ${text(facts.object, 'spec', 'loadBalancerClass')}`}`,
            describe('service', facts.namespace, facts.name),
            kubectl('Do with a node port instead', 'reversible', facts.namespace, [
              'patch',
              'service',
              facts.name,
              '-p',
              '{"spec":{"type":"NodePort"}}',
            ]),
          ),
        ],
        items: [
          item(
            'L8.ingress',
            'reachable',
            'It has an address',
            'fail',
            evidence('loadBalancer', 'empty', 'status.loadBalancer'),
            ...(event === undefined ? [] : [said(event)]),
          ),
        ],
      }),
    };
  },
};

/** Headless services of gangs: ranks must find each other before they are ready. */
const rendezvous: ObjectState = {
  id: 'L9',
  key: 'rendezvous.headless',
  gate: 'reachable',
  severity: 'none',
  title: 'Its pods are found only when ready',
  kinds: ['Service'],
  match: () => undefined,
};

interface Backend {
  readonly service: string;
  readonly port: string;
  readonly where: string;
}

function backends(object: KubeObject): readonly Backend[] {
  const of = (backend: unknown, where: string): Backend => ({
    service: text(backend, 'service', 'name') || text(backend, 'serviceName'),
    port:
      text(backend, 'service', 'port', 'number') ||
      text(backend, 'service', 'port', 'name') ||
      text(backend, 'servicePort'),
    where,
  });
  const found = list(object, 'spec', 'rules').flatMap((rule) =>
    list(rule, 'http', 'paths').map((path) =>
      of(at(path, 'backend'), `${text(rule, 'host') || '*'}${text(path, 'path')}`),
    ),
  );
  const fallback = at(object, 'spec', 'defaultBackend') ?? at(object, 'spec', 'backend');
  return (fallback === undefined ? found : [...found, of(fallback, 'default backend')]).filter(
    (backend) => backend.service !== '',
  );
}

const ingress: ObjectState = {
  id: 'L5',
  key: 'ingress.broken',
  gate: 'reachable',
  severity: 'bad',
  title: 'The ingress leads nowhere',
  kinds: ['Ingress'],
  match: (facts) => {
    const { object, index, namespace, name } = facts;
    const causes: Cause[] = [];
    const className =
      text(object, 'spec', 'ingressClassName') ||
      strings(object, 'metadata', 'annotations')['kubernetes.io/ingress.class'] ||
      '';
    const classes = index.of('IngressClass').map(nameOf);
    const sees = describe('ingress', namespace, name);
    for (const backend of backends(object)) {
      const service = index.find('Service', namespace, backend.service);
      const near = nearNames(backend.service, index.inNamespace('Service', namespace).map(nameOf));
      const warned = facts.events.findLast(
        (event) => event.message.includes(backend.service) && /not found|does not exist/.test(event.message),
      );
      if (
        service.state === 'missing' ||
        (service.state === 'unknown' &&
          (warned !== undefined || index.inNamespace('Service', namespace).length > 0))
      ) {
        causes.push(
          cause(
            'L5.backend-missing',
            service.state === 'missing' || warned !== undefined ? 'proven' : 'likely',
            `ingress ${name} sends ${backend.where} to Service ${backend.service}, which does not exist in namespace ${namespace}${thereIs(near)}`,
            getObject('See the services', 'services', namespace),
            kubectl('Correct the backend', 'reversible', namespace, ['edit', 'ingress', name]),
          ),
        );
      } else if (
        service.state === 'present' &&
        backend.port !== '' &&
        !list(service.object, 'spec', 'ports').some(
          (port) => text(port, 'port') === backend.port || text(port, 'name') === backend.port,
        )
      ) {
        causes.push(
          cause(
            'L5.backend-port',
            'proven',
            `ingress ${name} sends ${backend.where} to port ${backend.port} of Service ${backend.service}, which has only ${list(
              service.object,
              'spec',
              'ports',
            )
              .map((port) => text(port, 'port'))
              .join(', ')}`,
            kubectl('Correct the port', 'reversible', namespace, ['edit', 'ingress', name]),
          ),
        );
      }
    }
    if (
      className !== '' &&
      (index.listed('IngressClass') || classes.length > 0) &&
      !classes.includes(className)
    )
      causes.push(
        cause(
          'L5.class-missing',
          index.listed('IngressClass') ? 'proven' : 'likely',
          `ingress ${name} asks for class "${className}", which does not exist${classes.length > 0 ? `; there is ${classes.join(', ')}` : ': no ingress controller is installed'}`,
          getObject('See the classes', 'ingressclass', ''),
          kubectl('Correct the class', 'reversible', namespace, ['edit', 'ingress', name]),
        ),
      );
    for (const tls of list(object, 'spec', 'tls')) {
      const secret = text(tls, 'secretName');
      if (secret !== '' && index.find('Secret', namespace, secret).state === 'missing')
        causes.push(
          cause(
            'L5.tls-missing',
            'proven',
            `the TLS Secret ${secret} of ingress ${name} does not exist in namespace ${namespace}`,
            kubectl('Create it', 'reversible', namespace, [
              'create',
              'secret',
              'tls',
              secret,
              '--cert=FILE',
              '--key=FILE',
            ]),
          ),
        );
    }
    const warning = facts.events.findLast((event) => event.type === 'Warning');
    if (causes.length === 0 && warning !== undefined)
      causes.push(
        cause(
          'L5.controller',
          'likely',
          `its controller reports ${warning.reason}: ${brief(warning.message, 200)}`,
          sees,
        ),
      );
    const [first] = causes;
    if (first === undefined) return undefined;
    return {
      headline: brief(first.text.replace(/^ingress \S+ /, ''), 100),
      diagnose: () => ({
        causes,
        items: [
          item(
            'L5.rules',
            'reachable',
            'Its rules lead to services',
            'fail',
            ...backends(object).map((backend) =>
              evidence(backend.where, `${backend.service}:${backend.port}`, 'spec.rules'),
            ),
          ),
          ...(warning === undefined
            ? []
            : [item('L5.event', 'reachable', 'Its controller is content', 'fail', said(warning))]),
        ],
      }),
    };
  },
};

const route: ObjectState = {
  id: 'L5',
  key: 'route.rejected',
  gate: 'reachable',
  severity: 'bad',
  title: 'The route is not accepted',
  kinds: ['HTTPRoute', 'GRPCRoute', 'Gateway'],
  match: (facts) => {
    const parents = facts.kind === 'Gateway' ? [facts.object] : list(facts.object, 'status', 'parents');
    const bad = parents
      .flatMap((parent) =>
        facts.kind === 'Gateway' ? conditions(facts.object) : conditions({ status: parent }),
      )
      .find((entry) => entry.status === 'False' && /^(?:Accepted|ResolvedRefs|Programmed)$/.test(entry.type));
    if (bad === undefined) return undefined;
    return {
      headline: `${bad.type}: ${bad.reason}: ${brief(bad.message, 70)}`,
      since: bad.at,
      diagnose: () => ({
        causes: [
          cause(
            `L5.${bad.reason}`,
            'proven',
            `${facts.kind} ${facts.name} is not ${bad.type}: ${bad.reason}: ${brief(bad.message, 200)}`,
            describe(facts.kind, facts.namespace, facts.name),
          ),
        ],
        items: [
          item(
            'L5.condition',
            'reachable',
            'It is accepted',
            'fail',
            evidence(bad.type, `${bad.reason}: ${bad.message}`, 'status', { at: bad.at }),
          ),
        ],
      }),
    };
  },
};

/** A webhook or an API that leads to a Service that is not there refuses whole kinds of objects. */
const webhookBackend: ObjectState = {
  id: 'A4',
  key: 'webhook.backend',
  gate: 'admitted',
  severity: 'bad',
  title: 'Its Service does not answer',
  kinds: ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'],
  match: (facts) => {
    for (const hook of list(facts.object, 'webhooks')) {
      const [namespace, service] = [
        text(hook, 'clientConfig', 'service', 'namespace'),
        text(hook, 'clientConfig', 'service', 'name'),
      ];
      if (service === '') continue;
      const here = facts.index.find('Service', namespace, service);
      const pasted = facts.index.inNamespace('Service', namespace).length > 0;
      const pods = here.state === 'present' ? podsOf(facts.index, here.object).filter(alive) : [];
      const down =
        here.state === 'present' &&
        Object.keys(selectorOf(here.object)).length > 0 &&
        ((pods.length === 0 && facts.index.listed('Pod')) || (pods.length > 0 && !pods.some(isReady)));
      if (here.state !== 'missing' && !(here.state === 'unknown' && pasted) && !down) continue;
      const ignored = text(hook, 'failurePolicy') === 'Ignore';
      const says = down
        ? `its Service ${namespace}/${service} has no ready pod`
        : `its Service ${namespace}/${service} does not exist`;
      return {
        headline: `webhook ${text(hook, 'name')}: ${says}`,
        severity: ignored ? 'warn' : 'bad',
        diagnose: () => ({
          causes: [
            cause(
              down ? 'A4.no-endpoints' : 'A4.service-missing',
              here.state === 'unknown' ? 'likely' : 'proven',
              `webhook ${text(hook, 'name')} cannot be called: ${says}${ignored ? '' : '; with failurePolicy Fail the objects it looks at are refused'}`,
              getObject('See the services and pods behind it', 'services,endpointslices,pods', namespace),
              describe(facts.kind.toLowerCase(), '', facts.name),
            ),
          ],
          items: [
            item(
              'A4.service',
              'admitted',
              'Its Service answers',
              'fail',
              evidence(
                'clientConfig.service',
                `${namespace}/${service}`,
                `webhooks[${text(hook, 'name')}].clientConfig.service`,
              ),
            ),
          ],
        }),
      };
    }
    return undefined;
  },
};

/** The Service that gives a StatefulSet's pods their names. */
const governingService: ObjectState = {
  id: 'L0',
  key: 'svc.missing',
  gate: 'endpoints',
  severity: 'warn',
  title: 'Its Service does not exist',
  kinds: ['StatefulSet'],
  match: (facts) => {
    const name = text(facts.object, 'spec', 'serviceName');
    const pasted = facts.index.inNamespace('Service', facts.namespace).map(nameOf);
    const here = name === '' ? undefined : facts.index.find('Service', facts.namespace, name);
    if (
      here === undefined ||
      here.state === 'present' ||
      (here.state === 'unknown' && nearNames(name, pasted).length === 0)
    )
      return undefined;
    const near = nearNames(name, pasted);
    const wanted = Number(at(facts.object, 'spec', 'replicas') ?? 1);
    // Harmless while its pods do without names of their own.
    const explained = facts.index
      .children(facts.object)
      .some((child) => facts.reportOn(child).causes.length > 0);
    const unready = !explained && wanted > Number(at(facts.object, 'status', 'readyReplicas') ?? 0);
    return {
      severity: unready ? 'warn' : 'none',
      headline: `Service ${name} does not exist`,
      diagnose: () => ({
        causes: [
          cause(
            'L0.governing-service',
            here.state === 'missing' ? 'proven' : 'likely',
            `StatefulSet ${facts.name} names Service ${name}, which does not exist in namespace ${facts.namespace}${thereIs(near)}: its pods have no names of their own in DNS`,
            getObject('See the services', 'services', facts.namespace),
            kubectl('Create it', 'reversible', facts.namespace, [
              'create',
              'service',
              'clusterip',
              name,
              '--clusterip=None',
              '--tcp=80',
            ]),
          ),
        ],
        items: [
          item(
            'L0.service',
            'endpoints',
            'Its Service exists',
            'fail',
            evidence('serviceName', name, 'spec.serviceName'),
          ),
        ],
      }),
    };
  },
};

/** A policy that names a direction and allows nothing isolates its pods: told on the policy, as a fact about it. */
const policy: ObjectState = {
  id: 'L7',
  key: 'netpol.isolates',
  gate: 'reachable',
  severity: 'none',
  title: 'It isolates pods',
  kinds: ['NetworkPolicy'],
  match: (facts) => {
    const types = list(facts.object, 'spec', 'policyTypes').map(String);
    const closed = types.filter((type) => list(facts.object, 'spec', type.toLowerCase()).length === 0);
    return closed.length === 0
      ? undefined
      : { headline: `denies all ${closed.join(' and ').toLowerCase()} of the pods it selects` };
  },
};

const dns: ObjectState = {
  id: 'L6',
  key: 'dns.down',
  gate: 'reachable',
  severity: 'bad',
  title: 'Cluster DNS does not answer',
  kinds: ['Deployment', 'DaemonSet'],
  match: (facts) => {
    if (!/^(?:coredns|kube-dns|node-local-dns)$/.test(facts.name)) return undefined;
    const ready = Number(
      at(facts.object, 'status', 'readyReplicas') ?? at(facts.object, 'status', 'numberReady') ?? 0,
    );
    const wanted = Number(
      at(facts.object, 'spec', 'replicas') ?? at(facts.object, 'status', 'desiredNumberScheduled') ?? 1,
    );
    if (ready > 0 || wanted === 0 || Object.keys(record(facts.object, 'status')).length === 0)
      return undefined;
    return {
      headline: `cluster DNS is down: 0 of ${wanted} ready`,
      diagnose: () => ({
        causes: [
          cause(
            'L6.dns-down',
            'proven',
            `none of the ${wanted} pods of ${facts.name} is ready: no name resolves in the cluster`,
            kubectl('See its pods', 'read', facts.namespace, ['get', 'pods', '-l', 'k8s-app=kube-dns']),
            kubectl('Read its log', 'read', facts.namespace, [
              'logs',
              `${facts.kind.toLowerCase()}/${facts.name}`,
              '--tail=50',
            ]),
          ),
        ],
        items: [
          item(
            'L6.ready',
            'reachable',
            'Cluster DNS is ready',
            'fail',
            evidence('ready', `${ready} of ${wanted}`, 'status.readyReplicas'),
          ),
        ],
      }),
    };
  },
};

export const networkStates: readonly ObjectState[] = [
  dns,
  webhookBackend,
  governingService,
  selectorMismatch,
  noneReady,
  namedPort,
  targetPort,
  noPods,
  pendingBalancer,
  rendezvous,
  trafficPolicy,
  ingress,
  route,
  policy,
];
