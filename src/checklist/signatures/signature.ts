/**
 * What a program's own words give away. Rank: below 40 is a symptom of another failure; the highest hit
 * wins, so two that one log may hold have different ranks.
 */
export interface Signature {
  readonly id: string;
  readonly rank: number;
  readonly pattern: RegExp;
  /** Where given: a cheap pattern without which the other has no match either. */
  readonly hint?: RegExp | undefined;
  /** The state of checklist.md part 3 that a container which ended with it is in; `''`: harmless. */
  readonly state: string;
  readonly meaning: string;
  /** What to look at next. */
  readonly checks: string;
}

export const signature = (
  id: string,
  rank: number,
  state: string,
  pattern: RegExp,
  meaning: string,
  checks: string,
  hint?: RegExp,
): Signature => ({ id, rank, state, pattern, hint, meaning, checks });
