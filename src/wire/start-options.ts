import { type PrometheusPlace, parsePlace } from '../accelerators/prometheus.ts';
import type { Tables } from '../actions/action.ts';
import { parseCommand } from '../actions/commands.ts';
import { writeLockOf } from '../actions/create-hands.ts';
import { kubectlFlags } from '../actions/kubectl.ts';
import type { ScreenOptions as OpenOptions } from '../cli/screen-options.ts';
import { wordOf } from '../resources/index.ts';
import { createSession, type Namespaces, type SessionStore } from '../state/session.ts';
import { colorLevel } from '../ui/color-level.ts';
import { isUnicodeLocale, type Probe } from '../ui/terminal.ts';
import { type Theme, themeForBackground, themeNamed, themeNames } from '../ui/theme.ts';

/** What `openScreen` can be told: the command line's options, and a filter to start with. */
export interface WireOptions extends OpenOptions {
  readonly filter?: string;
}

/** A wrong theme, view or flag: said on stderr before anything is drawn. Exit code 2. */
export class StartError extends Error {}

/** The theme of a name, or the one that suits the background where nobody chose; checked before the terminal is taken. */
export function createThemes(options: WireOptions): (probe: Probe, name?: string) => Theme {
  const { theme, color, glyphs } = options;
  if (theme !== undefined && !themeNames.includes(theme)) {
    throw new StartError(`no theme "${theme}"; there are ${themeNames.join(', ')}`);
  }
  const level = colorLevel({
    ...(color === undefined ? {} : { flag: color }),
    env: process.env,
    isTTY: true,
  });
  return ({ background, isUnicode }, name) => {
    const drawsUnicode = isUnicodeLocale(process.env) ?? isUnicode ?? true;
    const isAscii = glyphs === 'ascii' || (glyphs !== 'unicode' && !drawsUnicode);
    return themeNamed(name ?? theme ?? themeForBackground(background), {
      level,
      glyphs: isAscii ? 'ascii' : 'unicode',
    });
  };
}

/** The place of `--prometheus`; undefined where none is named. */
export function prometheusOf({ prometheus }: WireOptions): PrometheusPlace | undefined {
  if (prometheus === undefined) return undefined;
  const place = parsePlace(prometheus);
  if (place === undefined)
    throw new StartError(
      `--prometheus ${prometheus}: not NAMESPACE/SERVICE:PORT, as in monitoring/prometheus-k8s:9090`,
    );
  return place;
}

/** What flags or the first command say; undefined: the context decides. */
export function askedNamespaces(
  { view, namespaces: flagged }: WireOptions,
  tables: Tables,
): Namespaces | undefined {
  const command = parseCommand(view ?? '', tables);
  return (command.kind === 'open' ? command.namespaces : undefined) ?? flagged;
}

/** Where the person is at the start: what the flags and the first command say. */
export function sessionOf(options: WireOptions, tables: Tables): SessionStore {
  const command = parseCommand(options.view ?? 'pods', tables);
  if (command.kind === 'wrong') throw new StartError(command.why);
  const isOpen = command.kind === 'open';
  return createSession({
    table: isOpen ? wordOf(command.table) : 'pods',
    namespaces: askedNamespaces(options, tables) ?? 'all',
    filter: options.filter ?? (isOpen ? command.filter : ''),
    faultsOnly: options.faults,
    wide: options.wide,
    headerShown: !options.headless,
    readonly: options.readonly,
    writeLock: writeLockOf(process.env),
    demo: options.demo ?? false,
    kubectlFlags: kubectlFlags(options.connect),
    labelSelector: options.selector,
    fieldSelector: options.fieldSelector,
    nowMs: Date.now(),
  });
}
