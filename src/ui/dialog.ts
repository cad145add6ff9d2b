import { boxLines } from './box.ts';
import type { Overlay } from './Frame.tsx';
import { type PromptState, promptSpans } from './prompt.ts';
import { displayWidth, fitCell, wrap } from './text.ts';
import type { Role, Spans, Theme } from './theme.ts';

export interface DialogLook {
  readonly title: string;
  /** `danger` for what cannot be undone. Default: border.focus. */
  readonly border?: Role;
  /** What will happen, a line each. Spans are cut at the right edge; plain strings are wrapped. What has no room scrolls. */
  readonly body: readonly (Spans | string)[];
  /** First line of the body that is shown; default 0. */
  readonly top?: number;
  /** Lines under the body that do not scroll away. */
  readonly below?: readonly (Spans | string)[];
  /** A text that must be typed before the choice is possible. */
  readonly confirm?:
    | { readonly ask: string; readonly expected: string; readonly typed: PromptState }
    | undefined;
  readonly buttons: readonly DialogButton[];
  /** Index of the focused button. */
  readonly focus: number;
  /** Keys that work here: `<K>copy command  <esc>cancel`. */
  readonly footer?: Spans;
}

export interface DialogButton {
  readonly text: string;
  /** Why it cannot be pressed; undefined when it can. */
  readonly whyNot?: string | undefined;
  readonly danger?: boolean;
}

/** Lines of a dialog that are not its body. Where the terminal is low there are no blank ones among them. */
export const dialogChrome = (asks: boolean, isTight: boolean): number =>
  isTight ? (asks ? 4 : 3) : asks ? 8 : 6;

/** Which lines of a body are on the screen. */
export interface DialogRange {
  readonly top: number;
  readonly room: number;
  readonly total: number;
}

/** A dialog as an overlay of at most `columns` x `rows` cells. The buttons are always seen; a long body is cut, and says so. */
export function dialogOverlay(
  theme: Theme,
  look: DialogLook,
  columns: number,
  rows: number,
): Overlay & { readonly range: DialogRange } {
  const width = Math.min(columns, Math.max(48, Math.min(76, columns - 4)));
  const inner = width - 2;
  const linesOf = (text: readonly (Spans | string)[]): readonly Spans[] =>
    text.flatMap((line): Spans[] =>
      typeof line === 'string'
        ? wrap(line, inner - 4).map((part) => [{ text: `  ${part}` }])
        : [[{ text: '  ' }, ...line]],
    );
  const body = linesOf(look.body);
  const below = linesOf(look.below ?? []);
  const asked: readonly Spans[] =
    look.confirm === undefined
      ? []
      : [[{ text: ' ' }, ...promptSpans(look.confirm.typed, inner - 2, { label: `${look.confirm.ask} ` })]];
  const buttons: Spans = [{ text: '  ' }, ...buttonSpans(look)];
  const asks = asked.length > 0;
  const hasButtons = look.buttons.length > 0;
  const chrome = (isTight: boolean): number =>
    dialogChrome(asks, isTight) - (hasButtons ? 0 : isTight ? 1 : 2);
  const isTight = body.length + below.length > rows - chrome(false);
  const ending: readonly Spans[] = isTight
    ? [...asked, ...(hasButtons ? [buttons] : [])]
    : [...asked.flatMap((line): Spans[] => [[], line]), ...(hasButtons ? [[], buttons] : []), []];
  const free = rows - chrome(isTight);
  // A line of the body at least: what it is about.
  const fixed = below.slice(0, Math.max(0, free - 1));
  const range = rangeOf(look.top ?? 0, Math.max(0, free - fixed.length), body.length);
  const { footer } = look;
  const lines = boxLines(
    theme,
    [...(isTight ? [] : [[]]), ...bodyLines(theme, body, range), ...fixed, ...ending],
    {
      width,
      title: [
        { text: look.title, role: look.border ?? 'strong' },
        { text: rangeText(range), role: 'dim' },
      ],
      border: look.border ?? 'border.focus',
      ...(footer === undefined ? {} : { footer }),
    },
  );
  return { lines: lines.slice(0, rows), width, range };
}

const rangeOf = (top: number, room: number, total: number): DialogRange => ({
  top: Math.max(0, Math.min(top, total - room)),
  room,
  total,
});

/** The last line in sight says how much is below it, where there is a line for that. */
const saysMore = ({ top, room, total }: DialogRange): boolean => top + room < total && room >= 2;

function rangeText(range: DialogRange): string {
  const { top, room, total } = range;
  if (total <= room) return '';
  const last = top + room - (saysMore(range) ? 1 : 0);
  return `  ${top + 1}-${last} of ${total}${last < total && !saysMore(range) ? ', <down> scrolls' : ''}`;
}

