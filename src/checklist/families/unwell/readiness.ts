import type { Happening } from '../../evidence-index.ts';
import { editOwner, kubectl, readLog } from '../../fixes.ts';
import { minutes } from '../../limits.ts';
import { type ContainerFacts, isTrue, lastEvent, type PodFacts } from '../../pod-facts.ts';
import { lastWords, programLog, scan } from '../../program-log.ts';
import { at, brief, list, span, text } from '../../read.ts';
import type { Cause, Item } from '../../report.ts';
import { cause, evidence, item, type PodState, said, unknown, wantLog } from '../../state.ts';
import { declaredPorts, probeBudget, probePort, probeReading } from '../probe-facts.ts';
import { signatureCause } from '../program-words.ts';
import { runningFor } from './running-for.ts';

/** The container that keeps the pod from being ready. */
function unready(facts: PodFacts): ContainerFacts | undefined {
  return (
    facts.containers.find(
      (container) => container.kind === 'main' && container.state === 'running' && !container.ready,
    ) ??
    facts.containers.find(
      (container) => container.kind === 'sidecar' && container.state === 'running' && !container.ready,
    ) ??
    // A row names only the container in trouble. Where none is, one that runs is not ready: which one is not known.
    (facts.row !== undefined && facts.row.trouble === undefined && facts.row.status === 'Running'
      ? facts.containers.find((container) => container.kind === 'main' && !container.ready)
      : undefined)
  );
}

/** What is known of a container that is not ready, and of the probe that says so. */
interface Failing {
  readonly container: ContainerFacts;
  /** Milliseconds since it started. */
  readonly ran: number;
  readonly probe: unknown;
  readonly event: Happening | undefined;
  /** What the failure of the probe means. */
  readonly reading: string | undefined;
  readonly log: string | undefined;
  /** The last words of the program. */
  readonly words: string | undefined;
  readonly loading: boolean;
}

function failing(facts: PodFacts): Failing | undefined {
  const container = unready(facts);
  if (container === undefined) return undefined;
  const event = lastEvent(
    facts.events.filter((entry) => entry.container === '' || entry.container === container.name),
    ['Unhealthy'],
  )?.event;
  const log = facts.index.log(facts.namespace, facts.name, container.name, false);
  const words = lastWords(log);
  return {
    container,
    ran: runningFor(facts, container),
    probe: at(container.spec, 'readinessProbe'),
    event,
    reading: event === undefined ? undefined : probeReading(event.message),
    log,
    words,
    loading:
      words !== undefined && /load|download|shard|\d+%|compil|warm|migrat|starting|initializ/i.test(words),
  };
}

/** What it is called while it is too early to call it a failure. */
function tooEarly(facts: PodFacts, { container, event, ran }: Failing): string | undefined {
  const ready = facts.conditions.get('Ready')?.at;
  const guess = facts.index.nowIsGuess;
  if (event === undefined) {
    if (!guess)
      return ran < minutes(facts.limits.readyGraceMinutes) || facts.object === undefined
        ? 'starting, not ready yet'
        : undefined;
    // A paste cut down to the bare status has no clock at all: then it was pasted because it stays so.
    const timed = facts.createdAt !== undefined || ready !== undefined;
    return ran < 60_000 && timed ? 'running, not ready yet' : undefined;
  }
  const budget = (probeBudget(container, 'readinessProbe')?.seconds ?? 0) * 1000;
  const often = event.count >= 10 || (guess ? event.count >= 3 : ran > Math.max(60_000, budget));
  const wasReady = (ready ?? 0) > (container.startedAt ?? facts.startedAt ?? 0) + 60_000;
  return often || wasReady ? undefined : 'starting, readiness probe not passed yet';
}

/** The probe asks for a port that the container does not declare. */
function wrongPort({ container, probe }: Failing): boolean {
  const port = probePort(probe);
  const declared = declaredPorts(container);
  return (
    port !== '' &&
    declared.length > 0 &&
    !declared.some((entry) => entry.port === port || entry.name === port)
  );
}

/** What the container and its log say of the way in which the probe asks. */
function hintOf(found: Failing): string {
  const { container, probe, log, reading } = found;
  const port = probePort(probe);
  if (wrongPort(found)) {
    const declared = declaredPorts(container).map((entry) => entry.port);
    return `; the container declares port ${declared.join(', ')}, not ${port}`;
  }
  const words = programLog(log) ?? '';
  const listens =
    /(?<![\w.])(?:listening|running|serving|started|bound)\b[^\n]{0,60}?(?:(?<!\.\w{1,4}):|port[ =]+)(80|\d{3,5})\b/i.exec(
      words,
    )?.[1];
  if (listens !== undefined && port !== '' && listens !== port)
    return `; its log says that it listens on ${listens}`;
  const local =
    /(?:127\.0\.0\.1|localhost):\d+/.test(words) && /listening|running|serving|Uvicorn/i.test(words);
  if (local && /nothing listens/.test(reading ?? '')) return '; it listens on 127.0.0.1 only';
  return /first record does not look like a TLS handshake|HTTP request to an HTTPS server/.test(words) &&
    text(probe, 'httpGet', 'scheme') !== 'HTTPS'
    ? '; it wants TLS and the probe speaks plain HTTP (scheme: HTTPS is missing)'
    : '';
}

