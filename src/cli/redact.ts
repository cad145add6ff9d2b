import { withoutCredentials } from '../checklist/program-log.ts';
import type { KubeObject } from '../kube/object.ts';

/** In place of what nobody else should read. */
const redacted = '(redacted)';

const secretName = /token|secret|passw|credential|api[-_]?key|private|access[-_]?key/i;

/** Beside the credentials of logs: what stands in arguments, headers, annotations and configuration. */
const more: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, redacted],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${redacted}`],
  [/\bxox[abeoprs]-[\w-]{10,}/g, redacted],
  [/\bglpat-[\w-]{16,}/g, redacted],
  [
    /(["']?[\w-]*(?:token|passwd|password|secret|api[-_]?key|access[-_]?key|credential)[\w-]*["']?\s*:\s*)(["']?)(?!null\b|true\b|false\b)[^\s"',}{\][]{6,}\2/gi,
    `$1$2${redacted}$2`,
  ],
  [
    /(--?[\w-]*(?:token|password|passwd|secret|api-?key|access-?key|credential)[\w-]*\s+)(?!-)[^\s"']+/gi,
    `$1${redacted}`,
  ],
];

/** Any text without what looks like a credential. */
export const redactText = (text: string): string =>
  more.reduce((rest, [pattern, mark]) => rest.replace(pattern, mark), withoutCredentials(text));

/** Variables whose values are evidence: how a job is laid out and what its libraries were told. */
const telling =
  /^(?:RANK|LOCAL_RANK|NODE_RANK|GROUP_RANK|WORLD_SIZE|LOCAL_WORLD_SIZE|MASTER_ADDR|MASTER_PORT|PET_\w+|JOB_COMPLETION_INDEX|LWS_\w+|TPU_\w+|CUDA_VISIBLE_DEVICES|CUDA_LAUNCH_BLOCKING|NVIDIA_\w+|NCCL_\w+|GLOO_\w+|TORCH_NCCL_\w+|PYTORCH_\w+|PYTHONUNBUFFERED|OMP_NUM_THREADS|SHM_SIZE)$/;

/** What kubectl apply leaves is a second copy of the object, and the managed fields say nothing about its state. */
const copies = new Set(['kubectl.kubernetes.io/last-applied-configuration']);

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * An object that may leave the cluster: no values of Secrets and ConfigMaps (their keys stay, for a missing key is a
 * cause), no values of environment variables but those that a checklist reads, no credentials in any other text.
 */
export function redactObject(object: KubeObject): KubeObject {
  const isSecret = object.kind === 'Secret';
  const holdsData = isSecret || object.kind === 'ConfigMap';
  const { data, stringData, binaryData, ...rest } = object;
  const kept = redactValue(rest) as KubeObject;
  const { managedFields: _managed, annotations, ...metadata } = (kept.metadata ?? {}) as Json;
  const notes = isObject(annotations)
    ? { annotations: Object.fromEntries(Object.entries(annotations).filter(([name]) => !copies.has(name))) }
    : {};
  return {
    ...kept,
    metadata: { ...metadata, ...notes } as NonNullable<KubeObject['metadata']>,
    ...(data === undefined ? {} : { data: holdsData ? keysOf(data) : redactValue(data) }),
    ...(binaryData === undefined ? {} : { binaryData: keysOf(binaryData) }),
    ...(stringData === undefined ? {} : { stringData: keysOf(stringData) }),
  };
}

const keysOf = (data: unknown): unknown =>
  isObject(data) ? Object.fromEntries(Object.keys(data).map((key) => [key, redacted])) : redacted;

function redactValue(value: unknown): unknown {
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value)) return value.map(redactValue);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (key === 'env' && Array.isArray(item)) return [key, item.map(redactVariable)];
      if ((key === 'args' || key === 'command') && Array.isArray(item)) return [key, redactWords(item)];
      return [key, redactValue(item)];
    }),
  );
}

function redactVariable(variable: unknown): unknown {
  if (!isObject(variable)) return variable;
  const { name, value, ...rest } = variable;
  if (typeof value !== 'string' || value === '') return redactValue(variable);
  const isTelling = typeof name === 'string' && telling.test(name) && !secretName.test(name);
  return { name, value: isTelling ? redactText(value) : redacted, ...(redactValue(rest) as Json) };
}

/** `--token abc` is two words. */
function redactWords(words: readonly unknown[]): readonly unknown[] {
  return words.map((word, at) => {
    const before = words[at - 1];
    const follows = typeof before === 'string' && /^--?[\w-]+$/.test(before) && secretName.test(before);
    if (follows && typeof word === 'string' && !word.startsWith('-')) return redacted;
    return redactValue(word);
  });
}
