import { describe, editOwner, getObject, halfAgain, kubectl, readLog, setResources } from '../fixes.ts';
import { type PodFacts, specPath } from '../pod-facts.ts';
import { lastError } from '../program-log.ts';
import { at, brief, list, span, text } from '../read.ts';
import type { Cause, Evidence, Item, Verdict } from '../report.ts';
import { cause, evidence, item, type PodState, said, unknown } from '../state.ts';
import { type Crash, crashOf, crashState, diagnoseCrash, limitOf, place, runLength } from './crash-facts.ts';
import { probeBudget } from './probe-facts.ts';
import { matchProbeKill } from './probe-kills.ts';

const memoryVolumes = (facts: PodFacts): readonly Evidence[] =>
  list(facts.object, 'spec', 'volumes')
    .filter((volume) => text(volume, 'emptyDir', 'medium') === 'Memory')
    .map((volume) =>
      evidence(
        `memory volume ${text(volume, 'name')}`,
        `${text(volume, 'emptyDir', 'sizeLimit') || 'no sizeLimit'}: counts toward the limit`,
        `spec.volumes[${text(volume, 'name')}].emptyDir`,
      ),
    );

function oomCauses(facts: PodFacts, crash: Crash, id: string, verdict: Verdict): readonly Cause[] {
  const { container, hit } = crash;
  const limit = limitOf(container, 'memory');
  const podLimit = text(facts.object, 'spec', 'resources', 'limits', 'memory');
  const typo = /m$/.test(limit) ? ' ("m" means thousandths of a byte: use Mi)' : '';
  const length = runLength(crash.run);
  const runs = length === undefined ? '' : `, ${length} after it started`;
  const raise = setResources(
    facts,
    container,
    'Raise the memory limit',
    `--limits=memory=${halfAgain(limit)}`,
  );
  const main =
    limit === '' && podLimit === '' && at(container.spec, 'resources') === undefined
      ? cause(
          `${id}.limit`,
          verdict,
          `${place(container)}out of memory: container ${container.name} was killed (OOMKilled)${runs}; its memory limit is not in the evidence`,
          getObject('See its limit', 'pod', facts.namespace, facts.name, '-o', 'yaml'),
          readLog(facts, container.name, !crash.present),
        )
      : limit === '' && podLimit !== ''
        ? cause(
            `${id}.pod-limit`,
            verdict,
            `${place(container)}out of memory: container ${container.name} was killed (OOMKilled) at the memory limit ${podLimit} of the whole pod${runs}, which its containers share`,
            editOwner(facts, "Raise the pod's own memory limit (spec.resources)"),
            readLog(facts, container.name, !crash.present),
          )
        : limit === ''
          ? cause(
              `${id}.no-limit`,
              verdict,
              `${place(container)}killed for memory (OOMKilled) without a limit of its own: the node or the pod's cgroup ran out`,
              editOwner(facts, 'Set a memory request and limit'),
              describe('node', '', facts.node || 'NODE'),
            )
          : cause(
              `${id}.limit`,
              verdict,
              `${place(container)}out of memory: container ${container.name} hit its memory limit ${limit}${typo}${runs}`,
              raise,
              readLog(facts, container.name, !crash.present),
            );
  const log =
    hit !== undefined &&
    hit.signature.rank >= 40 &&
    hit.signature.id !== 'child-killed' &&
    hit.signature.id !== 'dl-killed'
      ? [
          cause(
            `H4.log-${hit.signature.id}`,
            'possible',
            `beside it the log says: ${brief(hit.line, 120)} (${hit.signature.meaning})`,
          ),
        ]
      : [];
  return [main, ...log];
}

const oomItems = (facts: PodFacts, crash: Crash): readonly Item[] => [
  item(
    'H4.limit',
    'staysUp',
    'Memory limit',
    'info',
    evidence(
      'limit',
      limitOf(crash.container, 'memory') || 'none',
      specPath(crash.container, 'resources.limits.memory'),
    ),
    ...memoryVolumes(facts),
  ),
  unknown('H4.usage', 'staysUp', 'Memory used before the kill', 'noSource'),
];

export const oom: PodState = crashState(
  'H4',
  'oom.container',
  'A container exceeds its memory limit',
  (facts, crash) => {
    if (crash.ending.by !== 'oom' || crash.container.kind === 'init') return undefined;
    const limit = limitOf(crash.container, 'memory');
    return {
      headline: `${place(crash.container)}OOM${limit !== '' ? ` at limit ${limit}` : at(crash.container.spec, 'resources') === undefined ? 'Killed' : ' killed, no limit'}`,
      diagnose: () =>
        diagnoseCrash(
          facts,
          crash,
          oomCauses(facts, crash, 'H4', 'proven'),
          'It stays within its memory',
          oomItems(facts, crash),
        ),
    };
  },
);

