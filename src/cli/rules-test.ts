import { readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { subjectKinds } from '../checklist/built-in.ts';
import { evaluate } from '../checklist/evaluate.ts';
import { buildIndex, type IndexInput, kindOf, nameOf, namespaceOf } from '../checklist/evidence-index.ts';
import { kindOfPlural } from '../checklist/pack-compile.ts';
import type { PackTest } from '../checklist/pack-types.ts';
import { list, record, text } from '../checklist/read.ts';
import type { SubjectReport } from '../checklist/report.ts';
import type { Rules } from '../checklist/rules.ts';
import type { KubeObject } from '../kube/object.ts';

/** How a test of a pack went. */
export interface TestResult {
  readonly name: string;
  /** What is not as it is wanted; empty where it passed. */
  readonly differences: readonly string[];
}

const mostBytes = 4 * 1024 * 1024;

/** A file beside the pack. @throws Error for one outside its folder, or that cannot be read */
async function beside(pack: string, name: string): Promise<string> {
  const relative = normalize(name);
  if (isAbsolute(relative) || relative.startsWith('..')) throw new Error(`${name}: not beside the pack`);
  const path = join(dirname(pack), relative);
  const { size } = await stat(path).catch(() => {
    throw new Error(`${name}: no such file beside the pack`);
  });
  if (size > mostBytes) throw new Error(`${name}: larger than 4 MiB`);
  return readFile(path, 'utf8');
}

/** Objects that stand in the pack, or in a file beside it, alone or in lists. */
async function objectsOf(value: unknown, pack: string): Promise<readonly KubeObject[]> {
  if (value === undefined || value === null) return [];
  if (typeof value === 'string') {
    const documents = parseAllDocuments(await beside(pack, value));
    const found: KubeObject[] = [];
    for (const document of Array.isArray(documents) ? documents : [])
      found.push(...(await objectsOf(document.toJS({ maxAliasCount: 20 }) as unknown, pack)));
    return found;
  }
  if (Array.isArray(value)) {
    const found: KubeObject[] = [];
    for (const entry of value) found.push(...(await objectsOf(entry, pack)));
    return found;
  }
  const items = list(value, 'items');
  return items.length > 0 ? objectsOf(items, pack) : [record(value) as KubeObject];
}

/** Logs by `ns/pod/container`; shorter names are those of the subject. */
async function logsOf(
  value: unknown,
  subject: KubeObject | undefined,
  pack: string,
): Promise<Readonly<Record<string, string>>> {
  const [main] = list(subject, 'spec', 'containers');
  const named = typeof value === 'string' ? { [text(main, 'name')]: value } : record(value);
  const logs: Record<string, string> = {};
  for (const [key, said] of Object.entries(named)) {
    if (typeof said !== 'string') continue;
    const full = key.includes('/') ? key : `${namespaceOf(subject)}/${nameOf(subject)}/${key}`;
    // A name of a file, not a line of a log.
    logs[full] = /^[\w./-]+\.(?:log|txt)$/.test(said) ? await beside(pack, said) : said;
  }
  return logs;
}

const fields = new Set(['pod', 'objects', 'logs', 'events', 'usage', 'listed', 'now']);

async function reportOf({ given }: PackTest, rules: Rules, pack: string): Promise<SubjectReport | string> {
  const pods = (await objectsOf(given.pod, pack)).map((pod) => ({ apiVersion: 'v1', kind: 'Pod', ...pod }));
  const objects: KubeObject[] = [...pods, ...(await objectsOf(given.objects, pack))];
  const listed = new Set(given.listed ?? []);
  for (const [plural, value] of Object.entries(given)) {
    if (fields.has(plural)) continue;
    const kind = kindOfPlural(plural);
    if (kind === undefined) return `given.${plural}: no kind that the checklist reads`;
    listed.add(kind);
    objects.push(...(await objectsOf(value, pack)).map((object) => ({ kind, ...object })));
  }
  const subject =
    pods[0] ??
    objects.find((object) => kindOf(object) === 'Pod') ??
    objects.find((object) => subjectKinds.has(kindOf(object)));
  if (subject === undefined) return 'given has no pod and no other subject';
  for (const event of await objectsOf(given.events, pack))
    objects.push({
      kind: 'Event',
      metadata: { name: `event-${objects.length}`, namespace: namespaceOf(subject) },
      involvedObject: {
        kind: kindOf(subject),
        namespace: namespaceOf(subject),
        name: nameOf(subject),
        uid: subject.metadata?.uid ?? '',
      },
      ...event,
    });
  const input: IndexInput = {
    objects,
    listed,
    logs: await logsOf(given.logs, subject, pack),
    ...(given.now === undefined ? {} : { now: Date.parse(given.now) }),
    ...(given.usage === undefined
      ? {}
      : { usage: { [`${namespaceOf(subject)}/${nameOf(subject)}`]: given.usage } }),
  };
  const index = buildIndex(input);
  const known = index.get(kindOf(subject), namespaceOf(subject), nameOf(subject)) ?? subject;
  return evaluate(index, known, { added: rules });
}

function differencesOf(report: SubjectReport, want: PackTest['want']): readonly string[] {
  const [top] = report.causes;
  const told = new Set([
    report.state,
    report.id,
    ...report.causes.map(({ id }) => id),
    ...report.overlays.map(({ state }) => state),
  ]);
  const wantedCause = report.causes.find(({ id }) => id === want.cause) ?? top;
  const pairs: readonly (readonly [string, string | undefined, string])[] = [
    ['state', want.state, want.state === report.id ? report.id : report.state],
    ['cause', want.cause, top?.id ?? 'none'],
    ['verdict', want.verdict, wantedCause?.verdict ?? 'none'],
    ['severity', want.severity, severityWords[report.severity]],
    ['headline', want.headline, report.headline],
  ];
  return [
    ...pairs.flatMap(([what, wanted, got]) =>
      wanted === undefined || wanted === got ? [] : [`${what}: wanted ${wanted}, got ${got}`],
    ),
    ...(want.not ?? []).filter((id) => told.has(id)).map((id) => `${id} must not be told, and is`),
  ];
}

/** As packs write it. */
const severityWords = { none: 'info', warn: 'warn', bad: 'fail' } as const;

/** Runs a test that stands in a pack: pure but for files beside the pack. Never rejects. */
export async function runPackTest(test: PackTest, rules: Rules, pack: string): Promise<TestResult> {
  const result = (differences: readonly string[]): TestResult => ({ name: test.name, differences });
  try {
    const report = await reportOf(test, rules, pack);
    return result(typeof report === 'string' ? [report] : differencesOf(report, test.want));
  } catch (error) {
    return result([error instanceof Error ? error.message : String(error)]);
  }
}
