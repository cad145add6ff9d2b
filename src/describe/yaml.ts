import { stringify } from 'yaml';
import type { KubeObject } from '../kube/object.ts';
import { isRecord } from '../resources/fields.ts';
import { byName } from './parts.ts';

export interface YamlOptions {
  /** Who wrote which field: long, and hidden unless asked for. */
  readonly managedFields: boolean;
  /** What stands deeper is folded; undefined: nothing is. */
  readonly depth: number | undefined;
}

/** The object as `kubectl get -o yaml` prints it, line by line. */
export function yamlLines(object: KubeObject, { managedFields, depth }: YamlOptions): readonly string[] {
  const { metadata, ...rest } = object;
  const { managedFields: managers, ...own } = metadata ?? {};
  const shown = { ...rest, ...(metadata === undefined ? {} : { metadata: managedFields ? metadata : own }) };
  const text = stringify(sorted(shown), { lineWidth: 0, indentSeq: false, aliasDuplicateObjects: false });
  const lines = text.trimEnd().split('\n');
  const folded = depth === undefined ? lines : foldBelow(lines, depth);
  const hidden = !managedFields && Array.isArray(managers) && managers.length > 0;
  return hidden ? [...folded, `# managedFields hidden (${managers.length}); m shows them`] : folded;
}

/** kubectl sorts every level by name. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(byName)
      .map(([key, item]) => [key, sorted(item)]),
  );
}

/** Two blanks of indent, or the dash of a list, are one level. */
const levelOf = (line: string): number =>
  Math.floor((/^ */.exec(line)?.[0].length ?? 0) / 2) + (/^ *- /.test(line) ? 1 : 0);

/** Leaves the lines down to a depth, each with how many it hides. */
function foldBelow(lines: readonly string[], depth: number): readonly string[] {
  const out: string[] = [];
  let hidden = 0;
  const close = (): void => {
    if (hidden > 0) out[out.length - 1] = `${out.at(-1)}  … ${hidden} lines`;
    hidden = 0;
  };
  for (const line of lines) {
    if (levelOf(line) >= depth && out.length > 0) {
      hidden += 1;
      continue;
    }
    close();
    out.push(line);
  }
  close();
  return out;
}
