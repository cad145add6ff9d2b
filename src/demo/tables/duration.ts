import { textAt } from './read.ts';

/** Port of `HumanDuration` of k8s.io/apimachinery/pkg/util/duration; takes milliseconds. */
export function humanDuration(durationMs: number): string {
  const seconds = Math.trunc(durationMs / 1000);
  if (seconds < -1) return '<invalid>';
  if (durationMs < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes < 10) return both(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(minutes / 60);
  if (hours < 8) return both(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(hours / 24);
  if (hours < 192) return both(days, 'd', hours % 24, 'h');
  if (hours < 24 * 365 * 2) return `${days}d`;
  const years = Math.trunc(days / 365);
  return hours < 24 * 365 * 8 ? both(years, 'y', days % 365, 'd') : `${years}y`;
}

const both = (large: number, largeUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;

/** Epoch milliseconds of an RFC 3339 time; undefined where it is missing or Go's zero time. */
export function timeAt(object: unknown, path: string): number | undefined {
  const text = textAt(object, path);
  if (text === '' || text.startsWith('0001-01-01')) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

/** How long ago the time at a path was: `16m`; `<unknown>` without one. */
export function ageAt(object: unknown, path: string, now: number): string {
  const time = timeAt(object, path);
  return time === undefined ? '<unknown>' : humanDuration(now - time);
}
