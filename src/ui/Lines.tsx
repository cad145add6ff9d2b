import { Box, Text } from 'ink';
import { memo, type ReactElement } from 'react';

interface LineProps {
  readonly text: string;
}

/** One row of the screen, already as wide as it should be. Ink gives an empty Text no height, so it gets a space. */
const Line = memo(function Line({ text }: LineProps): ReactElement {
  return <Text wrap="truncate">{text === '' ? ' ' : text}</Text>;
});

export interface LinesProps {
  /** Painted and padded, top first. Lines past `height` are not drawn; missing ones are blank. */
  readonly lines: readonly string[];
  readonly height: number;
}

/** Exactly `height` ready lines. Unchanged lines cost nothing: they are memoised by their text. */
export function Lines({ lines, height }: LinesProps): ReactElement {
  const slots = Array.from({ length: Math.max(0, height) }, (_, index) => index);
  return (
    <Box flexDirection="column" height={Math.max(0, height)} flexShrink={0}>
      {slots.map((index) => (
        <Line key={index} text={lines[index] ?? ''} />
      ))}
    </Box>
  );
}
