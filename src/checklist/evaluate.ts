import type { KubeObject } from '../kube/object.ts';
import { cellText } from '../resources/columns.ts';
import { findTable } from '../resources/index.ts';
import { printPod } from '../resources/pod-status.ts';
import { hasChecklist, objectStates, otherStates } from './built-in.ts';
import { type Classified, classify, overlays } from './classify.ts';
import { type EvidenceIndex, kindOf, nameOf, namespaceOf, refOf } from './evidence-index.ts';
import { finishedWell } from './families/owner-facts.ts';
import { isPod, isTrue, type PodFacts, podFacts } from './pod-facts.ts';
import { time } from './read.ts';
import {
  type Cause,
  type Gate,
  gates,
  type Item,
  type ItemStatus,
  type Severity,
  type SubjectReport,
  type Want,
} from './report.ts';
import { type Asked, askAdded, bestOf, type Rules } from './rules.ts';
import type { Diagnosis, Match, ObjectFacts, ObjectState, State } from './state.ts';

const byKind: ReadonlyMap<string, readonly ObjectState[]> = new Map(
  [...new Set(objectStates.flatMap((state) => state.kinds))].map((kind) => [
    kind,
    objectStates.filter((state) => state.kinds.includes(kind)),
  ]),
);

export interface EvaluateOptions {
  /** What rule packs add and change. */
  readonly added?: Rules;
}

const nobodyAsked: Asked = { holding: [], wants: [] };

/** By what was asked, for other rules give other reports. */
const reports = new WeakMap<EvidenceIndex, Map<Rules | undefined, Map<KubeObject, SubjectReport>>>();

function reportsBy(index: EvidenceIndex, rules: Rules | undefined): Map<KubeObject, SubjectReport> {
  let byRules = reports.get(index);
  if (byRules === undefined) {
    byRules = new Map();
    reports.set(index, byRules);
  }
  let known = byRules.get(rules);
  if (known === undefined) {
    known = new Map();
    byRules.set(rules, known);
  }
  return known;
}

/**
 * The checklist of one object: pure, no clock, kept per index. Everything that is not in the index is unknown, never
 * taken for absent, unless its kind was listed whole.
 */
export function evaluate(
  index: EvidenceIndex,
  subject: KubeObject,
  options: EvaluateOptions = {},
): SubjectReport {
  const known = reportsBy(index, options.added);
  const before = known.get(subject);
  if (before !== undefined) return before;
  // An owner asks about its pods, and they ask about theirs: a circle gets an empty answer instead of no end.
  known.set(subject, healthy(index, subject));
  const report = isPod(subject)
    ? evaluatePod(index, subject, options)
    : evaluateObject(index, subject, options);
  known.set(subject, report);
  return report;
}

/** Every object that a checklist exists for, in the order of the input. */
export function evaluateAll(index: EvidenceIndex, options: EvaluateOptions = {}): readonly SubjectReport[] {
  return index.objects.filter(hasChecklist).map((object) => evaluate(index, object, options));
}

function statusOf(index: EvidenceIndex, object: KubeObject): string {
  if (isPod(object)) return printPod(object, index.server).status;
  const resource = findTable(kindOf(object).toLowerCase());
  const column = resource?.columns.find((entry) => entry.title === 'STATUS');
  return resource === undefined || column === undefined || resource.kind !== kindOf(object)
    ? ''
    : cellText(column, resource.toRow(object, { server: index.server }), index.now);
}

const allGates = (status: ItemStatus): Record<Gate, ItemStatus> =>
  Object.fromEntries(gates.map((gate) => [gate.id, status])) as Record<Gate, ItemStatus>;

function healthy(index: EvidenceIndex, object: KubeObject): SubjectReport {
  return {
    subject: refOf(object),
    status: statusOf(index, object),
    state: 'healthy',
    id: 'healthy',
    headline: 'healthy',
    severity: 'none',
    causes: [],
    items: [],
    gates: allGates('notApplicable'),
    overlays: [],
    explainedBy: undefined,
    since: undefined,
    wants: [],
  };
}

