import type { TrueState } from '../checklist/true-state.ts';
import type { PodRow } from '../resources/pod-row.ts';
import type { Row, Table } from '../resources/resource.ts';
import type { Cluster } from '../state/cluster.ts';
import type { Examination } from '../state/examination.ts';
import { notify, type Session, type SessionStore, type Transition, type View } from '../state/session.ts';
import type { Subject } from '../state/subject.ts';
import type { Visible } from '../state/visible.ts';
import type { Hands } from './hands.ts';

/**
 * What an action can do to the cluster. `read` changes nothing there; the others need writing to be armed, and how much
 * is asked before them grows: `reversible` can be undone, `disruptive` stops something that comes back, `destructive`
 * loses something.
 */
type Risk = 'read' | 'reversible' | 'disruptive' | 'destructive';

/** Where its keys mean it: everywhere, in any table, in any text, or in the table of that name. */
type Place = 'everywhere' | 'table' | 'text' | (string & {});

type Group = 'general' | 'move' | 'row' | 'view' | 'sort';

/** What the program around the screen does for an action; only `wire.tsx` can. */
export interface Services {
  /** Into the person's clipboard. Gives what to say about it; rejects with a sentence. */
  readonly copy: (text: string) => Promise<string>;
  /** Writes a file of the person's own; gives its path. */
  readonly save: (name: string, text: string) => Promise<string>;
  /** Skips every back-off. */
  readonly retryNow: () => void;
  readonly switchContext: (name: string) => void;
  readonly setTheme: (name: string) => string | undefined;
  /** What the checklist knows of an object that was looked at. */
  readonly examination?: (subject: Subject) => Examination | undefined;
  readonly trueState?: (row: PodRow, now: number) => TrueState;
  /** mltop's own version. */
  readonly version?: string;
  /** Stops mltop until the shell continues it; gives why that cannot be. Absent where there is no terminal. */
  readonly suspend?: () => string | undefined;
  /** What reaches into the cluster. Absent where nothing can: files instead of a cluster. */
  readonly hands?: Hands;
}

export type TextMotion = 'up' | 'down' | 'pageUp' | 'pageDown' | 'top' | 'bottom' | 'left' | 'right';

/** What can be done with the text that is shown; only the screen knows its lines and its size. */
export interface TextHands {
  /** For a file's name. */
  readonly name: string;
  readonly move: (motion: TextMotion) => void;
  /** False: nothing matches. */
  readonly find: (direction: 'next' | 'previous') => boolean;
  readonly text: () => string;
  /** As much of it as a clipboard takes. */
  readonly copy: () => string;
  /** Goes to the line that began it, and says what it means; undefined where none is known. */
  readonly firstError?: () => string | undefined;
  readonly clear?: () => void;
  readonly mark?: () => void;
}

/** All that an action sees, of the moment in which its key was pressed. */
export interface ActionContext {
  readonly session: SessionStore;
  readonly cluster: Cluster;
  readonly tables: Tables;
  readonly view: View;
  /** Undefined where a text is shown. */
  readonly table: Table<Row> | undefined;
  readonly visible: Visible | undefined;
  /** Under the cursor. */
  readonly row: Row | undefined;
  /** The marked rows, or the one under the cursor. */
  readonly rows: readonly Row[];
  /** Titles of the columns on the screen, left to right. */
  readonly columns: readonly string[];
  /** Lines of the body. */
  readonly page: number;
  /** Lines of the text that is shown; 0 where there is none. */
  readonly textLines: number;
  /** Undefined where the view is no text with a search. */
  readonly text?: TextHands | undefined;
  /** Of a pod's detail: the container under the cursor, and how many there are. */
  readonly container?: string | undefined;
  readonly containers: number;
  /** Epoch ms. */
  readonly now: number;
  readonly services: Services;
}

/** Every table that can be opened. */
export interface Tables {
  readonly all: readonly Table<Row>[];
  /** By name or alias, whatever its case. */
  readonly named: (word: string) => Table<Row> | undefined;
  /** What Tab goes through. */
  readonly home: readonly string[];
}

export interface Action {
  readonly id: string;
  /** As `ui/keys` names them: `j`, `ctrl-d`, `shift-tab`. The first is shown. */
  readonly keys: readonly string[];
  readonly title: string;
  readonly group: Group;
  readonly risk: Risk;
  readonly places: readonly Place[];
  /** Its place in the line of hints, where it has one; the smaller, the longer it stays on a narrow terminal. */
  readonly hint?: { readonly order: number; readonly word: string };
  /** Why it cannot be done now, as a sentence; undefined: it can. */
  readonly whyNot?: (context: ActionContext) => string | undefined;
  /** Whether it can do something in such a table, whatever the row: its key is not hinted at otherwise. Default: yes. */
  readonly suits?: (table: Table<Row>) => boolean;
  /** The arguments of the kubectl that does the same. */
  readonly kubectl?: (context: ActionContext) => readonly string[] | undefined;
  readonly run: (context: ActionContext) => void | Promise<void>;
}

/** Takes a step of the session. */
export function step({ session }: Pick<ActionContext, 'session'>, transition: Transition): void {
  session.setState(transition(session.getState()));
}

/** Says something for a few seconds. */
export function say(
  { session, now }: Pick<ActionContext, 'session' | 'now'>,
  text: string,
  tone: NonNullable<Session['notice']>['tone'] = 'plain',
): void {
  session.setState(notify(text, tone, now)(session.getState()));
}
