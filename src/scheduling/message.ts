/** What a FailedScheduling message, or the PodScheduled condition, says. */
export interface SchedulerMessage {
  /** Nodes in the cluster when it was written; undefined where the message is of another form. */
  readonly nodes: number | undefined;
  /** Nodes by reason, in the message's own words; a node may count under several. */
  readonly reasons: Readonly<Record<string, number>>;
  /** The refusal that came before any node was looked at; undefined where reasons are counted. */
  readonly preFilter: string | undefined;
  /** Everything from `preemption:` on; `''` where there is none. It repeats N and must not be counted again. */
  readonly preemption: string;
}

export type ReasonClass =
  | 'resource'
  | 'pods'
  | 'taint'
  | 'affinity'
  | 'nodename'
  | 'podaffinity'
  | 'spread'
  | 'volume'
  | 'pvc'
  | 'cordoned'
  | 'port'
  | 'dra'
  | 'gang'
  | 'other';

const head = /^\d+\/(\d+) nodes are (?:un)?available:?\s*/i;
const tail = /(?:\b(?:still not schedulable|no new claims to deallocate), )*\bpreemption: /;

/** Splits at commas that a count follows, outside `{}` and `[]`: a taint's value may hold commas. */
function entriesOf(body: string): string[] {
  const entries: string[] = [];
  let [depth, start] = [0, 0];
  for (let at = 0; at < body.length; at += 1) {
    const character = body[at];
    if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth = Math.max(0, depth - 1);
    else if (character === ',' && depth === 0 && /^,\s+\d+ /.test(body.slice(at, at + 14))) {
      entries.push(body.slice(start, at));
      start = at + 1;
    }
  }
  entries.push(body.slice(start));
  return entries.map((entry) => entry.trim());
}

/** The sentence of the head: without its full stop, and without the bare `not found` that follows a refusal. */
function bodyOf(text: string): string {
  return text
    .trim()
    .replace(/\.\s+not found\.?$/, '')
    .replace(/\.$/, '');
}

/** Reads a message of kube-scheduler of any version, or of Volcano's like (`nodes are unavailable`). */
export function parseSchedulerMessage(message: string): SchedulerMessage {
  const cut = message.search(tail);
  const [said, preemption] = cut < 0 ? [message, ''] : [message.slice(0, cut), message.slice(cut)];
  const match = head.exec(said);
  if (match === null) return { nodes: undefined, reasons: {}, preFilter: undefined, preemption };
  const body = bodyOf(said.slice(match[0].length));
  const reasons: Record<string, number> = {};
  const nodes = Number(match[1]);
  if (!/^\d+ /.test(body)) return { nodes, reasons, preFilter: body === '' ? undefined : body, preemption };
  for (const entry of entriesOf(body)) {
    const [, number, reason] = /^(\d+)\s+([\s\S]+)$/.exec(entry) ?? [];
    if (reason !== undefined) reasons[reason] = (reasons[reason] ?? 0) + Number(number);
  }
  return { nodes, reasons, preFilter: undefined, preemption };
}

const classes: readonly (readonly [RegExp, ReasonClass])[] = [
  [/^Insufficient \S+/i, 'resource'],
  [/didn't have enough resource|pod number exceeded|resource fit failed/i, 'resource'],
  [/^Too many pods/i, 'pods'],
  [/untolerated taint|had taints? /i, 'taint'],
  [
    /node affinity\/selector|match node selector|scheduler-enforced node affinity|plugin\(s\) \[NodeAffinity\]|affinity terms conflict/i,
    'affinity',
  ],
  [/requested node name|requested hostname/i, 'nodename'],
  [/pod (?:anti-)?affinity|existing pods anti-affinity/i, 'podaffinity'],
  [/topology spread/i, 'spread'],
  [
    /PersistentVolume's node affinity|volume node affinity conflict|persistent volumes to bind|max volume count|volume zone|enough free storage|no available disk|non-existent pv|ReadWriteOncePod|CSI driver is not installed/i,
    'volume',
  ],
  [/persistentvolumeclaim|PersistentVolumeClaims/i, 'pvc'],
  [/were unschedulable/i, 'cordoned'],
  [/free ports/i, 'port'],
  [/allocate all claims|resource ?claim|device class|extended resource/i, 'dra'],
  [/gang|pod group|hyperNode/i, 'gang'],
];

/** What kind of blocker a reason is, whatever version of the scheduler worded it. */
export const classOfReason = (reason: string): ReasonClass =>
  classes.find(([pattern]) => pattern.test(reason))?.[1] ?? 'other';

/** Old wordings → those of v1.36, so that counts of messages and of our own verdicts can be compared. */
function modernReason(reason: string): string {
  if (/untolerated taint|had taints? /i.test(reason)) return 'node(s) had untolerated taint(s)';
  if (/didn't match node selector/i.test(reason)) return "node(s) didn't match Pod's node affinity/selector";
  if (/volume node affinity conflict/i.test(reason))
    return "node(s) didn't match PersistentVolume's node affinity";
  return reason;
}

/** The counts by reason with every wording brought to v1.36's. */
export function modernReasons(reasons: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const modern: Record<string, number> = {};
  for (const [reason, number] of Object.entries(reasons)) {
    const name = modernReason(reason);
    modern[name] = (modern[name] ?? 0) + number;
  }
  return modern;
}
