import { describe } from '../../fixes.ts';
import { type ContainerFacts, isTrue, type PodFacts } from '../../pod-facts.ts';
import { brief } from '../../read.ts';
import { programLog, scan } from '../../signatures.ts';
import { cause, evidence, item, type PodState } from '../../state.ts';
import { dependency, signatureCause } from '../program-words.ts';
import { peers } from './progress.ts';

/** The containers that run, with what each has written so far; undefined where that was not read. */
function* runningLogs(
  facts: PodFacts,
): Generator<{ readonly container: ContainerFacts; readonly log: string | undefined }> {
  for (const container of facts.containers)
    if (container.state === 'running')
      yield { container, log: facts.index.log(facts.namespace, facts.name, container.name, false) };
}

/** Running, and its own words say that the GPU is not there. */
export const saysTrouble: PodState = {
  id: 'J11',
  key: 'cuda.unavailable',
  gate: 'progressing',
  severity: 'bad',
  title: 'No usable GPU in the container',
  match: (facts) => {
    if (facts.phase !== 'Running') return undefined;
    for (const { container, log } of runningLogs(facts)) {
      const hit = scan(log);
      const words = programLog(log) ?? '';
      const cpu =
        /CUDA is not available|cuda(?:\.is_available\(\))?[: =]+False|[Nn]o GPU (?:found|detected)/.exec(
          words,
        );
      if (hit?.signature.state !== 'J11' && cpu === null) continue;
      // What runs and is ready has found a way round a GPU that cannot do one thing.
      if (hit?.signature.id === 'gpu-too-old' && isTrue(facts, 'Ready')) continue;
      const found =
        hit?.signature.state === 'J11'
          ? hit
          : {
              signature: {
                id: 'no-cuda',
                rank: 92,
                pattern: /./,
                state: 'J11',
                meaning: 'no GPU visible to the process',
                checks: '',
              },
              line: cpu?.[0] ?? '',
              captures: [],
            };
      const built = signatureCause(facts, container, found, false);
      return {
        headline: brief(built.label, 90),
        diagnose: () => ({
          causes: [built.cause],
          items: [
            item(
              'J11.log',
              'progressing',
              'The program sees its GPU',
              'fail',
              evidence('log', brief(found.line, 200)),
            ),
          ],
        }),
      };
    }
    return undefined;
  },
};

/** A hit of high rank in the log of a pod that runs: the J10, J12, J14 and L9 of a job that hangs on. */
export const runningWords = (id: string, key: string, title: string, ids: readonly string[]): PodState => ({
  id,
  key,
  title,
  gate: 'progressing',
  severity: 'warn',
  match: (facts) => {
    if (facts.phase !== 'Running' || facts.object === undefined) return undefined;
    for (const { container, log } of runningLogs(facts)) {
      const hit = scan(log);
      if (hit === undefined || !ids.includes(hit.signature.id)) continue;
      const { missing } = peers(facts, facts.now);
      const built = signatureCause(facts, container, hit, false);
      const rank =
        id === 'L9' && missing.length > 0
          ? cause(
              'L9.peer-missing',
              'proven',
              `not all ranks join: ${missing.slice(0, 4).join(', ')} ${missing.length === 1 ? 'is' : 'are'} not running (${brief(hit.line, 120)})`,
              describe('pod', facts.namespace, missing[0] ?? ''),
            )
          : built.cause;
      return {
        headline: brief(
          id === 'L9' && missing.length > 0
            ? `ranks missing: ${missing.slice(0, 3).join(', ')}`
            : built.label,
          90,
        ),
        diagnose: () => ({
          causes: [rank],
          items: [
            item(
              `${id}.log`,
              'progressing',
              'The program works',
              'warn',
              evidence('log', brief(hit.line, 200)),
            ),
            ...(built.item === undefined ? [] : [built.item]),
          ],
        }),
      };
    }
    return undefined;
  },
});

/** What a program that runs says last while it waits: early lines of it are common, and pass. */
export const waitingWords = (ids: readonly string[]): PodState => ({
  id: 'L9',
  key: 'rendezvous.waits',
  title: 'It waits for others that do not come',
  gate: 'progressing',
  severity: 'warn',
  match: (facts) => {
    if (facts.phase !== 'Running' || facts.object === undefined) return undefined;
    for (const { container, log } of runningLogs(facts)) {
      const last = programLog(log)
        ?.split('\n')
        .filter((line) => line.trim() !== '')
        .slice(-2)
        .join('\n');
      const hit = scan(last);
      if (hit === undefined || !ids.includes(hit.signature.id)) continue;
      const built = signatureCause(facts, container, hit, false);
      return {
        headline: brief(built.label, 90),
        diagnose: () => ({
          causes: [built.cause],
          items: [
            item('L9.log', 'progressing', 'The program works', 'warn', evidence('log', brief(hit.line, 200))),
            ...(built.item === undefined ? [] : [built.item]),
          ],
        }),
      };
    }
    return undefined;
  },
});

/** It runs, and its log complains of a service that is provably not reachable. */
export const dependencyDown: PodState = {
  id: 'L7',
  key: 'dependency.unreachable',
  gate: 'reachable',
  severity: 'warn',
  title: 'A service that it needs cannot be reached',
  match: (facts) => {
    if (facts.phase !== 'Running' || facts.object === undefined) return undefined;
    for (const { container, log } of runningLogs(facts)) {
      const hit = scan(log);
      if (hit === undefined || !['connection', 'dns', 'nccl-net'].includes(hit.signature.id)) continue;
      const found = dependency(facts, hit);
      if (found.text === '') continue;
      const built = signatureCause(facts, container, hit, false);
      const blocked = found.item?.id === 'L7.policy';
      return {
        headline: brief(`${found.host} cannot be reached${found.text}`, 100),
        diagnose: () => ({
          causes: [blocked ? { ...built.cause, id: 'L7.policy' } : built.cause],
          items: [
            item(
              'L7.log',
              'reachable',
              'What it needs can be reached',
              'warn',
              evidence('log', brief(hit.line, 200)),
            ),
            ...(found.item === undefined ? [] : [found.item]),
          ],
        }),
      };
    }
    return undefined;
  },
};