function bodyLines(theme: Theme, body: readonly Spans[], range: DialogRange): readonly Spans[] {
  const { top, room, total } = range;
  if (!saysMore(range)) return body.slice(top, top + room);
  const last = top + room - 1;
  return [
    ...body.slice(top, last),
    [
      { text: `  ${theme.glyphs.ellipsis} ${total - last} more lines, `, role: 'dim' },
      { text: '<down>', role: 'hint.key' },
      { text: ' scrolls', role: 'dim' },
    ],
  ];
}

function buttonSpans({ buttons, focus }: DialogLook): Spans {
  const focused = buttons[focus];
  return [
    ...buttons.flatMap((button, index): Spans => {
      const text = index === focus ? `[ ${button.text} ]` : `  ${button.text}  `;
      const role: Role =
        button.whyNot !== undefined
          ? 'hint.off'
          : index === focus
            ? 'selection'
            : button.danger
              ? 'danger'
              : 'plain';
      return [{ text, role }, { text: '  ' }];
    }),
    ...(focused?.whyNot === undefined ? [] : [{ text: focused.whyNot, role: 'dim' as const }]),
  ];
}

export interface MenuItem {
  readonly key?: string;
  readonly text: string;
  /** What it does, or for an item that is off: why not. */
  readonly note?: string;
  /** Group word at the left: `view`, `action`, `history`. */
  readonly kind?: string;
  readonly off?: boolean;
  readonly danger?: boolean;
}

export interface MenuLook {
  readonly title: Spans;
  readonly items: readonly MenuItem[];
  /** Index into `items`. */
  readonly selected: number;
  readonly footer?: Spans;
  /** Said where there are no items. */
  readonly empty?: string;
}

/** A list of choices with their keys, what they do and why they cannot be chosen. Scrolls with the selection. */
export function menuOverlay(
  theme: Theme,
  { title, items, selected, footer, empty = 'nothing here' }: MenuLook,
  columns: number,
  rows: number,
): Overlay {
  const width = Math.min(columns, Math.max(40, Math.min(88, columns - 8)));
  const inner = width - 2;
  const kindWidth = Math.max(0, ...items.map((item) => displayWidth(item.kind ?? '')));
  const keyWidth = Math.min(12, Math.max(0, ...items.map((item) => displayWidth(item.key ?? ''))));
  const textWidth = Math.min(inner >> 1, Math.max(0, ...items.map((item) => displayWidth(item.text))));
  const column = (text: string, columnWidth: number): string =>
    columnWidth === 0 ? '' : `${text.padEnd(columnWidth)}  `;
  const before = displayWidth(
    ['> ', ...[kindWidth, keyWidth, textWidth].map((wide) => column('', wide))].join(''),
  );
  const isLong = items.some(({ note = '' }) => before + displayWidth(note) > inner);
  // A note that is cut in its line is said whole under the list, where there is room for it.
  const noteLines = isLong && rows >= 10 ? 2 : 0;
  const room = Math.max(1, Math.min(rows - 2 - noteLines, Math.max(1, items.length)));
  const top = Math.max(0, Math.min(selected - (room >> 1), items.length - room));
  const noted = wrap(items[selected]?.note ?? '', inner - 4);
  const notes = Array.from({ length: noteLines }, (_, at) => {
    const text = at === noteLines - 1 ? noted.slice(at).join(' ') : (noted[at] ?? '');
    return theme.line([{ text: `  ${text}`, role: 'dim' }], inner);
  });
  const lineOf = (item: MenuItem, index: number): string => {
    const role: Role = item.off ? 'hint.off' : item.danger ? 'danger' : 'plain';
    const spans: Spans = [
      { text: index === selected ? '> ' : '  ', role },
      { text: column(item.kind ?? '', kindWidth), role: 'dim' },
      { text: column(item.key ?? '', keyWidth), role: item.off ? 'hint.off' : 'hint.key' },
      { text: column(item.text, textWidth), role },
      { text: item.note ?? '', role: 'dim' },
    ];
    if (index !== selected) return theme.line(spans, inner);
    return theme.paintSelected(
      role,
      fitCell(spans.map((span) => span.text).join(''), inner, { ellipsis: theme.glyphs.ellipsis }),
    );
  };
  const content =
    items.length === 0
      ? [theme.line([{ text: `  ${empty}`, role: 'dim' }], inner)]
      : items.slice(top, top + room).map((item, index) => lineOf(item, top + index));
  const part =
    items.length > room ? `  ${top + 1}-${Math.min(items.length, top + room)} of ${items.length}` : '';
  const [rim = '', bottom = ''] = boxLines(theme, [], {
    width,
    title: [...title, { text: part, role: 'dim' }],
    border: 'border.focus',
    ...(footer === undefined ? {} : { footer }),
  });
  const edge = theme.paint('border.focus', theme.glyphs.box[1]);
  return { lines: [rim, ...[...content, ...notes].map((line) => edge + line + edge), bottom], width };
}
