import { memo, type ReactElement } from 'react';
import { Frame } from '../ui/Frame.tsx';
import { Lines } from '../ui/Lines.tsx';
import { Detail } from './Detail.tsx';
import type { FrameModel } from './frame-model.ts';

/** Draws a frame. It decides nothing: keys go to the screen, frames come from it. */
export const App: React.MemoExoticComponent<({ frame }: { readonly frame: FrameModel }) => ReactElement> =
  memo(function App({ frame }: { readonly frame: FrameModel }): ReactElement {
    const { body, bodyHeight, detail, ...rest } = frame;
    return (
      <Frame {...rest}>
        {detail === undefined ? (
          <Lines lines={body} height={bodyHeight} />
        ) : (
          <Detail theme={rest.theme} columns={rest.columns} height={bodyHeight} model={detail} />
        )}
      </Frame>
    );
  });
