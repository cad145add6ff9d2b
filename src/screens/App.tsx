import { memo, type ReactElement } from 'react';
import { Frame } from '../ui/Frame.tsx';
import { Lines } from '../ui/Lines.tsx';
import type { FrameModel } from './screen.ts';

/** Draws a frame. It decides nothing: keys go to the screen, frames come from it. */
export const App: React.MemoExoticComponent<({ frame }: { readonly frame: FrameModel }) => ReactElement> =
  memo(function App({ frame }: { readonly frame: FrameModel }): ReactElement {
    const { body, bodyHeight, ...rest } = frame;
    return (
      <Frame {...rest}>
        <Lines lines={body} height={bodyHeight} />
      </Frame>
    );
  });
