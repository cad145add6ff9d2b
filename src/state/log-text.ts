import type { Tone } from '../resources/resource.ts';
import { maxTextLength, sanitizeLine } from '../resources/sanitize.ts';

/** A line as it is shown. */
export interface CleanLine {
  readonly text: string;
  /** How often a progress bar has drawn itself over in this line. */
  readonly updates: number;
}

const colours = /\u001b\[[0-9;:]*m/g;
const carriage = /\r/;

/**
 * What a program wrote as what a terminal would be left with: of a progress bar (carriage returns) its last state,
 * colours gone, other escapes marked, nothing that moves a cursor.
 */
export function cleanLine(raw: string): CleanLine {
  let text = raw;
  let updates = 0;
  if (carriage.test(text)) {
    const states = text.split('\r').filter((state) => state.trim() !== '');
    text = states.at(-1) ?? '';
    updates = Math.max(0, states.length - 1);
  }
  if (text.includes('\u001b')) text = text.replace(colours, '');
  if (text.includes('\t')) text = text.replaceAll('\t', '    ');
  return { text: sanitizeLine(text, maxTextLength), updates };
}

/** A kubelet whose log files are gone answers 200 with this in place of a log. */
export const isGoneNotice = (text: string): boolean =>
  text.startsWith('unable to retrieve container logs for ');

/** Follows one container's lines and says which belong to a stack trace: its first line, or one to fold away. */
export interface TraceTracker {
  readonly next: (text: string) => 'head' | 'body' | 'none';
}

export function traceTracker(): TraceTracker {
  /** What stands before the trace on each of its lines: `[rank3]: `. */
  let prefix: string | undefined;
  let kind: 'python' | 'frames' | 'goroutine' = 'python';

  function isBody(text: string): boolean {
    if (prefix === undefined || !text.startsWith(prefix.trimEnd())) return false;
    const rest = text.slice(prefix.length);
    if (kind === 'goroutine') return rest !== '' && /^(?:\s|[\w./*()-]+\(|created by )/.test(rest);
    if (kind === 'frames') return /^\s+(?:at |\.\.\. \d+ more)|^Caused by: /.test(rest);
    return /^\s/.test(rest) || rest === '' || /^(?:During handling of|The above exception)/.test(rest);
  }

  return {
    next(text) {
      if (prefix !== undefined && isBody(text)) return 'body';
      const start = startOf(text);
      if (start === undefined) {
        prefix = undefined;
        return 'none';
      }
      // A second traceback of the same chain goes on with the first.
      const goesOn = kind === 'python' && start.kind === 'python' && prefix === start.prefix;
      ({ prefix, kind } = start);
      return goesOn ? 'body' : 'head';
    },
  };
}

function startOf(
  text: string,
): { readonly prefix: string; readonly kind: 'python' | 'frames' | 'goroutine' } | undefined {
  const python = text.indexOf('Traceback (most recent call last)');
  if (python >= 0) return { prefix: text.slice(0, python), kind: 'python' };
  if (text.startsWith('goroutine ') && text.endsWith(']:')) return { prefix: '', kind: 'goroutine' };
  if (/^\s+at \S+[.(]/.test(text)) return { prefix: '', kind: 'frames' };
  return undefined;
}

const jsonLevel = /"(?:level|severity|lvl|levelname|log\.level)"\s*:\s*"?(\w+)/i;
const wordLevel =
  /\b(?:level|lvl|severity)=["']?(\w+)|\b(FATAL|CRITICAL|PANIC|ERROR|WARNING|WARN|INFO|DEBUG|TRACE)\b/;
const klog = /^([FEWID])\d{4} \d\d:/;
const torch = /\[([EWIF])\d{6,} /;
const exception = /^(?:\S+ )?[\w.]*(?:Error|Exception)\b[:(]|Traceback \(most recent/;

/** How bad a line says it is. */
export function levelTone(text: string): Tone {
  const start = text.length > 240 ? text.slice(0, 240) : text;
  const found = start.startsWith('{') ? jsonLevel.exec(text.slice(0, 2000))?.[1] : undefined;
  const words = wordLevel.exec(start);
  const letter = klog.exec(start)?.[1] ?? torch.exec(start)?.[1];
  const level = (found ?? letter ?? words?.[1] ?? words?.[2] ?? '').toLowerCase();
  if (/^(?:f|e|fatal|critical|crit|panic|error|err|emerg|alert|50|60)$/.test(level)) return 'bad';
  if (/^(?:w|warn|warning|40)$/.test(level)) return 'warn';
  if (/^(?:debug|trace|d|10|20)$/.test(level)) return 'dim';
  return level === '' && exception.test(start) ? 'bad' : 'plain';
}

// A pretty-printed request body must not fill the screen by itself.
const jsonLinesAtMost = 200;

/** A line that is a JSON object, laid out; undefined where it is none. */
export function prettyJson(text: string): readonly string[] | undefined {
  const start = text.indexOf('{');
  if (start < 0 || start > 80 || !text.trimEnd().endsWith('}')) return undefined;
  try {
    const value: unknown = JSON.parse(text.slice(start));
    const lines = JSON.stringify(value, null, 2).split('\n');
    const head = start === 0 ? [] : [text.slice(0, start).trimEnd()];
    const shown = [...head, ...lines];
    return shown.length <= jsonLinesAtMost
      ? shown
      : [...shown.slice(0, jsonLinesAtMost), `… ${shown.length - jsonLinesAtMost} more`];
  } catch {
    return undefined;
  }
}

/** Cheap: whether a line is worth the signatures. */
export const mayBeError = (text: string): boolean =>
  /error|exception|fatal|panic|killed|abort|fail|oom|xid|nccl|watchdog|segfault|segmentation|denied|refused|forbidden|timed? ?out|no space|not found|no such|cannot|can't|unable|\bE\d{4} /i.test(
    text,
  );

/** `HH:MM:SS.mmm` of the log's own time, in UTC as the API gives it. */
export const clockText = (at: number): string =>
  Number.isFinite(at) ? new Date(at).toISOString().slice(11, 23) : '            ';
