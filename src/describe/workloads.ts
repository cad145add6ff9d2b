import type { KubeObject } from '../kube/object.ts';
import { isRecord, list, record, time } from '../resources/fields.ts';
import {
  annotationLines,
  bool,
  controllerText,
  dateText,
  eventLines,
  head,
  labelLines,
  labelsText,
  type Related,
  selectorText,
  str,
} from './parts.ts';
import { templateLines } from './pods.ts';
import { createPage, type Page } from './tabs.ts';

const number = (value: unknown): number => (typeof value === 'number' ? value : 0);

function metaLines(page: Page, object: KubeObject): void {
  labelLines(page, 'Labels', record(object.metadata)['labels']);
  annotationLines(page, record(object.metadata)['annotations']);
}

/** Type, status and reason, as workloads print their conditions. */
function conditionLines(page: Page, conditions: readonly unknown[]): void {
  if (conditions.length === 0) return;
  page.write(0, 'Conditions:\n  Type\tStatus\tReason\n');
  page.write(1, '----\t------\t------\n');
  for (const raw of conditions) {
    const { type, status, reason } = record(raw);
    page.write(1, `${str(type)} \t${str(status)}\t${str(reason)}\n`);
  }
}

/** How many of its pods are in which phase; related `pods` are those that its selector chooses. */
function podStatusLine(
  page: Page,
  object: KubeObject,
  pods: readonly KubeObject[] | undefined,
  title: string,
): void {
  if (pods === undefined) {
    page.write(0, `${title}:\terror in fetching pods: not allowed\n`);
    return;
  }
  const { uid } = record(object.metadata);
  const counts = { Running: 0, Pending: 0, Succeeded: 0, Failed: 0 };
  for (const pod of pods) {
    const controller = list(record(pod.metadata)['ownerReferences'])
      .map(record)
      .find((owner) => owner['controller'] === true);
    if (controller !== undefined && controller['uid'] !== uid) continue;
    const phase = str(record(pod['status'])['phase']);
    if (phase in counts) counts[phase as keyof typeof counts] += 1;
  }
  page.write(
    0,
    `${title}:\t${counts.Running} Running / ${counts.Pending} Waiting / ${counts.Succeeded} Succeeded / ${counts.Failed} Failed\n`,
  );
}

const revisionOf = (object: KubeObject): string =>
  str(record(record(object.metadata)['annotations'])['deployment.kubernetes.io/revision']);

/** Related: `replicasets`, those that its selector chooses. */
export function describeDeployment(
  deployment: KubeObject,
  { events, replicasets }: Related,
  now: number,
): string {
  const page = createPage();
  const spec = record(deployment['spec']);
  const status = record(deployment['status']);
  head(page, deployment, { created: true });
  metaLines(page, deployment);
  page.write(0, `Selector:\t${selectorText(spec['selector'])}\n`);
  page.write(
    0,
    `Replicas:\t${number(spec['replicas'])} desired | ${number(status['updatedReplicas'])} updated | ${number(status['replicas'])} total | ${number(status['availableReplicas'])} available | ${number(status['unavailableReplicas'])} unavailable\n`,
  );
  const strategy = record(spec['strategy']);
  page.write(0, `StrategyType:\t${str(strategy['type'])}\n`);
  page.write(0, `MinReadySeconds:\t${number(spec['minReadySeconds'])}\n`);
  const rolling = strategy['rollingUpdate'];
  if (isRecord(rolling)) {
    page.write(
      0,
      `RollingUpdateStrategy:\t${str(rolling['maxUnavailable'])} max unavailable, ${str(rolling['maxSurge'])} max surge\n`,
    );
  }
  templateLines(page, spec['template']);
  conditionLines(page, list(status['conditions']));
  if (replicasets !== undefined) {
    const { uid } = record(deployment.metadata);
    const own = replicasets.filter((set) =>
      list(record(set.metadata)['ownerReferences']).some((owner) => record(owner)['uid'] === uid),
    );
    const revision = revisionOf(deployment);
    const current = own.filter((set) => revisionOf(set) === revision);
    const old = own
      .filter((set) => revisionOf(set) !== revision)
      .sort(
        (a, b) =>
          (time(record(a.metadata)['creationTimestamp']) ?? 0) -
          (time(record(b.metadata)['creationTimestamp']) ?? 0),
      );
    page.write(0, `OldReplicaSets:\t${setsText(old)}\n`);
    page.write(0, `NewReplicaSet:\t${setsText(current)}\n`);
  }
  eventLines(page, events, now);
  return page.text();
}

const setsText = (sets: readonly KubeObject[]): string =>
  sets
    .map(
      (set) =>
        `${str(record(set.metadata)['name'])} (${number(record(set['status'])['replicas'])}/${number(record(set['spec'])['replicas'])} replicas created)`,
    )
    .join(', ') || '<none>';

