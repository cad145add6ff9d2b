import { gpus } from '../accelerators/gpus.ts';
import { gpuSummaryLines } from '../screens/gpu-summary.ts';
import type { ScreenOptions } from '../screens/screen.ts';
import { isFindingsTable } from '../state/findings.ts';
import type { SessionStore } from '../state/session.ts';
import { surveyText } from '../state/survey.ts';
import { containerUseText } from '../state/usage-text.ts';
import { sourcesOf, sumsOf } from './header-sums.ts';
import type { Kept } from './kept.ts';

/** What the screen says around its tables: sums, measurements and where they come from. */
export function screenFacts(
  { cluster, sums, usage, trueStates, survey }: Kept,
  session: SessionStore,
): Required<Pick<ScreenOptions, 'sums' | 'summary' | 'containerUse' | 'sources'>> {
  const clusterSums = (): ReturnType<typeof sumsOf> =>
    sumsOf(sums, usage, cluster, session.getState().narrowed?.table);
  return {
    sums: () => ({ ...clusterSums(), warnings: trueStates.warn() }),
    summary: (table, theme, columns) =>
      table === gpus.name && clusterSums().gpus !== undefined
        ? gpuSummaryLines(
            {
              summary: sums.summary(),
              totals: sums.ledger.totals(),
              demand: sums.ledger.demand(),
              idle: usage.idleHolders(),
            },
            theme,
            columns,
          )
        : [],
    containerUse: (pod, container, now) => containerUseText(usage, pod, container, now),
    sources: (table, now) =>
      isFindingsTable(table)
        ? surveyText(survey, session.getState().namespaces, now)
        : sourcesOf(usage, session, { table, readyNodes: sums.nodesReady(), now }),
  };
}
