import { parseArgs } from 'node:util';
import { nearest } from '../actions/nearest.ts';
import type { ConnectOptions } from '../kube/contract.ts';
import { UsageError } from './io.ts';

export interface Flag {
  readonly name: string;
  readonly short?: string;
  /** What stands after the flag: `FILE`; absent for a switch. */
  readonly value?: string;
  readonly multiple?: boolean;
  readonly group: 'Cluster' | 'What to show' | 'Output' | 'Screen' | 'Demo';
  readonly help: string;
  /** Accepted for k9s's fingers, not shown. */
  readonly hidden?: boolean;
  readonly choices?: readonly string[];
}

/** Also a flag of `mltop rules`. */
export const rulesFlag: Flag = {
  name: 'rules',
  value: 'FILE|DIR',
  multiple: true,
  group: 'What to show',
  help: 'rule packs; default: ~/.config/mltop/rules/*.yaml',
};

/** Every flag of the general command line. `--help`, the README and the completion scripts come from this list. */
export const flags: readonly Flag[] = [
  {
    name: 'kubeconfig',
    value: 'FILE',
    group: 'Cluster',
    help: 'kubeconfig; else $KUBECONFIG, else ~/.kube/config, else in-cluster',
  },
  { name: 'context', value: 'NAME', group: 'Cluster', help: 'context of the kubeconfig' },
  { name: 'cluster', value: 'NAME', group: 'Cluster', help: 'cluster entry of the kubeconfig' },
  { name: 'user', value: 'NAME', group: 'Cluster', help: 'user entry of the kubeconfig' },
  { name: 'server', short: 's', value: 'URL', group: 'Cluster', help: 'API server; https:// or http://' },
  { name: 'token', value: 'TOKEN', group: 'Cluster', help: 'bearer token' },
  { name: 'as', value: 'USER', group: 'Cluster', help: 'impersonate a user' },
  {
    name: 'as-group',
    value: 'GROUP',
    multiple: true,
    group: 'Cluster',
    help: 'impersonate groups (repeatable)',
  },
  { name: 'as-uid', value: 'UID', group: 'Cluster', help: 'impersonate a UID' },
  { name: 'certificate-authority', value: 'FILE', group: 'Cluster', help: 'CA of the server' },
  { name: 'client-certificate', value: 'FILE', group: 'Cluster', help: 'client certificate' },
  { name: 'client-key', value: 'FILE', group: 'Cluster', help: 'key of the client certificate' },
  {
    name: 'tls-server-name',
    value: 'NAME',
    group: 'Cluster',
    help: 'name to expect in the server certificate',
  },
  { name: 'insecure-skip-tls-verify', group: 'Cluster', help: 'do not verify the server certificate' },
  {
    name: 'request-timeout',
    value: 'DURATION',
    group: 'Cluster',
    help: 'give up on a silent server (30s, 2m; 0 = never)',
  },
  { name: 'http1', group: 'Cluster', help: 'HTTP/1.1 even where the server offers HTTP/2' },

  { name: 'namespace', short: 'n', value: 'NS[,NS]', group: 'What to show', help: 'namespaces' },
  { name: 'all-namespaces', short: 'A', group: 'What to show', help: 'all namespaces' },
  { name: 'selector', short: 'l', value: 'SELECTOR', group: 'What to show', help: 'label selector' },
  { name: 'field-selector', value: 'SELECTOR', group: 'What to show', help: 'field selector' },
  {
    name: 'command',
    short: 'c',
    value: 'COMMAND',
    group: 'What to show',
    help: 'first view or command: "pods -n train /worker"',
  },
  { name: 'faults', group: 'What to show', help: 'only what needs a person' },
  {
    name: 'from',
    value: 'FILE',
    multiple: true,
    group: 'What to show',
    help: 'read objects from files (kubectl get -o yaml|json, JSONL), no cluster',
  },
  rulesFlag,

  {
    name: 'output',
    short: 'o',
    value: 'FORMAT',
    group: 'Output',
    choices: ['table', 'wide', 'json', 'jsonl', 'yaml', 'csv', 'name'],
    help: 'print once: table wide json jsonl yaml csv name',
  },
  { name: 'once', group: 'Output', help: 'print once and exit, as -o table' },
  { name: 'no-headers', group: 'Output', help: 'no header line in table and csv' },
  { name: 'sort-by', value: 'COLUMN', group: 'Output', help: 'sort by a column; -COLUMN descending' },

  {
    name: 'prometheus',
    value: 'NS/SERVICE:PORT',
    group: 'Cluster',
    help: 'where GPU metrics are asked for; else looked for where exporters cannot be',
  },
  {
    name: 'theme',
    value: 'NAME|FILE',
    group: 'Screen',
    help: 'colours: dark, light, terminal, mono, … or a file',
  },
  {
    name: 'color',
    value: 'WHEN',
    choices: ['auto', 'always', 'never', '16', '256', 'truecolor'],
    group: 'Screen',
    help: 'auto always never 16 256 truecolor; NO_COLOR is honoured',
  },
  {
    name: 'glyphs',
    value: 'SET',
    choices: ['auto', 'unicode', 'ascii'],
    group: 'Screen',
    help: 'auto unicode ascii',
  },
  { name: 'wide', group: 'Screen', help: 'start with all columns' },
  { name: 'readonly', group: 'Screen', help: 'nothing can be changed (the default until you press W)' },
  { name: 'write', group: 'Screen', help: 'start with writing armed; never in a context marked prod' },
  { name: 'headless', group: 'Screen', help: 'without the header' },
  {
    name: 'refresh',
    short: 'r',
    value: 'SECONDS',
    group: 'Screen',
    help: 'for what must be polled; the rest is pushed',
    hidden: true,
  },
  { name: 'logoless', group: 'Screen', help: '', hidden: true },
  { name: 'crumbsless', group: 'Screen', help: '', hidden: true },
  { name: 'splashless', group: 'Screen', help: '', hidden: true },

  { name: 'serve', group: 'Demo', help: 'demo: serve the cluster for kubectl, k9s, another mltop' },
  { name: 'port', value: 'N', group: 'Demo', help: 'demo: port (default: a free one)' },
  { name: 'pods', value: 'N', group: 'Demo', help: 'demo: pods in all, up to 100,000' },
  { name: 'nodes', value: 'N', group: 'Demo', help: 'demo: nodes in all, up to 5,000' },
  { name: 'seed', value: 'N', group: 'Demo', help: 'demo: seed of the generated pods' },
  {
    name: 'churn',
    value: 'N',
    group: 'Demo',
    help: 'demo: random pod changes a second, for benchmarks',
    hidden: true,
  },
  {
    name: 'fault',
    value: 'NAME[:ARGS]',
    group: 'Demo',
    help: 'demo: make a served cluster misbehave (freeze:20, cut, 429:5, list, clear)',
  },
  { name: 'still', group: 'Demo', help: 'demo: nothing moves by itself' },
  { name: 'requests', value: 'FILE', group: 'Demo', help: 'demo: append each request as a JSON line' },

  { name: 'help', short: 'h', group: 'Output', help: 'this text' },
  { name: 'version', short: 'V', group: 'Output', help: 'the version' },
];