interface Holding {
  readonly state: Pick<State<never>, 'id' | 'key' | 'gate' | 'severity' | 'title'>;
  readonly match: Match;
}

const severityOf = ({ state, match }: Holding): Severity => match.severity ?? state.severity;

/** A failed attempt of a task that succeeded since is history. */
const history = (facts: PodFacts): boolean =>
  facts.phase === 'Failed' &&
  facts.owners.some(
    (owner) =>
      finishedWell(owner.object) ||
      (owner.kind === 'CronJob' &&
        (time(owner.object, 'status', 'lastSuccessfulTime') ?? 0) >
          Math.max(0, ...facts.containers.map((container) => container.ended?.finishedAt ?? facts.now))),
  );

function evaluatePod(index: EvidenceIndex, pod: KubeObject, { added }: EvaluateOptions): SubjectReport {
  const facts = podFacts(pod, index, added?.limits);
  const builtIn = classify(facts, added?.stages);
  const asked = added === undefined ? nobodyAsked : askAdded(added.pods, facts);
  const primary: Holding | undefined = bestOf(asked.holding, builtIn);
  const others: readonly Holding[] = [
    ...besides(asked.holding, primary, builtIn),
    ...overlays(facts, builtIn?.state).flatMap((entry) => changed(entry, facts, added)),
  ];
  // A pod that looks well may still be broken: the worst overlay then is its true state.
  const worst =
    others.find((entry) => severityOf(entry) === 'bad') ??
    others.find((entry) => severityOf(entry) === 'warn');
  const end = finished(facts);
  const compose = composerOf(index, pod, { facts: () => facts, added, wants: asked.wants });
  if (primary !== undefined && history(facts))
    return compose(
      { state: primary.state, match: { ...primary.match, severity: 'none' } },
      [],
      podGates(facts, undefined),
      end,
    );
  const chosen =
    (primary === undefined || severityOf(primary) === 'none') && worst !== undefined ? worst : primary;
  const rest = others.filter((entry) => entry !== chosen);
  return compose(
    chosen,
    rest,
    gatesOf(
      facts,
      chosen,
      rest.find((entry) => entry === builtIn),
    ),
    end,
  );
}

const gateNumber = ({ state }: Holding): number => gates.findIndex((gate) => gate.id === state.gate);

/** The life of a pod up to the first gate that is broken: that of a state of a pack may be behind that of a built-in one. */
function gatesOf(
  facts: PodFacts,
  chosen: Holding | undefined,
  beside: Holding | undefined,
): Record<Gate, ItemStatus> {
  if (chosen === undefined || beside === undefined || severityOf(beside) === 'none')
    return podGates(facts, chosen);
  const isBefore = gateNumber(beside) < gateNumber(chosen);
  const status = podGates(facts, isBefore ? beside : chosen);
  if (isBefore && severityOf(chosen) !== 'none')
    status[chosen.state.gate] = severityOf(chosen) === 'bad' ? 'fail' : 'warn';
  return status;
}

/** What holds beside the primary state, of packs and built in. A state of a pack stands for the built-in one of its gate. */
function besides(
  holding: readonly Classified[],
  primary: Holding | undefined,
  builtIn: Classified | undefined,
): readonly Holding[] {
  const rest = holding.filter((entry) => entry !== primary);
  const isStoodFor =
    builtIn === undefined || builtIn === primary || primary?.state.gate === builtIn.state.gate;
  return isStoodFor ? rest : [...rest, builtIn];
}

/** An overlay as packs have changed its state. */
function changed(entry: Classified, facts: PodFacts, added: Rules | undefined): readonly Classified[] {
  if (added === undefined) return [entry];
  const state = added.changed(entry.state, (own) => own);
  if (state === undefined) return [];
  if (state === entry.state) return [entry];
  const match = state.match(facts);
  return match === undefined ? [] : [{ ...entry, state, match }];
}

