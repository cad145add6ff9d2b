/** What the colour of a value means; the same words as `Tone` of the kinds, which this room may not import. */
export const tones = [
  'plain',
  'strong',
  'dim',
  'good',
  'warn',
  'bad',
  'pending',
  'done',
  'unknown',
  'accent',
] as const;
export type ToneName = (typeof tones)[number];

/** The parts of the screen that have a colour of their own. */
export const parts = [
  'header',
  'header.prod',
  'header.staging',
  'header.armed',
  'title',
  'title.filter',
  'crumb',
  'tab.active',
  'hint.key',
  'hint.text',
  'hint.off',
  'table.header',
  'table.sort',
  'selection',
  'mark',
  'ghost',
  'border',
  'border.focus',
  'prompt',
  'prompt.ghost',
  'cursor',
  'danger',
  'match',
  'key',
] as const;
export type Role = ToneName | (typeof parts)[number];

/** Tokens that hold several colours: how busy something is, and colours that tell owners or pods apart. */
const ramps = ['load', 'cycle'] as const;
export type Token = Role | (typeof ramps)[number];
const tokenNames: readonly string[] = [...tones, ...parts, ...ramps];

export const attributes = { bold: 1, dim: 2, italic: 3, underline: 4, inverse: 7, strikethrough: 9 } as const;
export type Attribute = keyof typeof attributes;
export const ansiNames: readonly string[] = [
  'black',
  'red',
  'green',
  'yellow',
  'blue',
  'magenta',
  'cyan',
  'white',
];

const tokenKeys: readonly string[] = ['fg', 'bg', 'ansi', 'ansiBg', 'attrs', 'steps', 'at'];

export interface TokenStyle {
  readonly fg?: string;
  readonly bg?: string;
  /** Used at 16 colours instead of `fg` and `bg`. Default there: what the theme `terminal` says. */
  readonly ansi?: string | readonly string[];
  readonly ansiBg?: string;
  readonly attrs?: readonly string[];
  readonly steps?: readonly string[];
  /** For `load`: the percentage from which each step holds. */
  readonly at?: readonly number[];
}

/** A file of `themes/`, or a user's own. */
export interface ThemeFile {
  readonly name: string;
  /** `terminal` paints with the terminal's own colours and fits any background. */
  readonly type: 'dark' | 'light' | 'terminal';
  /** What a token that is missing here looks like. Default: the theme named like the type. */
  readonly inherits?: string;
  readonly palette: Readonly<Record<string, string>>;
  readonly tokens: Readonly<Record<string, TokenStyle>>;
}

/**
 * Checks the content of a theme file. Errors name the file, the token and what was probably meant.
 * A theme may colour; it may not change glyphs or layout.
 */
export function checkedTheme(value: unknown, file: string): ThemeFile {
  const fail = (what: string): never => {
    throw new Error(`${file}: ${what}`);
  };
  if (!isRecord(value)) return fail('a theme is an object with "name", "type", "palette" and "tokens"');
  const { name, type, inherits, palette = {}, tokens = {} } = value;
  if (typeof name !== 'string' || name === '') return fail('"name" is missing');
  if (type !== 'dark' && type !== 'light' && type !== 'terminal')
    return fail('"type" must be dark, light or terminal');
  if (inherits !== undefined && inherits !== null && typeof inherits !== 'string')
    return fail('"inherits" must be the name of a theme');
  if (!isRecord(palette)) return fail('"palette" must be an object of colours');
  if (!isRecord(tokens)) return fail('"tokens" must be an object of styles');
  for (const key of Object.keys(value)) {
    if (!['$schema', 'name', 'type', 'inherits', 'palette', 'tokens'].includes(key))
      fail(`"${key}" is not a part of a theme`);
  }
  const colors: Record<string, string> = {};
  for (const [entry, color] of Object.entries(palette)) {
    if (typeof color !== 'string' || !isColor(color)) {
      return fail(
        `palette "${entry}": ${JSON.stringify(color)} is not a colour (#rrggbb, ${ansiNames.join(', ')} or default)`,
      );
    }
    colors[entry] = color;
  }
  const styles: Record<string, TokenStyle> = {};
  for (const [token, style] of Object.entries(tokens)) styles[token] = checkedToken(token, style, fail);
  return {
    name,
    type,
    palette: colors,
    tokens: styles,
    ...(typeof inherits === 'string' ? { inherits } : {}),
  };
}

