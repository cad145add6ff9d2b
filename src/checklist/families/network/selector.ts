import type { KubeObject } from '../../../kube/object.ts';
import { labelsOf, nameOf, selects } from '../../evidence-index.ts';
import { kubectl } from '../../fixes.ts';
import { at, list, nearNames, strings, text } from '../../read.ts';
import { cause, evidence, item, type ObjectFacts, type ObjectState } from '../../state.ts';
import { alive, podsOf, selectorOf, slicesOf } from './service-pods.ts';

/** Workloads whose template would match but for one label. */
function nearMisses(facts: ObjectFacts): readonly string[] {
  const selector = Object.entries(selectorOf(facts.object));
  const found: { readonly text: string; readonly hits: number; readonly close: number }[] = [];
  const seen = new Set<string>();
  const pods = facts.index.inNamespace('Pod', facts.namespace);
  // The only workload there is can only be the one that is meant.
  const only = new Set(pods.map((pod) => pod.metadata?.ownerReferences?.[0]?.name ?? nameOf(pod))).size === 1;
  for (const pod of pods) {
    const labels = labelsOf(pod);
    const misses = selector.filter(([key, value]) => labels[key] !== value);
    const differing = misses
      .map(([key, value]) => `${key}=${labels[key] ?? '(none)'} instead of ${value}`)
      .join(', ');
    const owner = pod.metadata?.ownerReferences?.[0]?.name ?? nameOf(pod);
    if (misses.length === 0 || misses.length > 2 || seen.has(`${owner}${differing}`)) continue;
    const similar = misses.filter(
      ([key, value]) =>
        labels[key] !== undefined &&
        (nearNames(value, [labels[key] ?? '']).length > 0 ||
          (labels[key] ?? '').includes(value) ||
          value.includes(labels[key] ?? '\0')),
    ).length;
    if (misses.length === selector.length && similar === 0 && !only && !nameOf(pod).includes(facts.name))
      continue;
    seen.add(`${owner}${differing}`);
    found.push({
      text: `${nameOf(pod)} has ${differing}`,
      hits: selector.length - misses.length,
      close: similar,
    });
  }
  return found
    .sort((a, b) => b.close - a.close || b.hits - a.hits)
    .map((entry) => entry.text)
    .slice(0, 3);
}

/** Workloads scaled to zero that the selector means. */
const scaledDown = (facts: ObjectFacts): KubeObject | undefined =>
  ['Deployment', 'StatefulSet']
    .flatMap((kind) => facts.index.inNamespace(kind, facts.namespace))
    .find(
      (owner) =>
        selects(selectorOf(facts.object), strings(owner, 'spec', 'template', 'metadata', 'labels')) &&
        at(owner, 'spec', 'replicas') === 0,
    );

export const selectorMismatch: ObjectState = {
  id: 'L1a',
  key: 'svc.selector-mismatch',
  gate: 'endpoints',
  severity: 'bad',
  title: 'Its selector matches no pod',
  kinds: ['Service'],
  match: (facts) => {
    const { object, index, namespace, name } = facts;
    const selector = selectorOf(object);
    if (Object.keys(selector).length === 0 || text(object, 'spec', 'type') === 'ExternalName')
      return undefined;
    if (podsOf(index, object).length > 0) return undefined;
    const slices = slicesOf(facts);
    const endpoints = index.get('Endpoints', namespace, name);
    const emptySlice =
      (slices.length > 0 && slices.every((slice) => list(slice, 'endpoints').length === 0)) ||
      (endpoints !== undefined && list(endpoints, 'subsets').length === 0);
    if (
      slices.some((slice) => list(slice, 'endpoints').length > 0) ||
      (endpoints !== undefined && list(endpoints, 'subsets').length > 0)
    )
      return undefined;
    if (scaledDown(facts) !== undefined) return undefined;
    const misses = nearMisses(facts);
    const others = ['Deployment', 'StatefulSet', 'DaemonSet']
      .flatMap((kind) => index.inNamespace(kind, namespace))
      .filter(
        (owner, _, all) =>
          Object.entries(selector).some(([key, value]) => {
            const label = strings(owner, 'spec', 'template', 'metadata', 'labels')[key];
            return label !== undefined && label !== value;
          }) &&
          (all.length === 1 ||
            nameOf(owner).includes(name.split('-')[0] ?? name) ||
            name.includes(nameOf(owner).split('-')[0] ?? '\0')),
      );
    const meant = ['Deployment', 'StatefulSet', 'DaemonSet', 'Rollout']
      .flatMap((kind) => index.inNamespace(kind, namespace))
      .find((owner) => selects(selector, strings(owner, 'spec', 'template', 'metadata', 'labels')));
    // Its workload exists and makes no pods: that is the finding, not the Service.
    if (meant !== undefined) return undefined;
    if (!index.listed('Pod') && !emptySlice && misses.length === 0 && others.length === 0) return undefined;
    const template =
      others[0] === undefined
        ? ''
        : `; ${others[0].kind ?? ''} ${nameOf(others[0])} has ${Object.keys(selector)
            .map(
              (key) =>
                `${key}=${strings(others[0], 'spec', 'template', 'metadata', 'labels')[key] ?? '(none)'}`,
            )
            .join(',')}`;
    const wanted = Object.entries(selector)
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
    const fixKey = misses[0] === undefined ? undefined : /has (\S+?)=(\S+) instead/.exec(misses[0]);
    return {
      headline: `selector ${wanted} matches no pod`,
      diagnose: () => ({
        causes: [
          cause(
            'L1a.selector',
            index.listed('Pod') || emptySlice ? 'proven' : 'likely',
            `the selector of Service ${name} (${wanted}) matches no pod${misses.length > 0 ? `: ${misses[0]}` : template}`,
            fixKey === undefined || fixKey === null || fixKey[2] === '(none)'
              ? kubectl('See the labels of the pods', 'read', namespace, ['get', 'pods', '--show-labels'])
              : kubectl('Correct the selector', 'reversible', namespace, [
                  'patch',
                  'service',
                  name,
                  '-p',
                  `{"spec":{"selector":{"${fixKey[1]}":"${fixKey[2]}"}}}`,
                ]),
            kubectl('See the labels of the pods', 'read', namespace, ['get', 'pods', '--show-labels']),
          ),
        ],
        items: [
          item(
            'L1a.selector',
            'endpoints',
            'Its selector matches pods',
            'fail',
            evidence('selector', wanted, 'spec.selector'),
            ...(emptySlice ? [evidence('EndpointSlice', 'no endpoints')] : []),
            ...misses.map((miss) => evidence('close', miss)),
          ),
        ],
      }),
    };
  },
};

export const noPods: ObjectState = {
  id: 'L1c',
  key: 'svc.no-pods',
  gate: 'endpoints',
  severity: 'none',
  title: 'Its workload is scaled to zero',
  kinds: ['Service'],
  match: (facts) => {
    if (Object.keys(selectorOf(facts.object)).length === 0 || podsOf(facts.index, facts.object).some(alive))
      return undefined;
    const owner = scaledDown(facts);
    return owner === undefined
      ? undefined
      : { headline: `${owner.kind ?? ''} ${nameOf(owner)} is scaled to zero` };
  },
};
