import { createInterner } from '../resources/intern.ts';
import { signatures } from './signatures/index.ts';
import type { Signature } from './signatures/signature.ts';

export interface SignatureHit {
  readonly signature: Signature;
  /** The line that it stands in. */
  readonly line: string;
  /** What the pattern captured, in order, without the empty ones. */
  readonly captures: readonly string[];
}

/** Only the end of a log is looked at: what came last is what mattered, and time stays bounded. */
const scanned = 64 * 1024;

/** Answers of the kubelet in place of a log: not the program's words. */
const noLog =
  /^(?:unable to retrieve container logs for |HTTP 400|Error from server \((?:BadRequest|NotFound)\))/;

/** Credentials as programs print them: assignments, URLs with a password, tokens of known shapes. */
const credentials: readonly (readonly [RegExp, string])[] = [
  [/\b([\w-]*(?:token|passwd|password|secret|api_?key|access_?key)[\w-]*=)[^\s&,;]+/gi, '$1(redacted)'],
  [/:\/\/([^\s/:@]+):[^\s/@]+@/g, '://$1:(redacted)@'],
  [
    /\b(?:hf_[A-Za-z0-9]{16,}|AKIA[0-9A-Z]{16}|gh[pousr]_\w{20,}|sk-[A-Za-z0-9-]{20,}|eyJ[\w-]{10,}\.[\w-]+\.[\w-]+)/g,
    '(redacted)',
  ],
];

/**
 * The log as the program wrote it: no timestamps of the kubelet, no colour, no credentials, for lines of it end up in
 * tickets. Undefined when there is none.
 */
export function programLog(log: string | undefined): string | undefined {
  return log === undefined ? undefined : readingOf(log).words;
}

interface Reading {
  readonly words: string | undefined;
  hit: SignatureHit | undefined;
  isScanned: boolean;
}

/** The last logs: one checklist asks a dozen times what a log says, and a line of it takes a hundred patterns. */
const readings = createInterner<string, Reading>(8);

const readingOf = (log: string): Reading =>
  readings.get(log, () => ({ words: wordsOf(log), hit: undefined, isScanned: false }));

function wordsOf(log: string): string | undefined {
  if (log.trim() === '' || noLog.test(log.trim())) return undefined;
  const tail = log.length > scanned ? log.slice(-scanned) : log;
  const plain = tail
    .replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '')
    .replace(/^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) /gm, '');
  return withoutCredentials(plain);
}

/** A text that may be shown or kept: what looks like a credential is `(redacted)`. */
export const withoutCredentials = (text: string): string =>
  credentials.reduce((rest, [pattern, mark]) => rest.replace(pattern, mark), text);

