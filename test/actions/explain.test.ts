import { expect, test } from 'vitest';
import { explained } from '../../src/actions/write/explain.ts';
import type { Connection } from '../../src/kube/contract.ts';

/** In the form of `/openapi/v3/api/v1` of a 1.36 server, with the fields that these tests walk through. */
const document = {
  openapi: '3.0.0',
  components: {
    schemas: {
      'io.k8s.api.core.v1.Pod': {
        description: 'Pod is a collection of containers that can run on a host.',
        type: 'object',
        properties: {
          spec: {
            allOf: [{ $ref: '#/components/schemas/io.k8s.api.core.v1.PodSpec' }],
            default: {},
            description: 'Specification of the desired behavior of the pod.',
          },
        },
        'x-kubernetes-group-version-kind': [{ group: '', kind: 'Pod', version: 'v1' }],
      },
      'io.k8s.api.core.v1.PodSpec': {
        description: 'PodSpec is a description of a pod.',
        type: 'object',
        required: ['containers'],
        properties: {
          containers: {
            description: 'List of containers belonging to the pod.\u001b[31m',
            type: 'array',
            items: { allOf: [{ $ref: '#/components/schemas/io.k8s.api.core.v1.Container' }], default: {} },
          },
          nodeSelector: { type: 'object', additionalProperties: { type: 'string', default: '' } },
        },
      },
      'io.k8s.api.core.v1.Container': {
        description: 'A single application container.',
        type: 'object',
        properties: { image: { description: 'Container image name.', type: 'string' } },
      },
    },
  },
};
const asked: string[] = [];
const server = {
  json: async ({ path }: { path: string }) => {
    asked.push(path);
    return document;
  },
} as unknown as Connection;
const pod = { group: '', apiVersion: 'v1', kind: 'Pod' };

test('a kind is explained with its fields, from the document of its group', async () => {
  const lines = await explained(server, pod, []);
  expect(asked).toEqual(['/openapi/v3/api/v1']);
  expect(lines[0]).toBe('KIND     Pod  v1');
  expect(lines).toContain('  spec  <object>');
});

test('a field is followed through lists and references; what is required says so; cluster text is clean', async () => {
  const spec = await explained(server, pod, ['spec']);
  expect(spec).toContain('FIELD    spec  <object>');
  expect(spec).toContain('  containers  <[]object>  required');
  expect(spec).toContain('  nodeSelector  <map[string]string>');
  expect(spec.join('\n')).not.toContain('\u001b');
  const image = await explained(server, pod, ['spec', 'containers', 'image']);
  expect(image[1]).toBe('FIELD    spec.containers.image  <string>');
  expect(image).toContain('Container image name.');
});

test('a field that is not there, and a kind that the server does not document, are told', async () => {
  await expect(explained(server, pod, ['spec', 'gpus'])).rejects.toThrow('Pod has no field spec.gpus');
  await expect(explained(server, { ...pod, kind: 'Widget' }, [])).rejects.toThrow(
    'no documentation of Widget',
  );
});
