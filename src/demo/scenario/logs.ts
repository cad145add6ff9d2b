import type { KubeLike } from '../object.ts';
import type { LogLine, LogsProvider } from '../providers.ts';
import type { Store } from '../store.ts';
import { type LogStory, storyOf } from './log-stories.ts';
import type { PodLike, TerminatedLike } from './shapes.ts';

/** How many lines of the past are kept, as a kubelet that rotates its files keeps some. */
const keptLines = 4000;
const openingMs = 60;

/** One run of a container. */
interface Run {
  readonly startMs: number;
  /** undefined while it runs. */
  readonly endMs: number | undefined;
  readonly exit: TerminatedLike | undefined;
}

/** Logs that follow each container's story. The same run always wrote the same lines. */
export function createLogs(store: Store, now: () => number): LogsProvider {
  return (object: KubeLike, container, { previous }) => {
    const pod = object as PodLike;
    const run = runOf(pod, container, previous);
    if (run === undefined) return undefined;
    const story = storyOf(pod, container, run.exit);
    const count = countUntil(story, run, run.endMs ?? now());
    const lines: LogLine[] = [];
    for (let index = Math.max(0, count - keptLines); index < count; index++)
      lines.push(lineAt(story, run, index));
    if (run.endMs !== undefined) return { lines: [...lines, ...closingLines(story, run.endMs)] };
    const stillRuns = (): PodLike | undefined => {
      const { namespace = '', name } = pod.metadata;
      const current = store.get({ group: '', plural: 'pods', namespace, name }) as PodLike | undefined;
      const same = current?.metadata.uid === pod.metadata.uid ? current : undefined;
      return same && runOf(same, container, false)?.startMs === run.startMs ? same : undefined;
    };
    return {
      lines,
      follow: (onLine) =>
        follow({ story, run, next: count, now, endOf: () => endOf(stillRuns(), container) }, onLine),
    };
  };
}

/** The current run, which for a container in back-off is its last; or, with `previous`, the one before. */
function runOf(pod: PodLike, container: string, previous: boolean): Run | undefined {
  const statuses = [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])];
  const status = statuses.find((one) => one.name === container);
  const last = status?.lastState?.terminated;
  if (previous) return last && ended(last);
  const { running, terminated } = status?.state ?? {};
  if (running !== undefined)
    return { startMs: Date.parse(running.startedAt), endMs: undefined, exit: undefined };
  if (terminated !== undefined) return ended(terminated);
  return last && ended(last);
}

function ended(exit: TerminatedLike): Run {
  const endMs = Date.parse(exit.finishedAt ?? '');
  return { startMs: Date.parse(exit.startedAt ?? exit.finishedAt ?? ''), endMs, exit };
}

/** How a followed run went on: undefined while it runs, otherwise how it ended (a deleted pod says nothing). */
function endOf(
  pod: PodLike | undefined,
  container: string,
): { readonly exit: TerminatedLike | undefined } | undefined {
  const run = pod && runOf(pod, container, false);
  if (run === undefined) return { exit: undefined };
  return run.endMs === undefined ? undefined : { exit: run.exit };
}

const lineAt = (story: LogStory, run: Run, index: number): LogLine => {
  const opening = story.opening[index];
  if (opening !== undefined) return { at: run.startMs + index * openingMs, text: opening };
  const steady = index - story.opening.length;
  return {
    at: run.startMs + story.opening.length * openingMs + steady * story.everyMs,
    text: story.line(steady),
  };
};

/** How many lines a run had written before a moment. */
function countUntil(story: LogStory, run: Run, untilMs: number): number {
  const passedMs = untilMs - run.startMs;
  const openingLines = story.opening.length;
  if (passedMs < openingLines * openingMs) return Math.max(0, Math.ceil(passedMs / openingMs));
  const steady = Math.floor((passedMs - openingLines * openingMs) / story.everyMs) + 1;
  return openingLines + Math.min(story.lines ?? Number.POSITIVE_INFINITY, steady);
}

const closingLines = (story: LogStory, endMs: number): readonly LogLine[] =>
  story.closing.map((text, index) => ({ at: endMs - (story.closing.length - index), text }));

interface Following {
  readonly story: LogStory;
  readonly run: Run;
  readonly now: () => number;
  readonly endOf: () => { readonly exit: TerminatedLike | undefined } | undefined;
  next: number;
}

/** Writes every line when its time has come, in one batch a tick: hundreds a second cost little. */
function follow(following: Following, onLine: (line: LogLine | undefined) => void): () => void {
  const { story, run, now } = following;
  const tick = (): void => {
    const count = countUntil(story, run, now());
    for (; following.next < count; following.next++) onLine(lineAt(story, run, following.next));
    const end = following.endOf();
    if (end === undefined) return;
    clearInterval(timer);
    if (end.exit !== undefined) for (const line of closingLines(story, now())) onLine(line);
    onLine(undefined);
  };
  const timer = setInterval(tick, Math.min(500, Math.max(20, story.everyMs)));
  timer.unref();
  return () => clearInterval(timer);
}