function checkedToken(token: string, style: unknown, fail: (what: string) => never): TokenStyle {
  if (!tokenNames.includes(token))
    fail(`unknown token "${token}"; did you mean "${nearestName(token, tokenNames)}"?`);
  if (!isRecord(style)) return fail(`token "${token}" must be an object`);
  const stray = Object.keys(style).find((key) => !tokenKeys.includes(key));
  if (stray !== undefined) return fail(`token "${token}": "${stray}" is not one of ${tokenKeys.join(', ')}`);
  const word = (key: string): string | undefined => {
    const value = style[key];
    return value === undefined || typeof value === 'string'
      ? value
      : fail(`token "${token}": "${key}" must be text`);
  };
  const words = (key: string): readonly string[] | undefined => {
    const value = style[key];
    if (value === undefined || (Array.isArray(value) && value.every((item) => typeof item === 'string')))
      return value;
    return fail(`token "${token}": "${key}" must be a list of texts`);
  };
  const at = style['at'];
  if (at !== undefined && !(Array.isArray(at) && at.every((step) => typeof step === 'number'))) {
    return fail(`token "${token}": "at" must be a list of percentages`);
  }
  const [fg, bg, ansiBg, attrs, steps] = [
    word('fg'),
    word('bg'),
    word('ansiBg'),
    words('attrs'),
    words('steps'),
  ];
  const ansi = Array.isArray(style['ansi']) ? words('ansi') : word('ansi');
  for (const color of [fg, bg, ...(steps ?? [])]) {
    if (color?.startsWith('#') && !isColor(color))
      return fail(`token "${token}": "${color}" is not a colour (#rrggbb)`);
  }
  for (const color of [ansi ?? [], ansiBg ?? []].flat()) {
    if (color !== 'default' && !ansiNames.includes(color))
      return fail(`token "${token}": "${color}" is not one of ${ansiNames.join(', ')} or default`);
  }
  for (const name of attrs ?? []) {
    if (!(name in attributes))
      return fail(
        `token "${token}": unknown attribute "${name}"; did you mean "${nearestName(name, Object.keys(attributes))}"?`,
      );
  }
  return {
    ...(fg === undefined ? {} : { fg }),
    ...(bg === undefined ? {} : { bg }),
    ...(ansi === undefined ? {} : { ansi }),
    ...(ansiBg === undefined ? {} : { ansiBg }),
    ...(attrs === undefined ? {} : { attrs }),
    ...(steps === undefined ? {} : { steps }),
    ...(at === undefined ? {} : { at }),
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `#rrggbb`, one of the terminal's names, or `default`. */
export function isColor(value: string): boolean {
  return value === 'default' || ansiNames.includes(value) || rgbOf(value) !== undefined;
}

/** The known name that takes the fewest edits to reach. */
function nearestName(name: string, known: readonly string[]): string {
  return known.reduce(
    (best, candidate) => (edits(name, candidate) < edits(name, best) ? candidate : best),
    known[0] ?? '',
  );
}

function edits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1),
        ),
      );
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

/** Red, green and blue of `#rrggbb`, 0–255; undefined for anything else. */
export function rgbOf(color: string): readonly [number, number, number] | undefined {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color);
  if (match === null) return undefined;
  const [, red = '', green = '', blue = ''] = match;
  return [Number.parseInt(red, 16), Number.parseInt(green, 16), Number.parseInt(blue, 16)];
}
