import type { ContainerFacts } from '../pod-facts.ts';
import { at, brief, count, essence, list, text } from '../read.ts';

export type ProbeKind = 'livenessProbe' | 'readinessProbe' | 'startupProbe';

/** How long a probe may fail after the start until it counts. */
export function probeBudget(
  container: ContainerFacts,
  kind: ProbeKind,
): { readonly seconds: number; readonly text: string } | undefined {
  const probe = at(container.spec, kind);
  if (probe === undefined) return undefined;
  const initial = count(probe, 'initialDelaySeconds') ?? 0;
  const period = count(probe, 'periodSeconds') ?? 10;
  const failures = count(probe, 'failureThreshold') ?? 3;
  const seconds = initial + period * failures;
  return { seconds, text: `${initial}s + ${failures} × ${period}s = ${seconds}s` };
}

/** The port that a probe asks: a number or a name; empty for a command. */
export const probePort = (probe: unknown): string =>
  text(probe, 'httpGet', 'port') || text(probe, 'tcpSocket', 'port') || text(probe, 'grpc', 'port');

/** The ports that a container declares. */
export const declaredPorts = (
  container: ContainerFacts,
): readonly { readonly name: string; readonly port: string }[] =>
  list(container.spec, 'ports').map((entry) => ({
    name: text(entry, 'name'),
    port: text(entry, 'containerPort'),
  }));

/** How a probe fails, and what that means. */
export function probeReading(message: string): string {
  const body = message.replace(/^(?:Liveness|Readiness|Startup) probe (?:failed|errored):\s*/, '');
  if (/statuscode: 404/.test(body)) return 'the path does not exist (404)';
  if (/statuscode: 401|statuscode: 403/.test(body)) return 'the path asks for credentials';
  const code = /statuscode: (\d+)/.exec(body)?.[1];
  if (code !== undefined) return `it answers ${code}`;
  if (/connection refused/.test(body)) return 'nothing listens on that port';
  if (/context deadline exceeded|Client\.Timeout|timed out|timeout/i.test(body))
    return 'it does not answer within the timeout';
  if (/no such file|not found|executable file not found/i.test(body))
    return `the probe's command or file is not there: ${brief(body, 80)}`;
  if (/server gave HTTP response to HTTPS|malformed HTTP|tls:/i.test(body))
    return 'HTTP and HTTPS are mixed up';
  // Of a command that prints much, the end is the verdict.
  return body.trim() === '' ? 'it says nothing but that it failed' : essence(body, 100);
}
