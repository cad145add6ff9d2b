import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { describe as describeObject, type Need, needsOf, type Related } from '../../src/describe/index.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { record } from '../../src/resources/fields.ts';
import { recordedObjects } from '../recorded/read.ts';

const folder = fileURLToPath(new URL('../recorded/describe/', import.meta.url));
const now = Date.parse('2026-11-21T11:44:20Z');
const kubeletNow = Date.parse('2026-11-21T13:24:45Z');

const kinds: Readonly<Record<string, string>> = {
  pod: 'pods',
  node: 'nodes',
  cronjob: 'cronjobs.batch',
  daemonset: 'daemonsets.apps',
  deployment: 'deployments.apps',
  deviceclass: 'deviceclasses.resource.k8s.io',
  endpointslice: 'endpointslices.discovery.k8s.io',
  hpa: 'horizontalpodautoscalers.autoscaling',
  ingress: 'ingresses.networking.k8s.io',
  job: 'jobs.batch',
  limitrange: 'limitranges',
  ns: 'namespaces',
  pdb: 'poddisruptionbudgets.policy',
  pv: 'persistentvolumes',
  pvc: 'persistentvolumeclaims',
  replicaset: 'replicasets.apps',
  resourceclaim: 'resourceclaims.resource.k8s.io',
  resourcequota: 'resourcequotas',
  resourceslice: 'resourceslices.resource.k8s.io',
  service: 'services',
  statefulset: 'statefulsets.apps',
};
/** Pods that are not in the recording ran there: README of the recording. */
const withUnseenPods = new Set(['node-cpu-a-01.txt.gz']);
const files: Readonly<Record<string, string>> = {
  leases: 'leases.coordination.k8s.io',
  pods: 'pods',
  replicasets: 'replicasets.apps',
  endpointslices: 'endpointslices.discovery.k8s.io',
  resourcequotas: 'resourcequotas',
  limitranges: 'limitranges',
  services: 'services',
};

