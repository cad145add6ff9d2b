import type { Connection } from './contract.ts';
import type { Memory, Scope } from './reflector-scope.ts';

/** The reflectors of one connection: what befalls one of them most often befalls all. */
interface Company {
  /** Those whose watch is open. */
  readonly live: Set<Memory>;
  /** Who asks for all of them while they wait. */
  scout: Memory | undefined;
}

const companies = new WeakMap<Connection, Company>();

function companyOf(connection: Connection): Company {
  const known = companies.get(connection);
  if (known !== undefined) return known;
  const company: Company = { live: new Set(), scout: undefined };
  companies.set(connection, company);
  return company;
}

/** Its watch is open: it waits for nothing. */
export function joinLive({ connection }: Scope, memory: Memory): void {
  const company = companyOf(connection);
  company.live.add(memory);
  if (company.scout === memory) company.scout = undefined;
}

export function leaveLive({ connection }: Scope, memory: Memory): void {
  companyOf(connection).live.delete(memory);
}

export function leaveCompany(scope: Scope, memory: Memory): void {
  leaveLive(scope, memory);
  const company = companyOf(scope.connection);
  if (company.scout === memory) company.scout = undefined;
}

/** Whether nothing at all comes from this server. */
export const isAlone = ({ connection }: Scope): boolean => companyOf(connection).live.size === 0;

/**
 * How long this one waits of `waitMs`. Backing off, each by itself, thirty streams would be back half a minute after the
 * server: so one of them asks every few seconds, and what it is served wakes the others. Where others are live the trouble
 * is this stream's own, and it backs off like any client once it has lasted.
 */
export function scoutedWait(scope: Scope, memory: Memory, waitMs: number): number {
  const { connection, timing } = scope;
  const company = companyOf(connection);
  if (company.scout !== undefined && company.scout !== memory) return waitMs;
  const lastedMs = timing.now() - (memory.troubledMs ?? timing.now());
  if (!isAlone(scope) && lastedMs >= timing.healthyMs) {
    company.scout = undefined;
    return waitMs;
  }
  company.scout = memory;
  return Math.min(waitMs, timing.scoutEveryMs * (0.5 + timing.random() / 2));
}
