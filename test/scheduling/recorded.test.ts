import { expect, test } from 'vitest';
import type { KubeObject } from '../../src/kube/object.ts';
import { explain } from '../../src/scheduling/explain.ts';
import { clusterFrom } from '../../src/scheduling/from-objects.ts';
import { ledgerOf } from '../../src/scheduling/ledger.ts';
import { parseSchedulerMessage } from '../../src/scheduling/message.ts';
import { recordedObjects } from '../recorded/read.ts';

const of = (name: string): readonly KubeObject[] => recordedObjects(name).objects;

const cluster = clusterFrom({
  nodes: of('nodes'),
  pods: of('pods'),
  namespaces: of('namespaces'),
  volumes: of('persistentvolumes'),
  claims: of('persistentvolumeclaims'),
  storageClasses: of('storageclasses.storage.k8s.io'),
  csiNodes: of('csinodes.storage.k8s.io'),
  csiDrivers: of('csidrivers.storage.k8s.io'),
  storageCapacities: of('csistoragecapacities.storage.k8s.io'),
  devicePools: of('resourceslices.resource.k8s.io'),
  deviceClaims: of('resourceclaims.resource.k8s.io'),
  deviceClasses: of('deviceclasses.resource.k8s.io'),
});

const refused = cluster.pods.filter(
  ({ node, scheduled }) => node === '' && scheduled?.reason === 'Unschedulable',
);

/** Pods of namespaces that were not recorded take CPU of some nodes: its count may be short by theirs. */
function withoutCpu(reasons: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const { 'Insufficient cpu': _, ...rest } = reasons;
  return rest;
}

test.each(refused.map((pod) => [`${pod.namespace}/${pod.name}`, pod] as const))(
  '%s waits for the reasons that the recorded scheduler gave',
  (_, pod) => {
    const said = parseSchedulerMessage(pod.scheduled?.message ?? '');
    const ours = explain(ledgerOf(cluster), pod);
    expect(ours.doubts).toEqual([]);
    expect(ours.fits).toEqual([]);
    expect(ours.preFilter?.message).toBe(said.preFilter);
    expect(withoutCpu(ours.reasons)).toEqual(withoutCpu(said.reasons));
  },
);

test('a pod that runs is refused where it runs only for what changed after it was placed', () => {
  const reasons = cluster.pods
    .filter(({ node, phase }) => node !== '' && phase === 'Running')
    .flatMap((pod) => explain(cluster, pod).nodes.find(({ name }) => name === pod.node)?.blockers ?? [])
    .map(({ reason }) => reason);
  expect([...new Set(reasons)].sort()).toEqual([
    // A GPU of h100-a-02 died under its pods; nodes were tainted; a claim is being deleted.
    'Insufficient nvidia.com/gpu',
    'node(s) had untolerated taint(s)',
    'persistentvolumeclaim "scratch-shared" is being deleted',
  ]);
});

const waitingSilently = cluster.pods.filter(
  ({ node, scheduled, phase }) => node === '' && scheduled === undefined && phase === 'Pending',
);

test('pods without any word from the scheduler have a reason here, or another scheduler', () => {
  expect(
    waitingSilently.map((pod) => [
      `${pod.namespace}/${pod.name}`,
      pod.spec.schedulerName,
      explain(cluster, pod).preFilter?.message,
    ]),
  ).toMatchInlineSnapshot(`
    [
      [
        "dra-lab/missing-claim",
        "default-scheduler",
        "resourceclaim "team-shared-gpu" not found",
      ],
      [
        "dra-lab/missing-template",
        "default-scheduler",
        "pod "dra-lab/missing-template": ResourceClaim not created yet",
      ],
      [
        "research/volcano-pod",
        "volcano",
        undefined,
      ],
    ]
  `);
});
