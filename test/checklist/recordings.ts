import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { buildIndex, type EvidenceIndex } from '../../src/checklist/evidence-index.ts';
import type { KubeObject, ServerVersion } from '../../src/kube/object.ts';
import { recordedNames, recordedObjects } from '../recorded/read.ts';

export const server: ServerVersion = { major: 1, minor: 36, text: 'v1.36.3' };

/** A real control plane with 24 nodes and 284 pods in about 130 situations; its kubelet is simulated. */
export function recordedCluster(): EvidenceIndex {
  const kinds = recordedNames().map(recordedObjects);
  return buildIndex({
    objects: kinds.flatMap((kind) => kind.objects),
    listed: kinds.map((kind) => kind.header.kind.replace(/List$/, '')),
    now: Date.parse('2026-11-21T11:44:15.674Z'),
    server,
  });
}

/** 65 pods that a real kubelet ran, most of them into a failure of their own, with their logs. */
export function realKubelet(): EvidenceIndex {
  const file = (name: string): string =>
    gunzipSync(
      readFileSync(fileURLToPath(new URL(`../recorded/kubelet/${name}.gz`, import.meta.url))),
    ).toString('utf8');
  const objects = ['pods', 'events', 'nodes'].flatMap((name) =>
    file(`${name}.jsonl`)
      .split('\n')
      .slice(1)
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as KubeObject),
  );
  return buildIndex({
    objects,
    listed: ['Pod', 'Event', 'Node'],
    now: Date.parse('2026-11-21T13:24:39Z'),
    logs: JSON.parse(file('logs.json')) as Record<string, string>,
    server,
  });
}
