import { gates, type Item, type SubjectReport } from '../checklist/report.ts';
import { isAsked } from '../state/examination.ts';
import { truncate } from '../ui/text.ts';
import type { Role, Spans, Theme } from '../ui/theme.ts';
import { heading, statusGlyph, tally } from './checklist-lines.ts';

interface LifeLine {
  readonly spans: Spans;
  readonly item?: Item;
}

/** The life of the object, station after station, and under each the questions that were asked there. */
function lifeLines(report: SubjectReport, theme: Theme, columns: number): readonly LifeLine[] {
  const items = report.items.filter(isAsked);
  const cut = (text: string, used: number): string =>
    truncate(text, columns - used - 1, theme.glyphs.ellipsis);
  const stations = gates.flatMap(({ id, title }): readonly LifeLine[] => {
    const status = report.gates[id];
    const asked = items.filter(({ gate }) => gate === id);
    if (status === 'notApplicable' && asked.length === 0) return [];
    const glyph = statusGlyph(status, theme);
    const isBroken = status === 'fail' || status === 'warn';
    const role: Role = isBroken ? (glyph.role ?? 'plain') : status === 'pass' ? 'plain' : 'dim';
    return [
      { spans: [{ text: ' ' }, glyph, { text: ` ${cut(title, 3)}`, role }] },
      ...asked.map((item): LifeLine => {
        const spans: Spans = [
          { text: '   ' },
          statusGlyph(item.status, theme),
          { text: ` ${cut(item.title, 5)}`, role: item.status === 'pass' ? 'dim' : 'plain' },
        ];
        return { spans, item };
      }),
    ];
  });
  return [{ spans: heading('Life', tally(items)) }, ...stations];
}

/**
 * The left pane of the wide checklist: exactly `height` painted lines. The question that the cursor is at is marked, and in
 * sight.
 */
export function lifePane(
  report: SubjectReport,
  followed: Item | undefined,
  { theme, columns, height }: { readonly theme: Theme; readonly columns: number; readonly height: number },
): readonly string[] {
  const all = lifeLines(report, theme, columns);
  const at =
    followed === undefined
      ? 0
      : Math.max(
          0,
          all.findIndex(({ item }) => item === followed),
        );
  const top = Math.max(0, Math.min(at - (height >> 1), all.length - height));
  const shown = all.slice(top, top + height).map(({ spans, item }, index): string => {
    if (index === 0 && top > 0) return more(`${theme.glyphs.ascending} ${top + 1} more`);
    if (index === height - 1 && top + height < all.length)
      return more(`${theme.glyphs.descending} ${all.length - top - height + 1} more`);
    if (item === undefined || item !== followed) return theme.line(spans, columns);
    const [, ...rest] = spans;
    return theme.line([{ text: ` ${theme.glyphs.crumb} `, role: 'key' }, ...rest], columns, 'strong');
  });
  function more(text: string): string {
    return theme.line([{ text: ` ${text}`, role: 'dim' }], columns);
  }
  const blank = theme.line([], columns);
  return [...shown, ...Array.from({ length: Math.max(0, height - shown.length) }, () => blank)];
}
