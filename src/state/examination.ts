import type { Cause, Evidence, Fix, Item, SubjectReport, UnknownWhy } from '../checklist/report.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Subject } from './subject.ts';

/** What is known of the object that somebody looks at. */
export interface Examination {
  readonly subject: Subject;
  /** Undefined until the object has been read. */
  readonly report: SubjectReport | undefined;
  readonly object: KubeObject | undefined;
  /** `asking`: more evidence is on its way. `gone`: there is no such object. */
  readonly progress: 'asking' | 'done' | 'gone';
  /** What could not be read, a sentence each. */
  readonly partial: readonly string[];
  /** The ends of its logs, by `ns/pod/container` and `ns/pod/container@previous`, with their timestamps. */
  readonly logs?: Readonly<Record<string, string>>;
  /** When the evidence was taken, epoch ms. */
  readonly atMs: number;
  /** Milliseconds that the last evaluation took. */
  readonly tookMs: number;
}

/** The checklist of one object, over whatever was shown before. */
export interface ChecklistView {
  readonly kind: 'checklist';
  readonly subject: Subject;
  /** `train/worker-3`. */
  readonly title: string;
  /** Which of the stops. */
  readonly cursor: number;
  /** First line shown. */
  readonly top: number;
}

export const checklistView = (subject: Subject): ChecklistView => ({
  kind: 'checklist',
  subject,
  title: `${subject.kind} ${subject.namespace === '' ? '' : `${subject.namespace}/`}${subject.name}`,
  cursor: 0,
  top: 0,
});

/** What the cursor can stand on. */
export type Stop =
  | { readonly on: 'fix'; readonly cause: Cause; readonly fix: Fix }
  | { readonly on: 'cause'; readonly cause: Cause }
  | { readonly on: 'item'; readonly item: Item }
  | { readonly on: 'evidence'; readonly item: Item; readonly evidence: Evidence };

/** Items whose evidence is shown line by line; of the others one line says enough. */
export const isOpen = ({ status }: Item): boolean =>
  status === 'fail' || status === 'warn' || status === 'unknown';

/** What does not apply to the subject is not a question. */
export const isAsked = ({ status }: Item): boolean => status !== 'notApplicable';

/** The stops of a report from top to bottom: causes with their fixes, then the questions with their evidence. */
export function stopsOf({ causes, items }: SubjectReport): readonly Stop[] {
  return [
    ...causes.flatMap((cause): readonly Stop[] =>
      cause.fixes.length === 0
        ? [{ on: 'cause', cause }]
        : cause.fixes.map((fix): Stop => ({ on: 'fix', cause, fix })),
    ),
    ...items
      .filter(isAsked)
      .flatMap((item): readonly Stop[] =>
        isOpen(item) && item.evidence.length > 0
          ? item.evidence.map((evidence): Stop => ({ on: 'evidence', item, evidence }))
          : [{ on: 'item', item }],
      ),
  ];
}

/** Why a question has no answer, for people. */
export const whyWords: Readonly<Record<UnknownWhy, string>> = {
  forbidden: 'you may not read it',
  notWatched: 'not read',
  noSource: 'nothing measures it',
  eventExpired: 'the event has expired',
  stale: 'nothing newer is known',
  needsProbe: 'a log or a probe would tell',
  version: 'this server does not say',
  ambiguous: 'the evidence contradicts itself',
};
