import { acceleratorsIn } from '../../accelerators/demand.ts';
import type { Connection } from '../../kube/contract.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { OwnedRow } from '../../resources/meta.ts';
import type { PodRow } from '../../resources/pod-row.ts';
import { type PodDisruptionBudgetRow, poddisruptionbudgets } from '../../resources/poddisruptionbudgets.ts';
import { pods as podKind } from '../../resources/pods.ts';
import type { Row } from '../../resources/resource.ts';
import { labelMatcher } from '../../scheduling/selectors.ts';
import type { Cluster } from '../../state/cluster.ts';
import type { DialogLine } from '../../state/dialog.ts';
import { groupOf, keyOfGroup } from '../../workloads/group.ts';

/** Who brings a pod back when it is gone. */
export type Comeback = 'yes' | 'job' | 'maybe' | 'no';

const remakers = new Set(['ReplicaSet', 'StatefulSet', 'DaemonSet', 'ReplicationController', 'Node']);

export function comebackOf(owner: OwnedRow['owner']): Comeback {
  if (owner === undefined) return 'no';
  if (remakers.has(owner.kind)) return 'yes';
  return owner.kind === 'Job' ? 'job' : 'maybe';
}

/** `8 x nvidia.com/gpu`, of all these pods; undefined where they hold none. */
export function devicesText(pods: readonly PodRow[]): string | undefined {
  const sums = new Map<string, number>();
  let claims = 0;
  for (const pod of pods) {
    if (pod.node === '') continue;
    for (const [name, units] of acceleratorsIn(pod.spec.requests))
      sums.set(name, (sums.get(name) ?? 0) + units);
    claims += pod.spec.claims.length;
  }
  const texts = [...sums].map(([name, units]) => `${units} x ${name}`);
  if (claims > 0) texts.push(`${claims} device ${claims === 1 ? 'claim' : 'claims'}`);
  return texts.length === 0 ? undefined : texts.join(', ');
}

export const isAlive = (pod: PodRow): boolean =>
  pod.phase !== 'Succeeded' && pod.phase !== 'Failed' && pod.deletedAt === undefined;

const line = (label: string, text: string, tone?: DialogLine['tone']): DialogLine => ({
  label,
  text,
  ...(tone === undefined ? {} : { tone }),
});

/** What becomes of pods that are deleted or evicted, and of those that work with them. */
export function podImpact(pods: readonly PodRow[], cluster: Cluster): readonly DialogLine[] {
  const lines: DialogLine[] = [];
  for (const [owner, some] of byOwner(pods)) lines.push(ownerLine(owner, some));
  const devices = devicesText(pods.filter(isAlive));
  const nodes = [...new Set(pods.map((pod) => pod.node).filter((node) => node !== ''))];
  if (devices !== undefined)
    lines.push(
      line(
        'frees',
        `${devices} on ${nodes.slice(0, 3).join(', ')}${nodes.length > 3 ? ` +${nodes.length - 3}` : ''}`,
      ),
    );
  lines.push(...peerLines(pods, cluster));
  return lines;
}

function byOwner(pods: readonly PodRow[]): Map<string, readonly PodRow[]> {
  const groups = new Map<string, PodRow[]>();
  for (const pod of pods) {
    const key = pod.owner === undefined ? '' : `${pod.owner.kind} ${pod.owner.name}`;
    groups.set(key, [...(groups.get(key) ?? []), pod]);
  }
  return groups;
}

function ownerLine(owner: string, pods: readonly PodRow[]): DialogLine {
  const one = pods.length === 1;
  switch (comebackOf(pods[0]?.owner)) {
    case 'yes':
      return line('owner', `${owner}: will be recreated`);
    case 'job':
      return line('owner', `${owner}: starts another, as long as its backoffLimit allows`, 'warn');
    case 'maybe':
      return line('owner', `${owner}: decides whether ${one ? 'it comes' : 'they come'} back`, 'warn');
    case 'no':
      return line(
        'owner',
        `none: ${one ? 'nothing brings it' : `nothing brings these ${pods.length}`} back`,
        'bad',
      );
  }
}

/** A distributed job stands still when one of its ranks goes. */
function peerLines(pods: readonly PodRow[], cluster: Cluster): readonly DialogLine[] {
  const hit = new Set(pods.map((pod) => pod.uid));
  const groups = new Map<
    string,
    { readonly pods: PodRow[]; readonly kind: string; readonly name: string; readonly ranks: number[] }
  >();
  for (const pod of pods) {
    const member = groupOf(pod);
    // Replicas of a server do not wait for one another; ranks of a job do.
    if (member.rank === undefined || !isAlive(pod) || /^(StatefulSet|Deployment|Pod)$/.test(member.kind))
      continue;
    const key = keyOfGroup(member);
    const group = groups.get(key) ?? { pods: [], kind: member.kind, name: member.name, ranks: [] };
    group.ranks.push(member.rank);
    groups.set(key, group);
  }
  if (groups.size === 0) return [];
  for (const pod of cluster.rowsOf(podKind)) {
    if (!hit.has(pod.uid) && isAlive(pod)) groups.get(keyOfGroup(groupOf(pod)))?.pods.push(pod);
  }
  return [...groups.values()]
    .filter((group) => group.pods.length > 0)
    .flatMap(({ pods: peers, kind, name, ranks }) => [
      line(
        'peers',
        `${peers.length} of ${kind} ${name} lose rank ${ranks.sort((a, b) => a - b).join(', ')}`,
        'warn',
      ),
      line('saved', 'when the last checkpoint was: ? (nothing in the cluster says)', 'dim'),
    ]);
}

/** The budgets that cover these pods, asked now: the store has them only while they are shown. */
async function budgetsOf(
  read: Connection,
  pods: readonly PodRow[],
): Promise<readonly { readonly budget: PodDisruptionBudgetRow; readonly pods: readonly PodRow[] }[]> {
  const namespaces = [...new Set(pods.map((pod) => pod.namespace))];
  const lists = await Promise.all(
    namespaces.map((namespace) =>
      read
        .json<{ readonly items?: readonly KubeObject[] }>({
          path: `/apis/policy/v1/namespaces/${encodeURIComponent(namespace)}/poddisruptionbudgets`,
        })
        .then(({ items }) => items ?? [])
        .catch(() => []),
    ),
  );
  return lists
    .flat()
    .map((object) => poddisruptionbudgets.toRow(object, { server: undefined }))
    .map((budget) => {
      const matches = labelMatcher(budget.selector);
      return {
        budget,
        pods: pods.filter((pod) => pod.namespace === budget.namespace && matches(pod.labels)),
      };
    })
    .filter(({ pods: covered }) => covered.length > 0);
}

export async function budgetLines(
  read: Connection,
  pods: readonly PodRow[],
  how: 'evict' | 'delete',
): Promise<readonly DialogLine[]> {
  const found = await budgetsOf(read, pods);
  return found.map(({ budget, pods: covered }) =>
    line(
      'budget',
      `${budget.name} allows ${budget.allowed} of ${covered.length} now${how === 'delete' ? '; a delete does not ask it' : ''}`,
      budget.allowed < covered.length ? 'warn' : 'dim',
    ),
  );
}

/** What a person calls it: `pod train/llama-0`. */
export const nameOf = (kind: string, row: Pick<Row, 'namespace' | 'name'>): string =>
  `${kind.toLowerCase()} ${row.namespace === '' ? row.name : `${row.namespace}/${row.name}`}`;
