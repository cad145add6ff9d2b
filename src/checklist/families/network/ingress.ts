import type { KubeObject } from '../../../kube/object.ts';
import { nameOf } from '../../evidence-index.ts';
import { describe, getObject, kubectl } from '../../fixes.ts';
import { at, brief, conditions, list, nearNames, strings, text, thereIs } from '../../read.ts';
import type { Cause } from '../../report.ts';
import { cause, evidence, item, type ObjectState, said } from '../../state.ts';

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

export const ingress: ObjectState = {
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

export const route: ObjectState = {
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
