import cbDark from '../../themes/cb-dark.json' with { type: 'json' };
import cbLight from '../../themes/cb-light.json' with { type: 'json' };
import dark from '../../themes/dark.json' with { type: 'json' };
import highContrastDark from '../../themes/high-contrast-dark.json' with { type: 'json' };
import highContrastLight from '../../themes/high-contrast-light.json' with { type: 'json' };
import light from '../../themes/light.json' with { type: 'json' };
import mono from '../../themes/mono.json' with { type: 'json' };
import terminal from '../../themes/terminal.json' with { type: 'json' };
import { asciiGlyphs, displayWidth, type Glyphs, truncate, unicodeGlyphs } from './text.ts';
import {
  type Attribute,
  ansiNames,
  attributes,
  checkedTheme,
  isColor,
  type Role,
  rgbOf,
  type ThemeFile,
  type Token,
  type TokenStyle,
} from './theme-file.ts';

export { checkedTheme, parts, type Role, type ThemeFile, tones } from './theme-file.ts';

/** 0 attributes only, 1 the terminal's 16 colours, 2 256 colours, 3 24-bit. */
export type ColorLevel = 0 | 1 | 2 | 3;

/** One run of text in one colour. */
export interface Span {
  readonly text: string;
  /** Default: the base of the line it stands in, else plain. */
  readonly role?: Role;
}

/** A line as data: what it says and what each part means. */
export type Spans = readonly Span[];

/** A line with a left and a right end. The right end goes first when there is no room for both. */
export interface Bar {
  readonly left: Spans;
  readonly right?: Spans;
}

export interface Theme {
  readonly name: string;
  readonly type: ThemeFile['type'];
  readonly level: ColorLevel;
  readonly glyphs: Glyphs;
  /** The SGR sequence that turns the role on; empty for the terminal's plain text. */
  readonly open: (role: Role) => string;
  readonly paint: (role: Role, text: string) => string;
  /** A tone on the selected row: the selection's background, and the tone's own colour where it stays readable. */
  readonly paintSelected: (role: Role, text: string) => string;
  /** The n-th of the colours that tell owners apart; any whole number. */
  readonly paintCycle: (index: number, text: string) => string;
  /** How busy, 0–1. Busy is not bad: it never takes the colour of `bad`. */
  readonly paintLoad: (share: number, text: string) => string;
  /** Exactly `width` cells of painted text. `base` fills the padding and the spans that have no role. */
  readonly line: (spans: Spans, width: number, base?: Role) => string;
  readonly bar: (bar: Bar, width: number, base?: Role) => string;
}

const builtIn: Readonly<Record<string, ThemeFile>> = Object.fromEntries(
  [dark, light, terminal, mono, cbDark, cbLight, highContrastDark, highContrastLight].map((file) => [
    file.name,
    checkedTheme(file, `themes/${file.name}.json`),
  ]),
);

/** The names that `--theme` takes. */
export const themeNames: readonly string[] = Object.keys(builtIn);

export interface ThemeOptions {
  readonly level: ColorLevel;
  /** Default: unicode. */
  readonly glyphs?: 'unicode' | 'ascii';
}

/** The theme of that name, ready to paint. An unknown name is an error that lists the known ones. */
export function themeNamed(name: string, options: ThemeOptions): Theme {
  return createTheme(themeFileNamed(name, 'theme'), options);
}

function themeFileNamed(name: string, where: string): ThemeFile {
  const file = builtIn[name];
  if (file === undefined) throw new Error(`${where}: no theme "${name}"; there are ${themeNames.join(', ')}`);
  return file;
}