/** Related: `pods`. */
export function describeReplicaSet(set: KubeObject, { events, pods }: Related, now: number): string {
  const page = createPage();
  const spec = record(set['spec']);
  const status = record(set['status']);
  head(page, set);
  page.write(0, `Selector:\t${selectorText(spec['selector'])}\n`);
  metaLines(page, set);
  const controller = controllerText(set);
  if (controller !== '') page.write(0, `Controlled By:\t${controller}\n`);
  page.write(0, `Replicas:\t${number(status['replicas'])} current / ${number(spec['replicas'])} desired\n`);
  podStatusLine(page, set, pods, 'Pods Status');
  templateLines(page, spec['template']);
  conditionLines(page, list(status['conditions']));
  eventLines(page, events, now);
  return page.text();
}

/** Related: `pods`. */
export function describeStatefulSet(set: KubeObject, { events, pods }: Related, now: number): string {
  const page = createPage();
  const spec = record(set['spec']);
  head(page, set, { created: true });
  page.write(0, `Selector:\t${selectorText(spec['selector'])}\n`);
  metaLines(page, set);
  page.write(
    0,
    `Replicas:\t${number(spec['replicas'])} desired | ${number(record(set['status'])['replicas'])} total\n`,
  );
  const strategy = record(spec['updateStrategy']);
  page.write(0, `Update Strategy:\t${str(strategy['type'])}\n`);
  const rolling = strategy['rollingUpdate'];
  if (isRecord(rolling)) {
    if (rolling['partition'] !== undefined) page.write(1, `Partition:\t${str(rolling['partition'])}\n`);
    if (rolling['maxUnavailable'] !== undefined)
      page.write(1, `MaxUnavailable:\t${str(rolling['maxUnavailable'])}\n`);
  }
  podStatusLine(page, set, pods, 'Pods Status');
  templateLines(page, spec['template']);
  claimTemplates(page, list(spec['volumeClaimTemplates']));
  eventLines(page, events, now);
  return page.text();
}

function claimTemplates(page: Page, templates: readonly unknown[]): void {
  if (templates.length === 0) {
    page.write(0, 'Volume Claims:\t<none>\n');
    return;
  }
  page.write(0, 'Volume Claims:\n');
  for (const raw of templates) {
    const claim = record(raw);
    const metadata = record(claim['metadata']);
    const spec = record(claim['spec']);
    page.write(1, `Name:\t${str(metadata['name'])}\n`);
    page.write(1, `StorageClass:\t${str(spec['storageClassName'])}\n`);
    labelLines(page, 'Labels', metadata['labels'], '  ', '\t');
    annotationLines(page, metadata['annotations'], '  ');
    page.write(
      1,
      `Capacity:\t${str(record(record(spec['resources'])['requests'])['storage']) || '<default>'}\n`,
    );
    page.write(1, `Access Modes:\t${goModes(spec['accessModes'])}\n`);
  }
}

const goModes = (value: unknown): string => `[${list(value).map(str).join(' ')}]`;

/** Related: `pods`. */
export function describeDaemonSet(set: KubeObject, { events, pods }: Related, now: number): string {
  const page = createPage();
  const spec = record(set['spec']);
  const status = record(set['status']);
  head(page, set);
  page.write(0, `Selector:\t${selectorText(spec['selector'])}\n`);
  page.write(0, `Node-Selector:\t${labelsText(record(record(spec['template'])['spec'])['nodeSelector'])}\n`);
  metaLines(page, set);
  page.write(0, `Desired Number of Nodes Scheduled: ${number(status['desiredNumberScheduled'])}\n`);
  page.write(0, `Current Number of Nodes Scheduled: ${number(status['currentNumberScheduled'])}\n`);
  page.write(
    0,
    `Number of Nodes Scheduled with Up-to-date Pods: ${number(status['updatedNumberScheduled'])}\n`,
  );
  page.write(0, `Number of Nodes Scheduled with Available Pods: ${number(status['numberAvailable'])}\n`);
  page.write(0, `Number of Nodes Misscheduled: ${number(status['numberMisscheduled'])}\n`);
  podStatusLine(page, set, pods, 'Pods Status');
  templateLines(page, spec['template']);
  eventLines(page, events, now);
  return page.text();
}

