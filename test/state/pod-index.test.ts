import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PodRow } from '../../src/resources/pod-row.ts';
import { pods } from '../../src/resources/pods.ts';
import { anyResource } from '../../src/resources/resource.ts';
import { type Change, createCluster } from '../../src/state/cluster.ts';
import { podIndex } from '../../src/state/pod-index.ts';

const resource = anyResource(pods);

const podRow = (uid: number, namespace: string, node: string, owner: string): PodRow =>
  pods.toRow(
    {
      metadata: {
        uid: `pod-${uid}`,
        name: `p${uid}`,
        namespace,
        ...(owner === ''
          ? {}
          : {
              ownerReferences: [
                { apiVersion: 'batch/v1', kind: 'Job', name: owner, uid: owner, controller: true },
              ],
            }),
      },
      spec: node === '' ? {} : { nodeName: node },
    },
    { server: undefined },
  );

const step = fc.record({
  uid: fc.integer({ min: 0, max: 12 }),
  namespace: fc.constantFrom('a', 'b'),
  node: fc.constantFrom('', 'n1', 'n2'),
  owner: fc.constantFrom('', 'j1', 'j2'),
  isGone: fc.boolean(),
});

test('whatever comes and goes, the index holds what a walk over all pods finds', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.nat(40), (steps, askedAt) => {
      const cluster = createCluster();
      const index = podIndex(cluster);
      for (const [at, { uid, namespace, node, owner, isGone }] of steps.entries()) {
        if (at === askedAt) index.ownedBy('j1');
        const change: Change = isGone
          ? { type: 'remove', resource, scope: '', key: `pod-${uid}` }
          : { type: 'put', resource, scope: '', row: podRow(uid, namespace, node, owner) };
        cluster.apply([change], at);
      }
      const all = [...cluster.rowsOf(pods)];
      const sorted = (rows: Iterable<PodRow>): PodRow[] =>
        [...rows].sort((one, other) => all.indexOf(one) - all.indexOf(other));
      for (const name of ['a', 'b'])
        expect(sorted(index.inNamespace(name))).toEqual(all.filter(({ namespace }) => namespace === name));
      for (const name of ['', 'n1', 'n2'])
        expect(sorted(index.onNode(name))).toEqual(all.filter(({ node }) => node === name));
      for (const uid of ['', 'j1', 'j2']) {
        const owned = index.ownedBy(uid);
        expect(sorted(owned)).toEqual(all.filter(({ owner }) => (owner?.uid ?? '') === uid));
        expect(owned.size).toBe(sorted(owned).length);
      }
      expect(podIndex(cluster)).toBe(index);
    }),
  );
});