/** Makes a theme file paint at a colour level. */
export function createTheme(file: ThemeFile, { level, glyphs: glyphSet = 'unicode' }: ThemeOptions): Theme {
  const glyphs = glyphSet === 'ascii' ? asciiGlyphs : unicodeGlyphs;
  const styleOf = (token: Token): Style => resolve(file, token, level);
  const opens = new Map<string, string>();
  const opened = (key: string, make: () => Style): string => {
    const known = opens.get(key);
    if (known !== undefined) return known;
    const sgr = sgrOf(make(), level);
    opens.set(key, sgr);
    return sgr;
  };
  const open = (role: Role): string => opened(role, () => styleOf(role));
  const wrapIn = (sgr: string, text: string): string =>
    sgr === '' || text === '' ? text : `${sgr}${text}\x1b[0m`;
  const paint = (role: Role, text: string): string => wrapIn(open(role), text);
  const selected = (role: Role): string =>
    opened(`selected ${role}`, () => onSelection(styleOf('selection'), styleOf(role), role, level));
  const line = (spans: Spans, width: number, base: Role = 'plain'): string => {
    let out = '';
    let left = width;
    for (const span of spans) {
      if (left <= 0) break;
      const text = truncate(span.text, left, glyphs.ellipsis);
      out += paint(span.role ?? base, text);
      left -= displayWidth(text);
    }
    return left > 0 ? out + paint(base, ' '.repeat(left)) : out;
  };
  return {
    name: file.name,
    type: file.type,
    level,
    glyphs,
    open,
    paint,
    paintSelected: (role, text) => wrapIn(selected(role), text),
    paintCycle(index, text) {
      const steps = styleOf('cycle').steps;
      const at = steps.length === 0 ? 0 : ((index % steps.length) + steps.length) % steps.length;
      return wrapIn(
        opened(`cycle ${at}`, () => ({ ...noStyle, fg: steps[at] })),
        text,
      );
    },
    paintLoad(share, text) {
      const { steps, at } = styleOf('load');
      const step = Math.max(
        0,
        at.findLastIndex((from) => share * 100 >= from),
      );
      return wrapIn(
        opened(`load ${step}`, () => ({ ...noStyle, fg: steps[step] ?? steps[0] })),
        text,
      );
    },
    line,
    bar({ left, right = [] }, width, base) {
      const wanted = widthOf(right);
      // A left end shorter than half of the line keeps its half; the right end yields.
      const room =
        wanted === 0 ? 0 : Math.min(wanted, Math.max(0, width - Math.min(widthOf(left) + 1, width >> 1)));
      return room === 0 ? line(left, width, base) : line(left, width - room, base) + line(right, room, base);
    },
  };
}

/** The cells that the spans take. */
export function widthOf(spans: Spans): number {
  return spans.reduce((sum, span) => sum + displayWidth(span.text), 0);
}

// ---- resolution ----

interface Style {
  readonly fg: string | undefined;
  readonly bg: string | undefined;
  readonly attrs: readonly Attribute[];
  readonly steps: readonly string[];
  readonly at: readonly number[];
}

const noStyle: Style = { fg: undefined, bg: undefined, attrs: [], steps: [], at: [] };

/** The theme, what it inherits, and at last the built-in theme of its type, in which every token exists. */
function chainOf(file: ThemeFile): readonly ThemeFile[] {
  const chain: ThemeFile[] = [];
  for (let next: ThemeFile | undefined = file; next !== undefined && !chain.includes(next); ) {
    chain.push(next);
    const parent: string | undefined = next.inherits ?? (next.name === next.type ? undefined : next.type);
    next = parent === undefined ? undefined : builtIn[parent];
  }
  return chain;
}

/**
 * Own token, then the inherited ones, then the dotted parent: a theme that restyles `header` must not take the red
 * from an inherited `header.prod`.
 */
function find(chain: readonly ThemeFile[], token: string): { style: TokenStyle; depth: number } | undefined {
  const depth = chain.findIndex((file) => file.tokens[token] !== undefined);
  const style = chain[depth]?.tokens[token];
  if (style !== undefined) return { style, depth };
  const dot = token.lastIndexOf('.');
  return dot < 0 ? undefined : find(chain, token.slice(0, dot));
}

function resolve(file: ThemeFile, token: Token, level: ColorLevel): Style {
  // Without colour, weight and inversion carry what colour carried: `mono` says how.
  const chain = level === 0 ? chainOf(themeFileNamed('mono', 'theme')) : chainOf(file);
  const found = find(chain, token);
  if (found === undefined) return noStyle;
  // Palette names are looked up from the top, so a theme that inherits can recolour by its palette alone.
  const color = (name: string | undefined): string | undefined =>
    name === undefined
      ? undefined
      : (chain.find((link) => link.palette[name] !== undefined)?.palette[name] ?? name);
  if (level === 1 && file.type !== 'terminal') {
    const { ansi } = found.style;
    if (ansi === undefined) return resolve(themeFileNamed('terminal', 'theme'), token, level);
    const many = typeof ansi !== 'string';
    return {
      ...noStyle,
      fg: many ? undefined : ansi,
      bg: found.style.ansiBg,
      attrs: attrsOf(found.style),
      steps: many ? ansi : [],
      at: found.style.at ?? [],
    };
  }
  return {
    fg: color(found.style.fg),
    bg: color(found.style.bg),
    attrs: attrsOf(found.style),
    steps: (found.style.steps ?? []).map((step) => color(step) ?? step),
    at: found.style.at ?? [],
  };
}

