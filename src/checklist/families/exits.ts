import { exitMeaning } from '../exit-codes.ts';
import { changeTemplate, describe, editOwner, kubectl, readLog, targetOf } from '../fixes.ts';
import { type ContainerFacts, lastEvent, type PodFacts, statusPath, toldContainer } from '../pod-facts.ts';
import { scan } from '../program-log.ts';
import { brief, list } from '../read.ts';
import type { Cause } from '../report.ts';
import { cause, evidence, item, type PodState, said, unknown, wantLog } from '../state.ts';
import { matchExecFormat } from './configuration.ts';
import { type Crash, crashState, diagnoseCrash, place } from './crash-facts.ts';
import { probeBudget, probeReading } from './probe-facts.ts';
import { shmMount, signatureCause } from './program-words.ts';

export const statusLost: PodState = crashState(
  'I9',
  'status.unknown',
  'The node lost track of it',
  (facts, crash) => {
    if (crash.ending.by !== 'statusLost' && crash.ending.by !== 'runtimeLost') return undefined;
    const rebooted = facts.index.nodeEvents(facts.node).findLast(
      (event) =>
        (event.reason === 'Rebooted' || event.reason === 'Starting' || event.reason === 'NodeNotReady') &&
        // The kubelet writes the end down when it is back: another reboot says nothing about this end.
        (event.last === undefined ||
          crash.run.finishedAt === undefined ||
          Math.abs(event.last - crash.run.finishedAt) < 60 * 60_000),
    );
    const node = facts.node === '' ? 'the node' : `node ${facts.node}`;
    const says =
      rebooted?.reason === 'Rebooted'
        ? `${node} was rebooted, the container did not fail by itself`
        : `${node} restarted, lost its runtime or was drained while the container ran; exit ${crash.run.exitCode} is made up, no out-of-memory and no crash of the program`;
    return {
      headline:
        rebooted?.reason === 'Rebooted'
          ? `node ${facts.node} was rebooted`
          : 'status lost: node or runtime restarted',
      diagnose: () =>
        diagnoseCrash(
          facts,
          crash,
          [
            cause(
              'I9.lost',
              rebooted?.reason === 'Rebooted' ? 'proven' : 'likely',
              says,
              describe('node', '', facts.node || 'NODE'),
              facts.phase === 'Failed'
                ? kubectl('Remove the dead pod', 'reversible', facts.namespace, ['delete', 'pod', facts.name])
                : undefined,
            ),
          ],
          'The node kept track of it',
          rebooted === undefined
            ? []
            : [item('I9.node', 'nodeAdmits', 'The node stayed up', 'fail', said(rebooted))],
        ),
    };
  },
);

export const execFormatLog: PodState = crashState(
  'G5',
  'image.exec-format',
  'Built for another architecture',
  (facts, crash) =>
    crash.hit?.signature.id === 'exec-format'
      ? matchExecFormat(facts, crash.container, crash.hit.line, undefined)
      : undefined,
  'started',
);

