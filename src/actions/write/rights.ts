import type { Connection } from '../../kube/contract.ts';
import { mayStream } from '../../kube/exec.ts';
import { mayI } from '../../kube/rights.ts';
import type { Resource, Row } from '../../resources/resource.ts';
import { refusalText } from './plan.ts';

interface Need {
  readonly verb: string;
  readonly subresource?: string;
  /** Of another kind than the row's. */
  readonly resource?: string;
  readonly group?: string;
}

/** Which right an action stands on, where the row's kind does not say it. */
const needs: Readonly<Record<string, Need>> = {
  delete: { verb: 'delete' },
  'force-delete': { verb: 'delete' },
  evict: { verb: 'create', subresource: 'eviction' },
  restart: { verb: 'patch' },
  scale: { verb: 'patch', subresource: 'scale' },
  'set-image': { verb: 'patch' },
  'set-env': { verb: 'patch' },
  'set-resources': { verb: 'patch' },
  'rollout-undo': { verb: 'patch' },
  'suspend-job': { verb: 'patch' },
  trigger: { verb: 'create', group: 'batch', resource: 'jobs' },
  cordon: { verb: 'patch' },
  uncordon: { verb: 'patch' },
  drain: { verb: 'create', group: '', resource: 'pods', subresource: 'eviction' },
  label: { verb: 'patch' },
  annotate: { verb: 'patch' },
  edit: { verb: 'update' },
  debug: { verb: 'patch', subresource: 'ephemeralcontainers' },
};

const streams: Readonly<Record<string, 'exec' | 'attach' | 'portforward'>> = {
  shell: 'exec',
  exec: 'exec',
  'copy-files': 'exec',
  attach: 'attach',
  'port-forward': 'portforward',
};

/** Why the server would not let this person do it; undefined where it would, or does not say. Never rejects. */
export async function refusalOf(
  read: Connection,
  action: string,
  resource: Resource,
  row: Row,
): Promise<string | undefined> {
  const stream = streams[action];
  if (stream !== undefined) {
    const pod = resource.name === 'pods' ? row.name : '';
    const { allowed, reason } = await mayStream(read, { namespace: row.namespace, pod }, stream);
    return allowed === 'no' ? reason : undefined;
  }
  const need = needs[action];
  if (need === undefined) return undefined;
  const isOther = need.resource !== undefined;
  const wish = {
    verb: need.verb,
    group: need.group ?? resource.group,
    resource: need.resource ?? resource.name,
    ...(need.subresource === undefined ? {} : { subresource: need.subresource }),
    ...(row.namespace === '' ? {} : { namespace: row.namespace }),
    ...(isOther ? {} : { name: row.name }),
  };
  const { allowed } = await mayI(read, wish);
  return allowed === 'no' ? refusalText(wish) : undefined;
}
