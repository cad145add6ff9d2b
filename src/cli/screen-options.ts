import type { ConnectOptions } from '../kube/contract.ts';
import type { ParsedFlags } from './flags.ts';

/** How the live screen starts. */
export interface ScreenOptions {
  readonly connect: ConnectOptions;
  /** A view's name or a whole command of the `:` prompt: `pods`, `pods train /worker`. Default: pods. */
  readonly view?: string;
  /** Default: all in the demo, else the context's own. */
  readonly namespaces?: readonly string[] | 'all';
  readonly selector?: string;
  readonly fieldSelector?: string;
  /** `NAMESPACE/SERVICE:PORT` of a Prometheus that has GPU metrics. */
  readonly prometheus?: string;
  /** Rule packs: files and folders; none: the configuration folder. */
  readonly rules?: readonly string[];
  readonly theme?: string;
  readonly color?: string;
  readonly glyphs?: string;
  readonly faults: boolean;
  readonly wide: boolean;
  readonly headless: boolean;
  /** False: writing is armed from the start, except in a context marked prod. */
  readonly readonly: boolean;
  /** The cluster is the simulated one: said in the header. */
  readonly demo?: boolean;
}

/** What only `main.tsx` can bring: the live screen, which the command line must not know. */
export interface Screens {
  readonly openScreen: (options: ScreenOptions) => Promise<number>;
}

/** The flags that say how the screen starts. */
export function screenFlags(
  word: string,
  parsed: ParsedFlags,
): Omit<ScreenOptions, 'connect' | 'namespaces'> {
  // On the command line `jobs` are workloads of any kind, as with -o; on the screen `:jobs` are those of `batch`.
  const first = word === 'jobs' ? 'workloads' : word;
  const view = word === '' ? parsed.one('command') : [first, ...parsed.positionals.slice(1)].join(' ');
  const text = (flag: string, name: keyof ScreenOptions): Partial<ScreenOptions> => {
    const value = parsed.one(flag);
    return value === undefined ? {} : { [name]: value };
  };
  return {
    ...(view === undefined ? {} : { view }),
    ...text('selector', 'selector'),
    ...text('field-selector', 'fieldSelector'),
    ...text('prometheus', 'prometheus'),
    ...text('theme', 'theme'),
    ...text('color', 'color'),
    ...text('glyphs', 'glyphs'),
    rules: parsed.many('rules'),
    faults: parsed.on('faults'),
    wide: parsed.on('wide'),
    headless: parsed.on('headless'),
    readonly: parsed.on('readonly') || !parsed.on('write'),
  };
}

/** A screen needs a terminal on both ends; a stdout that is none gets the view once, as text. */
export function printsOnce(parsed: ParsedFlags): boolean {
  return (
    parsed.on('once') ||
    parsed.one('output') !== undefined ||
    process.stdout.isTTY !== true ||
    // It can neither move a cursor nor clear a line.
    process.env['TERM'] === 'dumb'
  );
}