const objectsOf = (name: string): readonly KubeObject[] => {
  const { header, objects } = recordedObjects(name);
  const version = header.path
    .replace(/^\/apis?\//, '')
    .split('/')
    .slice(0, header.path.startsWith('/apis/') ? 2 : 1)
    .join('/');
  return objects.map((object) => ({
    apiVersion: version,
    kind: header.kind.replace(/List$/, ''),
    ...object,
  }));
};

function chosen(need: Need): readonly KubeObject[] {
  const namespace = /\/namespaces\/([^/]+)\//.exec(need.path)?.[1];
  return objectsOf(files[need.name] ?? need.name).filter((object) => {
    const labels = record(object.metadata?.labels);
    if (namespace !== undefined && object.metadata?.namespace !== namespace) return false;
    const wanted = need.labelSelector?.split(',') ?? [];
    if (!wanted.every((pair) => labels[pair.split('=')[0] ?? ''] === pair.slice(pair.indexOf('=') + 1)))
      return false;
    return (need.fieldSelector?.split(',') ?? []).every((term) => {
      const [, path = '', not, value] = /^([\w.]+)(!?)=(.*)$/.exec(term) ?? [];
      const found = path.split('.').reduce<unknown>((at, part) => record(at)[part], object);
      return (found === value) === (not === '');
    });
  });
}

function eventsOf(object: KubeObject, events: readonly KubeObject[]): readonly KubeObject[] {
  return events.filter((event) => {
    const subject = record(event['involvedObject']);
    return object.kind === 'Node'
      ? subject['kind'] === 'Node' && subject['name'] === object.metadata?.name
      : subject['uid'] === object.metadata?.uid;
  });
}

/** Ages and what else only time changes: object and text were taken some seconds apart. */
const timeless = (text: string): string[] =>
  text
    .replace(/(\(lasts | {2})(\d+[smhd])+(?=\)?$| {2,}| \(x)( \(x\d+ over (\d+[smhd])+\))?/gm, '$1~')
    .replace(/^( +(?:RenewTime|AcquireTime): +).*/gm, '$1~')
    .split('\n');

/** The events under a text, each without its age and the blanks that line it up. */
function eventsIn(lines: readonly string[]): string[] {
  const at = lines.findIndex((line) => line.startsWith('Events:'));
  return at < 0 ? [] : lines.slice(at + 3).map((line) => line.replace(/ {2,}/g, '  ').trim());
}

/** Everything above the events. */
function above(lines: readonly string[]): readonly string[] {
  const at = lines.findIndex((line) => line.startsWith('Events:'));
  return at < 0 ? lines : lines.slice(0, at);
}

const textOf = (file: string): string[] => timeless(gunzipSync(readFileSync(file)).toString());

function ours(object: KubeObject, events: readonly KubeObject[], find = chosen, at = now): string[] {
  const related: Record<string, readonly KubeObject[]> = { events: eventsOf(object, events) };
  for (const need of needsOf(object)) related[need.name] = find(need);
  return timeless(describeObject(object, related as Related, at));
}

function recordedCase(file: string): { readonly mine: string[]; readonly kubectls: string[] } {
  const [kind = '', ...rest] = file.replace(/\.txt\.gz$/, '').split('-');
  const name = rest.join('-');
  const object = objectsOf(kinds[kind] ?? '').find(({ metadata }) =>
    [metadata?.name, `${metadata?.namespace}-${metadata?.name}`].includes(name),
  );
  if (object === undefined) throw new Error(`no recorded object for ${file}`);
  return { mine: ours(object, recordedObjects('events').objects), kubectls: textOf(folder + file) };
}

const files91 = readdirSync(folder);

test.each(files91)('%s, line by line', (file) => {
  const { mine, kubectls } = recordedCase(file);
  const seen = (line: string): boolean =>
    !withUnseenPods.has(file) ||
    !/^(Non-terminated Pods| +(cpu|memory|ephemeral-storage|hugepages-...) +\d+m? ?\(?| {2}\S+ +\S+ +\S+ \(\d+%\)| {2}Namespace {2}| {2}-----| {2}Resource )/.test(
      line,
    );
  expect(above(mine).filter(seen)).toEqual(above(kubectls).filter(seen));
});

test.each(files91)('%s, its events', (file) => {
  const { mine, kubectls } = recordedCase(file);
  // kubectl asks for a node's events by a uid that its kubelet does not write: it sees fewer.
  const [fewer, more] = file.startsWith('node-') ? [kubectls, mine] : [mine, kubectls];
  const known = new Set(eventsIn(more));
  expect(eventsIn(fewer).filter((line) => !known.has(line))).toEqual([]);
});

const kubelet = fileURLToPath(new URL('../recorded/kubelet/', import.meta.url));
const kubeletTexts = fileURLToPath(new URL('../recorded/describe-kubelet/', import.meta.url));

function kubeletObjects(name: string, kind: string): readonly KubeObject[] {
  const [, ...lines] = gunzipSync(readFileSync(`${kubelet}${name}.jsonl.gz`))
    .toString()
    .trim()
    .split('\n');
  return lines.map((line) => ({ apiVersion: 'v1', kind, ...(JSON.parse(line) as KubeObject) }));
}

test.each(readdirSync(kubeletTexts))('of a real kubelet: %s, line by line', (file) => {
  const name = file.replace(/\.txt\.gz$/, '');
  const isNode = name.startsWith('node-');
  const all = isNode ? kubeletObjects('nodes', 'Node') : kubeletObjects('pods', 'Pod');
  const object = all.find(({ metadata }) => metadata?.name === name.replace(/^node-/, ''));
  if (object === undefined) throw new Error(`no recorded object for ${file}`);
  const pods = kubeletObjects('pods', 'Pod').filter((pod) => {
    const { phase } = record(pod['status']);
    return (
      record(pod['spec'])['nodeName'] === object.metadata?.name && phase !== 'Failed' && phase !== 'Succeeded'
    );
  });
  const lease: KubeObject = { spec: { holderIdentity: object.metadata?.name } };
  const mine = ours(
    object,
    kubeletObjects('events', 'Event'),
    ({ name: need }) => (need === 'leases' ? [lease] : pods),
    kubeletNow,
  );
  const kubectls = textOf(`${kubeletTexts}${file}`);
  expect(above(mine)).toEqual(above(kubectls));
  const theirs = new Set(eventsIn(kubectls));
  expect(eventsIn(mine).filter((line) => !theirs.has(line))).toEqual([]);
});