const attrsOf = (style: TokenStyle): readonly Attribute[] =>
  (style.attrs ?? []).filter((name): name is Attribute => name in attributes);

/** At 16 colours a green on cyan cannot be read, and an inverted selection has no background of its own. */
function onSelection(selection: Style, tone: Style, role: Role, level: ColorLevel): Style {
  const keepsTone =
    level >= 2 && selection.bg !== undefined && selection.bg !== 'default' && tone.bg === undefined;
  const colored = role !== 'plain' && role !== 'strong' && role !== 'selection';
  return { ...selection, fg: keepsTone && colored ? (tone.fg ?? selection.fg) : selection.fg };
}

function sgrOf(style: Style, level: ColorLevel): string {
  const codes: string[] = style.attrs.map((name) => String(attributes[name]));
  if (level > 0) {
    const fg = colorCode(style.fg, level, 30);
    const bg = colorCode(style.bg, level, 40);
    if (fg !== undefined) codes.push(fg);
    if (bg !== undefined) codes.push(bg);
  }
  return codes.length === 0 ? '' : `\x1b[${codes.join(';')}m`;
}

/** `base` is 30 for the text, 40 for the background. */
function colorCode(color: string | undefined, level: ColorLevel, base: 30 | 40): string | undefined {
  if (color === undefined || color === 'default') return undefined;
  const named = ansiNames.indexOf(color);
  if (named >= 0) return String(base + named);
  const rgb = rgbOf(color);
  if (rgb === undefined) return undefined;
  if (level === 3) return `${base + 8};2;${rgb.join(';')}`;
  if (level === 2) return `${base + 8};5;${nearest256(rgb)}`;
  return undefined;
}

/** The 6x6x6 cube of xterm and its 24 greys; the first 16 are the terminal's own and can look like anything. */
function nearest256(rgb: readonly [number, number, number]): number {
  const cube = [0, 95, 135, 175, 215, 255];
  const nearestStep = (value: number): number =>
    cube.reduce(
      (best, step, index) => (Math.abs(step - value) < Math.abs((cube[best] ?? 0) - value) ? index : best),
      0,
    );
  const [red, green, blue] = rgb.map(nearestStep);
  const distance = (other: readonly number[]): number =>
    rgb.reduce((sum, value, index) => sum + (value - (other[index] ?? 0)) ** 2, 0);
  const cubeDistance = distance([cube[red ?? 0] ?? 0, cube[green ?? 0] ?? 0, cube[blue ?? 0] ?? 0]);
  const grey = Math.min(23, Math.max(0, Math.round(((rgb[0] + rgb[1] + rgb[2]) / 3 - 8) / 10)));
  const level = 8 + 10 * grey;
  return distance([level, level, level]) < cubeDistance
    ? 232 + grey
    : 16 + 36 * (red ?? 0) + 6 * (green ?? 0) + (blue ?? 0);
}

/** Also checks that every colour name of the tokens is in the palette or inherited; needs the whole chain. */
export function unknownColors(file: ThemeFile): readonly string[] {
  const chain = chainOf(file);
  const known = (name: string): boolean =>
    isColor(name) || chain.some((link) => link.palette[name] !== undefined);
  return Object.entries(file.tokens).flatMap(([token, style]) =>
    [style.fg, style.bg, ...(style.steps ?? [])]
      .filter((name) => name !== undefined && !known(name))
      .map((name) => `token "${token}": no colour "${name}" in the palette`),
  );
}

/** A user's theme: checked JSON text. The message of the error can be shown as it is. */
export function parseTheme(json: string, file: string): ThemeFile {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new Error(`${file}: not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const theme = checkedTheme(value, file);
  if (theme.inherits !== undefined) themeFileNamed(theme.inherits, file);
  const [stray] = unknownColors(theme);
  if (stray !== undefined) throw new Error(`${file}: ${stray}`);
  return theme;
}

/** The theme when nobody chose one: by the background, and the terminal's own colours when that is not known. */
export function themeForBackground(background: 'dark' | 'light' | undefined): string {
  return background ?? 'terminal';
}
