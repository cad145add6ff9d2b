import { exitMeaning } from '../exit-codes.ts';
import { editOwner, halfAgain, readLog, setResources } from '../fixes.ts';
import { killer } from '../killer.ts';
import { minutes } from '../limits.ts';
import { type ContainerFacts, type PodFacts, statusPath } from '../pod-facts.ts';
import { scan } from '../program-log.ts';
import { brief, list, span, text } from '../read.ts';
import { cause, evidence, item, type PodState, wantLog } from '../state.ts';
import { changeCause, crashOf, limitOf } from './crash-facts.ts';
import { signatureCause } from './program-words.ts';

/** Out of memory says it once. */
const tellingKill = (facts: PodFacts, container: ContainerFacts): boolean =>
  /^(?:oom|nodeMemory|ownMemory)$/.test(killer(facts, container)?.by ?? '');

/** Ready now, but it did not stay up for long. */
export const flapping: PodState = {
  id: 'H12',
  key: 'crash.flapping',
  gate: 'staysUp',
  severity: 'warn',
  title: 'It restarts again and again',
  match: (facts) => {
    const container = facts.containers.find(
      (entry) =>
        entry.restarts >= (tellingKill(facts, entry) ? 1 : facts.limits.restarts) &&
        entry.state === 'running' &&
        entry.last !== undefined &&
        facts.now - (entry.last.finishedAt ?? 0) < minutes(facts.limits.withinMinutes),
    );
    if (container?.last === undefined) return undefined;
    const ending = killer(facts, container);
    const { last } = container;
    const limit = limitOf(container, 'memory');
    const hit = scan(facts.index.log(facts.namespace, facts.name, container.name, true));
    const why =
      ending?.by === 'oom'
        ? `OOM at limit ${limit || 'of the node'}`
        : ending?.by === 'nodeMemory'
          ? `node ${facts.node} ran out of memory: ${brief(ending.event?.message ?? '', 80)}`
          : ending?.by === 'liveness'
            ? 'liveness probe'
            : ending?.by === 'startup'
              ? 'startup probe'
              : hit !== undefined
                ? signatureCause(facts, container, hit, true).label
                : `exit ${last.exitCode}: ${exitMeaning(last.exitCode).meaning}`;
    return {
      headline: `${container.restarts === 1 ? '1 restart' : `${container.restarts} restarts, last`} ${span(facts.now - (last.finishedAt ?? facts.now))} ago: ${brief(why, 70)}`,
      since: last.finishedAt,
      diagnose: () => ({
        causes: [
          cause(
            ending?.by === 'oom'
              ? 'H4.limit'
              : ending?.by === 'nodeMemory'
                ? 'H6.node'
                : ending?.by === 'liveness'
                  ? 'H8.probe'
                  : hit !== undefined
                    ? `${hit.signature.state}.${hit.signature.id}`
                    : 'H12.restarts',
            ending?.by === 'oom' || ending?.by === 'liveness' ? 'proven' : 'likely',
            `container ${container.name} restarted ${container.restarts === 1 ? 'once' : `${container.restarts} times`}: ${why}${hit === undefined ? '' : ` (${brief(hit.line, 120)})`}`,
            ending?.by === 'oom'
              ? setResources(
                  facts,
                  container,
                  'Raise the memory limit',
                  `--limits=memory=${halfAgain(limit)}`,
                )
              : readLog(facts, container.name, true),
            editOwner(facts, `Look at ${exitMeaning(last.exitCode).look}`),
          ),
        ],
        items: [
          item(
            'H12.last',
            'staysUp',
            'It stays up',
            'warn',
            evidence(
              'last end',
              `${last.reason}, exit ${last.exitCode}`,
              statusPath(container, 'lastState.terminated'),
              { at: last.finishedAt },
            ),
            evidence('restarts', String(container.restarts), statusPath(container, 'restartCount')),
          ),
        ],
        wants: [wantLog(facts, container.name, true)],
      }),
    };
  },
};

/** The newest revision fails where the one before still runs: said beside what fails. */
export const afterChange: PodState = {
  id: 'H10',
  key: 'crash.after-change',
  gate: 'staysUp',
  severity: 'warn',
  title: 'It began with the newest revision',
  match: (facts) => {
    const change = crashOf(facts) === undefined ? undefined : changeCause(facts);
    return change && { headline: brief(change.text, 90), diagnose: () => ({ causes: [change], items: [] }) };
  },
};

/** Restarted by a rule of its own spec: meant to be so. */
export const restartRule: PodState = {
  id: 'H13',
  key: 'restart.rule',
  gate: 'staysUp',
  severity: 'none',
  title: 'A restart rule of its own started it again',
  match: (facts) => {
    const container = facts.containers.find((entry) =>
      list(entry.spec, 'restartPolicyRules').some(
        (rule) =>
          text(rule, 'action').startsWith('Restart') &&
          list(rule, 'exitCodes', 'values').some((code) => code === entry.last?.exitCode),
      ),
    );
    if (container === undefined || container.state !== 'running') return undefined;
    return { headline: `restarted by its own rule after exit ${container.last?.exitCode}` };
  },
};
