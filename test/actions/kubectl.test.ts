import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { kubectlFlags, kubectlLine } from '../../src/actions/kubectl.ts';

test('a line to paste names the kubeconfig, the context and the person, and never a token', () => {
  const flags = kubectlFlags({
    kubeconfig: 'clusters/a b.yaml',
    context: 'train',
    token: 'secret',
    impersonate: { user: 'ada', groups: ['ml', 'oncall'] },
  });
  expect(kubectlLine({ context: 'train', kubectlFlags: flags }, ['-n', 'ml', 'get', 'pods'])).toBe(
    `kubectl --kubeconfig '${resolve('clusters/a b.yaml')}' --as ada --as-group ml --as-group oncall --context train -n ml get pods`,
  );
});

test('a run that was told nothing adds nothing', () => {
  expect(kubectlFlags({})).toEqual([]);
  expect(kubectlLine({ context: '', kubectlFlags: [] }, ['get', 'pods'])).toBe('kubectl get pods');
});
