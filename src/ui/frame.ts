/** How the rows of the screen are shared out. Pure, so that a screen knows its body's height before it draws. */
export interface FrameRows {
  readonly header: number;
  readonly title: number;
  readonly body: number;
  /** The rule above the strip, the strip (why the selected row is what it is), the flash or prompt, the hints. */
  readonly rule: number;
  readonly strip: number;
  readonly prompt: number;
  readonly hints: number;
}

export interface FrameWish {
  /** Lines that the header and the strip would like to have; 0 for none. */
  readonly header: number;
  readonly strip: number;
}

/** Fewer rows than this: one line that says so, instead of a frame. */
export const smallestFrame = { columns: 20, rows: 5 } as const;

/**
 * Below 30 rows the strip has one line, below 20 the header too, below 12 there is neither header nor rule (ux 2.10).
 * The parts always add up to `rows`.
 */
export function frameRows(rows: number, { header, strip }: FrameWish): FrameRows {
  const shown = {
    header: rows < 12 ? 0 : rows < 20 ? Math.min(1, header) : header,
    strip: rows < 8 ? 0 : rows < 30 ? Math.min(1, strip) : strip,
    title: rows < 3 ? 0 : 1,
    prompt: rows < 4 ? 0 : 1,
    hints: rows < 6 ? 0 : 1,
  };
  const rule = rows < 12 || shown.strip === 0 ? 0 : 1;
  const body = rows - shown.header - shown.title - rule - shown.strip - shown.prompt - shown.hints;
  return { ...shown, rule, body: Math.max(0, body) };
}
