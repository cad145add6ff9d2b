import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { evidenceFromCluster } from '../../src/cli/check-source.ts';
import { connect } from '../../src/kube/connection.ts';
import { demoOf } from '../demo/cluster.ts';

test.each(['v1beta2', 'v1beta1'])(
  'a kind is read once, in the version that is served: %s',
  async (version) => {
    const demo = await demoOf({
      objects: [
        {
          apiVersion: `kueue.x-k8s.io/${version}`,
          kind: 'Workload',
          metadata: { namespace: 'train', name: 'job-a', uid: 'uid-a' },
        },
      ],
    });
    const folder = await mkdtemp(join(tmpdir(), 'mltop-source-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const kubeconfig = await demo.writeKubeconfig(join(folder, 'config'));
    const connection = await connect({ kubeconfig, userAgent: 'mltop-test' });
    onTestFinished(() => connection.close());
    const { objects, listed, partial } = await evidenceFromCluster(connection, 'all');
    expect(objects.filter(({ kind }) => kind === 'Workload').map(({ apiVersion }) => apiVersion)).toEqual([
      `kueue.x-k8s.io/${version}`,
    ]);
    expect([...(listed ?? [])]).toContain('Workload');
    expect(partial).toEqual([]);
  },
);
