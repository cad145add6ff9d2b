import type { KubeObject } from '../kube/object.ts';
import { list, record } from '../resources/fields.ts';
import { containerLines, fieldValueOf, resourceLines, seccomp } from './containers.ts';
import {
  annotationLines,
  controllerText,
  dateText,
  eventLines,
  head,
  labelLines,
  type Related,
  selectorText,
  sinceText,
  str,
  tolerationLines,
} from './parts.ts';
import { createPage, type Page } from './tabs.ts';
import { volumeLines } from './volumes.ts';

/** `kubectl describe pod`. `now` is epoch ms. */
export function describePod(pod: KubeObject, { events }: Related, now: number): string {
  const page = createPage();
  const metadata = record(pod.metadata);
  const spec = record(pod['spec']);
  const status = record(pod['status']);
  head(page, pod);
  if (typeof spec['priority'] === 'number') page.write(0, `Priority:\t${spec['priority']}\n`);
  for (const [title, field] of [
    ['Priority Class Name', 'priorityClassName'],
    ['Runtime Class Name', 'runtimeClassName'],
    ['Service Account', 'serviceAccountName'],
  ] as const) {
    if (str(spec[field]) !== '') page.write(0, `${title}:\t${str(spec[field])}\n`);
  }
  const node = str(spec['nodeName']);
  page.write(0, `Node:\t${node === '' ? '<none>' : `${node}/${str(status['hostIP'])}`}\n`);
  if (status['startTime'] !== undefined && status['startTime'] !== null) {
    page.write(0, `Start Time:\t${dateText(status['startTime'])}\n`);
  }
  labelLines(page, 'Labels', metadata['labels']);
  annotationLines(page, metadata['annotations']);
  statusLines(page, pod, now);
  seccomp(page, record(spec['securityContext']), 0);
  page.write(0, `IP:\t${str(status['podIP'])}\n`);
  const addresses = list(status['podIPs']).map(record);
  page.write(0, addresses.length === 0 ? 'IPs:\t<none>\n' : 'IPs:\n');
  for (const { ip } of addresses) page.write(0, `  IP:\t${str(ip)}\n`);
  const controller = controllerText(pod);
  if (controller !== '') page.write(0, `Controlled By:\t${controller}\n`);
  if (str(status['nominatedNodeName']) !== '')
    page.write(0, `NominatedNodeName:\t${str(status['nominatedNodeName'])}\n`);
  if (spec['resources'] !== undefined && spec['resources'] !== null) {
    page.write(0, 'Resources:\n');
    resourceLines(page, record(spec['resources']), 1);
  }
  podContainers(page, pod);
  conditionLines(page, pod);
  volumeLines(page, list(spec['volumes']));
  page.write(0, `QoS Class:\t${str(status['qosClass'])}\n`);
  labelLines(page, 'Node-Selectors', spec['nodeSelector']);
  tolerationLines(page, spec['tolerations']);
  spreadLines(page, list(spec['topologySpreadConstraints']));
  eventLines(page, events, now);
  return page.text();
}

function statusLines(page: Page, pod: KubeObject, now: number): void {
  const metadata = record(pod.metadata);
  const status = record(pod['status']);
  const phase = str(status['phase']);
  const isGoing =
    typeof metadata['deletionTimestamp'] === 'string' && phase !== 'Failed' && phase !== 'Succeeded';
  if (isGoing) {
    page.write(0, `Status:\tTerminating (lasts ${sinceText(metadata['deletionTimestamp'], now)})\n`);
    page.write(0, `Termination Grace Period:\t${str(metadata['deletionGracePeriodSeconds'])}s\n`);
  } else page.write(0, `Status:\t${phase}\n`);
  if (str(status['reason']) !== '') page.write(0, `Reason:\t${str(status['reason'])}\n`);
  if (str(status['message']) !== '') page.write(0, `Message:\t${str(status['message'])}\n`);
}

function podContainers(page: Page, pod: KubeObject): void {
  const spec = record(pod['spec']);
  const status = record(pod['status']);
  const fieldValue = fieldValueOf(record(pod.metadata));
  for (const [title, field, statuses] of [
    ['Init Containers', 'initContainers', 'initContainerStatuses'],
    ['Containers', 'containers', 'containerStatuses'],
    ['Ephemeral Containers', 'ephemeralContainers', 'ephemeralContainerStatuses'],
  ] as const) {
    const containers = list(spec[field]);
    if (containers.length === 0 && field !== 'containers') continue;
    containerLines(page, { title, containers, statuses: list(status[statuses]), fieldValue });
  }
}

function conditionLines(page: Page, pod: KubeObject): void {
  const conditions = list(record(pod['status'])['conditions']).map(record);
  const gates = list(record(pod['spec'])['readinessGates']).map(record);
  if (gates.length > 0) {
    page.write(0, 'Readiness Gates:\n  Type\tStatus\n');
    for (const gate of gates) {
      const met = conditions.find(({ type }) => type === gate['conditionType']);
      page.write(
        1,
        `${str(gate['conditionType'])} \t${met === undefined ? '<none>' : str(met['status'])} \n`,
      );
    }
  }
  if (conditions.length === 0) return;
  page.write(0, 'Conditions:\n  Type\tStatus\n');
  for (const { type, status } of conditions) page.write(1, `${str(type)} \t${str(status)} \n`);
}

function spreadLines(page: Page, constraints: readonly unknown[], space = ''): void {
  if (constraints.length === 0) return;
  const sorted = constraints
    .map(record)
    .sort((a, b) =>
      str(a['topologyKey']) < str(b['topologyKey'])
        ? -1
        : str(a['topologyKey']) > str(b['topologyKey'])
          ? 1
          : 0,
    );
  page.write(0, `${space}Topology Spread Constraints:\t`);
  for (const [index, constraint] of sorted.entries()) {
    const selector = constraint['labelSelector'];
    const of = selector === undefined || selector === null ? '' : ` for selector ${selectorText(selector)}`;
    page.write(
      0,
      `${index === 0 ? '' : `${space}\t`}${str(constraint['topologyKey'])}:${str(constraint['whenUnsatisfiable'])} when max skew ${str(constraint['maxSkew'])} is exceeded${of}\n`,
    );
  }
}

/** The pod that a workload makes. */
export function templateLines(page: Page, value: unknown): void {
  const template = record(value);
  const metadata = record(template['metadata']);
  const spec = record(template['spec']);
  page.write(0, 'Pod Template:\n');
  labelLines(page, 'Labels', metadata['labels'], '  ');
  if (Object.keys(record(metadata['annotations'])).length > 0)
    annotationLines(page, metadata['annotations'], '  ');
  if (str(spec['serviceAccountName']) !== '')
    page.write(0, `  Service Account:\t${str(spec['serviceAccountName'])}\n`);
  for (const [title, field] of [
    ['Init Containers', 'initContainers'],
    ['Containers', 'containers'],
  ] as const) {
    const containers = list(spec[field]);
    if (containers.length > 0 || field === 'containers')
      containerLines(page, { title, containers, statuses: [], space: '  ' });
  }
  volumeLines(page, list(spec['volumes']), '  ');
  spreadLines(page, list(spec['topologySpreadConstraints']), '  ');
  if (str(spec['priorityClassName']) !== '')
    page.write(0, `  Priority Class Name:\t${str(spec['priorityClassName'])}\n`);
  labelLines(page, 'Node-Selectors', spec['nodeSelector'], '  ');
  tolerationLines(page, spec['tolerations'], '  ');
}