export const oomInit: PodState = crashState(
  'H7',
  'oom.init',
  'An init container exceeds its memory limit',
  (facts, crash) => {
    if (crash.ending.by !== 'oom' || crash.container.kind !== 'init') return undefined;
    const limit = limitOf(crash.container, 'memory');
    return {
      headline: `init ${crash.container.name}: OOM${limit === '' ? '' : ` at limit ${limit}`}`,
      diagnose: () =>
        diagnoseCrash(
          facts,
          crash,
          oomCauses(facts, crash, 'H7', 'proven'),
          'The init container stays within its memory',
          oomItems(facts, crash),
        ),
    };
  },
  'initDone',
);

export const nodeMemory: PodState = crashState(
  'H6',
  'oom.node',
  'The node ran out of memory',
  (facts, crash) => {
    const { event } = crash.ending;
    if (crash.ending.by !== 'nodeMemory' || event === undefined) return undefined;
    return {
      headline: `${place(crash.container)}killed: node ${facts.node} ran out of memory`,
      diagnose: () =>
        diagnoseCrash(
          facts,
          crash,
          [
            cause(
              'H6.node',
              'proven',
              `node ${facts.node} ran out of memory and the kernel killed it${limitOf(crash.container, 'memory') === '' && crash.container.spec !== undefined ? ', which has no memory limit' : ''}: ${brief(event.message, 120)}`,
              editOwner(facts, 'Request the memory that it needs'),
              kubectl('See who uses the memory', 'read', '', ['top', 'pods', '-A', '--sort-by=memory']),
              describe('node', '', facts.node),
            ),
          ],
          'The node has memory',
          [item('H6.event', 'staysUp', 'The node had memory', 'fail', said(event))],
        ),
    };
  },
);

export const ownMemory: PodState = crashState(
  'H5',
  'oom.child',
  'A process was killed for memory',
  (facts, crash) => {
    const { event } = crash.ending;
    if (crash.ending.by !== 'ownMemory' || event === undefined) return undefined;
    const limit = limitOf(crash.container, 'memory');
    return {
      headline: `${place(crash.container)}OOM in its own cgroup${limit === '' ? '' : ` at limit ${limit}`}`,
      diagnose: () =>
        diagnoseCrash(
          facts,
          crash,
          [
            cause(
              'H5.cgroup',
              'likely',
              `out of memory: the kernel killed a process of the container at its own memory limit${limit === '' ? '' : ` ${limit}`}, not for the node's memory: ${brief(event.message, 120)}`,
              setResources(
                facts,
                crash.container,
                'Raise the memory limit',
                `--limits=memory=${halfAgain(limit)}`,
              ),
              readLog(facts, crash.container.name, !crash.present),
            ),
          ],
          'It stays within its memory',
          [
            item('H5.event', 'staysUp', 'The kernel killed nothing of it', 'fail', said(event)),
            ...oomItems(facts, crash),
          ],
        ),
    };
  },
);

/** 247 is −9: the launcher ended with what killed its child, and nothing else sends SIGKILL to a single child. */
export const childKilledByCode: PodState = crashState(
  'H5',
  'oom.child',
  'A child process was killed for memory',
  (facts, crash) => {
    if (crash.run.exitCode !== 247 || (crash.hit !== undefined && crash.hit.signature.state !== 'H5'))
      return undefined;
    const { container } = crash;
    const limit = limitOf(container, 'memory');
    return {
      headline: `${place(container)}exit 247: a child was killed (SIGKILL), mostly for memory`,
      diagnose: () =>
        diagnoseCrash(
          facts,
          crash,
          [
            cause(
              'H5.exit-247',
              'likely',
              `exit 247 is −9: a child process of ${container.name} was killed with SIGKILL, most likely out of memory${limit === '' ? '' : ` at the limit ${limit}`}${crash.words === undefined ? '' : `: ${brief(crash.words, 120)}`}`,
              setResources(facts, container, 'Raise the memory limit', `--limits=memory=${halfAgain(limit)}`),
              readLog(facts, container.name, !crash.present),
            ),
          ],
          'Its processes live',
          oomItems(facts, crash),
        ),
    };
  },
);

/** What the run that was killed complained of at its very end: the kernel gives a program no time to complain. */
const ownError = (facts: PodFacts, crash: Crash): string | undefined =>
  lastError(facts.index.log(facts.namespace, facts.name, crash.container.name, !crash.present)) ??
  lastError(crash.run.message);