const finished = (facts: PodFacts): { readonly state: string; readonly headline: string } =>
  facts.phase === 'Succeeded'
    ? { state: 'done', headline: 'done' }
    : facts.phase === 'Pending' || facts.phase === ''
      ? { state: 'starting', headline: 'waits' }
      : facts.phase === 'Failed'
        ? { state: 'unclassified', headline: `failed: ${facts.reason || facts.message || 'no reason given'}` }
        : { state: 'healthy', headline: 'healthy' };

/** How far the pod has come, by what its conditions prove; behind the first broken gate nothing is reached. */
function podGates(facts: PodFacts, chosen: Holding | undefined): Record<Gate, ItemStatus> {
  const status = allGates('notReached');
  const running = facts.containers.some(
    (container) =>
      container.kind === 'main' && (container.state === 'running' || container.state === 'terminated'),
  );
  const passed: Partial<Record<Gate, boolean>> = {
    exists: true,
    admitted: true,
    released: facts.gates.length === 0,
    scheduled: facts.node !== '',
    nodeAdmits: facts.node !== '' && facts.startedAt !== undefined,
    volumes: isTrue(facts, 'PodReadyToStartContainers') || running,
    sandbox: isTrue(facts, 'PodReadyToStartContainers') || running,
    image: running,
    config: running,
    started: running,
    initDone: isTrue(facts, 'Initialized') || running,
    staysUp: running && facts.containers.every((container) => container.state !== 'waiting'),
    ready: isTrue(facts, 'Ready'),
  };
  for (const gate of gates) {
    if (passed[gate.id] === true) status[gate.id] = 'pass';
    else if (gate.id === 'endpoints' || gate.id === 'reachable' || gate.id === 'progressing')
      status[gate.id] = isTrue(facts, 'Ready') ? 'unknown' : 'notReached';
    else break;
  }
  if (chosen !== undefined && severityOf(chosen) !== 'none') markBroken(status, chosen);
  return status;
}

function markBroken(status: Record<Gate, ItemStatus>, chosen: Holding): void {
  const position = gates.findIndex((gate) => gate.id === chosen.state.gate);
  for (const [index, gate] of gates.entries()) {
    if (index === position) status[gate.id] = severityOf(chosen) === 'bad' ? 'fail' : 'warn';
    else if (index > position) status[gate.id] = 'notReached';
    else if (status[gate.id] === 'notReached') status[gate.id] = 'pass';
  }
}

type Composer = (
  chosen: Holding | undefined,
  rest: readonly Holding[],
  status: Record<Gate, ItemStatus>,
  otherwise: { readonly state: string; readonly headline: string },
) => SubjectReport;

interface Surroundings {
  readonly facts: () => PodFacts;
  readonly added: Rules | undefined;
  /** Logs that states of packs would be decided by. */
  readonly wants: readonly Want[];
}

/** Puts the report of one object together. */
function composerOf(index: EvidenceIndex, object: KubeObject, around: Surroundings): Composer {
  return (chosen, rest, status, otherwise) =>
    composed(index, object, around, { chosen, rest, status, otherwise });
}

function composed(
  index: EvidenceIndex,
  object: KubeObject,
  { facts, added, wants }: Surroundings,
  {
    chosen,
    rest,
    status,
    otherwise,
  }: {
    readonly chosen: Holding | undefined;
    readonly rest: readonly Holding[];
    readonly status: Record<Gate, ItemStatus>;
    readonly otherwise: { readonly state: string; readonly headline: string };
  },
): SubjectReport {
  const overlaid = rest.map((entry) => ({
    state: entry.state.id,
    headline: entry.match.headline,
    severity: severityOf(entry),
  }));
  const base = { subject: refOf(object), status: statusOf(index, object), gates: status, overlays: overlaid };
  if (chosen === undefined) {
    const broken = otherwise.state === 'unclassified';
    return {
      ...base,
      state: otherwise.state,
      id: otherwise.state,
      headline: otherwise.headline,
      severity: broken ? 'bad' : 'none',
      causes: [],
      items: [],
      explainedBy: undefined,
      since: undefined,
      wants: uniqueWants(wants),
    };
  }
  const severity = severityOf(chosen);
  const diagnosis: Diagnosis = chosen.match.diagnose?.() ?? { causes: [], items: [] };
  const more = rest
    .filter((entry) => severityOf(entry) !== 'none')
    .map((entry) => entry.match.diagnose?.())
    .filter((entry) => entry !== undefined);
  const found =
    severity === 'none'
      ? []
      : ranked(dedupe([...diagnosis.causes, ...more.flatMap((entry) => entry.causes)]));
  const causes = added === undefined ? found : added.causes(found, facts());
  const items: readonly Item[] = [...diagnosis.items, ...more.flatMap((entry) => entry.items)];
  return {
    ...base,
    state: chosen.state.id,
    id: chosen.state.key,
    headline: chosen.match.headline,
    severity,
    causes,
    items,
    explainedBy: diagnosis.explainedBy,
    since: chosen.match.since,
    wants: uniqueWants([...(diagnosis.wants ?? []), ...more.flatMap((entry) => entry.wants ?? []), ...wants]),
  };
}

