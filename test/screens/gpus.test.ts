import { expect, test } from 'vitest';
import { anyResource } from '../../src/resources/resource.ts';
import { resourceclaims } from '../../src/resources/resourceclaims.ts';
import { resourceslices } from '../../src/resources/resourceslices.ts';
import { recordedObjects } from '../recorded/read.ts';
import { fillRecorded, type Given, givenScreen, listed, noon, podKind } from './given.tsx';

function givenGpus(columns: number, rows: number): Given {
  const given = givenScreen({ columns, rows, table: 'gpus' });
  fillRecorded(given.cluster);
  return given;
}

test('the cluster in a few lines, then node by node', () => {
  const text = givenGpus(160, 40).text();
  expect(text).toMatch(
    /GPUs +\d+\/\d+ ▕.*▏ {2}\d+ free .*largest block \d+ {3}pods that fit \d+×1 \d+×2 \d+×4 \d+×8/,
  );
  expect(text).toMatch(/by model +\S+ \d+\/\d+ block \d+/);
  expect(text).toMatch(/waiting +\d+ {2}.*\d+ unschedulable/);
  expect(text).toMatch(/NODE +RESOURCE +MODEL .*REQUESTED USE .*FREE/);
  expect(text).toMatch(/a100-a-01 .*▕█* *▏? *.*%/);
});

test('on a low terminal the nodes stay and the sums go', () => {
  const text = givenGpus(80, 14).text();
  expect(text).not.toContain('pods that fit');
  expect(text).toContain('a100-a-01');
});

test('Enter shows the devices of the node, and Enter there its pods that hold some', () => {
  const given = givenGpus(120, 36);
  given.type('/a100-a-01\r');
  given.type('\r');
  expect(given.text()).toMatch(/GPUs › GPU devices a100-a-01\[\d+\]/);
  given.type('\r');
  const title = given.text().split('\n')[2] ?? '';
  expect(title).toMatch(/Pods\(all\) a100-a-01 with GPUs\[\d+\]/);
});

test('where pods have devices by claims, Enter on one of them shows all pods of the node', () => {
  const given = givenGpus(160, 36);
  for (const resource of [anyResource(resourceslices), anyResource(resourceclaims)]) {
    const { objects } = recordedObjects(`${resource.name}.resource.k8s.io`);
    given.cluster.apply(listed(resource, objects), noon);
  }
  given.type('/dra-a-01\r');
  given.type('\r');
  expect(given.text()).toMatch(/GPUs › GPU devices dra-a-01\[\d+\]/);
  expect(given.text()).toMatch(/dra-a-01 +gpu-0 /);
  given.type('\r');
  expect(given.text().split('\n')[2]).toMatch(/Pods\(all\) dra-a-01\[\d+\] /);
});

test('pods that go give their devices back', async () => {
  const given = givenGpus(160, 40);
  const used = (): number => Number(/GPU (\d+)\/\d+/.exec(given.text())?.[1]);
  const before = used();
  given.cluster.apply(listed(podKind, []), noon);
  given.clock.now += 1000;
  expect(before).toBeGreaterThan(0);
  await expect.poll(used).toBe(0);
});
