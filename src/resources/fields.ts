import { createInterner, intern, internLine } from './intern.ts';
import type { Labels, Requests } from './pod-row.ts';
import { maxTextLength, sanitizeLine } from './sanitize.ts';

/** A JSON object whose fields may be anything: what a server, a proxy or a broken controller really sends. */
export type Fields = Readonly<Record<string, unknown>>;

const noFields: Fields = Object.freeze({});
const noItems: readonly unknown[] = Object.freeze([]);

/** True for a JSON object: that `waiting`, `running` or `terminated` is there at all. */
export const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object itself; an empty one where the value is missing, null or of another type. */
export const record = (value: unknown): Fields => (isRecord(value) ? value : noFields);

/** The items of an array; none where the value is missing, null (Go's empty slice) or of another type. */
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : noItems);

/** A sanitised single line; `''` where the value is no string. Numbers and booleans are printed. */
export function text(value: unknown): string {
  if (typeof value === 'string') return sanitizeLine(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** As `text`, shared: for what repeats from row to row. */
export const shared = (value: unknown): string =>
  typeof value === 'string' ? internLine(value) : text(value);

/** A finite number; undefined otherwise. */
export const number = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

/** A count as Go's zero value has it: 0 where absent or unreadable. */
export const count = (value: unknown): number => number(value) ?? 0;

export const flag = (value: unknown): boolean => value === true;

/** Year 1, which Go prints for "no time". */
const goZeroTime = -62_135_596_800_000;

/** RFC 3339 → epoch ms. Undefined for null, Go's zero time, other formats and impossible dates. */
export function time(value: unknown): number | undefined {
  if (typeof value !== 'string' || value.length < 20 || value.length > 40) return undefined;
  if (value.charCodeAt(4) !== 45 || value.charCodeAt(7) !== 45 || value.charCodeAt(10) !== 84)
    return undefined;
  const ms = parsedTimes.get(value, Date.parse);
  return Number.isNaN(ms) || ms === goZeroTime ? undefined : ms;
}

/** Pods of one job share their seconds. */
const parsedTimes = createInterner<string, number>(8192);

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** Go's time.Duration ends here (292 years), and so do the ages that kubectl prints. */
const longestSeconds = 9_223_372_036;

/** apimachinery's duration.HumanDuration, to the letter: `119s`, `2m5s`, `3h5m`, `2d1h`, `2y1d`. */
export function humanDuration(ms: number): string {
  const seconds = Math.min(Math.trunc(ms / 1000), longestSeconds);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 2 * minute) return `${seconds}s`;
  if (seconds < 10 * minute) return twoUnits(seconds, minute, 'm', 1, 's');
  if (seconds < 3 * hour) return `${Math.floor(seconds / minute)}m`;
  if (seconds < 8 * hour) return twoUnits(seconds, hour, 'h', minute, 'm');
  if (seconds < 2 * day) return `${Math.floor(seconds / hour)}h`;
  if (seconds < 8 * day) return twoUnits(seconds, day, 'd', hour, 'h');
  if (seconds < 2 * year) return `${Math.floor(seconds / day)}d`;
  if (seconds < 8 * year) return twoUnits(seconds, year, 'y', day, 'd');
  return `${Math.floor(seconds / year)}y`;
}

function twoUnits(seconds: number, big: number, bigName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % big) / small);
  const head = `${Math.floor(seconds / big)}${bigName}`;
  return rest === 0 ? head : `${head}${rest}${smallName}`;
}

/** The age as kubectl prints it; `<unknown>` where there is no time. Both in epoch ms. */
export const ageText = (at: number | undefined, now: number): string =>
  at === undefined ? '<unknown>' : humanDuration(now - at);

const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

// `12E` is exa and `12E5` an exponent: the suffix is tried first and must end the text.
const quantityForm = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?\d{1,3}))?$/;

