import type { PodRow, PodSpecRecord } from '../resources/pod-row.ts';

/** Which exporter a pod is, and what its metrics are called in a sentence. */
export interface ExporterKind {
  readonly name: 'dcgm-exporter' | 'amd-metrics-exporter';
  /** Where no port of the pod has a telling name. */
  readonly port: number;
}

const nvidia: ExporterKind = { name: 'dcgm-exporter', port: 9400 };
const amd: ExporterKind = { name: 'amd-metrics-exporter', port: 5000 };

const byImage = new WeakMap<PodSpecRecord, ExporterKind | 'none'>();

/** The exporter of GPU metrics that this pod is (gpu.md 4.4, 4.5); undefined for every other pod. */
export function exporterKind({ labels, spec, node }: PodRow): ExporterKind | undefined {
  if (node === '') return undefined;
  if (labels['app'] === 'nvidia-dcgm-exporter') return nvidia;
  const name = labels['app.kubernetes.io/name'];
  if (name === 'dcgm-exporter') return nvidia;
  if (
    name === 'metrics-exporter' &&
    /amd/.test(`${labels['app.kubernetes.io/instance']}${spec.containers[0]?.image}`)
  )
    return amd;
  // Specs are shared, so each image is looked at once.
  let known = byImage.get(spec);
  if (known === undefined) {
    const images = spec.containers.map(({ image }) => image).join(' ');
    known = /dcgm-exporter/.test(images) ? nvidia : /device-metrics-exporter/.test(images) ? amd : 'none';
    byImage.set(spec, known);
  }
  return known === 'none' ? undefined : known;
}

/** A pod that can answer: it runs, and nobody is taking it away. */
export const canAnswer = ({ phase, deletedAt }: PodRow): boolean =>
  phase === 'Running' && deletedAt === undefined;