/** Several states may ask for one log. */
function uniqueWants(wants: readonly Want[]): readonly Want[] {
  if (wants.length < 2) return wants;
  return [
    ...new Map(
      wants.map((want) => [`${want.namespace}/${want.pod}/${want.container} ${want.previous}`, want]),
    ).values(),
  ];
}

/** The state's own causes lead, unless it can only guess and something beside it knows more. */
function ranked(causes: readonly Cause[]): readonly Cause[] {
  if (causes[0]?.verdict !== 'possible') return causes;
  return [
    ...causes.filter((entry) => entry.verdict === 'proven'),
    ...causes.filter((entry) => entry.verdict === 'likely'),
    ...causes.filter((entry) => entry.verdict !== 'proven' && entry.verdict !== 'likely'),
  ];
}

function dedupe<C extends { readonly id: string; readonly text: string }>(
  causes: readonly C[],
): readonly C[] {
  const seen = new Set<string>();
  return causes.filter((entry) => {
    const key = `${entry.id}\0${entry.text}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function evaluateObject(index: EvidenceIndex, object: KubeObject, options: EvaluateOptions): SubjectReport {
  const facts: ObjectFacts = {
    object,
    kind: kindOf(object),
    namespace: namespaceOf(object),
    name: nameOf(object),
    index,
    now: index.now,
    events: index.events(object),
    reportOn: (other) => evaluate(index, other, options),
  };
  const { added } = options;
  // Only rule packs ask an object as they ask a pod.
  let seen: PodFacts | undefined;
  const asPod = (): PodFacts => {
    seen ??= podFacts(object, index, added?.limits);
    return seen;
  };
  const asked = added === undefined ? nobodyAsked : askAdded(added.ofKind(facts.kind), asPod());
  const holding: Holding[] = [...asked.holding];
  for (const builtIn of byKind.get(facts.kind) ?? otherStates) {
    const state = added === undefined ? builtIn : added.changed(builtIn, asPod);
    const match = state?.match(facts);
    if (state === undefined) continue;
    if (match !== undefined) holding.push({ state, match });
  }
  const rank = { bad: 0, warn: 1, none: 2 } as const;
  const chosen =
    holding.find((entry) => severityOf(entry) !== 'none' && entry.state.key !== 'pods.unwell') ??
    [...holding].sort((a, b) => rank[severityOf(a)] - rank[severityOf(b)])[0];
  const status = allGates('notApplicable');
  if (chosen !== undefined && severityOf(chosen) !== 'none') markBroken(status, chosen);
  // That no pod can be created is the whole story: that its operator says so too, or that none is ready, adds nothing.
  const refused = chosen !== undefined && /^A[1-6]$/.test(chosen.state.id);
  const rest = holding.filter(
    (entry) =>
      entry !== chosen &&
      !(refused && /^(?:A\d|J17)$/.test(entry.state.id)) &&
      entry.state.key !== 'pods.unwell' &&
      entry.state.key !== 'deployment.unavailable' &&
      severityOf(entry) !== 'none',
  );
  return composerOf(index, object, { facts: asPod, added, wants: asked.wants })(chosen, rest, status, {
    state: 'healthy',
    headline: 'healthy',
  });
}
