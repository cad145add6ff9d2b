import { describe, editOwner, kubectl, readLog } from '../fixes.ts';
import { type ContainerFacts, lastEvent, type PodFacts, specPath } from '../pod-facts.ts';
import { programLog } from '../program-log.ts';
import { at, brief, list, span, text } from '../read.ts';
import type { Item } from '../report.ts';
import { cause, evidence, item, type Match, type PodState, said } from '../state.ts';
import { type Crash, crashState, diagnoseCrash, place, runLength, where } from './crash-facts.ts';
import { declaredPorts, probeBudget, probePort, probeReading } from './probe-facts.ts';

function probeText(probe: unknown): string {
  const http = at(probe, 'httpGet');
  if (http !== undefined) return `GET ${text(http, 'path') || '/'} on port ${text(http, 'port')}`;
  const tcp = at(probe, 'tcpSocket');
  if (tcp !== undefined) return `TCP port ${text(tcp, 'port')}`;
  const grpc = at(probe, 'grpc');
  if (grpc !== undefined) return `gRPC port ${text(grpc, 'port')}`;
  return `command ${list(probe, 'exec', 'command').map(String).join(' ')}`;
}

/** A probe's port against the ports that the container declares. */
function portItem(container: ContainerFacts, probe: unknown, id: string): Item | undefined {
  const port = probePort(probe);
  const declared = declaredPorts(container);
  if (port === '' || declared.length === 0) return undefined;
  const fits = declared.some((entry) => entry.name === port || entry.port === port);
  return item(
    id,
    'ready',
    'The probed port is one that the container declares',
    fits ? 'pass' : 'warn',
    evidence('probe', port, specPath(container, 'ports')),
    evidence(
      'declared',
      declared.map((entry) => (entry.name === '' ? entry.port : `${entry.name}=${entry.port}`)).join(', '),
    ),
  );
}

export function matchProbeKill(
  facts: PodFacts,
  crash: Crash,
  kind: 'livenessProbe' | 'startupProbe',
  id: string,
): Match {
  const word = kind === 'livenessProbe' ? 'liveness' : 'startup';
  const unhealthy = lastEvent(facts.events, ['Unhealthy'], new RegExp(`^${word} probe`, 'i'))?.event;
  const reading = unhealthy === undefined ? undefined : probeReading(unhealthy.message);
  const probe = at(crash.container.spec, kind);
  const budget = probeBudget(crash.container, kind);
  const missed = portItem(crash.container, probe, `${id}.port`);
  const progress = programLog(
    facts.index.log(facts.namespace, facts.name, crash.container.name, true) ??
      facts.index.log(facts.namespace, facts.name, crash.container.name, false),
  );
  const loading =
    progress !== undefined &&
    /[Ll]oading|[Dd]ownload(?:ing)?|shards|Compiling|warm.?up|%\||Starting/.test(progress.slice(-2000));
  const proof = crash.ending.event;
  const detail =
    missed?.status === 'warn'
      ? `; it probes ${probeText(probe)}, which the container does not declare`
      : probe === undefined
        ? ''
        : ` (${probeText(probe)}${budget === undefined ? '' : `; it has ${span(budget.seconds * 1000)} after the start`})`;
  const text = `the kubelet kills ${crash.container.name} because its ${word} probe fails: ${reading ?? 'the reason is gone with its event'}${detail}`;
  const slow = reading !== undefined && /nothing listens|timeout/.test(reading) && budget !== undefined;
  return {
    headline: `${place(crash.container)}killed by ${word} probe${reading === undefined ? '' : `: ${brief(reading, 60)}`}`,
    diagnose: () =>
      diagnoseCrash(
        facts,
        crash,
        [
          cause(
            `${id}.probe`,
            proof === undefined ? 'likely' : 'proven',
            text,
            editOwner(
              facts,
              kind === 'livenessProbe' && slow
                ? 'Add a startupProbe, or raise timeoutSeconds and failureThreshold'
                : `Correct the ${word} probe`,
            ),
            readLog(facts, crash.container.name, true),
            describe('pod', facts.namespace, facts.name),
          ),
          slow && loading
            ? cause(
                `${id}.slow-start`,
                'likely',
                `it was still loading when it was killed: the probe allows ${budget.text}`,
                editOwner(facts, 'Raise failureThreshold of the startupProbe'),
              )
            : undefined,
          crash.hit !== undefined && crash.hit.signature.rank >= 40
            ? cause(
                `${id}.log-${crash.hit.signature.id}`,
                'likely',
                `its log says why it does not answer: ${brief(crash.hit.line, 140)}`,
              )
            : undefined,
        ],
        `The ${word} probe succeeds`,
        [
          ...(unhealthy === undefined
            ? []
            : [item(`${id}.probe`, 'staysUp', `${word} probe`, 'fail', said(unhealthy))]),
          ...(budget === undefined
            ? []
            : [
                item(
                  `${id}.budget`,
                  'staysUp',
                  'Time until the kill',
                  'info',
                  evidence('budget', budget.text, specPath(crash.container, kind)),
                  ...(runLength(crash.run) === undefined
                    ? []
                    : [evidence('it ran', runLength(crash.run) ?? '')]),
                ),
              ]),
          ...(missed === undefined ? [] : [missed]),
          ...(crash.run.reason === 'OOMKilled'
            ? []
            : [
                item(
                  `${id}.oom`,
                  'staysUp',
                  'Out of memory',
                  'pass',
                  evidence('reason', `${crash.run.reason}, not OOMKilled`, `${where(crash)}.reason`),
                ),
              ]),
        ],
      ),
  };
}

export const liveness: PodState = crashState(
  'H8',
  'kill.liveness',
  'Killed by its liveness probe',
  (facts, crash) =>
    crash.ending.by === 'liveness' ? matchProbeKill(facts, crash, 'livenessProbe', 'H8') : undefined,
);

export const startupKill: PodState = crashState(
  'H9',
  'kill.startup',
  'Killed by its startup probe',
  (facts, crash) =>
    crash.ending.by === 'startup' ? matchProbeKill(facts, crash, 'startupProbe', 'H9') : undefined,
);

/** A probe that fails, told by its event alone. */
export const toldProbe: PodState = {
  id: 'J1',
  key: 'notready.readiness',
  gate: 'ready',
  severity: 'bad',
  title: 'The readiness probe fails',
  match: (facts) => {
    if (facts.phase !== '' || facts.containers.length > 0) return undefined;
    const found = lastEvent(facts.events, ['Unhealthy'], /^(Readiness|Liveness|Startup) probe/);
    if (found === undefined || found.event.count < 3) return undefined;
    const [kind = 'Readiness'] = [found.match?.[1]];
    const killed = kind !== 'Readiness';
    const reading = probeReading(found.event.message);
    return {
      headline: `${kind.toLowerCase()} probe fails: ${brief(reading, 70)}`,
      since: found.event.first,
      diagnose: () => ({
        causes: [
          cause(
            killed ? 'H8.probe' : 'J1.probe',
            'likely',
            `the ${kind.toLowerCase()} probe of ${found.event.container || 'the container'} fails: ${reading}${killed ? ', so the kubelet restarts it' : ''}`,
            describe('pod', facts.namespace, facts.name),
            kubectl('Read the log', 'read', facts.namespace, [
              'logs',
              facts.name,
              '--all-containers',
              '--tail=100',
            ]),
          ),
        ],
        items: [item('J1.probe', 'ready', 'Its probes pass', 'fail', said(found.event))],
      }),
    };
  },
};