/** What the failure of the probe means, or why that is not known. */
const saysOf = ({ reading, probe, container }: Failing): string =>
  reading ??
  (probe === undefined && container.spec !== undefined
    ? 'no readiness probe is defined'
    : 'the event that would say why is gone');

function idOf(found: Failing, says: string): string {
  if (wrongPort(found) || /nothing listens/.test(says)) return 'J1.port';
  if (/404|credentials/.test(says)) return 'J1.path';
  if (/timeout/.test(says)) return 'J1.timeout';
  return /it answers/.test(says) ? 'J1.unhealthy' : 'J1.probe';
}

function probeCause(facts: PodFacts, found: Failing, hint: string): Cause {
  const { container, probe, event } = found;
  const says = saysOf(found);
  const kind = /^(Readiness|Startup|Liveness) probe/.exec(event?.message ?? '')?.[1] ?? 'readiness';
  const target = probeTarget(probe);
  const port = probePort(probe);
  return cause(
    idOf(found, says),
    event === undefined ? 'possible' : 'proven',
    `the ${kind.toLowerCase()} probe of ${container.name} fails${target === '' ? '' : ` (${target})`}: ${says}${hint}`,
    readLog(facts, container.name, false),
    editOwner(facts, 'Correct path, port or timeout of the probe'),
    port === ''
      ? undefined
      : kubectl('Ask it yourself', 'read', facts.namespace, [
          'port-forward',
          `pod/${facts.name}`,
          /^\d+$/.test(port) ? port : (declaredPorts(container)[0]?.port ?? '8080'),
        ]),
  );
}

/** What the program says of itself comes first where the probe only shows it. */
function causesOf(facts: PodFacts, found: Failing): readonly Cause[] {
  const { container, log, words, loading, reading } = found;
  const hint = hintOf(found);
  const hit = scan(log);
  // That nothing listens, or that it answers 503, is how the failure of which the program itself speaks shows.
  const tellsWhy =
    hint === '' && !loading && /nothing listens|it answers 5|within the timeout/.test(reading ?? '');
  const own =
    hit !== undefined && hit.signature.rank >= (tellsWhy ? 40 : 60)
      ? [signatureCause(facts, container, hit, false).cause]
      : [];
  const probe = probeCause(facts, found, hint);
  if (!loading) return tellsWhy ? [...own, probe] : [probe, ...own];
  return [
    cause(
      'J1.loading',
      'likely',
      `it is still loading: ${brief(words ?? '', 140)}; the readiness probe fails until it is done`,
      readLog(facts, container.name, false),
    ),
    probe,
    ...own,
  ];
}

function itemsOf(facts: PodFacts, { event, words }: Failing): readonly Item[] {
  const ready = facts.conditions.get('Ready');
  return [
    item(
      'J1.ready',
      'ready',
      'The pod is ready',
      'fail',
      evidence('Ready', `False ${ready?.reason ?? ''}`, 'status.conditions[Ready]', { at: ready?.at }),
    ),
    event === undefined
      ? unknown('J1.probe', 'ready', 'Its readiness probe passes', 'eventExpired')
      : item('J1.probe', 'ready', 'Its readiness probe passes', 'fail', said(event)),
    ...(words === undefined
      ? []
      : [item('J1.log', 'ready', 'What the program says', 'info', evidence('log', brief(words, 200)))]),
  ];
}

export const readiness: PodState = {
  id: 'J1',
  key: 'notready.readiness',
  gate: 'ready',
  severity: 'bad',
  title: 'The readiness probe fails',
  match: (facts) => {
    if (
      facts.phase !== 'Running' ||
      isTrue(facts, 'Ready') ||
      (facts.conditions.size === 0 && facts.events.length === 0)
    )
      return undefined;
    const found = failing(facts);
    if (found === undefined) return undefined;
    const early = tooEarly(facts, found);
    if (early !== undefined) return { headline: early, severity: 'none' };
    const { container, ran, words, loading, log } = found;
    const since = facts.conditions.get('Ready')?.at;
    return {
      headline: loading
        ? `still loading for ${span(ran)}: ${brief(words ?? '', 60)}`
        : `not ready${ran > 0 ? ` for ${span(facts.now - (since ?? facts.now - ran))}` : ''}: ${brief(saysOf(found), 70)}`,
      severity: loading ? 'warn' : 'bad',
      since: since ?? container.startedAt,
      diagnose: () => ({
        causes: causesOf(facts, found),
        items: itemsOf(facts, found),
        wants: log === undefined ? [wantLog(facts, container.name, false)] : [],
      }),
    };
  },
};

/** What the probe asks for. */
function probeTarget(probe: unknown): string {
  const http = at(probe, 'httpGet');
  if (http !== undefined)
    return `${text(http, 'scheme') || 'HTTP'} GET ${text(http, 'path') || '/'} port ${text(http, 'port')}`;
  if (at(probe, 'tcpSocket') !== undefined) return `TCP port ${text(probe, 'tcpSocket', 'port')}`;
  const command = list(probe, 'exec', 'command').map(String).join(' ');
  return command === '' ? '' : `command ${brief(command, 60)}`;
}
