import { agreement, groupVerdicts, nearest } from '../../../scheduling/unblock.ts';
import { brief } from '../../read.ts';
import type { Item } from '../../report.ts';
import { evidence, item, unknown } from '../../state.ts';
import { changesFor, schedulerSays, type Verdicts } from './verdict.ts';

/** What each filter says of the nodes, in lines, the nearest node, and where our evaluation and the scheduler's differ. */
export function filterItems(found: Verdicts): readonly Item[] {
  const { explanation } = found;
  if (explanation === undefined) return [];
  const items: Item[] = [];
  const differs = agreement(found.row, explanation);
  if (explanation.fits.length > 0 && found.message !== '') {
    items.push(
      unknown(
        'C.evaluation',
        'scheduled',
        'Own evaluation agrees with the scheduler',
        'ambiguous',
        schedulerSays(brief(found.message, 300)),
        evidence('by own evaluation it fits on', explanation.fits.slice(0, 5).join(', ')),
      ),
    );
  } else if (differs.agrees === false) {
    items.push(
      unknown(
        'C.evaluation',
        'scheduled',
        'Own evaluation agrees with the scheduler',
        'ambiguous',
        evidence('scheduler counts', JSON.stringify(differs.scheduler)),
        evidence('own evaluation counts', JSON.stringify(differs.ours)),
      ),
    );
  }
  for (const group of groupVerdicts(explanation).slice(0, 8)) {
    if (group.blockers.length === 0) continue;
    items.push(
      item(
        'C.nodes',
        'scheduled',
        `${group.nodes.length} nodes: ${group.nodes.slice(0, 4).join(', ')}${group.nodes.length > 4 ? ', …' : ''}`,
        'fail',
        ...group.blockers.map((blocker) => evidence(blocker.plugin, blocker.detail)),
      ),
    );
  }
  const close = nearest(explanation);
  if (close !== undefined)
    items.push(
      item(
        'C.nearest',
        'scheduled',
        'The nearest node',
        'info',
        evidence(close.name, close.blockers.map((blocker) => blocker.detail).join('; ')),
      ),
    );
  for (const change of changesFor(explanation).slice(0, 3))
    items.push(
      item(
        'C.wouldFit',
        'scheduled',
        'It would fit if',
        'info',
        evidence(change.change, change.nodes.slice(0, 6).join(', ')),
      ),
    );
  return items;
}
