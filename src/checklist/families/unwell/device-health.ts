import { describe, kubectl } from '../../fixes.ts';
import { statusPath } from '../../pod-facts.ts';
import { list, text } from '../../read.ts';
import { cause, evidence, item, type PodState } from '../../state.ts';

/** Devices that the kubelet calls unhealthy, by their names. */
export const deviceUnhealthy: PodState = {
  id: 'J10',
  key: 'gpu.unhealthy',
  gate: 'progressing',
  severity: 'bad',
  title: 'A GPU of the pod is broken',
  match: (facts) => {
    for (const container of facts.containers) {
      for (const resource of list(container.status, 'allocatedResourcesStatus')) {
        const sick = list(resource, 'resources').filter((entry) => text(entry, 'health') === 'Unhealthy');
        if (sick.length === 0) continue;
        const names = sick.map((entry) => text(entry, 'resourceID')).join(', ');
        return {
          headline: `device ${names} of ${text(resource, 'name')} is unhealthy`,
          since: undefined,
          diagnose: () => ({
            causes: [
              cause(
                'J10.device',
                'proven',
                `device ${names} (${text(resource, 'name')}), which ${container.name} uses on node ${facts.node}, is unhealthy${text(sick[0], 'message') === '' ? '' : `: ${text(sick[0], 'message')}`}`,
                kubectl('Keep new pods off the node', 'cluster', '', ['cordon', facts.node || 'NODE']),
                describe('node', '', facts.node || 'NODE'),
              ),
            ],
            items: [
              item(
                'J10.health',
                'progressing',
                'Its devices are healthy',
                'fail',
                ...sick.map((entry) =>
                  evidence(
                    text(entry, 'resourceID'),
                    'Unhealthy',
                    statusPath(container, `allocatedResourcesStatus[${text(resource, 'name')}]`),
                  ),
                ),
              ),
            ],
          }),
        };
      }
    }
    return undefined;
  },
};
