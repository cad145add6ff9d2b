import type { Cluster } from '../state/cluster.ts';
import { looksLikeProduction } from '../state/production.ts';
import type { SessionStore } from '../state/session.ts';

/** The window's title: where one is, in a list of windows or tabs. */
export function showTitle(session: SessionStore, cluster: Cluster, setTitle: (title: string) => void): void {
  let shown = '';
  const show = (): void => {
    const { context } = session.getState();
    const title = `mltop ${looksLikeProduction(context) ? 'PROD ' : ''}${context}`.trim();
    if (title === shown) return;
    shown = title;
    setTitle(title);
  };
  session.subscribe(show);
  cluster.subscribe(show);
  show();
}
