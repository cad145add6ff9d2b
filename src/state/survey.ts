import type { SubjectReport } from '../checklist/report.ts';
import { ageText } from '../resources/fields.ts';
import type { Namespaces } from './session.ts';

/** What the checklists of everything said, when last all of it was looked at. */
export interface Surveyed {
  /** What needs a person and is no consequence of something else that does, by `Kind/namespace/name`. */
  readonly roots: ReadonlyMap<string, SubjectReport>;
  /** Everything that was judged. */
  readonly judged: ReadonlySet<string>;
  /** Of these the pods that were not well by their rows alone: whether they still are, the rows say. */
  readonly ofRows: ReadonlySet<string>;
  /** Those that were asked for. */
  readonly namespaces: Namespaces;
  /** Those that could be looked into: fewer, where one may not list all. */
  readonly covers: Namespaces;
  /** Kinds that were read. */
  readonly kinds: number;
  /** What could not be read, a sentence each. */
  readonly notRead: readonly string[];
  /** Epoch ms. */
  readonly atMs: number;
}

/** Findings about what is no pod are only known while somebody looks at them: the feed then asks for all of it. */
export interface Survey {
  /** Undefined until it was first made for these namespaces. */
  readonly latest: (namespaces: Namespaces) => Surveyed | undefined;
  /** Grows with each that is put. */
  readonly version: () => number;
  readonly put: (surveyed: Surveyed) => void;
  /** Of another cluster nothing of it is true. */
  readonly clear: () => void;
}

export function createSurvey(): Survey {
  let latest: Surveyed | undefined;
  let version = 0;
  return {
    latest: (namespaces) => (String(latest?.namespaces) === String(namespaces) ? latest : undefined),
    version: () => version,
    put(surveyed) {
      latest = surveyed;
      version += 1;
    },
    clear() {
      latest = undefined;
      version += 1;
    },
  };
}

const namesText = (namespaces: Namespaces): string =>
  namespaces === 'all'
    ? 'all namespaces'
    : namespaces.length > 2
      ? `${namespaces.slice(0, 2).join(', ')} +${namespaces.length - 2}`
      : namespaces.join(', ');

/** `all namespaces: 42 kinds 4s`: what the alerts cover, and how old that is. */
export function surveyText(survey: Survey, namespaces: Namespaces, now: number): string {
  const latest = survey.latest(namespaces);
  if (latest === undefined) return `${namesText(namespaces)}: pods and nodes; reading the rest`;
  const refused = latest.notRead.length === 0 ? '' : `, ${latest.notRead.length} not read`;
  return `${namesText(latest.covers)}: ${latest.kinds + 2} kinds${refused} ${ageText(latest.atMs, now)}`;
}
