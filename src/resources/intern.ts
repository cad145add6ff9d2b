import { sanitizeLine } from './sanitize.ts';

/** A table of values that repeat: equal keys give one shared value. */
export interface Interner<K, V> {
  /** The shared value of `key`; made on first sight. */
  readonly get: (key: K, make: (key: K) => V) => V;
}

/**
 * Two generations: lookups promote, and a full young generation drops the old one. So memory stays bounded
 * in a cluster that churns for weeks, while what is in use stays shared.
 */
export function createInterner<K, V>(capacity: number): Interner<K, V> {
  let young = new Map<K, V>();
  let old = new Map<K, V>();
  const keep = (key: K, value: V): V => {
    if (young.size >= capacity) {
      old = young;
      young = new Map();
    }
    young.set(key, value);
    return value;
  };
  return {
    get: (key, make) => {
      const known = young.get(key);
      if (known !== undefined) return known;
      const older = old.get(key);
      return keep(key, older === undefined ? make(key) : older);
    },
  };
}

const strings = createInterner<string, string>(50_000);

/** Longer texts rarely repeat, and a hundred thousand of them would be worth more than they save. */
const longestShared = 1024;

/** The one shared copy of a string that repeats from row to row. */
export const intern = (text: string): string =>
  text === '' || text.length > longestShared ? text : strings.get(text, asItIs);

const asItIs = (text: string): string => text;

/** By what came: what has been cleaned once is neither looked through nor kept again. */
const lines = createInterner<string, string>(50_000);

/** The shared copy of a text from the cluster, as one line that is safe to print. */
export const internLine = (text: string): string =>
  text === '' || text.length > longestShared ? sanitizeLine(text) : lines.get(text, sanitizeLine);
