/** Any object of the API as JSON has it. The demo server looks only at what it must: identity, labels and selectable fields. */
export interface KubeLike {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: KubeLikeMeta;
  readonly [field: string]: unknown;
}

export interface KubeLikeMeta {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string | null;
  readonly labels?: Readonly<Record<string, string>> | null;
  readonly [field: string]: unknown;
}

export type JsonRecord = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path such as `status.phase`; undefined where any step is missing. */
export function fieldAt(object: unknown, path: string): unknown {
  let value: unknown = object;
  for (const step of path.split('.')) {
    if (!isRecord(value)) return undefined;
    value = value[step];
  }
  return value;
}
