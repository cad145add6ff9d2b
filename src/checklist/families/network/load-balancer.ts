import { describe, kubectl } from '../../fixes.ts';
import { brief, list, span, text, time } from '../../read.ts';
import { cause, evidence, item, type ObjectState, said } from '../../state.ts';
import { isReady, podsOf } from './service-pods.ts';

/** Local means: only pods of the client's own node. */
export const trafficPolicy: ObjectState = {
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

export const pendingBalancer: ObjectState = {
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