/** exit 137 without a sender: what could have done it, never a guess called fact. */
export const sigkill: PodState = crashState(
  'H3',
  'crash.by-code',
  'Ended by a signal or a telling exit code',
  (facts, crash) => {
    if (crash.ending.by !== 'sigkill') return undefined;
    const { container } = crash;
    const limit = limitOf(container, 'memory');
    const hasProbe =
      facts.object === undefined ||
      at(container.spec, 'livenessProbe') !== undefined ||
      at(container.spec, 'startupProbe') !== undefined;
    const probe = hasProbe
      ? cause(
          'H3.liveness',
          'possible',
          'the liveness probe may have failed: one is defined, and the event that would prove it is gone',
          kubectl('Wait for the next kill and its event', 'read', facts.namespace, [
            'get',
            'events',
            '--field-selector',
            `involvedObject.name=${facts.name}`,
          ]),
        )
      : undefined;
    const startup =
      at(container.spec, 'startupProbe') === undefined ? undefined : probeBudget(container, 'startupProbe');
    const ran =
      crash.run.startedAt === undefined || crash.run.finishedAt === undefined
        ? undefined
        : (crash.run.finishedAt - crash.run.startedAt) / 1000;
    // Killed just when the budget of its startup probe ran out, again and again.
    if (
      startup !== undefined &&
      ran !== undefined &&
      ran >= startup.seconds - 15 &&
      ran <= startup.seconds + 60
    )
      return {
        ...matchProbeKill(facts, crash, 'startupProbe', 'H9'),
        headline: `${place(container)}killed after ${span(ran * 1000)}, the budget of its startup probe`,
      };
    const memory =
      limit === ''
        ? undefined
        : cause(
            'H4.limit',
            hasProbe ? 'possible' : 'likely',
            `SIGKILL with a memory limit of ${limit} and no probe kill: probably out of memory, though the runtime did not say so`,
            setResources(facts, container, 'Raise the memory limit', `--limits=memory=${halfAgain(limit)}`),
            readLog(facts, container.name, !crash.present),
          );
    const outside = cause(
      'H3.sigkill',
      'possible',
      'SIGKILL from outside: the node ran out of memory, a launcher killed its peers, someone killed the process, or the grace period ended',
      describe('node', '', facts.node || 'NODE'),
    );
    const own = crash.hit === undefined ? ownError(facts, crash) : undefined;
    const log =
      own !== undefined
        ? cause(
            'H1.exit-137',
            'likely',
            `${place(container)}container ${container.name} failed by itself before it was killed: ${brief(own, 160)}`,
            readLog(facts, container.name, !crash.present),
            editOwner(facts, 'Correct the program or its configuration'),
          )
        : crash.hit !== undefined && crash.hit.signature.rank >= 40
          ? cause(
              `${crash.hit.signature.state}.${crash.hit.signature.id}`,
              'likely',
              `${crash.hit.signature.meaning}: ${brief(crash.hit.line, 140)}`,
              readLog(facts, container.name, !crash.present),
            )
          : undefined;
    return {
      headline:
        log !== undefined
          ? `${place(container)}killed (137): ${brief(own ?? crash.hit?.signature.meaning ?? '', 60)}`
          : !hasProbe && limit !== ''
            ? `${place(container)}SIGKILL, probably OOM at limit ${limit}`
            : `${place(container)}SIGKILL (137), sender unknown`,
      diagnose: () =>
        diagnoseCrash(
          facts,
          crash,
          [log, ...(hasProbe ? [probe, memory, outside] : [memory, outside])],
          'Who killed it',
          [unknown('H3.sender', 'staysUp', 'Who sent SIGKILL', 'eventExpired')],
        ),
    };
  },
);

/**
 * SIGKILL, a memory limit, and no probe that could have sent it: out of memory that the runtime did not see in time
 * (recorded: the same program at the same limit ends OOMKilled or Error 137).
 */
export const probableOom: PodState = {
  ...oom,
  key: 'oom.probable',
  title: 'Killed, most likely at its memory limit',
  match: (facts) => {
    const crash = facts.object === undefined ? undefined : crashOf(facts);
    if (
      crash === undefined ||
      crash.ending.by !== 'sigkill' ||
      crash.hit !== undefined ||
      ownError(facts, crash) !== undefined
    )
      return undefined;
    const { container } = crash;
    const probed = ['livenessProbe', 'startupProbe'].some((kind) => at(container.spec, kind) !== undefined);
    return probed || limitOf(container, 'memory') === '' ? undefined : sigkill.match(facts);
  },
};