/** Where the first word stands that is neither a flag nor a flag's value; the length where there is none. */
export function firstWordAt(args: readonly string[]): number {
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (!arg.startsWith('-') || arg === '-') return at;
    if (arg.includes('=')) continue;
    const flag = flags.find(({ name, short }) => arg === `--${name}` || arg === `-${short}`);
    if (flag?.value !== undefined) at += 1;
  }
  return args.length;
}

export interface ParsedFlags {
  readonly positionals: readonly string[];
  readonly on: (name: string) => boolean;
  readonly one: (name: string) => string | undefined;
  readonly many: (name: string) => readonly string[];
}

/**
 * Reads a command line against a flag table.
 * @throws UsageError for an unknown flag (with the nearest one), a missing or unneeded value, a value out of its choices.
 */
export function parseFlags(args: readonly string[], table: readonly Flag[] = flags): ParsedFlags {
  const known = table.flatMap((flag) => [
    `--${flag.name}`,
    ...(flag.short === undefined ? [] : [`-${flag.short}`]),
  ]);
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      strict: true,
      options: Object.fromEntries(
        table.map((flag) => [
          flag.name,
          {
            type: flag.value === undefined ? ('boolean' as const) : ('string' as const),
            multiple: flag.multiple ?? false,
            ...(flag.short === undefined ? {} : { short: flag.short }),
          },
        ]),
      ),
    });
  } catch (error) {
    throw usageOf(error, known);
  }
  const values = parsed.values as Readonly<
    Record<string, string | boolean | readonly (string | boolean)[] | undefined>
  >;
  for (const flag of table) {
    const given = values[flag.name];
    if (flag.choices !== undefined && typeof given === 'string' && !flag.choices.includes(given)) {
      const close = nearest(given, flag.choices);
      throw new UsageError(
        `--${flag.name} ${given}: not one of ${flag.choices.join(', ')}`,
        close === undefined
          ? `Choose one of ${flag.choices.join(', ')}.`
          : `Did you mean --${flag.name} ${close}?`,
      );
    }
  }
  return {
    positionals: parsed.positionals,
    on: (name) => values[name] === true,
    one: (name) => (typeof values[name] === 'string' ? values[name] : undefined),
    many: (name) => {
      const given = values[name];
      if (Array.isArray(given)) return given.filter((item): item is string => typeof item === 'string');
      return typeof given === 'string' ? [given] : [];
    },
  };
}

