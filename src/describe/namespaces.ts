import type { KubeObject } from '../kube/object.ts';
import { list, record } from '../resources/fields.ts';
import { annotationLines, byName, dateText, head, labelLines, type Related, str } from './parts.ts';
import { createPage, type Page } from './tabs.ts';

/** Related: `resourcequotas` and `limitranges` of it. */
export function describeNamespace(namespace: KubeObject, { resourcequotas, limitranges }: Related): string {
  const page = createPage();
  const metadata = record(namespace.metadata);
  const status = record(namespace['status']);
  head(page, namespace, { namespaced: false });
  labelLines(page, 'Labels', metadata['labels']);
  annotationLines(page, metadata['annotations']);
  page.write(0, `Status:\t${str(status['phase'])}\n`);
  const conditions = list(status['conditions']).map(record);
  if (conditions.length > 0) {
    page.write(0, 'Conditions:\n');
    page.write(1, 'Type\tStatus\tLastTransitionTime\tReason\tMessage\n');
    page.write(1, '----\t------\t------------------\t------\t-------\n');
    for (const condition of conditions) {
      page.write(
        1,
        `${str(condition['type'])}\t${str(condition['status'])}\t${dateText(condition['lastTransitionTime'])}\t${str(condition['reason'])}\t${str(condition['message'])}\n`,
      );
    }
  }
  if (resourcequotas !== undefined) quotasOf(page, resourcequotas);
  if (limitranges !== undefined) limitsOf(page, limitranges);
  return page.text();
}

function quotasOf(page: Page, quotas: readonly KubeObject[]): void {
  page.write(0, '\n');
  if (quotas.length === 0) {
    page.write(0, 'No resource quota.\n');
    return;
  }
  page.write(0, 'Resource Quotas\n');
  for (const quota of sorted(quotas)) {
    page.write(1, `Name:\t${str(record(quota.metadata)['name'])}\n`);
    const status = record(quota['status']);
    page.write(1, 'Resource\tUsed\tHard\n');
    page.write(1, '--------\t---\t---\n');
    for (const [name, hard] of Object.entries(record(status['hard'])).sort(byName)) {
      page.write(1, `${name}\t${str(record(status['used'])[name])}\t${str(hard)}\n`);
    }
  }
}

function limitsOf(page: Page, limits: readonly KubeObject[]): void {
  page.write(0, '\n');
  if (limits.length === 0) {
    page.write(0, 'No LimitRange resource.\n');
    return;
  }
  page.write(
    0,
    'Resource Limits\n Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio\n',
  );
  page.write(0, ' ----\t--------\t---\t---\t---------------\t-------------\t-----------------------\n');
  for (const limit of sorted(limits)) limitRows(page, limit, ' ');
}

const sorted = (objects: readonly KubeObject[]): readonly KubeObject[] =>
  [...objects].sort((a, b) => (str(record(a.metadata)['name']) < str(record(b.metadata)['name']) ? -1 : 1));

function limitRows(page: Page, range: KubeObject, indent: string): void {
  for (const raw of list(record(range['spec'])['limits'])) {
    const item = record(raw);
    const fields = ['min', 'max', 'defaultRequest', 'default', 'maxLimitRequestRatio'];
    const names = new Set(fields.flatMap((field) => Object.keys(record(item[field]))));
    for (const name of [...names].sort()) {
      const cells = fields.map((field) => str(record(item[field])[name]) || '-');
      page.write(0, `${indent}${str(item['type'])}\t${name}\t${cells.join('\t')}\n`);
    }
  }
}

export function describeLimitRange(range: KubeObject): string {
  const page = createPage();
  head(page, range);
  page.write(0, 'Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio\n');
  page.write(0, '----\t--------\t---\t---\t---------------\t-------------\t-----------------------\n');
  limitRows(page, range, '');
  return page.text();
}

const scopeHelp: Readonly<Record<string, string>> = {
  Terminating:
    'Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system.',
  NotTerminating:
    'Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate.',
  BestEffort:
    'Matches all pods that do not have resource requirements set. These pods have a best effort quality of service.',
  NotBestEffort:
    'Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service.',
};

export function describeQuota(quota: KubeObject): string {
  const page = createPage();
  const scopes = list(record(quota['spec'])['scopes']).map(str).sort();
  const status = record(quota['status']);
  head(page, quota);
  if (scopes.length > 0) {
    page.write(0, `Scopes:\t${scopes.join(', ')}\n`);
    for (const scope of scopes) if (scopeHelp[scope] !== undefined) page.write(0, ` * ${scopeHelp[scope]}\n`);
  }
  page.write(0, 'Resource\tUsed\tHard\n--------\t----\t----\n');
  for (const [name, hard] of Object.entries(record(status['hard'])).sort(byName)) {
    page.write(0, `${name}\t${str(record(status['used'])[name])}\t${str(hard)}\n`);
  }
  return page.text();
}
