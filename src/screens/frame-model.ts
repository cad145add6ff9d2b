import type { FrameProps } from '../ui/Frame.tsx';
import { frameRows } from '../ui/frame.ts';
import type { Spans, Theme } from '../ui/theme.ts';
import type { DetailModel } from './detail.ts';

/** All that is drawn, as data: what `Frame` takes, and the body as painted lines. */
export interface FrameModel extends Omit<FrameProps, 'children'> {
  readonly prompt: Spans | undefined;
  readonly body: readonly string[];
  readonly bodyHeight: number;
  /** In place of the body: a pod with its table of containers. */
  readonly detail?: DetailModel | undefined;
}

/** The room that a body is drawn in, and when. */
export interface Paper {
  readonly theme: Theme;
  readonly columns: number;
  readonly height: number;
  readonly now: number;
}

/** A frame that says one thing, before there was any other. */
export function emptyFrame(said: Spans, theme: Theme, columns: number, rows: number): FrameModel {
  const share = frameRows(rows, { header: 0, strip: 0 });
  return {
    theme,
    columns,
    rows,
    header: [],
    title: { left: [{ text: ' mltop' }], right: [] },
    strip: [],
    prompt: undefined,
    hints: [{ key: 'esc', text: 'back' }],
    overlay: undefined,
    body: share.body > 0 ? [theme.line(said, columns)] : [],
    bodyHeight: share.body,
  };
}

/** What a frame says, as strings to compare: an equal frame is not drawn again. */
export function signatureOf({ theme, overlay, body, detail, ...rest }: FrameModel): readonly string[] {
  const { columns, rows, header, title, strip, prompt, hints } = rest;
  const chrome = [
    columns,
    rows,
    theme.name,
    theme.level,
    header,
    title,
    strip,
    prompt,
    hints,
    overlay?.width,
    detail,
  ];
  return [...body, ...(overlay?.lines ?? []), JSON.stringify(chrome)];
}

export const isEqual = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((line, at) => line === b[at]);
