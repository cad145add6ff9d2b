import type { KubeObject } from '../kube/object.ts';
import { isRecord, list, record } from '../resources/fields.ts';
import { sanitizeText } from '../resources/sanitize.ts';

/** Names of environment variables whose value is nobody's business. */
const secretName = /token|secret|passw|credential|api_?key|private|access_?key/i;

const mask = '••••••••';

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * An object as it may be shown: every text cleaned of what could move a cursor, and secret values masked before anything
 * else sees them: those of Secrets (their sizes stay), of environment variables that are named like one, and whole
 * copies of the object in annotations. `reveal`: a person asked for the values of this Secret, twice.
 */
export function cleanObject(object: KubeObject, reveal = false): KubeObject {
  const clean = cleanValue(object) as KubeObject;
  const isSecret = clean.kind === 'Secret';
  const masked = isSecret ? maskSecret(clean, reveal) : maskEnvironment(clean);
  return (isSecret && !reveal ? withoutCopy(masked) : masked) as KubeObject;
}

function cleanValue(value: unknown): unknown {
  if (typeof value === 'string') return sanitizeText(value);
  if (Array.isArray(value)) return value.map(cleanValue);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [sanitizeText(key), cleanValue(item)]),
  );
}

function maskSecret(secret: KubeObject, reveal: boolean): KubeObject {
  const data = Object.entries(record(secret['data'])).map(([key, value]) => {
    const bytes = Buffer.from(typeof value === 'string' ? value : '', 'base64');
    if (!reveal) return [key, `${mask} (${bytes.length} bytes)`] as const;
    const text = bytes.toString('utf8');
    return [
      key,
      text.includes('\ufffd') ? `(${bytes.length} bytes that are no text)` : sanitizeText(text),
    ] as const;
  });
  const { data: _data, stringData: _text, ...rest } = secret;
  return {
    ...rest,
    ...(data.length === 0 ? {} : { [reveal ? 'data (decoded)' : 'data']: Object.fromEntries(data) }),
  };
}

function withoutCopy(object: KubeObject): KubeObject {
  const annotations = record(object.metadata?.annotations);
  if (annotations[lastApplied] === undefined) return object;
  return {
    ...object,
    metadata: {
      ...object.metadata,
      annotations: { ...(annotations as Record<string, string>), [lastApplied]: mask },
    },
  };
}

/** Wherever a list named `env` stands: in pods, in templates, in custom resources that hold templates. */
function maskEnvironment(value: unknown): KubeObject {
  return maskIn(value) as KubeObject;
}

function maskIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskIn);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (key === 'env' && Array.isArray(item)) return [key, list(item).map(maskVariable)];
      if (key === lastApplied && typeof item === 'string' && secretName.test(item)) return [key, mask];
      return [key, maskIn(item)];
    }),
  );
}

function maskVariable(raw: unknown): unknown {
  const variable = record(raw);
  const { name, value } = variable;
  const isSecret =
    typeof name === 'string' && typeof value === 'string' && value !== '' && secretName.test(name);
  // A path or a switch is named like a secret and is none.
  const isHarmless = typeof value === 'string' && /^(?:\/[\w./-]*|true|false|\d{1,3})$/i.test(value);
  return isSecret && !isHarmless ? { ...variable, value: mask } : raw;
}
