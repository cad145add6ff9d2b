import { type Fields, isRecord, list, record } from '../resources/fields.ts';
import { byName, dateText, labelsText, str } from './parts.ts';
import { amountText, larger, parseQuantity, quantityText, zero } from './quantity.ts';
import type { Page } from './tabs.ts';

/** What an environment variable's fieldRef gives; undefined in a template, where there is no pod. */
export type FieldValue = (path: string) => string;

export interface ContainersOf {
  readonly title: string;
  readonly containers: readonly unknown[];
  readonly statuses: readonly unknown[];
  readonly fieldValue?: FieldValue;
  /** Two spaces within a template, else none. */
  readonly space?: string;
  readonly allocatable?: boolean;
}

export function containerLines(
  page: Page,
  { title, containers, statuses, fieldValue, space = '' }: ContainersOf,
): void {
  page.write(0, `${space}${title}:${containers.length === 0 ? ' <none>' : ''}\n`);
  const byContainer = new Map(statuses.map(record).map((status) => [str(status['name']), status]));
  for (const raw of containers) {
    const container = record(raw);
    const status = byContainer.get(str(container['name']));
    basics(page, container, status, space);
    words(page, 'Command', container['command']);
    words(page, 'Args', container['args']);
    if (status !== undefined) stateLines(page, status);
    resourceLines(page, record(container['resources']), 2);
    for (const [name, field] of [
      ['Liveness', 'livenessProbe'],
      ['Readiness', 'readinessProbe'],
      ['Startup', 'startupProbe'],
    ] as const) {
      if (isRecord(container[field])) page.write(2, `${name}:\t${probeText(container[field])}\n`);
    }
    environmentFrom(page, list(container['envFrom']));
    environment(page, container, fieldValue);
    mounts(page, container);
  }
}

function basics(page: Page, container: Fields, status: Fields | undefined, space: string): void {
  page.write(1, `${space === '' ? '' : ' '}${str(container['name'])}:\n`);
  if (status !== undefined) page.write(2, `Container ID:\t${str(status['containerID'])}\n`);
  page.write(2, `Image:\t${str(container['image'])}\n`);
  if (status !== undefined) page.write(2, `Image ID:\t${str(status['imageID'])}\n`);
  const ports = list(container['ports']).map(record);
  for (const [name, field] of [
    ['Port', 'containerPort'],
    ['Host Port', 'hostPort'],
  ] as const) {
    const text = ports.map((port) => `${str(port[field]) || '0'}/${str(port['protocol'])}`).join(', ');
    page.write(2, `${name}${ports.length > 1 ? 's' : ''}:\t${text || '<none>'}\n`);
  }
  seccomp(page, record(container['securityContext']), 2);
}

export function seccomp(page: Page, context: Fields, depth: number): void {
  const profile = context['seccompProfile'];
  if (!isRecord(profile)) return;
  page.write(depth, `SeccompProfile:\t${str(profile['type'])}\n`);
  if (profile['type'] === 'Localhost')
    page.write(depth + 1, `LocalhostProfile:\t${str(profile['localhostProfile'])}\n`);
}

function words(page: Page, title: string, value: unknown): void {
  const given = list(value);
  if (given.length === 0) return;
  page.write(2, `${title}:\n`);
  for (const word of given) for (const line of str(word).split('\n')) page.write(3, `${line}\n`);
}

function stateLines(page: Page, status: Fields): void {
  oneState(page, 'State', record(status['state']));
  const last = record(status['lastState']);
  if (isRecord(last['terminated'])) oneState(page, 'Last State', last);
  page.write(2, `Ready:\t${status['ready'] === true ? 'True' : 'False'}\n`);
  page.write(2, `Restart Count:\t${str(status['restartCount']) || '0'}\n`);
}

