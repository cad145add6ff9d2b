import { expect, test } from 'vitest';
import { findTable } from '../../src/resources/index.ts';
import { pods } from '../../src/resources/pods.ts';
import { choiceOf, mainContainer, selectorOf } from '../../src/state/pod-choice.ts';

const podWith = (annotations: Readonly<Record<string, string>>): Parameters<typeof mainContainer>[0] =>
  pods.toRow(
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'llama-0', namespace: 'train', uid: 'u', annotations },
      spec: {
        containers: [{ name: 'istio-proxy' }, { name: 'trainer' }],
        initContainers: [{ name: 'fetch' }],
      },
    },
    { server: undefined },
  );
const named = 'kubectl.kubernetes.io/default-container';

test('logs and shells begin with the container that the pod names as its own, as with kubectl', () => {
  expect(mainContainer(podWith({ [named]: 'trainer' }))?.name).toBe('trainer');
});

test('without a name, or with one that is no container of it, the first is meant', () => {
  expect(mainContainer(podWith({}))?.name).toBe('istio-proxy');
  expect(mainContainer(podWith({ [named]: 'gone' }))?.name).toBe('istio-proxy');
});

test('the Jobs of Volcano have pods of their own, not those of the Job of that name', () => {
  const row = { uid: 'j', namespace: 'team-d', name: 'mpi-sim', createdAt: undefined, version: '' };
  const choice = choiceOf(findTable('vcjob') ?? expect.fail(), row) ?? expect.fail();
  expect(selectorOf(choice)).toBe('volcano.sh/job-name=mpi-sim');
  expect(selectorOf(choiceOf(findTable('jobs') ?? expect.fail(), row) ?? expect.fail())).toBe(
    'batch.kubernetes.io/job-name=mpi-sim',
  );
});
