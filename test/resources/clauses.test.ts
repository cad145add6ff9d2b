import { expect, test } from 'vitest';
import { clauses } from '../../src/resources/clauses.ts';

test('what ends with a full stop goes on with a semicolon alone', () => {
  expect(clauses(['Ready=Unknown: Kubelet stopped posting node status.', '2 GPUs unhealthy'])).toBe(
    'Ready=Unknown: Kubelet stopped posting node status; 2 GPUs unhealthy',
  );
  expect(clauses(['Kubelet stopped posting node status.'])).toBe('Kubelet stopped posting node status.');
});