function oneState(page: Page, title: string, { running, waiting, terminated }: Fields): void {
  if (isRecord(running)) {
    page.write(2, `${title}:\tRunning\n`);
    page.write(3, `Started:\t${dateText(running['startedAt'])}\n`);
  } else if (isRecord(waiting) || !isRecord(terminated)) {
    page.write(2, `${title}:\tWaiting\n`);
    const reason = str(record(waiting)['reason']);
    if (reason !== '') page.write(3, `Reason:\t${reason}\n`);
  } else {
    page.write(2, `${title}:\tTerminated\n`);
    if (str(terminated['reason']) !== '') page.write(3, `Reason:\t${str(terminated['reason'])}\n`);
    if (str(terminated['message']) !== '') page.write(3, `Message:\t${str(terminated['message'])}\n`);
    page.write(3, `Exit Code:\t${str(terminated['exitCode']) || '0'}\n`);
    const signal = terminated['signal'];
    if (typeof signal === 'number' && signal > 0) page.write(3, `Signal:\t${signal}\n`);
    page.write(3, `Started:\t${dateText(terminated['startedAt'])}\n`);
    page.write(3, `Finished:\t${dateText(terminated['finishedAt'])}\n`);
  }
}

export function resourceLines(page: Page, resources: Fields, depth: number): void {
  for (const [title, field] of [
    ['Limits', 'limits'],
    ['Requests', 'requests'],
  ] as const) {
    const amounts = Object.entries(record(resources[field])).sort(byName);
    if (amounts.length === 0) continue;
    page.write(depth, `${title}:\n`);
    for (const [name, amount] of amounts) page.write(depth + 1, `${name}:\t${amountText(amount)}\n`);
  }
}

/** `http-get http://:8080/healthz delay=0s timeout=1s period=10s #success=1 #failure=3`. */
function probeText(probe: Fields): string {
  const attributes = `delay=${str(probe['initialDelaySeconds']) || 0}s timeout=${str(probe['timeoutSeconds']) || 0}s period=${str(probe['periodSeconds']) || 0}s #success=${str(probe['successThreshold']) || 0} #failure=${str(probe['failureThreshold']) || 0}`;
  const { exec, httpGet, tcpSocket, grpc } = probe;
  if (isRecord(exec)) return `exec [${list(exec['command']).map(str).join(' ')}] ${attributes}`;
  if (isRecord(httpGet)) {
    const port = str(httpGet['port']);
    const scheme = str(httpGet['scheme']) === '' ? '' : `${str(httpGet['scheme']).toLowerCase()}:`;
    const host = `${str(httpGet['host'])}${port === '' ? '' : `:${port}`}`;
    const path = str(httpGet['path']);
    return `http-get ${scheme}//${host}${path === '' || path.startsWith('/') ? path : `/${path}`} ${attributes}`;
  }
  if (isRecord(tcpSocket))
    return `tcp-socket ${str(tcpSocket['host'])}:${str(tcpSocket['port'])} ${attributes}`;
  if (isRecord(grpc)) return `grpc <pod>:${str(grpc['port'])} ${str(grpc['service'])} ${attributes}`;
  return `unknown ${attributes}`;
}

function environmentFrom(page: Page, sources: readonly unknown[]): void {
  if (sources.length === 0) return;
  page.write(2, 'Environment Variables from:\n');
  for (const raw of sources) {
    const source = record(raw);
    const isMap = isRecord(source['configMapRef']);
    const reference = record(isMap ? source['configMapRef'] : source['secretRef']);
    const prefix = str(source['prefix']);
    const from = `${isMap ? 'ConfigMap' : 'Secret'}${prefix === '' ? '' : ` with prefix '${prefix}'`}`;
    page.write(3, `${str(reference['name'])}\t${from}\tOptional: ${reference['optional'] === true}\n`);
  }
}

