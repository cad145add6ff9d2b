import type { Services, Tables } from '../actions/action.ts';
import { commandOf } from '../actions/checklist.ts';
import { whatRuns } from '../actions/fixes.ts';
import { isArmed } from '../state/arming.ts';
import type { ChecklistView } from '../state/examination.ts';
import type { Inspected, Inspection } from '../state/inspection.ts';
import { changeView, type SessionStore, type TableView, type View } from '../state/session.ts';
import { type PagerLine, pagerStart, pagerView } from '../ui/pager.ts';
import type { Spans } from '../ui/theme.ts';
import { checklistBody } from './checklist.ts';
import { factLines } from './facts.ts';
import type { Paper } from './frame-model.ts';
import { aliasLines, helpText } from './help.ts';
import { type Pace, spinnerAt } from './pace.ts';
import type { Shown } from './shown.ts';

export interface SheetDeskParts {
  readonly session: SessionStore;
  readonly tables: Tables;
  readonly inspection: Inspection;
  readonly examination: Services['examination'];
  readonly spin: Pace['spin'];
}

/** A view that is neither a table nor a text to search in. */
export type SheetView = Exclude<View, TableView>;

/** What is written anew with every frame: the checklist, the facts of a row, help, and what stands in an object's place. */
export interface SheetDesk {
  readonly lines: (view: SheetView, current: Shown, paper: Paper) => readonly string[];
  /** Which lines are shown, where not all of them are. */
  readonly place: (view: View) => Spans | undefined;
  /** Lines of the whole. */
  readonly length: () => number;
}

export function createSheetDesk({
  session,
  tables,
  inspection,
  examination: examinationOf,
  spin,
}: SheetDeskParts): SheetDesk {
  let textLines = 0;
  let textHeight = 0;

  function checklistLines(view: ChecklistView, { theme, columns, height, now }: Paper): readonly string[] {
    const examination = examinationOf?.(view.subject);
    if (examination === undefined || examination.progress === 'asking') spin();
    const body = checklistBody({
      view,
      examination,
      theme,
      columns,
      height,
      spinner: spinnerAt(now),
      command: (fix) => commandOf({ session }, fix),
      runs: (fix) => whatRuns(tables, fix),
      now,
    });
    textLines = body.total;
    if (body.top !== view.top || body.cursor !== view.cursor) {
      const place = { top: body.top, cursor: body.cursor };
      session.setState(
        changeView<ChecklistView>('checklist', (shown) => ({ ...shown, ...place }))(session.getState()),
      );
    }
    return body.lines;
  }

  function textOf(view: SheetView, { table, source }: Shown, { columns, now }: Paper): readonly PagerLine[] {
    if (view.kind === 'help') return helpText(view, columns, isArmed(session.getState(), now));
    if (view.kind === 'aliases') return aliasLines(tables);
    if (view.kind === 'output') return view.lines;
    if (view.kind !== 'facts')
      return insideLines(view.kind === 'detail' ? inspection.get(view.of) : undefined);
    const row = source.get(view.key);
    if (row !== undefined) return factLines(table, row, columns, now);
    const gone: readonly PagerLine[] = ['', [{ text: ' This object has been deleted.', role: 'ghost' }]];
    const ghost = source.ghost(view.key, now);
    return ghost === undefined ? gone : [...gone, ...factLines(table, ghost.row, columns, now)];
  }

  return {
    lines(view, current, paper) {
      if (view.kind === 'checklist') return checklistLines(view, paper);
      const { theme, columns, height } = paper;
      const lines = textOf(view, current, paper);
      textLines = lines.length;
      textHeight = height;
      const top = Math.max(0, Math.min(view.top, lines.length - height));
      const shown = pagerView(lines, { ...pagerStart, top }, { width: columns, height });
      return shown.lines.map((spans) => theme.line(spans, columns));
    },
    place(view) {
      if (!('top' in view) || view.kind === 'table' || view.kind === 'checklist') return undefined;
      const top = Math.max(0, Math.min(view.top, textLines - textHeight));
      if (textLines <= textHeight) return undefined;
      return [{ text: `${top + 1}-${top + textHeight} of ${textLines} `, role: 'dim' }];
    },
    length: () => textLines,
  };
}

/** What stands in place of an object that is not there. */
function insideLines(inspected: Inspected | undefined): readonly PagerLine[] {
  const state = inspected?.state;
  if (state?.state === 'failed')
    return ['', [{ text: ` ${state.reason}`, role: 'bad' }], [{ text: ` ${state.hint}`, role: 'dim' }]];
  if (state?.state === 'gone') return ['', [{ text: ' It has been deleted; esc goes back.', role: 'ghost' }]];
  return ['', [{ text: ' Reading it.', role: 'pending' }]];
}
