import { describe } from '../../fixes.ts';
import { type ContainerFacts, isTrue, type PodFacts } from '../../pod-facts.ts';
import { programLog, type SignatureHit, scan } from '../../program-log.ts';
import { brief } from '../../read.ts';
import type { Gate, Item } from '../../report.ts';
import { cause, type Diagnosis, evidence, item, type Match, type PodState } from '../../state.ts';
import { dependency, signatureCause } from '../program-words.ts';
import { peers } from './progress.ts';

/** What a log says, and what follows from it. */
interface Complaint {
  readonly headline: string;
  readonly diagnose: () => Diagnosis;
}

/** Asks the log of each container that runs; the first that complains is the answer. */
function firstComplaint(
  facts: PodFacts,
  ask: (container: ContainerFacts, log: string | undefined) => Complaint | undefined,
): Match | undefined {
  if (facts.phase !== 'Running') return undefined;
  for (const container of facts.containers) {
    if (container.state !== 'running') continue;
    const found = ask(container, facts.index.log(facts.namespace, facts.name, container.name, false));
    if (found !== undefined) return found;
  }
  return undefined;
}

const logItem = (id: string, gate: Gate, title: string, status: Item['status'], line: string): Item =>
  item(id, gate, title, status, evidence('log', brief(line, 200)));

const noCuda = /CUDA is not available|cuda(?:\.is_available\(\))?[: =]+False|[Nn]o GPU (?:found|detected)/;

/** A GPU that the program does not see, in words of the signatures or in those of a check of its own. */
function gpuComplaint(facts: PodFacts, log: string | undefined): SignatureHit | undefined {
  const hit = scan(log);
  const own = noCuda.exec(programLog(log) ?? '');
  // What runs and is ready has found a way round a GPU that cannot do one thing.
  if (hit?.signature.id === 'gpu-too-old' && isTrue(facts, 'Ready')) return undefined;
  if (hit?.signature.state === 'J11') return hit;
  return own === null
    ? undefined
    : {
        signature: {
          id: 'no-cuda',
          rank: 92,
          pattern: noCuda,
          state: 'J11',
          meaning: 'no GPU visible to the process',
          checks: '',
        },
        line: own[0],
        captures: [],
      };
}

/** Running, and its own words say that the GPU is not there. */
export const noGpu: PodState = {
  id: 'J11',
  key: 'cuda.unavailable',
  gate: 'progressing',
  severity: 'bad',
  title: 'No usable GPU in the container',
  match: (facts) =>
    firstComplaint(facts, (container, log) => {
      const found = gpuComplaint(facts, log);
      if (found === undefined) return undefined;
      const built = signatureCause(facts, container, found, false);
      return {
        headline: brief(built.label, 90),
        diagnose: () => ({
          causes: [built.cause],
          items: [logItem('J11.log', 'progressing', 'The program sees its GPU', 'fail', found.line)],
        }),
      };
    }),
};

/** What follows from the words of a program that runs on. */
function wordsComplaint(
  id: string,
  facts: PodFacts,
  container: ContainerFacts,
  hit: SignatureHit,
): Complaint {
  const built = signatureCause(facts, container, hit, false);
  return {
    headline: brief(built.label, 90),
    diagnose: () => ({
      causes: [built.cause],
      items: [
        logItem(`${id}.log`, 'progressing', 'The program works', 'warn', hit.line),
        ...(built.item === undefined ? [] : [built.item]),
      ],
    }),
  };
}

/** Ranks that do not find each other, where some are known not to run: that is why. */
function missingRanks(facts: PodFacts, found: Complaint, hit: SignatureHit): Complaint {
  const { missing } = peers(facts, facts.now);
  const [first] = missing;
  return first === undefined
    ? found
    : {
        headline: brief(`ranks missing: ${missing.slice(0, 3).join(', ')}`, 90),
        diagnose: () => ({
          ...found.diagnose(),
          causes: [
            cause(
              'L9.peer-missing',
              'proven',
              `not all ranks join: ${missing.slice(0, 4).join(', ')} ${missing.length === 1 ? 'is' : 'are'} not running (${brief(hit.line, 120)})`,
              describe('pod', facts.namespace, first),
            ),
          ],
        }),
      };
}

/** A hit of high rank in the log of a pod that runs: the J10, J12, J14 and L9 of a job that hangs on. */
export const runningWords = (id: string, key: string, title: string, ids: readonly string[]): PodState => ({
  id,
  key,
  title,
  gate: 'progressing',
  severity: 'warn',
  match: (facts) =>
    facts.object === undefined
      ? undefined
      : firstComplaint(facts, (container, log) => {
          const hit = scan(log);
          if (hit === undefined || !ids.includes(hit.signature.id)) return undefined;
          const found = wordsComplaint(id, facts, container, hit);
          return id === 'L9' ? missingRanks(facts, found, hit) : found;
        }),
});

/** What a program that runs says last while it waits: early lines of it are common, and pass. */
export const waitingWords = (ids: readonly string[]): PodState => ({
  id: 'L9',
  key: 'rendezvous.waits',
  title: 'It waits for others that do not come',
  gate: 'progressing',
  severity: 'warn',
  match: (facts) =>
    facts.object === undefined
      ? undefined
      : firstComplaint(facts, (container, log) => {
          const last = programLog(log)
            ?.split('\n')
            .filter((line) => line.trim() !== '')
            .slice(-2)
            .join('\n');
          const hit = scan(last);
          return hit === undefined || !ids.includes(hit.signature.id)
            ? undefined
            : wordsComplaint('L9', facts, container, hit);
        }),
});

/** It runs, and its log complains of a service that is provably not reachable. */
export const dependencyDown: PodState = {
  id: 'L7',
  key: 'dependency.unreachable',
  gate: 'reachable',
  severity: 'warn',
  title: 'A service that it needs cannot be reached',
  match: (facts) =>
    facts.object === undefined
      ? undefined
      : firstComplaint(facts, (container, log) => {
          const hit = scan(log);
          if (hit === undefined || !['connection', 'dns', 'nccl-net'].includes(hit.signature.id))
            return undefined;
          const found = dependency(facts, hit);
          if (found.text === '') return undefined;
          const built = signatureCause(facts, container, hit, false).cause;
          return {
            headline: brief(`${found.host} cannot be reached${found.text}`, 100),
            diagnose: () => ({
              causes: [found.item?.id === 'L7.policy' ? { ...built, id: 'L7.policy' } : built],
              items: [
                logItem('L7.log', 'reachable', 'What it needs can be reached', 'warn', hit.line),
                ...(found.item === undefined ? [] : [found.item]),
              ],
            }),
          };
        }),
};