export function describeJob(job: KubeObject, { events }: Related, now: number): string {
  const page = createPage();
  const spec = record(job['spec']);
  const status = record(job['status']);
  head(page, job);
  if (spec['selector'] !== undefined) page.write(0, `Selector:\t${selectorText(spec['selector'])}\n`);
  metaLines(page, job);
  const controller = controllerText(job);
  if (controller !== '') page.write(0, `Controlled By:\t${controller}\n`);
  if (spec['parallelism'] !== undefined) page.write(0, `Parallelism:\t${str(spec['parallelism'])}\n`);
  page.write(0, `Completions:\t${str(spec['completions']) || '<unset>'}\n`);
  if (spec['completionMode'] !== undefined)
    page.write(0, `Completion Mode:\t${str(spec['completionMode'])}\n`);
  if (spec['suspend'] !== undefined) page.write(0, `Suspend:\t${str(spec['suspend'])}\n`);
  if (spec['backoffLimit'] !== undefined) page.write(0, `Backoff Limit:\t${str(spec['backoffLimit'])}\n`);
  if (spec['ttlSecondsAfterFinished'] !== undefined)
    page.write(0, `TTL Seconds After Finished:\t${str(spec['ttlSecondsAfterFinished'])}\n`);
  timesOfJob(page, spec, status);
  const ready = status['ready'] === undefined ? '' : ` (${str(status['ready'])} Ready)`;
  page.write(
    0,
    `Pods Statuses:\t${number(status['active'])} Active${ready} / ${number(status['succeeded'])} Succeeded / ${number(status['failed'])} Failed\n`,
  );
  if (spec['completionMode'] === 'Indexed') {
    page.write(0, `Completed Indexes:\t${shortIndexes(str(status['completedIndexes'])) || '<none>'}\n`);
  }
  templateLines(page, spec['template']);
  eventLines(page, events, now);
  return page.text();
}

function timesOfJob(
  page: Page,
  spec: Readonly<Record<string, unknown>>,
  status: Readonly<Record<string, unknown>>,
): void {
  const started = time(status['startTime']);
  const completed = time(status['completionTime']);
  if (started !== undefined) page.write(0, `Start Time:\t${dateText(status['startTime'])}\n`);
  if (completed !== undefined) page.write(0, `Completed At:\t${dateText(status['completionTime'])}\n`);
  if (started !== undefined && completed !== undefined)
    page.write(0, `Duration:\t${durationText(completed - started)}\n`);
  if (spec['activeDeadlineSeconds'] !== undefined)
    page.write(0, `Active Deadline Seconds:\t${str(spec['activeDeadlineSeconds'])}s\n`);
}

/** duration.HumanDuration of a whole run. */
function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  return days < 8 && hours % 24 !== 0 ? `${days}d${hours % 24}h` : `${days}d`;
}

/** kubectl cuts a long list of indexes behind a comma. */
function shortIndexes(indexes: string): string {
  const longest = 50;
  if (indexes.length <= longest) return indexes;
  return `${indexes.slice(0, indexes.lastIndexOf(',', longest) + 1)}...`;
}

export function describeCronJob(job: KubeObject, { events }: Related, now: number): string {
  const page = createPage();
  const spec = record(job['spec']);
  const status = record(job['status']);
  const jobSpec = record(record(spec['jobTemplate'])['spec']);
  const or = (value: unknown): string => str(value) || '<unset>';
  head(page, job);
  metaLines(page, job);
  page.write(0, `Schedule:\t${str(spec['schedule'])}\n`);
  if (spec['timeZone'] !== undefined) page.write(0, `Time Zone:\t${str(spec['timeZone'])}\n`);
  page.write(0, `Concurrency Policy:\t${str(spec['concurrencyPolicy'])}\n`);
  page.write(0, `Suspend:\t${bool(spec['suspend'])}\n`);
  page.write(0, `Successful Job History Limit:\t${or(spec['successfulJobsHistoryLimit'])}\n`);
  page.write(0, `Failed Job History Limit:\t${or(spec['failedJobsHistoryLimit'])}\n`);
  const deadline = spec['startingDeadlineSeconds'];
  page.write(0, `Starting Deadline Seconds:\t${deadline === undefined ? '<unset>' : `${str(deadline)}s`}\n`);
  page.write(
    0,
    `Selector:\t${jobSpec['selector'] === undefined ? '<unset>' : selectorText(jobSpec['selector'])}\n`,
  );
  page.write(0, `Parallelism:\t${or(jobSpec['parallelism'])}\n`);
  page.write(0, `Completions:\t${or(jobSpec['completions'])}\n`);
  if (jobSpec['activeDeadlineSeconds'] !== undefined)
    page.write(0, `Active Deadline Seconds:\t${str(jobSpec['activeDeadlineSeconds'])}s\n`);
  templateLines(page, jobSpec['template']);
  const last = status['lastScheduleTime'];
  page.write(0, `Last Schedule Time:\t${last === undefined || last === null ? '<unset>' : dateText(last)}\n`);
  page.write(
    0,
    `Active Jobs:\t${
      list(status['active'])
        .map((active) => str(record(active)['name']))
        .join(', ') || '<none>'
    }\n`,
  );
  eventLines(page, events, now);
  return page.text();
}
