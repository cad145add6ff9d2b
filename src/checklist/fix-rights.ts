import { type FixNeed, needsOf, needText } from './fix-needs.ts';
import type { Fix, FixRight } from './report.ts';

type Allowed = 'yes' | 'no' | 'unknown';

/** Puts one question to the server; never rejects. `kube/rights.ts` answers so, and keeps answers for a minute. */
export type MayI = (need: FixNeed) => Promise<{ readonly allowed: Allowed }>;

/** Questions at a time: a checklist has a dozen, `check -A` of a broken cluster has hundreds. */
const askedAtOnce = 8;
/** Beyond so many the answer is worth less than the load; the rest stays unknown. */
const askedAtMost = 200;

const keyOf = ({ verb, group, resource, subresource, namespace }: FixNeed): string =>
  JSON.stringify([verb, group, resource, subresource ?? '', namespace ?? '']);

/** A right may be given for single names: where all of a kind are refused, the one may still be allowed. */
async function ask(mayI: MayI, need: FixNeed): Promise<Allowed> {
  const { name, ...any } = need;
  const { allowed } = await mayI(any);
  return allowed === 'no' && name !== undefined ? (await mayI(need)).allowed : allowed;
}

/**
 * Asks the server once for each verb, kind and namespace that the fixes need and gives what is then known of each fix. Never rejects: what cannot be asked is unknown.
 */
export async function rightsOfFixes(
  mayI: MayI,
  fixes: readonly Fix[],
  signal?: AbortSignal,
): Promise<(fix: Fix) => FixRight> {
  const needs = new Map<Fix, readonly FixNeed[] | undefined>(fixes.map((fix) => [fix, needsOf(fix)]));
  // With the name in it: rights of one kind and namespace are asked for one after the other, and mostly answered at once.
  const groups = new Map<string, FixNeed[]>();
  for (const need of [...needs.values()].flatMap((list) => list ?? [])) {
    const group = groups.get(keyOf(need));
    if (group === undefined) groups.set(keyOf(need), [need]);
    else if (!group.some(({ name }) => name === need.name)) group.push(need);
  }
  const answers = new Map<string, Allowed>();
  const waiting = [...groups.values()].slice(0, askedAtMost);
  const work = async (): Promise<void> => {
    for (let group = waiting.shift(); group !== undefined; group = waiting.shift())
      for (const need of group) {
        if (signal?.aborted === true) return;
        answers.set(`${keyOf(need)} ${need.name ?? ''}`, await ask(mayI, need));
      }
  };
  await Promise.all(Array.from({ length: askedAtOnce }, work));
  const answerOf = (need: FixNeed): Allowed => answers.get(`${keyOf(need)} ${need.name ?? ''}`) ?? 'unknown';
  return (fix) => {
    const wanted = needs.has(fix) ? needs.get(fix) : needsOf(fix);
    if (wanted === undefined) return { allowed: 'unknown' };
    const of = (allowed: Allowed): readonly string[] => [
      ...new Set(wanted.filter((need) => answerOf(need) === allowed).map(needText)),
    ];
    const [refused, open] = [of('no'), of('unknown')];
    if (refused.length > 0) return { allowed: 'no', missing: refused };
    return open.length > 0 ? { allowed: 'unknown', missing: open } : { allowed: 'yes' };
  };
}
