import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { colorLevel } from '../../src/ui/color-level.ts';
import {
  checkedTheme,
  createTheme,
  parseTheme,
  parts,
  type Role,
  themeNamed,
  themeNames,
  tones,
  unknownColors,
} from '../../src/ui/theme.ts';
import { loadTheme } from '../../src/ui/theme-load.ts';

const fileOf = (name: string) =>
  checkedTheme(JSON.parse(readFileSync(new URL(`../../themes/${name}.json`, import.meta.url), 'utf8')), name);
const roles: readonly Role[] = [...tones, ...parts];

/** WCAG 2 relative luminance and contrast. */
function luminance(rgb: readonly number[]): number {
  const [red = 0, green = 0, blue = 0] = rgb.map((value) =>
    value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: readonly number[], other: readonly number[]): number {
  const [bright = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (bright + 0.05) / (dark + 0.05);
}

const hex = (color: string): number[] => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
const rgbAfter = (sgr: string, code: 38 | 48): number[] | undefined => {
  const match = new RegExp(`[[;]${code};2;(\\d+);(\\d+);(\\d+)`).exec(sgr);
  return match === null ? undefined : match.slice(1).map(Number);
};

const backgrounds: Readonly<Record<string, string>> = {
  dark: '#16181d',
  light: '#ffffff',
  'cb-dark': '#16181d',
  'cb-light': '#ffffff',
  'high-contrast-dark': '#000000',
  'high-contrast-light': '#ffffff',
};

describe('the built-in themes', () => {
  test.each(themeNames)('%s is complete and names only colours that exist', (name) => {
    expect(unknownColors(fileOf(name))).toEqual([]);
  });

  test('the schema knows the same tokens as the code', () => {
    const schema = JSON.parse(
      readFileSync(new URL('../../themes/theme.schema.json', import.meta.url), 'utf8'),
    );
    expect(new Set(schema.properties.tokens.propertyNames.enum)).toEqual(
      new Set([...roles, 'load', 'cycle']),
    );
    expect(roles.length + 2).toBeLessThanOrEqual(36);
  });

  test.each(Object.entries(backgrounds))(
    '%s can be read on its background and on the selection',
    (name, background) => {
      const theme = themeNamed(name, { level: 3 });
      const selected = rgbAfter(theme.open('selection'), 48);
      const faults = roles.flatMap((role) => {
        const sgr = theme.open(role);
        const onSelection = theme.paintSelected(role, 'x');
        const least = [
          'dim',
          'done',
          'unknown',
          'crumb',
          'hint.off',
          'table.header',
          'ghost',
          'border',
          'prompt.ghost',
        ].includes(role)
          ? 3
          : 4.5;
        const text = rgbAfter(sgr, 38);
        const selectedText = rgbAfter(onSelection, 38);
        const own = rgbAfter(sgr, 48);
        return [
          ...(text === undefined || contrast(text, own ?? hex(background)) >= least
            ? []
            : [`${role} on its background ${contrast(text, own ?? hex(background)).toFixed(1)}`]),
          ...(selectedText === undefined ||
          selected === undefined ||
          contrast(selectedText, selected) >= least
            ? []
            : [`${role} selected ${contrast(selectedText, selected).toFixed(1)}`]),
        ];
      });
      expect(faults).toEqual([]);
    },
  );

  test.each(Object.entries(backgrounds))(
    '%s: the colours that tell owners and loads apart can be read',
    (name, background) => {
      const theme = themeNamed(name, { level: 3 });
      const colors = [
        ...Array.from({ length: 8 }, (_, index) => theme.paintCycle(index, 'x')),
        ...[0, 0.5, 0.8, 1].map((share) => theme.paintLoad(share, 'x')),
      ];
      expect(
        colors.filter((painted) => contrast(rgbAfter(painted, 38) ?? [], hex(background)) < 4.5),
      ).toEqual([]);
    },
  );

  test('good, warn and bad differ in lightness or hue for every colour vision (Machado 2009, severity 1)', () => {
    const visions = {
      protan: [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
      ],
      deutan: [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.01182, 0.04294, 0.968881],
      ],
    };
    for (const name of Object.keys(backgrounds)) {
      const theme = themeNamed(name, { level: 3 });
      const colors = (['good', 'warn', 'bad'] as const).map((role) => rgbAfter(theme.open(role), 38) ?? []);
      for (const matrix of Object.values(visions)) {
        const labs = colors.map((rgb) =>
          lab(
            matrix.map((row) =>
              row.reduce((sum, factor, index) => sum + factor * linear(rgb[index] ?? 0), 0),
            ),
          ),
        );
        const nearest = Math.min(
          distance(labs[0], labs[1]),
          distance(labs[0], labs[2]),
          distance(labs[1], labs[2]),
        );
        expect([name, nearest > 18]).toEqual([name, true]);
      }
    }
  });

  test('without colour, each state still differs from plain text or is told by its glyph, and the selection is inverse', () => {
    const theme = themeNamed('dark', { level: 0 });
    expect(theme.open('selection')).toMatch(/7/);
    expect(theme.open('bad')).toBe('\x1b[1m');
    expect(roles.map((role) => theme.open(role)).join('')).not.toMatch(/[34]\d/);
  });

  test('at 16 colours only the terminal’s own colours are used, never bright black', () => {
    for (const name of themeNames) {
      const theme = themeNamed(name, { level: 1 });
      for (const role of roles) expect(theme.open(role)).not.toMatch(/;2;|;5;|\b9\d\b|\b10\d\b/);
    }
    expect(themeNamed('cb-dark', { level: 1 }).open('good')).toBe('\x1b[34m');
  });

  test('at 256 colours hex becomes the cube', () => {
    expect(themeNamed('dark', { level: 2 }).open('good')).toBe('\x1b[38;5;79m');
  });
});

const linear = (value: number): number =>
  value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
function lab([red = 0, green = 0, blue = 0]: readonly number[]): number[] {
  const [r, g, b] = [red, green, blue].map((value) => Math.min(1, Math.max(0, value))) as [
    number,
    number,
    number,
  ];
  const f = (value: number): number => (value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116);
  const x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const y = f(0.2126729 * r + 0.7151522 * g + 0.072175 * b);
  const z = f((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}
const distance = (one: readonly number[] = [], other: readonly number[] = []): number =>
  Math.hypot(...one.map((value, index) => value - (other[index] ?? 0)));

describe('painting', () => {
  const theme = themeNamed('dark', { level: 3 });

  test('a line is exactly as wide as asked and ends with a reset', () => {
    expect(theme.line([{ text: 'ok', role: 'good' }, { text: ' then' }], 10)).toBe(
      '\x1b[38;2;79;214;190mok\x1b[0m then   ',
    );
    expect(theme.line([{ text: 'CrashLoopBackOff', role: 'good' }], 5)).toBe(
      '\x1b[38;2;79;214;190mCras…\x1b[0m',
    );
  });

  test('a bar gives up its right end before the left half', () => {
    const bare = themeNamed('mono', { level: 0 });
    expect(bare.bar({ left: [{ text: 'Pods(all)' }], right: [{ text: '1-16' }] }, 16)).toBe(
      'Pods(all)   1-16',
    );
    expect(bare.bar({ left: [{ text: 'Pods(all) faults first' }], right: [{ text: 'sort NAME' }] }, 16)).toBe(
      'Pods(al…sort NA…',
    );
  });

  test('busy is not bad', () => {
    expect(theme.paintLoad(1, 'x')).not.toContain(
      theme.open('bad').slice(2, -1).split(';').slice(-3).join(';'),
    );
  });
});

describe('a user’s theme', () => {
  const minimal = { name: 'mine', type: 'dark', palette: {}, tokens: {} };

  test('inherits what it does not say, and a palette alone recolours', () => {
    const mine = createTheme(
      parseTheme(JSON.stringify({ ...minimal, palette: { good: '#00ff00' } }), 'mine.json'),
      { level: 3 },
    );
    expect(mine.open('good')).toBe('\x1b[38;2;0;255;0m');
    expect(mine.open('bad')).toBe(themeNamed('dark', { level: 3 }).open('bad'));
  });

  test('a restyled header does not take the red from the production header', () => {
    const mine = createTheme(
      checkedTheme({ ...minimal, tokens: { header: { fg: '#123456' } } }, 'mine.json'),
      { level: 3 },
    );
    expect(mine.open('header.prod')).toBe(themeNamed('dark', { level: 3 }).open('header.prod'));
  });

  test.each([
    [
      { ...minimal, tokens: { 'hint.keys': {} } },
      'mine.json: unknown token "hint.keys"; did you mean "hint.key"?',
    ],
    [
      { ...minimal, tokens: { good: { color: 'red' } } },
      'mine.json: token "good": "color" is not one of fg, bg, ansi, ansiBg, attrs, steps, at',
    ],
    [
      { ...minimal, tokens: { good: { fg: '#12' } } },
      'mine.json: token "good": "#12" is not a colour (#rrggbb)',
    ],
    [
      { ...minimal, tokens: { good: { attrs: ['blod'] } } },
      'mine.json: token "good": unknown attribute "blod"; did you mean "bold"?',
    ],
    [
      { ...minimal, tokens: { good: { fg: 'teal' } } },
      'mine.json: token "good": no colour "teal" in the palette',
    ],
    [
      { ...minimal, palette: { teal: 'teal' } },
      'mine.json: palette "teal": "teal" is not a colour (#rrggbb, black, red, green, yellow, blue, magenta, cyan, white or default)',
    ],
    [
      { ...minimal, inherits: 'drak' },
      'mine.json: no theme "drak"; there are dark, light, terminal, mono, cb-dark, cb-light, high-contrast-dark, high-contrast-light',
    ],
    [{ ...minimal, glyphs: {} }, 'mine.json: "glyphs" is not a part of a theme'],
    [{ ...minimal, type: 'grey' }, 'mine.json: "type" must be dark, light or terminal'],
  ])('%j is refused', (file, message) => {
    expect(() => parseTheme(JSON.stringify(file), 'mine.json')).toThrow(message);
  });

  test('is loaded by its path, and a built-in one by its name', () => {
    const path = fileURLToPath(new URL('../../themes/cb-dark.json', import.meta.url));
    expect(loadTheme(path, { level: 3 }).open('good')).toBe(loadTheme('cb-dark', { level: 3 }).open('good'));
    expect(() => loadTheme('./no-such.json', { level: 3 })).toThrow('./no-such.json: cannot be read');
    expect(() => loadTheme('no-such', { level: 3 })).toThrow('no theme "no-such"');
  });

  test('not JSON is an error that names the file', () => {
    expect(() => parseTheme('{', 'mine.json')).toThrow('mine.json: not JSON');
  });
});

describe('how many colours', () => {
  const level = (env: Record<string, string>, flag?: string, isTTY = true) =>
    colorLevel({ env, isTTY, ...(flag === undefined ? {} : { flag }) });
  test.each([
    ['xterm-256color', 2],
    ['xterm', 1],
    ['linux', 1],
    ['screen', 1],
    ['screen-256color', 2],
    ['tmux-256color', 2],
    ['dumb', 0],
    ['alacritty', 3],
    ['foot', 3],
    ['wezterm', 3],
    ['xterm-kitty', 3],
    ['xterm-ghostty', 3],
    ['xterm-direct', 3],
    ['vt100', 1],
    ['', 1],
  ])('TERM=%s gives %i', (term, expected) => {
    expect(level({ TERM: term })).toBe(expected);
  });

  test('each rule yields to the one before it', () => {
    expect(level({ TERM: 'xterm', COLORTERM: 'truecolor' })).toBe(3);
    expect(level({ TERM: 'xterm', COLORTERM: 'truecolor', FORCE_COLOR: '1' })).toBe(1);
    expect(level({ TERM: 'xterm', FORCE_COLOR: '3', NO_COLOR: '1' })).toBe(0);
    expect(level({ TERM: 'xterm', NO_COLOR: '' })).toBe(1);
    expect(level({ NO_COLOR: '1', MLTOP_COLOR: '256' })).toBe(2);
    expect(level({ MLTOP_COLOR: '256' }, 'never')).toBe(0);
    expect(level({ TERM: 'dumb' }, 'always')).toBe(1);
    expect(level({ TERM: 'xterm-256color' }, undefined, false)).toBe(0);
    expect(level({ TERM: 'xterm-256color' }, 'auto')).toBe(2);
  });

  test('GNU screen drops 24-bit colour, so it does not get any', () => {
    expect(level({ TERM: 'screen-256color', COLORTERM: 'truecolor' })).toBe(2);
    expect(level({ TERM: 'screen-256color', COLORTERM: 'truecolor', TMUX: '/tmp/x' })).toBe(3);
  });
});
