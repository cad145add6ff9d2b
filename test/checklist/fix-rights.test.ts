import { expect, test } from 'vitest';
import { type FixNeed, needText } from '../../src/checklist/fix-needs.ts';
import { type MayI, rightsOfFixes } from '../../src/checklist/fix-rights.ts';
import type { Fix } from '../../src/checklist/report.ts';

const fix = (command: string): Fix => ({ title: command, argv: command.split(' '), risk: 'read' });

interface Asked {
  readonly mayI: MayI;
  readonly needs: readonly FixNeed[];
  readonly most: () => number;
}

/** A server that keeps its answers, as `kube/rights.ts` does, and counts the questions that are open at a time. */
function server(answer: (need: FixNeed) => 'yes' | 'no' | 'unknown'): Asked {
  const needs: FixNeed[] = [];
  const known = new Map<string, Promise<{ readonly allowed: 'yes' | 'no' | 'unknown' }>>();
  let [open, most] = [0, 0];
  const ask = async (need: FixNeed): Promise<{ readonly allowed: 'yes' | 'no' | 'unknown' }> => {
    needs.push(need);
    open += 1;
    most = Math.max(most, open);
    await new Promise((resolve) => setImmediate(resolve));
    open -= 1;
    return { allowed: answer(need) };
  };
  return {
    needs,
    most: () => most,
    mayI: (need) => {
      const key = JSON.stringify(need);
      const before = known.get(key) ?? ask(need);
      known.set(key, before);
      return before;
    },
  };
}

test('one question for each verb, kind and namespace', async () => {
  const { mayI, needs } = server(() => 'yes');
  const fixes = ['a', 'b', 'c'].flatMap((name) => [
    fix(`kubectl -n ml edit deployment ${name}`),
    fix(`kubectl -n ml logs ${name}`),
  ]);
  const rightOf = await rightsOfFixes(mayI, fixes);
  expect(needs.map(needText).sort()).toEqual(['get pods/log in ml', 'patch deployments in ml']);
  expect(fixes.map(rightOf)).toEqual(fixes.map(() => ({ allowed: 'yes' })));
});

test('a right for one name counts, where the kind as a whole is refused', async () => {
  const { mayI } = server(({ name }) => (name === 'mine' ? 'yes' : 'no'));
  const [mine, other] = [
    fix('kubectl -n ml edit deployment mine'),
    fix('kubectl -n ml edit deployment other'),
  ];
  const rightOf = await rightsOfFixes(mayI, [mine, other]);
  expect(rightOf(mine)).toEqual({ allowed: 'yes' });
  expect(rightOf(other)).toEqual({ allowed: 'no', missing: ['patch deployments in ml'] });
});

test('what cannot be asked is unknown, and a command that says too little is too', async () => {
  const { mayI } = server(() => 'unknown');
  const [asked, vague] = [fix('kubectl -n ml delete pod a'), fix('kubectl -n ml get all')];
  const rightOf = await rightsOfFixes(mayI, [asked, vague]);
  expect(rightOf(asked)).toEqual({ allowed: 'unknown', missing: ['delete pods in ml'] });
  expect(rightOf(vague)).toEqual({ allowed: 'unknown' });
});

test('never more than a few questions at a time, and not endlessly many', async () => {
  const { mayI, needs, most } = server(() => 'yes');
  const fixes = Array.from({ length: 500 }, (_, at) => fix(`kubectl -n ns-${at} delete pod a`));
  const rightOf = await rightsOfFixes(mayI, fixes);
  expect(most()).toBeLessThanOrEqual(8);
  expect(needs.length).toBeLessThanOrEqual(200);
  expect(rightOf(fixes[0] as Fix)).toEqual({ allowed: 'yes' });
  expect(rightOf(fixes[499] as Fix).allowed).toBe('unknown');
});
