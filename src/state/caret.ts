/** One line that is being typed: the keys of readline that a prompt needs. Pure. */
export interface TypedLine {
  readonly text: string;
  /** Of the caret, in UTF-16 units. */
  readonly at: number;
}

const before = (line: TypedLine): string => line.text.slice(0, line.at);
const after = (line: TypedLine): string => line.text.slice(line.at);

/** Where the character before the caret starts: surrogate pairs are one. */
function previous(line: TypedLine): number {
  const last = [...before(line)].at(-1);
  return line.at - (last?.length ?? 0);
}

function next(line: TypedLine): number {
  const [first] = after(line);
  return line.at + (first?.length ?? 0);
}

export function typeText(line: TypedLine, text: string): TypedLine {
  // One line, whatever a paste brings.
  const clean = text.replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ');
  return { text: before(line) + clean + after(line), at: line.at + clean.length };
}

/** Undefined where the key edits nothing. */
export function editLine(line: TypedLine, key: string): TypedLine | undefined {
  switch (key) {
    case 'backspace':
      return { text: line.text.slice(0, previous(line)) + after(line), at: previous(line) };
    case 'delete':
      return { text: before(line) + line.text.slice(next(line)), at: line.at };
    case 'left':
      return { text: line.text, at: previous(line) };
    case 'right':
      return { text: line.text, at: next(line) };
    case 'home':
    case 'ctrl-a':
      return { text: line.text, at: 0 };
    case 'end':
    case 'ctrl-e':
      return { text: line.text, at: line.text.length };
    case 'ctrl-u':
    case 'ctrl-w':
      // k9s clears the whole text with both.
      return { text: '', at: 0 };
    default:
      return undefined;
  }
}
