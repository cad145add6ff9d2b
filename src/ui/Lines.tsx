import { Box, Text } from 'ink';
import { memo, type ReactElement, use, useInsertionEffect, useState } from 'react';
import { type Slots, SlotsContext } from './slots.ts';

interface LineProps {
  readonly text: string;
}

/** One row of the screen, already as wide as it should be. */
const Line = memo(function Line({ text }: LineProps): ReactElement {
  const slots = use(SlotsContext);
  // Ink gives an empty Text no height, so it gets a space.
  return slots === undefined ? (
    <Text wrap="truncate">{text === '' ? ' ' : text}</Text>
  ) : (
    <SlotLine text={text} slots={slots} />
  );
});

function SlotLine({ text, slots }: LineProps & { readonly slots: Slots }): ReactElement {
  const [holder] = useState(slots.take);
  // Insertion effects run before Ink prints the commit that they belong to.
  useInsertionEffect(() => slots.set(holder, text), [slots, holder, text]);
  useInsertionEffect(() => () => slots.free(holder), [slots, holder]);
  return <Text>{holder}</Text>;
}

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
