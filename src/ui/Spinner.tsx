import { Box, Text } from 'ink';
import InkSpinner from 'ink-spinner';
import type { ReactElement } from 'react';
import type { Theme } from './theme.ts';

/**
 * Says that something is being waited for. Every turn of it is a frame, so show it only while nothing else is there to see;
 * with ascii glyphs it does not turn (braille dots are missing in such fonts, and read out by braille displays).
 */
export function Spinner({ theme, label }: { readonly theme: Theme; readonly label: string }): ReactElement {
  const isAscii = theme.glyphs.good === '+';
  return (
    <Box height={1} flexShrink={0}>
      {isAscii ? <Text>{theme.glyphs.pending}</Text> : <InkSpinner type="line" />}
      <Text wrap="truncate">{` ${theme.paint('pending', label)}`}</Text>
    </Box>
  );
}
