import type { Exchange } from '../exchange.ts';
import { Refusal, statusBody } from '../status.ts';

/** The checks that a 1.36 server lists (recorded). */
const checks = [
  'ping',
  'log',
  'etcd',
  'etcd-readiness',
  'informer-sync',
  'poststarthook/start-apiserver-admission-initializer',
  'poststarthook/generic-apiserver-start-informers',
  'poststarthook/priority-and-fairness-config-consumer',
  'poststarthook/priority-and-fairness-filter',
  'poststarthook/storage-object-count-tracker-hook',
  'poststarthook/start-apiextensions-informers',
  'poststarthook/start-apiextensions-controllers',
  'poststarthook/crd-informer-synced',
  'poststarthook/start-system-namespaces-controller',
  'poststarthook/peer-endpoint-reconciler-controller',
  'poststarthook/start-cluster-authentication-info-controller',
  'poststarthook/start-kube-apiserver-identity-lease-controller',
  'poststarthook/start-kube-apiserver-identity-lease-garbage-collector',
  'poststarthook/storage-readiness',
  'poststarthook/start-legacy-token-tracking-controller',
  'poststarthook/start-service-ip-repair-controllers',
  'poststarthook/rbac/bootstrap-roles',
  'poststarthook/scheduling/bootstrap-system-priority-classes',
  'poststarthook/priority-and-fairness-config-producer',
  'poststarthook/bootstrap-controller',
  'poststarthook/start-kubernetes-service-cidr-controller',
  'poststarthook/start-kube-aggregator-informers',
  'poststarthook/apiservice-status-local-available-controller',
  'poststarthook/apiservice-status-remote-available-controller',
  'poststarthook/apiservice-registration-controller',
  'poststarthook/apiservice-discovery-controller',
  'poststarthook/kube-apiserver-autoregistration',
  'autoregister-completion',
  'poststarthook/apiservice-openapi-controller',
  'poststarthook/apiservice-openapiv3-controller',
  'shutdown',
];

/** Which of the checks each probe leaves to the others. */
const leftOut: Readonly<Record<string, readonly string[]>> = {
  livez: ['etcd-readiness', 'informer-sync', 'shutdown', 'poststarthook/storage-readiness'],
  healthz: ['etcd-readiness', 'informer-sync', 'shutdown', 'poststarthook/storage-readiness'],
  readyz: [],
};

/** `/livez`, `/readyz`, `/healthz`, each with `?verbose` and a single check as `/livez/ping`. */
export async function health(exchange: Exchange, probe: string, check: string | undefined): Promise<void> {
  const passed = checks.filter((name) => !leftOut[probe]?.includes(name));
  if (check !== undefined) {
    if (!passed.includes(exchange.path.slice(probe.length + 2)))
      throw new Refusal(statusBody(404, '404 page not found', { reason: 'NotFound', details: {} }));
    await exchange.text(200, 'ok');
    return;
  }
  const verbose = exchange.query.has('verbose');
  await exchange.text(
    200,
    verbose ? `${passed.map((name) => `[+]${name} ok\n`).join('')}${probe} check passed\n` : 'ok',
  );
}
