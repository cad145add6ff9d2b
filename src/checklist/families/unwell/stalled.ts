import { editOwner, kubectl, readLog } from '../../fixes.ts';
import { minutes } from '../../limits.ts';
import { isTrue, type PodFacts } from '../../pod-facts.ts';
import { lastWords } from '../../program-log.ts';
import { at, brief, span } from '../../read.ts';
import { cause, evidence, item, type PodState, unknown } from '../../state.ts';
import { asksGpu, gpuActivity, lastLineAt, peers, stuckStep } from './progress.ts';

const longPhase = /sav(?:e|ing)|checkpoint|eval|compil|tokeni[sz]|download|load(?:ing)? |shards|warm/i;

/** It waits to be asked, and says nothing until then. */
const isServer = (facts: PodFacts): boolean =>
  facts.owners.some((owner) =>
    /^(?:ReplicaSet|Deployment|InferenceService|LLMInferenceService|RayService|Notebook)$/.test(owner.kind),
  ) || facts.containers.some((container) => at(container.spec, 'readinessProbe') !== undefined);

/** Silence or a frozen step, with a GPU that does not work: busy is not the same as moving (checklist.md 0, 9). */
export const stalled: PodState = {
  id: 'J8',
  key: 'train.stalled',
  gate: 'progressing',
  severity: 'bad',
  title: 'Training does not move',
  match: (facts) => {
    if (
      facts.phase !== 'Running' ||
      facts.object === undefined ||
      !asksGpu(facts) ||
      !isTrue(facts, 'Ready') ||
      isServer(facts)
    )
      return undefined;
    const container = facts.containers.find((entry) => entry.kind === 'main' && entry.state === 'running');
    if (container === undefined) return undefined;
    const log = facts.index.log(facts.namespace, facts.name, container.name, false);
    const quietSince = lastLineAt(log);
    const step = stuckStep(log);
    const usage = facts.index.usage(facts.namespace, facts.name);
    const silent = quietSince === undefined ? 0 : facts.now - quietSince;
    const frozen = step?.forMs ?? 0;
    const stall = minutes(facts.limits.stallMinutes);
    if (Math.max(silent, frozen) < stall) return undefined;
    const activity = gpuActivity(usage);
    if (activity === 'working') return undefined;
    const words = lastWords(log) ?? '';
    if (frozen < stall && longPhase.test(words) && silent < minutes(facts.limits.longPhaseMinutes))
      return { headline: `quiet for ${span(silent)} in a long phase: ${brief(words, 60)}`, severity: 'none' };
    const forMs = Math.max(silent, frozen);
    const { restarted, missing } = peers(facts, facts.now - forMs);
    const why =
      restarted.length > 0
        ? `${restarted[0]} restarted, its peers wait`
        : missing.length > 0
          ? `${missing[0]} is not running, its peers wait`
          : activity === 'busywait'
            ? 'GPU busy but computing nothing: a collective hangs'
            : activity === 'idle'
              ? 'GPU idle'
              : 'GPU activity unknown';
    return {
      headline: `stalled ${span(forMs)}: ${brief(why, 80)}`,
      severity: activity === undefined && restarted.length === 0 && missing.length === 0 ? 'warn' : 'bad',
      since: facts.now - forMs,
      diagnose: () => ({
        causes: [
          cause(
            restarted.length > 0
              ? 'J8.peer-restarted'
              : missing.length > 0
                ? 'J8.peer-missing'
                : activity === 'busywait'
                  ? 'J8.collective'
                  : 'J8.silent',
            restarted.length > 0 || missing.length > 0
              ? 'likely'
              : activity === undefined
                ? 'possible'
                : 'likely',
            `no progress for ${span(forMs)}${step !== undefined && frozen >= stall ? ` (step ${step.step})` : ''}: ${why}`,
            kubectl('See where it hangs', 'disruptive', facts.namespace, [
              'exec',
              facts.name,
              '-c',
              container.name,
              '--',
              'py-spy',
              'dump',
              '--pid',
              '1',
            ]),
            readLog(facts, container.name, false),
            editOwner(facts, 'Restart the whole group through its owner'),
          ),
        ],
        items: [
          item(
            'J8.log',
            'progressing',
            'It makes progress',
            'fail',
            evidence('last line', brief(words, 160), undefined, { at: quietSince }),
          ),
          usage?.gpuBusy === undefined
            ? unknown('J8.gpu', 'progressing', 'The GPU works', 'noSource')
            : item(
                'J8.gpu',
                'progressing',
                'The GPU works',
                'fail',
                evidence('activity', activity === 'busywait' ? 'busy wait' : (activity ?? 'unknown')),
              ),
        ],
      }),
    };
  },
};