export const exitZero: PodState = crashState(
  'H2',
  'crash.exit0',
  'It finishes, and is started again',
  (facts, crash) => {
    if (crash.run.exitCode !== 0 || crash.ending.by !== 'itself' || crash.container.kind === 'init')
      return undefined;
    // Servers end with 0 when they are asked to, and the event of a probe's kill is gone after an hour.
    const budget =
      probeBudget(crash.container, 'livenessProbe') ?? probeBudget(crash.container, 'startupProbe');
    const ran =
      crash.run.startedAt === undefined || crash.run.finishedAt === undefined
        ? undefined
        : (crash.run.finishedAt - crash.run.startedAt) / 1000;
    const maybeKilled = budget !== undefined && (ran === undefined || ran >= budget.seconds - 5);
    const target = targetOf(facts);
    const command = [...list(crash.container.spec, 'command'), ...list(crash.container.spec, 'args')]
      .map(String)
      .join(' ');
    return {
      headline: `${place(crash.container)}exits 0 again and again: a task run as a service`,
      diagnose: () =>
        diagnoseCrash(
          facts,
          crash,
          [
            cause(
              'H2.finishes',
              maybeKilled ? 'likely' : 'proven',
              `container ${crash.container.name} finishes without an error (exit 0) and restartPolicy Always starts it again${command === '' ? ': its image runs no lasting process' : `: ${brief(command, 80)} ends by itself`}; ${target.kind === 'Pod' ? 'use restartPolicy OnFailure or a Job' : 'run it in the foreground, or use a Job'}`,
              editOwner(facts, 'Run it in the foreground'),
              readLog(facts, crash.container.name, !crash.present),
            ),
            maybeKilled
              ? cause(
                  'H8.probe-gone',
                  'possible',
                  `or its probe killed it and it ended well when it was asked to: it ran for longer than the probe allows (${budget.text}), and the event of a kill is gone`,
                  describe('pod', facts.namespace, facts.name),
                )
              : undefined,
          ],
          'It keeps running',
        ),
    };
  },
);

export function codeCause(facts: PodFacts, crash: Crash, id: string): Cause {
  const { container, run } = crash;
  const meaning = exitMeaning(run.exitCode);
  const said = crash.words === undefined ? '' : `: ${brief(crash.words, 160)}`;
  const command = [...list(container.spec, 'command'), ...list(container.spec, 'args')].map(String).join(' ');
  const hint = crash.words === undefined && command !== '' ? ` (it runs: ${brief(command, 100)})` : '';
  return cause(
    `${id}.exit-${run.exitCode}`,
    crash.source === 'terminationMessage' ? 'proven' : crash.words === undefined ? 'possible' : 'likely',
    `${place(container)}container ${container.name} ends with exit code ${run.exitCode}: ${meaning.meaning}${said}${hint}`,
    readLog(facts, container.name, !crash.present),
    editOwner(facts, `Correct what ends it, or what it is given (see ${meaning.look})`),
    facts.owners.length > 0 || facts.restartPolicy !== 'Always'
      ? undefined
      : kubectl('Try it by hand in a copy', 'reversible', facts.namespace, [
          'debug',
          facts.name,
          '-it',
          `--copy-to=${facts.name}-dbg`,
          `--container=${container.name}`,
          '--',
          'sh',
        ]),
  );
}

const telling: ReadonlySet<number> = new Set([
  126, 127, 128, 129, 130, 131, 132, 134, 135, 136, 137, 139, 141, 143, 152, 153, 159, 255,
]);

export const byCode: PodState = crashState(
  'H3',
  'crash.by-code',
  'Ended by a signal or a telling exit code',
  (facts, crash) => {
    const { run, container } = crash;
    if (
      !telling.has(run.exitCode) ||
      crash.ending.by === 'oom' ||
      crash.ending.by === 'eviction' ||
      crash.ending.by === 'deletion'
    )
      return undefined;
    const meaning = exitMeaning(run.exitCode).meaning;
    return {
      headline: `${place(container)}exit ${run.exitCode}: ${brief(crash.words ?? meaning, 80)}`,
      diagnose: () => diagnoseCrash(facts, crash, [codeCause(facts, crash, 'H3')]),
    };
  },
);

/** SIGBUS is shared memory, unless the program says otherwise. */
export const sigbus: PodState = crashState(
  'J12',
  'shm.too-small',
  'Shared memory is too small',
  (facts, crash) => {
    if (crash.run.exitCode !== 135 || crash.hit !== undefined) return undefined;
    const mounted = facts.object === undefined || shmMount(facts, crash.container);
    return {
      headline: `${place(crash.container)}SIGBUS (135): ${mounted ? 'shared memory or a mapped file' : '/dev/shm has only 64Mi'}`,
      diagnose: () =>
        diagnoseCrash(
          facts,
          crash,
          [
            cause(
              'J12.sigbus',
              'likely',
              `SIGBUS: shared memory is exhausted${mounted ? '' : ', nothing is mounted at /dev/shm, so it has the default 64Mi'}`,
              changeTemplate(facts, 'Mount a memory volume at /dev/shm', (target) => [
                'edit',
                target.resource,
                target.name,
              ]),
              readLog(facts, crash.container.name, !crash.present),
            ),
            cause(
              'H3.exit-135',
              'possible',
              'a file that it maps was cut short (NFS), or an ECC error of the memory',
            ),
          ],
          'Shared memory suffices',
        ),
    };
  },
);

