import type { EvidenceIndex } from './evidence-index.ts';
import type { ObjectRef, SubjectReport } from './report.ts';

export interface ReportWithAlike extends SubjectReport {
  /** Further pods of the same owner with the same finding. */
  readonly alike?: readonly string[];
}

/** `Pod/train/worker-0`. */
export const refKey = ({ kind, namespace, name }: ObjectRef): string => `${kind}/${namespace}/${name}`;

/**
 * What needs a person, each thing once: one report for all pods of an owner with one cause, and consequences only where
 * their root is not listed itself. `mltop check -A` and the alerts are made of these.
 */
export function rootsOnly(
  index: Pick<EvidenceIndex, 'get' | 'owners'>,
  reports: readonly SubjectReport[],
): readonly ReportWithAlike[] {
  const found = reports.filter((report) => report.severity !== 'none');
  const listed = new Set(found.map(({ subject }) => refKey(subject)));
  const groups = new Map<string, { readonly report: SubjectReport; readonly alike: string[] }>();
  for (const report of found) {
    const { subject, explainedBy } = report;
    if (explainedBy !== undefined && listed.has(refKey(explainedBy))) continue;
    const object = index.get(subject.kind, subject.namespace, subject.name);
    const owner = object === undefined ? undefined : index.owners(object).at(-1);
    const group =
      owner === undefined || subject.kind !== 'Pod'
        ? refKey(subject)
        : `${refKey(owner)}/${report.state}/${report.causes[0]?.id ?? ''}`;
    const known = groups.get(group);
    if (known === undefined) groups.set(group, { report, alike: [] });
    else known.alike.push(subject.name);
  }
  return [...groups.values()].map(({ report, alike }) =>
    alike.length === 0 ? report : { ...report, alike },
  );
}
