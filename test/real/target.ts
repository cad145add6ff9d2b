import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDemo } from '../../src/demo/index.ts';
import { connect } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/contract.ts';

/** The cluster that the read-only suite runs against: the one named by `test:real`, else the demo cluster. */
export interface Target {
  readonly kubeconfig: string;
  readonly context: string | undefined;
  readonly connection: Connection;
  readonly real: boolean;
  readonly close: () => Promise<void>;
}

export async function openTarget(): Promise<Target> {
  const named = process.env['MLTOP_TEST_KUBECONFIG'];
  const context = process.env['MLTOP_TEST_CONTEXT'];
  const userAgent = 'mltop/test';
  if (named !== undefined) {
    const connection = await connect({
      kubeconfig: named,
      userAgent,
      ...(context === undefined ? {} : { context }),
    });
    return { kubeconfig: named, context, connection, real: true, close: () => connection.close() };
  }
  const folder = mkdtempSync(join(tmpdir(), 'mltop-test-'));
  const demo = await startDemo({ still: true });
  const kubeconfig = await demo.writeKubeconfig(join(folder, 'config'));
  const connection = await connect({ kubeconfig, userAgent });
  return {
    kubeconfig,
    context: undefined,
    connection,
    real: false,
    close: async () => {
      await connection.close();
      await demo.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
