import type { KubeObject } from '../kube/object.ts';
import type { EvidenceIndex, Happening } from './evidence-index.ts';
import type { PodFacts } from './pod-facts.ts';
import type {
  Cause,
  Evidence,
  Fix,
  Gate,
  Item,
  ItemStatus,
  ObjectRef,
  Severity,
  UnknownWhy,
  Verdict,
  Want,
} from './report.ts';

export interface Diagnosis {
  readonly causes: readonly Cause[];
  readonly items: readonly Item[];
  readonly wants?: readonly Want[];
  /** The object that is really at fault, when it is another one that is known. */
  readonly explainedBy?: ObjectRef;
}

/** A state that holds. The headline is cheap and always there; the questions behind it are asked on demand. */
export interface Match {
  readonly headline: string;
  /** Start of the present trouble, epoch ms. */
  readonly since?: number | undefined;
  /** Where it differs from the state's own. */
  readonly severity?: Severity;
  readonly diagnose?: () => Diagnosis;
}

/** A state of checklist.md part 3, as data. */
export interface State<Facts> {
  /** `F1`. */
  readonly id: string;
  /** Stable id of the finding: `image.not-found`. */
  readonly key: string;
  readonly gate: Gate;
  readonly title: string;
  readonly severity: Severity;
  readonly match: (facts: Facts) => Match | undefined;
}

export type PodState = State<PodFacts>;

/** An object that is no pod, with what belongs to it. */
export interface ObjectFacts {
  readonly object: KubeObject;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly index: EvidenceIndex;
  readonly now: number;
  readonly events: readonly Happening[];
  /** The report on another object, for what is only a consequence. */
  readonly reportOn: (object: KubeObject) => {
    readonly state: string;
    readonly headline: string;
    readonly severity: Severity;
    readonly causes: readonly Cause[];
  };
}

export interface ObjectState extends State<ObjectFacts> {
  readonly kinds: readonly string[];
}

export const evidence = (
  label: string,
  value: string,
  path?: string,
  more?: { readonly ref?: ObjectRef; readonly at?: number | undefined },
): Evidence => ({
  label,
  value,
  ...(path === undefined ? {} : { path }),
  ...(more?.ref === undefined ? {} : { ref: more.ref }),
  ...(more?.at === undefined ? {} : { at: more.at }),
});

/** An event as evidence: what was said, how often, when last. */
export const said = (event: Happening): Evidence =>
  evidence(
    `event ${event.reason}`,
    event.count > 1 ? `${event.message} (${event.count} times)` : event.message,
    undefined,
    { at: event.last },
  );

export const item = (
  id: string,
  gate: Gate,
  title: string,
  status: ItemStatus,
  ...found: readonly Evidence[]
): Item => ({ id, gate, title, status, evidence: found });

export const unknown = (
  id: string,
  gate: Gate,
  title: string,
  why: UnknownWhy,
  ...found: readonly Evidence[]
): Item => ({ id, gate, title, status: 'unknown', why, evidence: found });

export const cause = (
  id: string,
  verdict: Verdict,
  text: string,
  ...fixes: readonly (Fix | undefined)[]
): Cause => ({
  id,
  verdict,
  text,
  fixes: fixes.filter((fix) => fix !== undefined),
});

/** The log of a run of a container, for the caller to fetch. */
export const wantLog = (facts: PodFacts, container: string, previous: boolean): Want => ({
  kind: 'log',
  namespace: facts.namespace,
  pod: facts.name,
  container,
  previous,
});

/** How an expectation that was met, missed or could not be decided reads. */
export const statusOfTruth = (truth: boolean | undefined): ItemStatus =>
  truth === undefined ? 'unknown' : truth ? 'pass' : 'fail';
