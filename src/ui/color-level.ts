import type { ColorLevel } from './theme.ts';

export interface ColorQuestion {
  /** `--color`: auto, always, never, 16, 256 or true. */
  readonly flag?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTTY: boolean;
}

/** How many colours to use: `--color`, then MLTOP_COLOR, NO_COLOR, FORCE_COLOR, COLORTERM, TERM (ux 1.5). */
export function colorLevel({ flag, env, isTTY }: ColorQuestion): ColorLevel {
  return (
    wanted(flag, env, isTTY) ??
    wanted(env['MLTOP_COLOR'], env, isTTY) ??
    ((env['NO_COLOR'] ?? '') !== '' ? 0 : undefined) ??
    forced(env['FORCE_COLOR'], env) ??
    (isTTY ? terminalLevel(env) : 0)
  );
}

function wanted(
  choice: string | undefined,
  env: ColorQuestion['env'],
  isTTY: boolean,
): ColorLevel | undefined {
  switch (choice?.toLowerCase()) {
    case 'never':
    case 'no':
    case 'none':
    case 'off':
    case '0':
      return 0;
    case '16':
    case 'basic':
    case '1':
      return 1;
    case '256':
    case '2':
      return 2;
    case 'true':
    case 'truecolor':
    case '24bit':
    case '16m':
    case '3':
      return 3;
    case 'always':
    case 'yes':
    case 'on':
      return atLeastOne(isTTY || (env['TERM'] ?? '') !== '' ? terminalLevel(env) : 1);
    default:
      return undefined;
  }
}

function forced(value: string | undefined, env: ColorQuestion['env']): ColorLevel | undefined {
  if (value === undefined) return undefined;
  if (value === '0' || value === 'false') return 0;
  if (value === '1' || value === '2' || value === '3') return value === '1' ? 1 : value === '2' ? 2 : 3;
  return atLeastOne(terminalLevel(env));
}

const atLeastOne = (level: ColorLevel): ColorLevel => (level === 0 ? 1 : level);

function terminalLevel(env: ColorQuestion['env']): ColorLevel {
  const term = env['TERM'] ?? '';
  if (term === 'dumb') return 0;
  // GNU screen 4 drops 24-bit SGR, and the text with it turns uncoloured.
  if (/^screen/.test(term) && env['TMUX'] === undefined) return /256/.test(term) ? 2 : 1;
  if (/^(truecolor|24bit)$/i.test(env['COLORTERM'] ?? '')) return 3;
  if (/-direct$|^xterm-(kitty|ghostty)$|^(alacritty|foot|wezterm|contour|rio)/.test(term)) return 3;
  if (/256(color)?$|^tmux/.test(term) || env['TERM_PROGRAM'] === 'Apple_Terminal') return 2;
  return 1;
}