/** A Kubernetes quantity as a number in its base unit (`500m` → 0.5, `1.5Gi` → bytes); undefined where invalid. */
export function quantity(value: unknown): number | undefined {
  if (typeof value === 'number') return number(value);
  if (typeof value !== 'string' || value.length > 64) return undefined;
  const match = quantityForm.exec(value);
  if (match === null) return undefined;
  const amount = Number(match[1]);
  const [, , suffix, exponent] = match;
  const scaled =
    suffix !== undefined
      ? amount * (suffixes[suffix] ?? Number.NaN)
      : exponent !== undefined
        ? Number(`${match[1]}e${exponent}`)
        : amount;
  return Number.isFinite(scaled) ? scaled : undefined;
}

/** Rounds up, as the scheduler does, but not for the noise of binary fractions (1.1 × 1000 = 1100.0000000000002). */
const roundUp = (value: number): number =>
  Number.isInteger(value) ? value : Math.ceil(Number(value.toPrecision(12)));

/** One amount in the unit of `Requests`: millicores for `cpu`, bytes or units otherwise. Undefined where invalid. */
export function amount(resource: string, value: unknown): number | undefined {
  const parsed = quantity(value);
  if (parsed === undefined) return undefined;
  return roundUp(resource === 'cpu' ? parsed * 1000 : parsed);
}

/** Amounts by resource name. An invalid quantity is left out: unknown is not zero. */
export function amounts(value: unknown): Requests {
  const result: Record<string, number> = {};
  for (const [name, raw] of Object.entries(record(value))) {
    const parsed = amount(name, raw);
    if (parsed !== undefined) result[shared(name)] = parsed;
  }
  return result;
}

/** Deeper than any object of the API that has a meaning here. */
const deepest = 16;

/** Equal JSON, whatever the order of keys. Anything deeper than the API goes counts as different. */
export function isSame(a: unknown, b: unknown, depth = 0): boolean {
  if (a === b) return true;
  if (depth > deepest) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let index = 0; index < a.length; index += 1)
      if (!isSame(a[index], b[index], depth + 1)) return false;
    return true;
  }
  if (!isRecord(a) || !isRecord(b)) return false;
  for (const name in a) if (!isSame(a[name], b[name], depth + 1)) return false;
  for (const name in b) if (!(name in a)) return false;
  return true;
}

/** Text by which equal values are equal; undefined where it is nested too deep to be written. */
export function keyText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

const labelSets = createInterner<string, Labels>(20_000);
const noLabels: Labels = Object.freeze({});

/** Labels that no two pods share: with one of these a set is never seen twice, and is not worth keeping a key for. */
const uniqueLabels: readonly string[] = [
  'batch.kubernetes.io/job-completion-index',
  'statefulset.kubernetes.io/pod-name',
  'training.kubeflow.org/replica-index',
  'leaderworkerset.sigs.k8s.io/worker-index',
  'ray.io/worker-group-replica-index',
];

/** String pairs (labels, selectors), sanitised; equal sets are one object. */
export function labels(value: unknown): Labels {
  const fields = record(value);
  if (fields === noFields) return noLabels;
  for (const name of uniqueLabels) if (fields[name] !== undefined) return pairs(fields);
  const key = keyText(fields);
  return key === undefined ? pairs(fields) : labelSets.get(key, () => pairs(fields));
}

/** Only the named pairs of `value`, sanitised. Longer than other text may be: HAMi keeps its books in one. */
export function labelsNamed(value: unknown, names: readonly string[]): Labels {
  const fields = record(value);
  let result: Record<string, string> | undefined;
  for (const name of names) {
    const found = fields[name];
    if (typeof found !== 'string') continue;
    result ??= {};
    result[name] = intern(sanitizeLine(found, maxTextLength));
  }
  return result ?? noLabels;
}

function pairs(fields: Fields): Labels {
  const result: Record<string, string> = {};
  for (const name in fields) {
    // Assigning to it would set the prototype; no real label has this key.
    if (name !== '__proto__') result[shared(name)] = shared(fields[name]);
  }
  return result;
}
