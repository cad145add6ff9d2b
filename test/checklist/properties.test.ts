import fc from 'fast-check';
import { expect, test } from 'vitest';
import { evaluate, evaluateAll } from '../../src/checklist/evaluate.ts';
import { buildIndex, type EvidenceIndex } from '../../src/checklist/evidence-index.ts';
import { commandText } from '../../src/cli/check-print.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { realKubelet, recordedCluster } from './recordings.ts';
import { check, crashed, creating, ended, event, pod, waiting } from './world.ts';

const real = realKubelet();
const recorded = recordedCluster();

const proven = (index: EvidenceIndex, object: KubeObject): readonly string[] =>
  evaluate(index, object)
    .causes.filter((cause) => cause.verdict === 'proven')
    .map((cause) => cause.id);

test('without its events nothing becomes proven that was not', () => {
  const silent = buildIndex({
    objects: real.objects,
    listed: ['Pod', 'Node'],
    now: real.now,
    ...(real.server === undefined ? {} : { server: real.server }),
  });
  for (const object of silent.of('Pod')) {
    const before = proven(real, object);
    for (const id of proven(silent, object)) expect(before, `${object.metadata?.name} ${id}`).toContain(id);
  }
});

test('the order of containers and conditions does not matter', () => {
  const turn = (value: unknown): unknown => (Array.isArray(value) ? [...value].reverse() : value);
  for (const object of real.of('Pod')) {
    const { status } = object as { readonly status?: Record<string, unknown> };
    const turned = {
      ...object,
      status: {
        ...status,
        conditions: turn(status?.['conditions']),
        containerStatuses: turn(status?.['containerStatuses']),
      },
    } as KubeObject;
    const index = buildIndex({
      objects: [turned, ...real.of('Node')],
      listed: ['Pod', 'Node'],
      now: real.now,
    });
    const straight = buildIndex({
      objects: [object, ...real.of('Node')],
      listed: ['Pod', 'Node'],
      now: real.now,
    });
    expect(evaluate(index, turned).state, object.metadata?.name).toBe(evaluate(straight, object).state);
  }
});

test('objects of other namespaces change nothing', () => {
  const strangers = recorded.objects
    .filter((object) => (object.metadata?.namespace ?? '') !== '')
    .slice(0, 800);
  const crowded = buildIndex({
    objects: [...real.objects, ...strangers],
    listed: ['Pod', 'Node'],
    now: real.now,
  });
  const alone = buildIndex({ objects: real.objects, listed: ['Pod', 'Node'], now: real.now });
  for (const object of alone.of('Pod'))
    expect(evaluate(crowded, object).causes[0]?.id, object.metadata?.name).toBe(
      evaluate(alone, object).causes[0]?.id,
    );
});

test('a proven cause rests on an item with evidence', () => {
  for (const index of [real, recorded]) {
    for (const report of evaluateAll(index)) {
      if (report.causes[0]?.verdict !== 'proven' || report.explainedBy !== undefined) continue;
      expect(
        report.items.some((item) => item.status !== 'pass' && item.evidence.length > 0),
        `${report.subject.kind} ${report.subject.name}`,
      ).toBe(true);
    }
  }
});

test('whatever a cluster says, the checklist answers, and prints nothing that a terminal obeys', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.constantFrom('\u001b]0;x\u0007', '$(reboot)', "'; rm -rf / #", '\u202eevil', 'a'.repeat(5000)),
  );
  fc.assert(
    fc.property(
      hostile,
      hostile,
      fc.constantFrom(
        'ImagePullBackOff',
        'CrashLoopBackOff',
        'CreateContainerConfigError',
        'RunContainerError',
        'Strange',
      ),
      (message, words, reason) => {
        const report = check([
          pod({ ...crashed(ended(1, words)), ...creating(600, waiting(reason, message)) }),
          event('FailedMount', words),
          event('Failed', `Failed to pull image "${message}": ${words}`),
        ]);
        const printed =
          JSON.stringify(report) +
          report.causes.flatMap((cause) => cause.fixes.map((fix) => commandText(fix.argv))).join('');
        return !/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/.test(printed);
      },
    ),
    { numRuns: 200 },
  );
});
