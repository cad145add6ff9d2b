import { editOwner, kubectl, readLog } from '../../fixes.ts';
import { minutes } from '../../limits.ts';
import { type ContainerFacts, isTrue, lastEvent, type PodFacts } from '../../pod-facts.ts';
import { at, brief, count, list, span, text } from '../../read.ts';
import { lastWords, programLog, scan } from '../../signatures.ts';
import { cause, evidence, item, type PodState, said, unknown, wantLog } from '../../state.ts';
import { probeReading } from '../probe-kills.ts';
import { signatureCause } from '../program-words.ts';
import { failedFor } from './probe-time.ts';

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

const probeKind = (message: string): 'Readiness' | 'Startup' | 'Liveness' | '' =>
  (/^(Readiness|Startup|Liveness) probe/.exec(message)?.[1] ?? '') as
    | 'Readiness'
    | 'Startup'
    | 'Liveness'
    | '';

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
    const container = unready(facts);
    if (container === undefined) return undefined;
    const event = lastEvent(
      facts.events.filter((entry) => entry.container === '' || entry.container === container.name),
      ['Unhealthy'],
    )?.event;
    const ran = failedFor(facts, container);
    const kind = event === undefined ? '' : probeKind(event.message);
    const probe = at(container.spec, 'readinessProbe');
    const log = facts.index.log(facts.namespace, facts.name, container.name, false);
    const words = lastWords(log);
    const loading =
      words !== undefined && /load|download|shard|\d+%|compil|warm|migrat|starting|initializ/i.test(words);
    const reading = event === undefined ? undefined : probeReading(event.message);
    const wasReady =
      (facts.conditions.get('Ready')?.at ?? 0) > (container.startedAt ?? facts.startedAt ?? 0) + 60_000;
    const period = count(probe, 'periodSeconds') ?? 10;
    const budget =
      ((count(probe, 'initialDelaySeconds') ?? 0) + period * (count(probe, 'failureThreshold') ?? 3)) * 1000;
    const enough =
      event !== undefined &&
      (event.count >= 10 || (facts.index.nowIsGuess ? event.count >= 3 : ran > Math.max(60_000, budget)));
    if (
      event === undefined &&
      (ran < minutes(facts.limits.readyGraceMinutes) || facts.object === undefined) &&
      !facts.index.nowIsGuess
    )
      return { headline: 'starting, not ready yet', severity: 'none' };
    // A paste cut down to the bare status has no clock at all: then it was pasted because it stays so.
    const timed = facts.createdAt !== undefined || facts.conditions.get('Ready')?.at !== undefined;
    if (event === undefined && facts.index.nowIsGuess && ran < 60_000 && timed)
      return { headline: 'running, not ready yet', severity: 'none' };
    if (event !== undefined && !enough && !wasReady)
      return { headline: 'starting, readiness probe not passed yet', severity: 'none' };
    const target = probeTarget(probe);
    const declared = list(container.spec, 'ports').map((port) => text(port, 'containerPort'));
    const port =
      text(probe, 'httpGet', 'port') || text(probe, 'tcpSocket', 'port') || text(probe, 'grpc', 'port');
    const names = list(container.spec, 'ports').map((entry) => text(entry, 'name'));
    const wrongPort = port !== '' && declared.length > 0 && !declared.includes(port) && !names.includes(port);
    const listens =
      /(?<![\w.])(?:listening|running|serving|started|bound)\b[^\n]{0,60}?(?:(?<!\.\w{1,4}):|port[ =]+)(80|\d{3,5})\b/i.exec(
        programLog(log) ?? '',
      )?.[1];
    const local =
      /(?:127\.0\.0\.1|localhost):\d+/.test(programLog(log) ?? '') &&
      /listening|running|serving|Uvicorn/i.test(programLog(log) ?? '');
    const hit = scan(log);
    const hint = wrongPort
      ? `; the container declares port ${declared.join(', ')}, not ${port}`
      : listens !== undefined && port !== '' && listens !== port
        ? `; its log says that it listens on ${listens}`
        : local && /nothing listens/.test(reading ?? '')
          ? '; it listens on 127.0.0.1 only'
          : /first record does not look like a TLS handshake|HTTP request to an HTTPS server/.test(
                programLog(log) ?? '',
              ) && text(probe, 'httpGet', 'scheme') !== 'HTTPS'
            ? '; it wants TLS and the probe speaks plain HTTP (scheme: HTTPS is missing)'
            : '';
    // That nothing listens, or that it answers 503, is how the failure of which the program itself speaks shows.
    const tellsWhy =
      hit !== undefined &&
      hint === '' &&
      !loading &&
      hit.signature.rank >= 40 &&
      /nothing listens|it answers 5|within the timeout/.test(reading ?? '');
    const says =
      reading === undefined
        ? probe === undefined && container.spec !== undefined
          ? 'no readiness probe is defined'
          : 'the event that would say why is gone'
        : reading;
    return {
      headline: loading
        ? `still loading for ${span(ran)}: ${brief(words ?? '', 60)}`
        : `not ready${ran > 0 ? ` for ${span(facts.now - (facts.conditions.get('Ready')?.at ?? facts.now - ran))}` : ''}: ${brief(reading ?? says, 70)}`,
      severity: loading ? 'warn' : 'bad',
      since: facts.conditions.get('Ready')?.at ?? container.startedAt,
      diagnose: () => ({
        causes: [
          ...(loading
            ? [
                cause(
                  'J1.loading',
                  'likely',
                  `it is still loading: ${brief(words ?? '', 140)}; the readiness probe fails until it is done`,
                  readLog(facts, container.name, false),
                ),
              ]
            : []),
          ...(hit !== undefined && tellsWhy ? [signatureCause(facts, container, hit, false).cause] : []),
          cause(
            wrongPort || /nothing listens/.test(says)
              ? 'J1.port'
              : /404|credentials/.test(says)
                ? 'J1.path'
                : /timeout/.test(says)
                  ? 'J1.timeout'
                  : /it answers/.test(says)
                    ? 'J1.unhealthy'
                    : 'J1.probe',
            event === undefined ? 'possible' : 'proven',
            `the ${kind === '' ? 'readiness' : kind.toLowerCase()} probe of ${container.name} fails${target === '' ? '' : ` (${target})`}: ${says}${hint}`,
            readLog(facts, container.name, false),
            editOwner(facts, 'Correct path, port or timeout of the probe'),
            port === ''
              ? undefined
              : kubectl('Ask it yourself', 'read', facts.namespace, [
                  'port-forward',
                  `pod/${facts.name}`,
                  /^\d+$/.test(port) ? port : (declared[0] ?? '8080'),
                ]),
          ),
          ...(hit !== undefined && !tellsWhy && hit.signature.rank >= 60
            ? [signatureCause(facts, container, hit, false).cause]
            : []),
        ],
        items: [
          item(
            'J1.ready',
            'ready',
            'The pod is ready',
            'fail',
            evidence(
              'Ready',
              `False ${facts.conditions.get('Ready')?.reason ?? ''}`,
              'status.conditions[Ready]',
              { at: facts.conditions.get('Ready')?.at },
            ),
          ),
          event === undefined
            ? unknown('J1.probe', 'ready', 'Its readiness probe passes', 'eventExpired')
            : item('J1.probe', 'ready', 'Its readiness probe passes', 'fail', said(event)),
          ...(words === undefined
            ? []
            : [item('J1.log', 'ready', 'What the program says', 'info', evidence('log', brief(words, 200)))]),
        ],
        wants: log === undefined ? [wantLog(facts, container.name, false)] : [],
      }),
    };
  },
};

function probeTarget(probe: unknown): string {
  const http = at(probe, 'httpGet');
  if (http !== undefined)
    return `${text(http, 'scheme') || 'HTTP'} GET ${text(http, 'path') || '/'} port ${text(http, 'port')}`;
  if (at(probe, 'tcpSocket') !== undefined) return `TCP port ${text(probe, 'tcpSocket', 'port')}`;
  const command = list(probe, 'exec', 'command').map(String).join(' ');
  return command === '' ? '' : `command ${brief(command, 60)}`;
}
