import { startDemo } from '../../../src/demo/index.ts';
import type { KubeLike } from '../../../src/demo/object.ts';
import type { LogLine } from '../../../src/demo/providers.ts';

// A job whose every rank writes a thousand lines a second for a while, in a process of its own: `logs.ts` starts it.
const [kubeconfig = '', podsText = '32', linesText = '1000', secondsText = '30'] = process.argv.slice(2);
const [pods, linesASecond, seconds] = [Number(podsText), Number(linesText), Number(secondsText)];
const everyMs = 20;

const rank = (index: number): KubeLike => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: `llama-pretrain-${index}`,
    namespace: 'train',
    labels: {
      'batch.kubernetes.io/job-name': 'llama-pretrain',
      'batch.kubernetes.io/job-completion-index': String(index),
    },
    ownerReferences: [
      { apiVersion: 'batch/v1', kind: 'Job', name: 'llama-pretrain', uid: 'job', controller: true },
    ],
  },
  spec: { nodeName: `n${index}`, containers: [{ name: 'main', image: 'train:1' }] },
  status: {
    phase: 'Running',
    containerStatuses: [
      {
        name: 'main',
        ready: true,
        restartCount: 0,
        image: 'train:1',
        state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
      },
    ],
  },
});

const listeners = new Map<string, (line: LogLine | undefined) => void>();
const nodes = Array.from(
  { length: pods },
  (_, index): KubeLike => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: `n${index}` },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  }),
);
const demo = await startDemo({
  objects: [...nodes, ...Array.from({ length: pods }, (_, index) => rank(index))],
  still: true,
  logsProvider: (pod) => ({
    lines: [],
    follow(onLine) {
      const name = pod.metadata?.name ?? '';
      listeners.set(name, onLine);
      if (listeners.size === pods) write();
      return () => listeners.delete(name);
    },
  }),
});
await demo.writeKubeconfig(kubeconfig);
process.stdout.write('serving\n');

function write(): void {
  const start = performance.now();
  let written = 0;
  const timer = setInterval(() => {
    const due = Math.min(seconds, (performance.now() - start) / 1000) * linesASecond;
    for (; written < due; written += 1) {
      const at = Date.now();
      const text = `[step ${written}] loss ${(2 + Math.sin(written / 500)).toFixed(4)} lr 1.2e-4 grad_norm 0.93 tok/s 41233 mfu 0.43 mem 71.3GiB`;
      for (const [name, onLine] of listeners) onLine({ at, text: `[rank${name.slice(15)}] ${text}` });
    }
    if (performance.now() - start < seconds * 1000) return;
    clearInterval(timer);
    process.stdout.write(`written ${written * listeners.size}\n`);
  }, everyMs);
}
