import { expect, test } from 'vitest';
import { needsOf, needText, rightText } from '../../src/checklist/fix-needs.ts';
import { createPullSecret, leftOpen } from '../../src/checklist/fixes.ts';

test.each([
  ['kubectl -n ml set image deployment/web web=web:2', 'patch deployments in ml'],
  ['kubectl -n ml edit pytorchjob llama', 'patch pytorchjobs in ml'],
  ['kubectl -n ml logs web-1 -c web --previous --tail=200', 'get pods/log in ml'],
  ['kubectl -n ml exec web-1 -c web -- rm -rf /tmp/x', 'create pods/exec in ml'],
  ['kubectl -n ml delete pod web-1', 'delete pods in ml'],
  ['kubectl -n ml describe pvc data', 'get persistentvolumeclaims in ml'],
  ['kubectl -n ml get pvc', 'list persistentvolumeclaims in ml'],
  ['kubectl get pods -A -o wide', 'list pods'],
  ['kubectl cordon gpu-1', 'patch nodes'],
  ['kubectl drain gpu-1 --ignore-daemonsets', 'patch nodes, create pods/eviction'],
  ['kubectl label node gpu-1 disk=ssd', 'patch nodes'],
  ['kubectl -n ml create secret generic hf --from-literal=token=VALUE', 'create secrets in ml'],
  ['kubectl get queues.scheduling.volcano.sh research', 'get queues'],
  ['kubectl -n ml debug web-1 -it --image=busybox', 'patch pods/ephemeralcontainers in ml'],
  ['kubectl -n ml debug web-1 -it --copy-to=web-1-dbg', 'create pods in ml'],
  ['kubectl -n ml get services,endpointslices', 'list services in ml, list endpointslices in ml'],
])('%s takes: %s', (command, takes) => {
  expect(
    needsOf({ argv: command.split(' ') })
      ?.map(needText)
      .join(', '),
  ).toBe(takes);
});

test('what is no kubectl, or about a kind nobody knows, is not guessed at', () => {
  expect(needsOf({ argv: ['helm', 'rollback', 'web'] })).toBeUndefined();
  expect(needsOf({ argv: ['kubectl', 'get', 'all'] })).toBeUndefined();
});

test('only what is missing or unknown is said', () => {
  expect(rightText({ right: { allowed: 'no', missing: ['patch deployments in ml'] } })).toBe(
    'no right: patch deployments in ml',
  );
  expect(rightText({ right: { allowed: 'unknown' } })).toBe('right unknown');
  expect(rightText({ right: { allowed: 'yes' } })).toBeUndefined();
  expect(rightText({ right: { allowed: 'notAsked' } })).toBeUndefined();
});

test('what only a person can know is named, and what the registry knows is filled in', () => {
  const notes = (registry: string) => {
    const fix = createPullSecret('Create a pull secret', 'ml', 'regcred', registry);
    return [fix?.argv.slice(-2).join(' '), fix?.note];
  };
  expect(notes('registry.example.com')).toEqual([
    '--docker-username=USER --docker-password=PASSWORD',
    'put in USER (your user there) and PASSWORD (its password or token)',
  ]);
  expect(notes('123456789012.dkr.ecr.eu-west-1.amazonaws.com')).toEqual([
    '--docker-username=AWS --docker-password=PASSWORD',
    '`aws ecr get-login-password` gives the password; it is good for 12 hours; put in PASSWORD (its password or token)',
  ]);
  expect(leftOpen(['kubectl', 'set', 'env', 'deployment/web', 'LEVEL=INFO', 'USER=ada'])).toEqual([]);
});
