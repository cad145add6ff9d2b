import type { ReactElement } from 'react';
import { Lines } from './Lines.tsx';
import { type PagerLine, type PagerState, pagerView } from './pager.ts';
import type { Theme } from './theme.ts';

export interface PagerProps {
  readonly theme: Theme;
  readonly width: number;
  readonly height: number;
  readonly lines: readonly PagerLine[];
  /** Kept by the screen; moved by the functions of `pager.ts`. */
  readonly state: PagerState;
}

/** A window on a long text: describe, YAML, logs. Costs what it shows, not what there is. */
export function Pager({ theme, width, height, lines, state }: PagerProps): ReactElement {
  const view = pagerView(lines, state, { width, height });
  return <Lines lines={view.lines.map((spans) => theme.line(spans, width))} height={height} />;
}
