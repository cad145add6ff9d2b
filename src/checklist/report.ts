/** The stations of a pod's life (checklist.md 6.2). A broken one makes the later ones `notReached`. */
export type Gate =
  | 'exists'
  | 'admitted'
  | 'released'
  | 'scheduled'
  | 'nodeAdmits'
  | 'volumes'
  | 'sandbox'
  | 'image'
  | 'config'
  | 'started'
  | 'initDone'
  | 'staysUp'
  | 'ready'
  | 'endpoints'
  | 'reachable'
  | 'progressing';

/** In the order of life: the index is the number of the gate in checklist.md (g0–g15). */
export const gates: readonly { readonly id: Gate; readonly short: string; readonly title: string }[] = [
  { id: 'exists', short: 'exists', title: 'The object exists' },
  { id: 'admitted', short: 'adm', title: 'Admission lets its pods in' },
  { id: 'released', short: 'queue', title: 'No gate, queue or suspension holds it' },
  { id: 'scheduled', short: 'sched', title: 'A node was found' },
  { id: 'nodeAdmits', short: 'node', title: 'The node takes it and is healthy' },
  { id: 'volumes', short: 'vol', title: 'Volumes are attached and mounted' },
  { id: 'sandbox', short: 'net', title: 'Sandbox, network and devices are there' },
  { id: 'image', short: 'img', title: 'The image is on the node' },
  { id: 'config', short: 'cfg', title: 'The container can be configured' },
  { id: 'started', short: 'start', title: 'The process starts' },
  { id: 'initDone', short: 'init', title: 'Init containers finish' },
  { id: 'staysUp', short: 'up', title: 'It stays up' },
  { id: 'ready', short: 'ready', title: 'It is ready' },
  { id: 'endpoints', short: 'ep', title: 'Services list it' },
  { id: 'reachable', short: 'reach', title: 'It can be reached' },
  { id: 'progressing', short: 'prog', title: 'Work moves on' },
];

export type ItemStatus = 'pass' | 'fail' | 'warn' | 'info' | 'unknown' | 'notApplicable' | 'notReached';

/** Why a question has no answer. `needsProbe`: a log, exec or metric that the caller may fetch. */
export type UnknownWhy =
  | 'forbidden'
  | 'notWatched'
  | 'noSource'
  | 'eventExpired'
  | 'stale'
  | 'needsProbe'
  | 'version'
  | 'ambiguous';

/** `none` is healthy, finished, or meant to be so. */
export type Severity = 'none' | 'warn' | 'bad';

export type Verdict = 'proven' | 'likely' | 'possible' | 'ruledOut';

export type Risk = 'read' | 'reversible' | 'disruptive' | 'destructive' | 'cluster';

export interface ObjectRef {
  readonly kind: string;
  /** `''` for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
}

export interface Evidence {
  readonly label: string;
  readonly value: string;
  /** Where it stands: `status.containerStatuses[main].state.waiting.message`. */
  readonly path?: string;
  /** The object that it stands on, when that is not the subject. */
  readonly ref?: ObjectRef;
  /** When it was so, epoch ms. */
  readonly at?: number;
}

/** May this user do it, as the server says (SelfSubjectAccessReview): a hint, the real request's answer decides. */
export interface FixRight {
  /** `unknown`: the question was refused or the command says too little. `notAsked`: there is no server to ask. */
  readonly allowed: 'yes' | 'no' | 'unknown' | 'notAsked';
  /** The rights that are missing, or that could not be asked for: `patch deployments in ml`. */
  readonly missing?: readonly string[];
}

/** A command, as the process list would show it. Never a shell line. */
export interface Fix {
  readonly title: string;
  readonly argv: readonly string[];
  readonly risk: Risk;
  /** What one should know before: who would revert it, what is lost. */
  readonly note?: string;
  /** Undefined where nobody has asked yet. */
  readonly right?: FixRight;
}

/** One question with its answer. */
export interface Item {
  readonly id: string;
  readonly gate: Gate;
  readonly title: string;
  readonly status: ItemStatus;
  readonly why?: UnknownWhy;
  readonly evidence: readonly Evidence[];
}

export interface Cause {
  /** Stable: documented, never reused. `F2.secret-missing` belongs to state F2. */
  readonly id: string;
  readonly verdict: Verdict;
  readonly text: string;
  readonly fixes: readonly Fix[];
}

/** Something that would turn an unknown into an answer; fetching it is the caller's business. */
export type Want = {
  readonly kind: 'log';
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly previous: boolean;
};

/** What is wrong with one object, and how one knows. */
export interface SubjectReport {
  readonly subject: ObjectRef;
  /** As the server prints it; `''` for kinds without a STATUS column. */
  readonly status: string;
  /** Id of checklist.md part 3, `healthy`, `done`, or `unclassified` for a reason nobody has named yet. */
  readonly state: string;
  /** Stable finding id: `image.not-found`. */
  readonly id: string;
  /** The true state in one line, with its sub-cause: `OOM at limit 16Gi`. */
  readonly headline: string;
  readonly severity: Severity;
  /** Ranked: the first is the one to act on. */
  readonly causes: readonly Cause[];
  readonly items: readonly Item[];
  readonly gates: Readonly<Record<Gate, ItemStatus>>;
  /** Other states that hold at the same time. */
  readonly overlays: readonly {
    readonly state: string;
    readonly headline: string;
    readonly severity: Severity;
  }[];
  /** The object whose finding explains this one; a list of findings then names only that. */
  readonly explainedBy: ObjectRef | undefined;
  /** Start of the present trouble, epoch ms. */
  readonly since: number | undefined;
  readonly wants: readonly Want[];
}
