import { type Role, type Spans, type Theme, widthOf } from './theme.ts';

export interface BoxLook {
  /** Outer width, border included. */
  readonly width: number;
  readonly title?: Spans;
  /** In the lower border: the keys that work in the box. */
  readonly footer?: Spans;
  /** Default: border. */
  readonly border?: Role;
}

/** A framed box of painted lines, each exactly `width` cells: borders, title and footer in them, the content padded. */
export function boxLines(
  theme: Theme,
  content: readonly Spans[],
  { width, title, footer, border = 'border' }: BoxLook,
): readonly string[] {
  const [dash, side, topLeft, topRight, bottomLeft, bottomRight] = theme.glyphs.box;
  const inner = Math.max(0, width - 2);
  const edge = theme.paint(border, side);
  const rim = (left: string, right: string, label: Spans = []): string => {
    const wanted = label.length === 0 ? 0 : Math.min(inner - 2, widthOf(label) + 2);
    if (wanted <= 2) return theme.paint(border, left + dash.repeat(inner) + right);
    const text = theme.line([{ text: ' ' }, ...label, { text: ' ' }], wanted);
    return (
      theme.paint(border, left + dash) + text + theme.paint(border, dash.repeat(inner - wanted - 1) + right)
    );
  };
  return [
    rim(topLeft, topRight, title),
    ...content.map((spans) => edge + theme.line(spans, inner) + edge),
    rim(bottomLeft, bottomRight, footer),
  ];
}
