import { editOwner, readLog } from '../../fixes.ts';
import { isTrue, lastEvent, specPath, statusPath } from '../../pod-facts.ts';
import { lastWords } from '../../program-log.ts';
import { at, brief, span } from '../../read.ts';
import { cause, evidence, item, type PodState, said } from '../../state.ts';
import { probeBudget, probeReading } from '../probe-facts.ts';
import { runningFor } from './running-for.ts';

/** Still inside the budget of its startup probe. */
export const startupProbe: PodState = {
  id: 'H9',
  key: 'kill.startup',
  gate: 'ready',
  severity: 'warn',
  title: 'The startup probe does not pass',
  match: (facts) => {
    if (facts.phase !== 'Running' || isTrue(facts, 'Ready')) return undefined;
    const container = facts.containers.find(
      (entry) =>
        entry.state === 'running' && entry.started === false && at(entry.spec, 'startupProbe') !== undefined,
    );
    if (container === undefined) return undefined;
    const budget = (probeBudget(container, 'startupProbe')?.seconds ?? 0) * 1000;
    const ran = runningFor(facts, container);
    const event = lastEvent(facts.events, ['Unhealthy'], /^Startup probe/)?.event;
    const killedBefore =
      (container.last?.exitCode === 137 || container.last?.exitCode === 143) &&
      container.restarts > 0 &&
      lastEvent(facts.events, ['Killing'], /startup probe/) !== undefined;
    const words = lastWords(facts.index.log(facts.namespace, facts.name, container.name, false));
    const text = `${span(ran)} of ${span(budget)}`;
    if (!killedBefore)
      return {
        headline: `starting up, startup probe: ${text}${words === undefined ? '' : `: ${brief(words, 50)}`}`,
        severity: 'none',
      };
    const reading = event === undefined ? '' : `: ${probeReading(event.message)}`;
    return {
      headline: `killed by startup probe ${container.restarts} times${brief(reading, 60)}`,
      severity: 'bad',
      since: lastEvent(facts.events, ['Killing'], /startup probe/)?.event.first,
      diagnose: () => ({
        causes: [
          cause(
            'H9.probe',
            'proven',
            `the kubelet kills ${container.name} because its startup probe does not pass within ${span(budget)}${reading}`,
            editOwner(facts, 'Raise failureThreshold or periodSeconds of the startupProbe'),
            readLog(facts, container.name, true),
          ),
        ],
        items: [
          item(
            'H9.budget',
            'ready',
            'It starts within the budget',
            'fail',
            evidence('budget', span(budget), specPath(container, 'startupProbe')),
            ...(event === undefined ? [] : [said(event)]),
            evidence('restarts', String(container.restarts), statusPath(container, 'restartCount')),
          ),
        ],
      }),
    };
  },
};
