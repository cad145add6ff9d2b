/** Where a describe is written: lines at a depth, whose tab-separated cells are lined up as kubectl lines them up. */
export interface Page {
  /** `text` may hold tabs and line feeds; each unit of `depth` is two spaces. */
  readonly write: (depth: number, text: string) => void;
  /** Cells above and below are not lined up with each other. */
  readonly flush: () => void;
  /** The whole text; ends in a line feed. */
  readonly text: () => string;
}

export function createPage(): Page {
  let done = '';
  let open = '';
  const flush = (): void => {
    done += alignTabs(open);
    open = '';
  };
  return {
    write(depth, text) {
      open += '  '.repeat(depth) + text;
    },
    flush,
    text() {
      flush();
      return done;
    },
  };
}

const padding = 2;

/** Go's text/tabwriter with the settings of kubectl describe: a column reaches over neighbouring lines that have it. */
function alignTabs(text: string): string {
  if (text === '') return '';
  const lines = text.split('\n').map((line) => line.split('\t'));
  const out: string[] = [];
  const widths: number[] = [];

  const writeLines = (from: number, to: number): void => {
    for (let at = from; at < to; at += 1) {
      const cells = lines[at] ?? [];
      out.push(
        cells
          .map((cell, column) => {
            const width = widths[column];
            return column === cells.length - 1 || width === undefined
              ? cell
              : cell + ' '.repeat(width - length(cell));
          })
          .join(''),
      );
    }
  };

  function format(from: number, to: number): void {
    const column = widths.length;
    let start = from;
    for (let at = from; at < to; at += 1) {
      if (!hasColumn(lines[at], column)) continue;
      writeLines(start, at);
      start = at;
      let width = 0;
      for (; at < to && hasColumn(lines[at], column); at += 1) {
        width = Math.max(width, length(lines[at]?.[column] ?? '') + padding);
      }
      widths.push(width);
      format(start, at);
      widths.pop();
      start = at;
    }
    writeLines(start, to);
  }

  format(0, lines.length);
  return out.join('\n');
}

/** The last cell of a line ends in no tab, and so belongs to no column. */
const hasColumn = (cells: readonly string[] | undefined, column: number): boolean =>
  cells !== undefined && column < cells.length - 1;

/** As Go counts runes. */
function length(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
