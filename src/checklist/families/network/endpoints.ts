import { nameOf, refOf } from '../../evidence-index.ts';
import { getObject, kubectl } from '../../fixes.ts';
import { at, brief, list, nearNames, text, thereIs } from '../../read.ts';
import type { Fix } from '../../report.ts';
import { cause, evidence, item, type Match, type ObjectFacts, type ObjectState } from '../../state.ts';
import { alive, isReady, podsOf, selectorOf, slicesOf } from './service-pods.ts';

const seePods = ({ namespace, object }: ObjectFacts): Fix | undefined => {
  const selector = Object.entries(selectorOf(object)).map(([key, value]) => `${key}=${value}`);
  return getObject('See the pods', 'pods', namespace, '-l', selector.join(','));
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
          seePods(facts),
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

export const noneReady: ObjectState = {
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
            seePods(facts),
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

/** The Service that gives a StatefulSet's pods their names. */
export const governingService: ObjectState = {
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
