import { acceleratorsIn } from '../accelerators/demand.ts';
import type { PodGroupRow } from '../resources/gang-objects.ts';
import type { KueueWorkloadRow } from '../resources/kueue.ts';
import type { PodRow, PodSpecRecord } from '../resources/pod-row.ts';
import type { Role, WorkloadObjectRow } from '../resources/workload-object.ts';
import type { Base } from './base.ts';
import { groupOf } from './group.ts';
import type { PodsSummary } from './pods-summary.ts';
import type { Units } from './workload-row.ts';

/** Roles of the outermost object that knows them whole; else those of what it is made of. */
export function rolesOf(base: Base): readonly Role[] {
  const own = base.object?.roles ?? [];
  const isWhole =
    own.length > 0 && own.every(({ count, template }) => count !== undefined && template !== undefined);
  if (isWhole) return own;
  const inner = [...base.children].filter(({ object }) => object?.phase !== 'done').flatMap(rolesOf);
  if (inner.length > 0) return inner;
  return own.length > 0 ? own : (base.kueue?.podSets ?? []);
}

/** Units by class over all pods of these roles; undefined where one cannot be known. */
function unitsOf(roles: readonly Role[], pods: readonly PodRow[]): Units | undefined {
  const sum: Record<string, number> = {};
  for (const role of roles) {
    if (role.count === undefined) return undefined;
    if (role.count === 0) continue;
    const spec = role.template ?? specOfRole(role, pods);
    if (spec === undefined) return undefined;
    for (const [name, units] of acceleratorsIn(spec.requests))
      sum[name] = (sum[name] ?? 0) + units * role.count;
  }
  return sum;
}

/** What it wants in all: by its roles; else what its pods and its PodGroup say. */
export function unitsWanted(
  roles: readonly Role[],
  wanted: number | undefined,
  pods: readonly PodRow[],
  summary: PodsSummary,
  podGroup: PodGroupRow | undefined,
): Units | undefined {
  if (roles.length > 0) return unitsOf(roles, pods);
  const asked: Record<string, number> = { ...summary.held };
  for (const [name, units] of Object.entries(summary.asked)) asked[name] = (asked[name] ?? 0) + units;
  const unborn = Math.max(0, (wanted ?? 0) - summary.running - summary.pending);
  if (unborn === 0) return pods.length > 0 ? asked : undefined;
  if (pods.length === 0) {
    const least = acceleratorsIn(podGroup?.minResources ?? {});
    return least.length === 0 ? undefined : Object.fromEntries(least);
  }
  for (const [name, units] of Object.entries(eachOf(roles, pods)))
    asked[name] = (asked[name] ?? 0) + units * unborn;
  return asked;
}

/** The spec of a pod of this role, where its object has no template. */
function specOfRole({ name }: Role, pods: readonly PodRow[]): PodSpecRecord | undefined {
  const same = pods.find((pod) => groupOf(pod).role.toLowerCase() === name);
  return (same ?? (name === '' ? pods[0] : undefined))?.spec;
}

export const gpusOf = ({ template }: Role): number =>
  template === undefined ? 0 : acceleratorsIn(template.requests).reduce((sum, [, units]) => sum + units, 0);

export const priorityOf = (roles: readonly Role[]): number | undefined =>
  roles.find(({ template }) => template !== undefined)?.template?.priority;

export function wantedOf(
  roles: readonly Role[],
  kueue: KueueWorkloadRow | undefined,
  podGroup: PodGroupRow | undefined,
  pods: readonly PodRow[],
): number | undefined {
  if (roles.length > 0 && roles.every(({ count }) => count !== undefined))
    return roles.reduce((sum, { count }) => sum + (count ?? 0), 0);
  if (kueue !== undefined && kueue.podSets.length > 0)
    return kueue.podSets.reduce((sum, { count }) => sum + (count ?? 0), 0);
  const total = Number(pods[0]?.annotations['kueue.x-k8s.io/pod-group-total-count']);
  if (Number.isInteger(total) && total > 0) return total;
  const live = pods.filter(({ phase }) => phase !== 'Succeeded' && phase !== 'Failed').length;
  if (podGroup?.minMember !== undefined) return Math.max(podGroup.minMember, live);
  return live === 0 ? undefined : live;
}

/** What one more of its pods asks for: of those without a template, as the others do. */
export function eachOf(roles: readonly Role[], pods: readonly PodRow[]): Units {
  const template = roles.toReversed().find((role) => role.template !== undefined)?.template;
  const spec = template ?? pods.find(({ phase }) => phase === 'Pending')?.spec ?? pods[0]?.spec;
  return spec === undefined ? {} : Object.fromEntries(acceleratorsIn(spec.requests));
}

/** Demand that no pod stands for: of what it wants, less what its pods hold and ask for. */
export function missingUnits(
  wanted: Units | undefined,
  pods: PodsSummary,
  object: WorkloadObjectRow | undefined,
): Units {
  if (wanted === undefined || object?.phase === 'done' || object?.phase === 'failed') return {};
  const missing: Record<string, number> = {};
  for (const [name, units] of Object.entries(wanted)) {
    const left = units - (pods.held[name] ?? 0) - (pods.asked[name] ?? 0);
    if (left > 0) missing[name] = left;
  }
  return missing;
}
