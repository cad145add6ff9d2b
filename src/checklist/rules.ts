import { type Classified, classify, type Stage, stages } from './classify.ts';
import { defaultLimits, type Limits } from './limits.ts';
import type { AddedState, CauseOverride, RulePack, StateOverride } from './pack-types.ts';
import type { PodFacts } from './pod-facts.ts';
import type { Cause, Fix, Severity, Want } from './report.ts';
import type { Diagnosis, Match, PodState, State } from './state.ts';

/**
 * Everything that rule packs change, compiled once. The table of all pods, the checklist and `mltop check` ask by it, so
 * that a pack means the same everywhere; without packs there is none, and nothing is asked that was not before.
 */
export interface Rules {
  readonly packs: readonly RulePack[];
  /** Of pods, in the order in which they are asked. */
  readonly pods: readonly AddedState[];
  readonly ofKind: (kind: string) => readonly AddedState[];
  readonly limits: Limits;
  readonly stages: readonly Stage[];
  /** A built-in state as it is under these packs; undefined when it is switched off. */
  readonly changed: <F>(state: State<F>, factsOf: (facts: F) => PodFacts) => State<F> | undefined;
  readonly causes: (causes: readonly Cause[], facts: PodFacts) => readonly Cause[];
  /** False when no state that was added can hold of a row that is plainly well. */
  readonly asksWell: boolean;
  /** True when time alone can make a state hold. */
  readonly isTimed: boolean;
}

/** The packs in their order, a later one over an earlier one; undefined for none. */
export function rulesOf(packs: readonly RulePack[]): Rules | undefined {
  if (packs.length === 0) return undefined;
  const states = new Map<string, AddedState>();
  const overrides = new Map<string, StateOverride>();
  const causes = new Map<string, CauseOverride>();
  for (const pack of packs) {
    for (const state of pack.states) {
      // In its place among the others, not in that of the one that it stands in for.
      states.delete(state.key);
      states.set(state.key, state);
    }
    for (const [id, change] of pack.overrides) overrides.set(id, { ...overrides.get(id), ...change });
    for (const [id, change] of pack.causes) causes.set(id, { ...causes.get(id), ...change });
  }
  const added = [...states.values()].sort((a, b) => (a.priority ?? 0) - (b.priority ?? 0));
  const kinds = Map.groupBy(added, ({ subject }) => subject);
  const limits: Limits = Object.assign({}, defaultLimits, ...packs.map((pack) => pack.limits)) as Limits;

  const known = new Map<State<never>, State<never> | undefined>();
  const changed: Rules['changed'] = (state, factsOf) => {
    const key = state as unknown as State<never>;
    if (known.has(key)) return known.get(key) as typeof state | undefined;
    const change = { ...overrides.get(state.key), ...overrides.get(state.id) };
    const result = change.isDisabled === true ? undefined : withChange(state, change, factsOf);
    known.set(key, result as State<never> | undefined);
    return result;
  };
  const changedPod = (state: PodState): PodState[] => {
    const found = changed(state, (facts) => facts);
    return found === undefined ? [] : [found];
  };
  return {
    packs,
    pods: kinds.get('Pod') ?? [],
    ofKind: (kind) => kinds.get(kind) ?? [],
    limits,
    stages:
      overrides.size === 0
        ? stages
        : stages.map((stage) => ({ ...stage, states: stage.states.flatMap(changedPod) })),
    changed,
    causes: (found, facts) =>
      causes.size === 0 ? found : found.map((cause) => causes.get(cause.id)?.apply(cause, facts) ?? cause),
    asksWell: added.some(({ subject, asksWell }) => subject === 'Pod' && asksWell),
    isTimed: added.some(({ isTimed }) => isTimed),
  };
}