function environment(page: Page, container: Fields, fieldValue: FieldValue | undefined): void {
  const variables = list(container['env']).map(record);
  page.write(2, `Environment:${variables.length === 0 ? '\t<none>' : ''}\n`);
  for (const variable of variables) {
    const name = str(variable['name']);
    const from = variable['valueFrom'];
    if (!isRecord(from)) {
      for (const [index, line] of str(variable['value']).split('\n').entries()) {
        page.write(3, `${index === 0 ? `${name}:` : ''}\t${line}\n`);
      }
      continue;
    }
    const { fieldRef, resourceFieldRef, secretKeyRef, configMapKeyRef } = from;
    if (isRecord(fieldRef)) {
      const path = str(fieldRef['fieldPath']);
      page.write(3, `${name}:\t${fieldValue?.(path) ?? ''} (${str(fieldRef['apiVersion'])}:${path})\n`);
    } else if (isRecord(resourceFieldRef)) {
      page.write(
        3,
        `${name}:\t${resourceFieldText(container, resourceFieldRef)} (${str(resourceFieldRef['resource'])})\n`,
      );
    } else if (isRecord(secretKeyRef)) {
      page.write(
        3,
        `${name}:\t<set to the key '${str(secretKeyRef['key'])}' in secret '${str(secretKeyRef['name'])}'>\tOptional: ${secretKeyRef['optional'] === true}\n`,
      );
    } else if (isRecord(configMapKeyRef)) {
      page.write(
        3,
        `${name}:\t<set to the key '${str(configMapKeyRef['key'])}' of config map '${str(configMapKeyRef['name'])}'>\tOptional: ${configMapKeyRef['optional'] === true}\n`,
      );
    }
  }
}

/** What the kubelet would set: the amount in units of the divisor, rounded up. */
function resourceFieldText(container: Fields, reference: Fields): string {
  const name = str(reference['resource']);
  const [field = '', ...rest] = name.split('.');
  const resources = record(container['resources']);
  const asked = parseQuantity(record(resources[field])[rest.join('.')]) ?? zero;
  const divisor = larger(parseQuantity(reference['divisor']) ?? zero, zero);
  if ((name === 'limits.cpu' || name === 'limits.memory') && asked.milli === 0n) return 'node allocatable';
  const unit = divisor.milli === 0n ? 1000n : divisor.milli;
  return quantityText({ milli: ((asked.milli + unit - 1n) / unit) * 1000n, binary: false }).replace(
    /\D+$/,
    '',
  ) === ''
    ? '0'
    : String((asked.milli + unit - 1n) / unit);
}

function mounts(page: Page, container: Fields): void {
  const given = list(container['volumeMounts']).map(record);
  page.write(2, `Mounts:${given.length === 0 ? '\t<none>' : ''}\n`);
  for (const mount of sortedBy(given, 'mountPath')) {
    const flags = [mount['readOnly'] === true ? 'ro' : 'rw'];
    if (str(mount['subPath']) !== '') flags.push(`path=${JSON.stringify(str(mount['subPath']))}`);
    page.write(3, `${str(mount['mountPath'])} from ${str(mount['name'])} (${flags.join(',')})\n`);
  }
  const devices = list(container['volumeDevices']).map(record);
  if (devices.length === 0) return;
  page.write(2, 'Devices:\n');
  for (const device of sortedBy(devices, 'devicePath')) {
    page.write(3, `${str(device['devicePath'])} from ${str(device['name'])}\n`);
  }
}

const sortedBy = (items: readonly Fields[], field: string): readonly Fields[] =>
  [...items].sort((a, b) => (str(a[field]) < str(b[field]) ? -1 : str(a[field]) > str(b[field]) ? 1 : 0));

/** What a plain fieldRef gives in kubectl: metadata only, and no single label. */
export const fieldValueOf =
  (metadata: Fields): FieldValue =>
  (path) => {
    if (path === 'metadata.name' || path === 'metadata.namespace' || path === 'metadata.uid')
      return str(metadata[path.slice(9)]);
    if (path !== 'metadata.labels' && path !== 'metadata.annotations') return '';
    const text = labelsText(metadata[path.slice(9)]);
    return text === '<none>' ? '' : text;
  };
