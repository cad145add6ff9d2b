import { kubectl } from '../../fixes.ts';
import { at, record } from '../../read.ts';
import { cause, evidence, item, type ObjectState } from '../../state.ts';

export const dns: ObjectState = {
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
