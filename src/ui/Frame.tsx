import { Box } from 'ink';
import type { ReactElement, ReactNode } from 'react';
import { type FrameRows, frameRows, smallestFrame } from './frame.ts';
import { Lines } from './Lines.tsx';
import { displayWidth } from './text.ts';
import type { Bar, Role, Spans, Theme } from './theme.ts';

/** A key that does something here: `<l>logs`. */
export interface Hint {
  /** As `keyName` spells it. */
  readonly key: string;
  readonly text: string;
  /** Shown, but dimmed: it cannot be used now. The reason belongs into the menu. */
  readonly off?: boolean;
}

export interface FrameProps {
  readonly theme: Theme;
  readonly columns: number;
  readonly rows: number;
  /** Up to two lines: where one is, and what state everything is in. */
  readonly header: readonly Bar[];
  /** Tabs, crumbs and counters of the view. */
  readonly title: Bar;
  /** What is wrong with the selected row, one Bar a line. Empty: no strip. */
  readonly strip: readonly Bar[];
  /** The line above the hints: a `<Prompt>` line (`promptLine`), or a passing message. */
  readonly prompt?: Spans | string | undefined;
  readonly hints: readonly Hint[];
  /** Drawn over the body, in its middle: a `Dialog`, a `Menu`. */
  readonly overlay?: Overlay | undefined;
  /** The body: must draw exactly `frameRows(...).body` lines. */
  readonly children: ReactNode;
}

/** A box over the body, as painted lines of one width. */
export interface Overlay {
  readonly lines: readonly string[];
  readonly width: number;
}

/** The whole screen: exactly `rows` lines, whatever the size. */
export function Frame(props: FrameProps): ReactElement {
  const { theme, columns, rows, header, strip, overlay, children } = props;
  if (columns < smallestFrame.columns || rows < smallestFrame.rows) {
    return <Lines lines={[theme.line([{ text: 'too small' }], columns)]} height={rows} />;
  }
  const share = frameRows(rows, { header: header.length, strip: strip.length });
  return (
    <Box flexDirection="column" width={columns} height={rows}>
      <Lines lines={topLines(props, share)} height={share.header + share.title} />
      <Box flexDirection="column" height={share.body} width={columns} flexShrink={0} overflow="hidden">
        {children}
      </Box>
      <Lines
        lines={bottomLines(props, share)}
        height={share.rule + share.strip + share.prompt + share.hints}
      />
      {overlay === undefined ? undefined : <OverlayBox overlay={overlay} columns={columns} share={share} />}
    </Box>
  );
}

function OverlayBox({
  overlay,
  columns,
  share,
}: {
  overlay: Overlay;
  columns: number;
  share: FrameRows;
}): ReactElement {
  const height = Math.min(overlay.lines.length, share.header + share.title + share.body);
  const top = Math.max(0, share.header + share.title + Math.floor((share.body - height) / 2));
  const left = Math.max(0, Math.floor((columns - overlay.width) / 2));
  return (
    <Box position="absolute" top={top} left={left} width={overlay.width} height={height}>
      <Lines lines={overlay.lines} height={height} />
    </Box>
  );
}

function topLines({ theme, columns, header, title }: FrameProps, share: FrameRows): readonly string[] {
  const bars = header.slice(0, share.header).map((bar) => theme.bar(bar, columns, 'header'));
  return share.title === 0 ? bars : [...bars, theme.bar(title, columns, 'title')];
}

function bottomLines(
  { theme, columns, strip, prompt, hints }: FrameProps,
  share: FrameRows,
): readonly string[] {
  const lines = strip.slice(0, share.strip).map((bar) => theme.bar(bar, columns));
  if (share.rule > 0) lines.unshift(theme.paint('border', theme.glyphs.dash.repeat(columns)));
  while (lines.length < share.rule + share.strip) lines.push('');
  if (share.prompt > 0) lines.push(typeof prompt === 'string' ? prompt : theme.line(prompt ?? [], columns));
  if (share.hints > 0) lines.push(theme.line(hintSpans(hints, columns), columns));
  return lines;
}

/** As many whole hints as fit; the last one (help) is kept, since it leads to all others. */
export function hintSpans(hints: readonly Hint[], columns: number): Spans {
  const widthOfHint = (hint: Hint): number => displayWidth(hint.key) + displayWidth(hint.text) + 3;
  const last = hints.at(-1);
  if (last === undefined) return [];
  let room = columns - 1 - widthOfHint(last);
  const shown: Hint[] = [];
  for (const hint of hints.slice(0, -1)) {
    room -= widthOfHint(hint);
    if (room < 0) break;
    shown.push(hint);
  }
  return [
    { text: ' ' },
    ...[...shown, last].flatMap((hint): Spans => {
      const off: Role | undefined = hint.off ? 'hint.off' : undefined;
      return [
        { text: `<${hint.key}>`, role: off ?? 'hint.key' },
        { text: `${hint.text} `, role: off ?? 'hint.text' },
      ];
    }),
  ];
}