function withChange<F>(
  state: State<F>,
  { severity, label, fixes, more }: StateOverride,
  factsOf: (facts: F) => PodFacts,
): State<F> {
  if (severity === undefined && label === undefined && fixes === undefined && more === undefined)
    return state;
  return {
    ...state,
    severity: severity ?? state.severity,
    match(facts) {
      const match = state.match(facts);
      if (match === undefined) return undefined;
      // What a state itself calls deliberate or only starting stays silent.
      const isSilent = match.severity === 'none';
      return {
        ...match,
        ...(severity === undefined || isSilent ? {} : { severity }),
        ...(label === undefined ? {} : { headline: label(factsOf(facts), match.headline) }),
        ...(fixes === undefined && more === undefined
          ? {}
          : {
              diagnose: () =>
                changedDiagnosis(match.diagnose?.(), fixes?.(factsOf(facts)), more?.(factsOf(facts))),
            }),
      };
    },
  };
}

const noDiagnosis: Diagnosis = { causes: [], items: [] };

/** The commands of a pack in place of those of the first cause, and what its checks found; proven causes first. */
function changedDiagnosis(
  found: Diagnosis = noDiagnosis,
  fixes: readonly Fix[] | undefined,
  more: Diagnosis = noDiagnosis,
): Diagnosis {
  const own = found.causes.map((cause, position) =>
    position === 0 && fixes !== undefined ? { ...cause, fixes } : cause,
  );
  const isProven = ({ verdict }: Cause): boolean => verdict === 'proven';
  return {
    ...found,
    causes: [
      // What a check of the site proves is more than a guess, and less than what is proven already.
      ...own.filter(isProven),
      ...more.causes.filter(isProven),
      ...own.filter((cause) => !isProven(cause)),
      ...more.causes.filter((cause) => !isProven(cause)),
    ],
    items: [...found.items, ...more.items],
    wants: [...(found.wants ?? []), ...(more.wants ?? [])],
  };
}

const rank: Readonly<Record<Severity, number>> = { bad: 0, warn: 1, none: 2 };

const severityOf = ({ state, match }: { readonly state: PodState; readonly match: Match }): Severity =>
  match.severity ?? state.severity;

/** What the packs' states say of one subject. */
export interface Asked {
  readonly holding: readonly Classified[];
  /** Logs that would decide whether another one holds. */
  readonly wants: readonly Want[];
}

const nobody: Asked = { holding: [], wants: [] };

export function askAdded(states: readonly AddedState[], facts: PodFacts): Asked {
  if (states.length === 0) return nobody;
  let holding: Classified[] | undefined;
  let wants: Want[] | undefined;
  for (const added of states) {
    // A pod that somebody is deleting is on its way out, whatever it was before.
    if (facts.deletedAt !== undefined && !added.asksDeletion) continue;
    const answer = added.ask(facts);
    if (answer.match !== undefined) {
      holding ??= [];
      holding.push({ state: added.state, match: answer.match, priority: added.priority ?? 0 });
    } else if (answer.wants.length > 0) {
      wants ??= [];
      wants.push(...answer.wants);
    }
  }
  return holding === undefined && wants === undefined
    ? nobody
    : { holding: holding ?? [], wants: wants ?? [] };
}

/** The worse first; among equals by priority, those of packs without one before the built-in ones. */
const outranks = (one: Classified, other: Classified): boolean => {
  const difference = rank[severityOf(one)] - rank[severityOf(other)];
  return difference !== 0 ? difference < 0 : one.priority <= other.priority;
};

/** The pod's primary state with the states of packs among the built-in ones. */
export function primaryOf(facts: PodFacts, rules: Rules | undefined): Classified | undefined {
  if (rules === undefined) return classify(facts);
  return bestOf(askAdded(rules.pods, facts).holding, classify(facts, rules.stages));
}

/** Of what holds by packs and the built-in state the one that counts. */
export function bestOf(
  holding: readonly Classified[],
  builtIn: Classified | undefined,
): Classified | undefined {
  let best: Classified | undefined;
  for (const one of holding) if (best === undefined || !outranks(best, one)) best = one;
  if (best === undefined || builtIn === undefined) return best ?? builtIn;
  return outranks(best, builtIn) ? best : builtIn;
}
