import {
  answerOf,
  changeDialog,
  closeDialog,
  type DialogLine,
  type FormDialog,
  type MenuDialog,
  type MenuEntry,
  type NoticeDialog,
  openDialog,
} from '../state/dialog.ts';
import { type ActionContext, say } from './action.ts';

type Asking = Pick<ActionContext, 'session' | 'now'>;

const busy = (context: Asking): undefined => {
  say(context, 'One thing at a time: answer the open dialog first.', 'warn');
  return undefined;
};

/** Which of these; undefined where the person gave up. */
export async function askMenu(
  context: Asking,
  title: string,
  items: readonly MenuEntry[],
  selected = 0,
): Promise<number | undefined> {
  const { session, now } = context;
  const id = openDialog<MenuDialog>(session, { kind: 'menu', title, items, selected }, now);
  if (id === undefined) return busy(context);
  const answered = await answerOf<MenuDialog>(session, id);
  closeDialog(session, id);
  return typeof answered?.answer === 'number' ? answered.answer : undefined;
}

/** Says something that must be read whole; resolves when it has been closed. */
export async function tell(context: Asking, title: string, text: string): Promise<void> {
  const { session, now } = context;
  const id = openDialog<NoticeDialog>(session, { kind: 'notice', title, body: [{ text }] }, now);
  if (id === undefined) return say(context, text, 'bad');
  await answerOf<NoticeDialog>(session, id);
  closeDialog(session, id);
}

export interface FormQuestion {
  readonly title: string;
  readonly body?: readonly DialogLine[];
  readonly fields: readonly { readonly label: string; readonly text?: string }[];
  readonly verb: string;
  /** What is wrong with these; undefined: nothing. */
  readonly check: (values: readonly string[]) => string | undefined;
}

/** What was typed, once it is right; undefined where the person gave up. What was typed stays until then. */
export async function askForm(
  context: Asking,
  { title, body = [], fields, verb, check }: FormQuestion,
): Promise<readonly string[] | undefined> {
  const { session, now } = context;
  const id = openDialog<FormDialog>(
    session,
    {
      kind: 'form',
      title,
      body,
      fields: fields.map(({ label, text = '' }) => ({
        label,
        line: { text, cursor: text.length, back: 0, draft: text },
      })),
      focus: 0,
      verb,
      problem: undefined,
    },
    now,
  );
  if (id === undefined) return busy(context);
  for (;;) {
    const answered = await answerOf<FormDialog>(session, id);
    if (answered?.answer !== 'submit') {
      closeDialog(session, id);
      return undefined;
    }
    const values = answered.fields.map(({ line }) => line.text.trim());
    const problem = check(values);
    if (problem === undefined) {
      closeDialog(session, id);
      return values;
    }
    changeDialog<FormDialog>(session, id, () => ({ problem }));
  }
}