export const appCrash: PodState = crashState('H1', 'crash.app', 'The program fails', (facts, crash) => {
  const { run, container } = crash;
  if (run.exitCode === 0) return undefined;
  const label = crash.words ?? exitMeaning(run.exitCode).meaning;
  return {
    headline: `${place(container)}exit ${run.exitCode}: ${brief(label, 90)}`,
    diagnose: () => diagnoseCrash(facts, crash, [codeCause(facts, crash, 'H1')]),
  };
});

/** A pod of which only events are known, in back-off by them. */
function toldOnly(facts: PodFacts): ContainerFacts | undefined {
  const found =
    facts.phase === '' && facts.containers.length === 0
      ? lastEvent(facts.events, ['BackOff'], /restarting failed container(?:[ =](\S+))?/)
      : undefined;
  return found && toldContainer(found.event, found.match?.[1] ?? 'main', 'CrashLoopBackOff');
}

/** In back-off, and nothing says how the run before ended: not reported, or pasted without. */
export const backOffOnly: PodState = {
  id: 'H1',
  key: 'crash.app',
  gate: 'staysUp',
  severity: 'bad',
  title: 'The program fails',
  match: (facts) => {
    const container =
      facts.containers.find((entry) => entry.state === 'waiting' && entry.reason === 'CrashLoopBackOff') ??
      toldOnly(facts);
    if (container === undefined) return undefined;
    const hit =
      scan(facts.index.log(facts.namespace, facts.name, container.name, true)) ??
      scan(facts.index.log(facts.namespace, facts.name, container.name, false));
    const probe = lastEvent(facts.events, ['Killing', 'Unhealthy'], /[Ll]iveness probe/);
    const found = hit === undefined ? undefined : signatureCause(facts, container, hit, true);
    return {
      headline: `${place(container)}${found?.label ?? (probe === undefined ? `crash loop, ${container.restarts} restarts, last end unknown` : 'killed by liveness probe')}`,
      since: lastEvent(facts.events, ['BackOff'])?.event.first,
      diagnose: () => ({
        causes: [
          ...(found === undefined ? [] : [found.cause]),
          ...(probe === undefined
            ? []
            : [
                cause(
                  'H8.probe',
                  'likely',
                  `the kubelet kills ${container.name} because its liveness probe fails: ${probeReading(probe.event.message)}`,
                  editOwner(facts, 'Correct the liveness probe'),
                ),
              ]),
          cause(
            'H1.unknown',
            'possible',
            `container ${container.name} ends soon after each start; how is not reported`,
            readLog(facts, container.name, true),
            describe('pod', facts.namespace, facts.name),
          ),
        ],
        items: [
          item(
            'H1.backoff',
            'staysUp',
            'It stays up',
            'fail',
            evidence(
              'waiting',
              container.message || container.reason,
              statusPath(container, 'state.waiting'),
            ),
            evidence('restarts', String(container.restarts), statusPath(container, 'restartCount')),
          ),
          unknown('H.log', 'staysUp', 'What the program said', 'needsProbe'),
        ],
        wants: [wantLog(facts, container.name, true)],
      }),
    };
  },
};

/** The same failures of a pod that is over: no retry follows. */
export const ended = (state: PodState): PodState => ({
  ...state,
  id: 'I1',
  key: 'failed.error',
  title: 'It failed',
  match: (facts) => (facts.phase === 'Failed' ? state.match(facts) : undefined),
});
