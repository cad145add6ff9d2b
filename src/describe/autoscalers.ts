import type { KubeObject } from '../kube/object.ts';
import { isRecord, list, record } from '../resources/fields.ts';
import { annotationLines, dateText, eventLines, head, labelLines, type Related, str } from './parts.ts';
import { createPage, type Page } from './tabs.ts';

type Part = Readonly<Record<string, unknown>>;

/** `autoscaling/v2`. */
export function describeAutoscaler(autoscaler: KubeObject, { events }: Related, now: number): string {
  const page = createPage();
  const metadata = record(autoscaler.metadata);
  const spec = record(autoscaler['spec']);
  const status = record(autoscaler['status']);
  const target = record(spec['scaleTargetRef']);
  head(page, autoscaler);
  labelLines(page, 'Labels', metadata['labels']);
  annotationLines(page, metadata['annotations']);
  page.write(0, `CreationTimestamp:\t${dateText(metadata['creationTimestamp'])}\n`);
  page.write(0, `Reference:\t${str(target['kind'])}/${str(target['name'])}\n`);
  page.write(0, 'Metrics:\t( current / target )\n');
  const current = list(status['currentMetrics']).map(record);
  for (const [index, raw] of list(spec['metrics']).entries()) metricLine(page, record(raw), current[index]);
  page.write(0, `Min replicas:\t${str(spec['minReplicas']) || '<unset>'}\n`);
  page.write(0, `Max replicas:\t${str(spec['maxReplicas'])}\n`);
  page.write(
    0,
    `${str(target['kind'])} pods:\t${str(status['currentReplicas']) || 0} current / ${str(status['desiredReplicas']) || 0} desired\n`,
  );
  const conditions = list(status['conditions']).map(record);
  if (conditions.length > 0) {
    page.write(0, 'Conditions:\n');
    page.write(1, 'Type\tStatus\tReason\tMessage\n');
    page.write(1, '----\t------\t------\t-------\n');
    for (const { type, status: is, reason, message } of conditions)
      page.write(1, `${str(type)}\t${str(is)}\t${str(reason)}\t${str(message)}\n`);
  }
  eventLines(page, events, now);
  return page.text();
}

const unknown = '<unknown>';

/** What is measured, and `current / target`. */
function metricLine(page: Page, metric: Part, measured: Part | undefined): void {
  const [field, source] = Object.entries(metric).find(
    ([name, value]) => name !== 'type' && isRecord(value),
  ) ?? ['', {}];
  const about = record(source);
  const wanted = record(about['target']);
  const seen = record(record(measured?.[field])['current']);
  const name = str(about['name'] ?? record(about['metric'])['name']);
  const amounts = (key: string): string => `${str(seen[key]) || unknown} / ${str(wanted[key])}`;
  switch (field) {
    case 'resource':
    case 'containerResource': {
      const where = field === 'resource' ? 'on pods' : `of container "${str(about['container'])}" on pods`;
      if (wanted['averageValue'] !== undefined) {
        page.write(1, `resource ${name} ${where}:\t${amounts('averageValue')}\n`);
        return;
      }
      const share =
        seen['averageUtilization'] === undefined
          ? unknown
          : `${str(seen['averageUtilization'])}% (${str(seen['averageValue'])})`;
      const goal =
        wanted['averageUtilization'] === undefined ? '<auto>' : `${str(wanted['averageUtilization'])}%`;
      page.write(1, `resource ${name} ${where}  (as a percentage of request):\t${share} / ${goal}\n`);
      return;
    }
    case 'pods':
      page.write(1, `"${name}" on pods:\t${amounts('averageValue')}\n`);
      return;
    case 'object': {
      const { kind, name: object } = record(about['describedObject']);
      const isAverage = wanted['type'] === 'AverageValue';
      page.write(
        1,
        `"${name}" on ${str(kind)}/${str(object)} (target ${isAverage ? 'average value' : 'value'}):\t${amounts(isAverage ? 'averageValue' : 'value')}\n`,
      );
      return;
    }
    case 'external': {
      const isAverage = wanted['averageValue'] !== undefined;
      page.write(
        1,
        `"${name}" (target ${isAverage ? 'average value' : 'value'}):\t${amounts(isAverage ? 'averageValue' : 'value')}\n`,
      );
      return;
    }
    default:
      page.write(1, `<unknown metric type "${str(metric['type'])}">\n`);
  }
}
