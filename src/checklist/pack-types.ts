import type { Limits } from './limits.ts';
import type { Loop } from './pack-scene.ts';
import type { PodFacts } from './pod-facts.ts';
import type { Predicate } from './predicate.ts';
import type { Cause, Fix, Gate, Risk, Severity, Want } from './report.ts';
import type { Diagnosis, Match, PodState } from './state.ts';

export interface LintProblem {
  /** From 1. */
  readonly line: number;
  readonly message: string;
  /** A warning leaves the pack usable. */
  readonly level: 'error' | 'warning';
}

/** A state that a pack adds, ready to be asked. */
export interface AddedState {
  readonly id: string;
  /** What another pack names when it stands in for this one. */
  readonly key: string;
  /** Name of the pack. */
  readonly pack: string;
  /** Line of the file, from 1. */
  readonly line: number;
  readonly subject: string;
  /** Among those of built-in states (`mltop rules list`); undefined: before all of the same severity. */
  readonly priority: number | undefined;
  readonly state: PodState;
  readonly ask: (facts: PodFacts) => { readonly match: Match | undefined; readonly wants: readonly Want[] };
  /** False when it cannot hold of a row that is plainly well. */
  readonly asksWell: boolean;
  /** True when it may come to hold without a change of the object. */
  readonly isTimed: boolean;
  /** True when it is about pods that are being deleted, too. */
  readonly asksDeletion: boolean;
  /** The built-in states that it is about by name: it stands for them where it holds. */
  readonly refines: readonly string[];
  /** Its condition and what hangs on it, for `mltop rules explain`. */
  readonly raw: RawState | RawExit;
}

export interface StateOverride {
  readonly isDisabled?: boolean;
  readonly severity?: Severity;
  readonly label?: (facts: PodFacts, headline: string) => string;
  readonly fixes?: (facts: PodFacts) => readonly Fix[];
  /** What checks of packs add to its diagnosis. */
  readonly more?: (facts: PodFacts) => Diagnosis;
}

export interface CauseOverride {
  readonly apply: (cause: Cause, facts: PodFacts) => Cause;
}

export interface RulePack {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly states: readonly AddedState[];
  /** Changes of built-in states, by id or key. */
  readonly overrides: ReadonlyMap<string, StateOverride>;
  /** Changes of built-in causes, by id. */
  readonly causes: ReadonlyMap<string, CauseOverride>;
  readonly limits: Partial<Limits>;
  readonly tests: readonly PackTest[];
  readonly raw: RawPack;
}

/** What a test of a pack is given: objects or names of files beside the pack, as in a recording. */
export interface PackTest {
  readonly name: string;
  readonly given: {
    readonly pod?: unknown;
    readonly objects?: unknown;
    /** By `container`, `container@previous`, or with `ns/pod/` before; one text is that of the only container. */
    readonly logs?: unknown;
    readonly events?: unknown;
    readonly usage?: Readonly<Record<string, number>>;
    readonly listed?: readonly string[];
    readonly now?: string;
    /** Lists by their plural, as `services: []`: those kinds are listed whole. */
    readonly [plural: string]: unknown;
  };
  readonly want: {
    readonly state?: string;
    readonly cause?: string;
    readonly verdict?: string;
    readonly severity?: string;
    readonly headline?: string;
    /** States and causes that must not be told. */
    readonly not?: readonly string[];
  };
}

export interface LoadedPack {
  /** Undefined when a problem makes it unusable. */
  readonly pack: RulePack | undefined;
  readonly problems: readonly LintProblem[];
}

export interface RawState {
  readonly id: string;
  readonly subject?: string;
  readonly forEach?: Loop;
  readonly when: Predicate;
  readonly gate?: string;
  readonly severity?: PackSeverity;
  readonly label?: string;
  readonly priority?: number;
  readonly cause?: string;
}
export type PackSeverity = 'info' | 'warn' | 'fail';
export interface RawCheck {
  readonly id: string;
  readonly title: string;
  readonly for: readonly string[];
  readonly order?: number;
  readonly forEach?: Loop;
  readonly requires?: readonly string[];
  readonly severity?: PackSeverity;
  readonly expect: Predicate;
  readonly evidence?: readonly { readonly label: string; readonly value: string; readonly jump?: string }[];
  readonly onFail?: { readonly cause?: string };
}
export interface RawCause {
  readonly id: string;
  readonly text: string;
  readonly fixes?: readonly string[];
  readonly verdict?: Readonly<Partial<Record<'proven' | 'likely' | 'possible', readonly string[]>>>;
  readonly refutes?: readonly string[];
}
export interface RawFix {
  readonly id: string;
  readonly title: string;
  readonly argv: readonly (string | number)[];
  readonly risk?: Risk;
  readonly note?: string;
  readonly docs?: string;
  readonly preflight?: readonly {
    readonly verb: string;
    readonly group?: string;
    readonly resource: string;
    readonly ns?: string;
  }[];
}
export interface RawExit {
  readonly image?: string;
  readonly code: number | readonly number[];
  readonly means: string;
  readonly severity?: PackSeverity;
  readonly cause?: string;
  readonly docs?: string;
}
export interface RawOverride {
  readonly id: string;
  readonly disabled?: boolean;
  readonly severity?: PackSeverity;
  readonly label?: string;
  readonly text?: string;
  readonly params?: Readonly<Record<string, number>>;
  readonly fixes?: readonly (string | Omit<RawFix, 'id'>)[];
}
export interface RawPack {
  readonly metadata: { readonly name: string; readonly version?: string; readonly description?: string };
  readonly states?: readonly RawState[];
  readonly checks?: readonly RawCheck[];
  readonly causes?: readonly RawCause[];
  readonly fixes?: readonly RawFix[];
  readonly overrides?: readonly RawOverride[];
  readonly exitCodes?: readonly RawExit[];
  readonly tests?: readonly PackTest[];
}

export const packSeverity: Readonly<Record<PackSeverity, Severity>> = {
  info: 'none',
  warn: 'warn',
  fail: 'bad',
};
export const defaultGate: Gate = 'progressing';