/** A line that says of itself that it is no failure, unless the program dies of warnings (NCCL). */
const harmless =
  /^(?:\[?[\d\-T:.,/ Z+]*\]?\s*)?(?:\[?\(?\w+\)?\]?\s+)?\[?(?:WARN(?:ING)?|INFO|DEBUG|W\d{4}|I\d{4}|UserWarning)\b|\bUserWarning:|\bwill retry\b|\bretrying\b/i;

/** The best hit: the highest rank, the earliest line among equals. What only warned counts when nothing else speaks. */
export function scan(log: string | undefined): SignatureHit | undefined {
  if (log === undefined) return undefined;
  const reading = readingOf(log);
  if (!reading.isScanned && reading.words !== undefined) reading.hit = bestHit(reading.words);
  reading.isScanned = true;
  return reading.hit;
}

function bestHit(words: string): SignatureHit | undefined {
  const loud = words
    .split('\n')
    .map((line) => (harmless.test(line) && !line.includes('NCCL') ? '' : line))
    .join('\n');
  const all = scanWords(words);
  const told = loud === words ? all : scanWords(loud);
  // PyTorch only warns of a driver or a GPU that does not do, and dies of the consequence; so does pip of its index.
  return told === undefined ||
    (all !== undefined &&
      (/^J1[01]$/.test(all.signature.state) || told.signature.id === 'pip') &&
      all.signature.rank > told.signature.rank)
    ? all
    : told;
}

/** The first match that is not merely a line of code in a traceback, else the first. */
function tellingMatch(pattern: RegExp, words: string): RegExpExecArray | undefined {
  const first = pattern.exec(words);
  if (first === null) return undefined;
  const lineOf = (found: RegExpExecArray): string =>
    words.slice(words.lastIndexOf('\n', found.index) + 1).trimStart();
  const isCode = (line: string): boolean => /^(?:raise |File "|from \S+ import|import |\^)/.test(line);
  if (!isCode(lineOf(first))) return first;
  const every = new RegExp(pattern.source, pattern.flags.includes('g') ? pattern.flags : `${pattern.flags}g`);
  let tries = 0;
  for (const found of words.matchAll(every)) {
    if (!isCode(lineOf(found))) return found;
    if (++tries > 20) break;
  }
  return first;
}

/** The table begins with the highest rank: the first that matches is the best. */
function scanWords(words: string): SignatureHit | undefined {
  for (const signature of signatures) {
    if (signature.state === '' || signature.hint?.test(words) === false) continue;
    const match = tellingMatch(signature.pattern, words);
    if (match === undefined) continue;
    const start = words.lastIndexOf('\n', match.index) + 1;
    const end = words.indexOf('\n', match.index);
    const line = words.slice(start, end < 0 ? undefined : end).trim();
    return {
      signature,
      line: line === '' ? match[0].trim() : line,
      captures: match.slice(1).filter((entry) => entry !== undefined && entry !== ''),
    };
  }
  return undefined;
}

/** How a line begins that tells of a failure, and not only of trouble. */
const failing =
  /^(?:(?:\[[^\]]*\]|\([^)]*\)):?\s*)*(?:[\w.]*(?:Error|Exception|Interrupt|Exit)\b|panic:|FATAL|fatal:|fatal error:|Error:|ERROR|Assertion failed|[EF]\d{4} |Caused by|Unhandled exception)|^[\d\- :.TZ]+(?:\w+ )?(?:\[\d+\] )?(?:FATAL|PANIC|ERROR):? |\blevel=(?:error|fatal|panic)\b|"(?:level|severity)": ?"(?:error|fatal|critical)"/i;
/** Advice behind an error, which is not the error. */
const advice =
  /^note: run with|^[\d\- :.TZ]+(?:\w+ )?(?:\[\d+\] )?(?:HINT|DETAIL|STATEMENT): |^exit status \d+$|MPI_ABORT was invoked|^[-=*_#~|+\s]{3,}$|^\*\*\* Check failure stack trace/;

const spoken = (log: string | undefined): readonly string[] =>
  programLog(log)
    ?.split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !advice.test(line)) ?? [];

/** The last line that says something; of a Python traceback that is the exception. */
export function lastWords(log: string | undefined): string | undefined {
  const lines = spoken(log);
  return lines.findLast((line) => failing.test(line)) ?? lines.at(-1);
}

/** How far from the end of a log an error still is its last word. */
const endLines = 8;

/** An exception or a panic: a line that is only called an error may be one of many that it lived with. */
const raised = /(?:^|[\s\])])[A-Za-z_][\w.]*(?:Error|Exception)(?::|$)|^panic: |^fatal error: |panicked at /;

/** The exception that a program ended with; undefined where it was at work until the end. */
export function lastError(log: string | undefined): string | undefined {
  return spoken(log)
    .slice(-endLines)
    .findLast((line) => raised.test(line) && !harmless.test(line));
}

/** Exceptions that only sum up what another process, or an earlier line, has said. */
const summary =
  /ChildFailedError|EngineDeadError|Engine core initialization failed|Engine process failed|EngineCore|RuntimeError: cancelled|ProcessExitedException|ProcessRaisedException|HorovodInternalError|EOFError|BrokenPipeError|ConnectionResetError|DistBackendError|CancelledError/;

/** The first exception of its own that stands above a summary; undefined where there is none. */
export function rootError(log: string | undefined): string | undefined {
  return spoken(log).find((line) => raised.test(line) && !harmless.test(line) && !summary.test(line));
}
