import type { ReactElement } from 'react';
import { Lines } from './Lines.tsx';
import { type PromptLook, type PromptState, promptSpans } from './prompt.ts';
import type { Theme } from './theme.ts';

export interface PromptProps extends PromptLook {
  readonly theme: Theme;
  readonly width: number;
  readonly state: PromptState;
}

/** One line of text input. In a `Frame`, give `promptSpans` as its `prompt` instead. */
export function Prompt({ theme, width, state, ...look }: PromptProps): ReactElement {
  return <Lines lines={[theme.line(promptSpans(state, width, look), width)]} height={1} />;
}
