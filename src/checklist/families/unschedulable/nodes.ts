import { nameOf } from '../../evidence-index.ts';
import { editOwner, getObject, kubectl, recreateDeployment, targetOf } from '../../fixes.ts';
import { at, list, text } from '../../read.ts';
import { requiredNodeTerms } from './affinity.ts';
import { detailOf, type Explain, nodesWith, simple } from './explain.ts';
import { changesOf } from './verdict.ts';

export const cordoned: Explain = simple('cordoned', (facts, found) => {
  const names = facts.index
    .of('Node')
    .filter((node) => at(node, 'spec', 'unschedulable') === true)
    .map(nameOf);
  const which = changesOf(found, 'NodeUnschedulable')[0]?.nodes ?? names;
  return {
    id: 'C7.cordoned',
    headline: `node cordoned: ${which.slice(0, 3).join(', ') || 'the only ones that fit'}`,
    text: `the node${which.length === 1 ? '' : 's'} that would do ${which.length === 1 ? 'is' : 'are'} cordoned${which.length > 0 ? `: ${which.slice(0, 4).join(', ')}` : ''} (unschedulable: a drain, an upgrade, or by hand)`,
    fixes: [
      kubectl('Let pods on the node again', 'cluster', '', ['uncordon', which[0] ?? 'NODE']),
      getObject('See the nodes', 'nodes', ''),
    ],
  };
});

export const hostPort: Explain = simple('host port taken', (facts, found) => {
  const ports = list(facts.object, 'spec', 'containers')
    .flatMap((container) =>
      list(container, 'ports').map(
        (port) =>
          text(port, 'hostPort') ||
          (at(facts.object, 'spec', 'hostNetwork') === true ? text(port, 'containerPort') : ''),
      ),
    )
    .filter((port) => port !== '');
  const named = ports.length === 0 ? 'a host port of it' : `host port ${ports.join(', ')}`;
  const target = targetOf(facts);
  return {
    id: 'C11.host-port',
    headline: `${named} is taken`,
    text: `${named} is already taken on every node that would do${detailOf(found, 'NodePorts')}`,
    fixes: [
      target.kind === 'Deployment' ? recreateDeployment(facts.namespace, target.name) : undefined,
      editOwner(facts, 'Drop the hostPort, or run one per node'),
      getObject('See where its siblings are', 'pods', facts.namespace, '-o', 'wide'),
    ],
  };
});

export const tooManyPods: Explain = simple('nodes full of pods', (facts, found) => ({
  id: 'C12.too-many-pods',
  headline: 'the nodes that fit run as many pods as they may',
  text: `the nodes that would do run as many pods as their limit allows${nodesWith(found, /Too many pods|Insufficient pods/)}${detailOf(found, 'NodeResourcesFit')}`,
  fixes: [
    kubectl('See the limits', 'read', '', [
      'get',
      'nodes',
      '-o',
      'custom-columns=NAME:.metadata.name,PODS:.status.allocatable.pods',
    ]),
    editOwner(facts, 'Allow other nodes'),
  ],
}));

export const nodeName: Explain = simple('pinned to a node', (facts, _found) => {
  const wanted =
    /metadata\.name[^[]*\[?([\w., -]*)/
      .exec(
        JSON.stringify(at(facts.object, 'spec', 'affinity', 'nodeAffinity') ?? '').replace(/"/g, ' '),
      )?.[1]
      ?.trim() ?? '';
  const named = requiredNodeTerms(facts).flatMap((term) =>
    list(term, 'matchFields').flatMap((field) => list(field, 'values').map(String)),
  );
  const name = named[0] ?? wanted;
  const exists = name === '' ? undefined : facts.index.find('Node', '', name);
  return {
    id: 'C13.node',
    headline: `pinned to node ${name || 'by name'}`,
    text: `it may run only on node ${name || '(by name)'}${exists?.state === 'missing' ? ', which does not exist' : exists?.state === 'present' ? ', which cannot take it' : ', which does not exist or cannot take it'}`,
    fixes: [getObject('See the nodes', 'nodes', ''), editOwner(facts, 'Remove the pin')],
  };
});