function usageOf(error: unknown, known: readonly string[]): UsageError {
  const text = error instanceof Error ? error.message : String(error);
  const unknown = /Unknown option '([^']+)'/.exec(text)?.[1];
  if (unknown === undefined)
    return new UsageError(text.split('. ')[0] ?? text, 'mltop --help lists the flags.');
  const close = nearest(unknown, known);
  return new UsageError(
    `unknown flag ${unknown}`,
    close === undefined ? 'mltop --help lists the flags.' : `Did you mean ${close}?`,
  );
}

/**
 * A duration as kubectl reads it, in ms: `30s`, `2m`, `1h30m`, `500ms`; a bare number is seconds.
 * @throws UsageError naming the flag.
 */
export function durationOf(text: string, flag: string): number {
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const unit: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text) {
    throw new UsageError(`--${flag} ${text}: not a duration`, 'Write 30s, 2m or 1h30m.');
  }
  return parts.reduce((sum, part) => sum + Number(part[1]) * (unit[part[2] ?? 's'] ?? 0), 0);
}

/**
 * A whole number of a flag, undefined when the flag is absent.
 * @throws UsageError naming the flag and the range.
 */
export function numberOf(parsed: ParsedFlags, name: string, least: number, most: number): number | undefined {
  const text = parsed.one(name);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < least || number > most) {
    throw new UsageError(
      `--${name} ${text}: not a whole number from ${least} to ${most}`,
      'mltop --help lists the flags.',
    );
  }
  return number;
}

/** What the cluster flags say, on top of `base`; everything absent falls to the kubeconfig. */
export function connectOptionsOf(parsed: ParsedFlags, base: ConnectOptions): ConnectOptions {
  const timeout = parsed.one('request-timeout');
  const as = parsed.one('as');
  const groups = parsed.many('as-group');
  const uid = parsed.one('as-uid');
  if (as === undefined && (groups.length > 0 || uid !== undefined)) {
    throw new UsageError('--as-group and --as-uid need --as', 'Name the user with --as USER.');
  }
  return {
    ...base,
    ...given('kubeconfig', parsed.one('kubeconfig')),
    ...given('context', parsed.one('context')),
    ...given('cluster', parsed.one('cluster')),
    ...given('user', parsed.one('user')),
    ...given('server', parsed.one('server')),
    ...given('token', parsed.one('token')),
    ...given('certificateAuthority', parsed.one('certificate-authority')),
    ...given('clientCertificate', parsed.one('client-certificate')),
    ...given('clientKey', parsed.one('client-key')),
    ...given('tlsServerName', parsed.one('tls-server-name')),
    ...(parsed.on('insecure-skip-tls-verify') ? { insecureSkipTlsVerify: true } : {}),
    ...(parsed.on('http1') ? { http1: true } : {}),
    ...(timeout === undefined ? {} : { requestTimeoutMs: durationOf(timeout, 'request-timeout') }),
    ...(as === undefined ? {} : { impersonate: { user: as, groups, ...given('uid', uid) } }),
  };
}

/** `{name: value}` where there is a value: optional properties stay absent instead of undefined. */
function given<K extends string>(name: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined ? {} : ({ [name]: value } as Record<K, string>);
}

/** Namespaces asked for: a list, all, or undefined for the context's own. */
export function namespacesOf(parsed: ParsedFlags): readonly string[] | 'all' | undefined {
  if (parsed.on('all-namespaces')) return 'all';
  const text = parsed.one('namespace');
  if (text === undefined) return undefined;
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const bad = names.find((name) => !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name));
  if (bad !== undefined || names.length === 0) {
    throw new UsageError(
      `--namespace ${text}: '${bad ?? ''}' is not a namespace`,
      'Names are lower case letters, digits and -.',
    );
  }
  return names.includes('all') ? 'all' : names;
}
