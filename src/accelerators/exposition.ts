/** One line of the Prometheus text format. */
export interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  /** NaN and infinities as the exporter wrote them. */
  readonly value: number;
}

/** Reads an exposition as it comes in: the pieces may be cut anywhere. */
export interface ExpositionReader {
  readonly push: (piece: string) => void;
  /** The last line may come without its line feed. */
  readonly end: () => void;
}

/** No label set is that long; what is, is garbage, and is not kept. */
const longestLine = 16_384;

/**
 * Calls `take` for every sample whose metric `wants` names; the labels of others are never looked at. A line that
 * cannot be read is left out: half a scrape is better than none.
 */
export function readExposition(
  wants: (name: string) => boolean,
  take: (sample: Sample) => void,
): ExpositionReader {
  let rest = '';

  function line(text: string): void {
    if (text === '' || text.charCodeAt(0) === 35 || text.length > longestLine) return;
    const name = /^[a-zA-Z_:][\w:]*/.exec(text)?.[0];
    if (name === undefined || !wants(name)) return;
    const sample = sampleOf(text, name);
    if (sample !== undefined) take(sample);
  }

  return {
    push(piece) {
      const text = rest + piece;
      let from = 0;
      for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
        line(text.slice(from, end));
        from = end + 1;
      }
      rest = text.slice(from);
      // A line without an end must not fill the memory; what is left of it is no sample.
      if (rest.length > 4 * longestLine) rest = '#';
    },
    end() {
      line(rest);
      rest = '';
    },
  };
}

function sampleOf(text: string, name: string): Sample | undefined {
  let at = skipBlanks(text, name.length);
  const labels = new Map<string, string>();
  if (text[at] === '{') {
    const end = readLabels(text, at + 1, labels);
    if (end === undefined) return undefined;
    at = end;
  }
  // A time stamp may follow.
  const [value = ''] = text.slice(at).trim().split(/\s+/, 1);
  const number = numberOf(value);
  return number === undefined ? undefined : { name, labels, value: number };
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\t') at += 1;
  return at;
}

const numberForm = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

function numberOf(text: string): number | undefined {
  if (numberForm.test(text)) return Number(text);
  if (/^nan$/i.test(text)) return Number.NaN;
  const infinite = /^([+-]?)inf(inity)?$/i.exec(text);
  if (infinite === null) return undefined;
  return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** Fills `labels` from behind the brace; the place behind the closing one, undefined where there is none. */
function readLabels(text: string, from: number, labels: Map<string, string>): number | undefined {
  let at = skipBlanks(text, from);
  while (text[at] !== '}') {
    const equals = text.indexOf('=', at);
    if (equals === -1) return undefined;
    const key = text.slice(at, equals).trim();
    const quote = skipBlanks(text, equals + 1);
    if (text[quote] !== '"') return undefined;
    const end = endOfValue(text, quote + 1);
    if (end === undefined) return undefined;
    labels.set(key, unescaped(text.slice(quote + 1, end)));
    at = skipBlanks(text, end + 1);
    if (text[at] === ',') at = skipBlanks(text, at + 1);
    else if (text[at] !== '}') return undefined;
  }
  return at + 1;
}

function endOfValue(text: string, from: number): number | undefined {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 34) return at;
    if (code === 92) at += 1;
  }
  return undefined;
}

const unescaped = (value: string): string =>
  value.includes('\\')
    ? value.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter))
    : value;
