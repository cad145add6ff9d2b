import type { KubeObject } from '../../../kube/object.ts';
import { labelsOf, nameOf } from '../../evidence-index.ts';
import { editOwner, getObject } from '../../fixes.ts';
import type { PodFacts } from '../../pod-facts.ts';
import { nearNames } from '../../read.ts';
import { cause } from '../../state.ts';
import { type Explained, seeNodes } from './explain.ts';
import { worldOf } from './ledger.ts';
import { isExtended } from './reasons.ts';

/** No node offers the device: the plugin that would does not run, or it goes by another name. */
export function notOffered(facts: PodFacts, resource: string): Explained {
  const offered = offeredDevices(facts);
  const labelled = facts.index.of('Node').filter(hasGpuByLabel);
  if (labelled.length > 0 && (offered.size === 0 || resource === 'nvidia.com/gpu'))
    return {
      headline: `no node offers ${resource}: device plugin not running?`,
      causes: [
        cause(
          'C2.plugin-missing',
          'likely',
          `${labelled.length} nodes have GPUs by their labels (${labelled.map(nameOf).slice(0, 3).join(', ')}), but none offers ${resource}: the device plugin or driver does not run there`,
          getObject(
            'See the device plugin pods',
            'pods',
            '',
            '-A',
            '-o',
            'wide',
            '-l',
            'app=nvidia-device-plugin-daemonset',
          ),
          seeNodes(),
        ),
      ],
    };
  const [near] = nearNames(resource, offered);
  return {
    headline: `no node offers ${resource}${near === undefined ? '' : `; ${near} exists`}`,
    causes: [
      cause(
        'C2.no-such-resource',
        'proven',
        `no node offers ${resource}${offered.size > 0 ? `; nodes offer ${[...offered].slice(0, 6).join(', ')}` : ' (no device plugin, or no such nodes)'}`,
        editOwner(facts, near === undefined ? 'Correct the resource name' : `Ask for ${near}`),
        seeNodes(),
      ),
    ],
  };
}

function offeredDevices(facts: PodFacts): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { node } of worldOf(facts.index).ledger.accounts())
    for (const name of Object.keys(node.allocatable)) if (isExtended(name)) names.add(name);
  return names;
}

function hasGpuByLabel(node: KubeObject): boolean {
  const labels = labelsOf(node);
  return (
    labels['nvidia.com/gpu.present'] === 'true' ||
    labels['nvidia.com/gpu.product'] !== undefined ||
    labels['cloud.google.com/gke-accelerator'] !== undefined
  );
}
