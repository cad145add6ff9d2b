import type { RawTerminal } from '../kube/exec.ts';
import type { ClusterAccess } from '../kube/write-gate.ts';
import type { Row } from '../resources/resource.ts';
import { disarm, watchArming } from '../state/arming.ts';
import {
  type AuditRow,
  auditTrail,
  commandHistory,
  type HistoryRow,
  portForwards,
} from '../state/held-tables.ts';
import type { SessionStore } from '../state/session.ts';
import { createForwards } from './forwards.ts';
import type { Hands } from './hands.ts';
import { createJournal, type Journal } from './journal.ts';

interface Input {
  readonly setRawMode?: (isRaw: boolean) => unknown;
  readonly on: (event: 'data', listener: (chunk: Buffer) => void) => unknown;
  readonly off: (event: 'data', listener: (chunk: Buffer) => void) => unknown;
  readonly resume: () => unknown;
  readonly pause: () => unknown;
}

interface Output {
  readonly columns?: number;
  readonly rows?: number;
  readonly write: (bytes: Uint8Array, done: () => void) => unknown;
  readonly on: (event: 'resize', listener: () => void) => unknown;
  readonly off: (event: 'resize', listener: () => void) => unknown;
}

export interface HandsParts {
  readonly session: SessionStore;
  readonly access: () => ClusterAccess | undefined;
  readonly lend: Hands['lend'];
  readonly stdin: Input;
  readonly stdout: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Something that a table shows has changed. */
  readonly refresh: () => void;
  readonly now: () => number;
}

export interface HandsOfScreen {
  readonly hands: Hands;
  /** Rows of the tables that live here: port-forwards, history, audit. */
  readonly rows: (table: string) => readonly Row[];
  /** Forwards of a cluster that is left. */
  readonly leaveCluster: () => void;
  readonly close: () => void;
}

/** `MLTOP_READONLY=1`: for shared machines whose owner does not want changes from there. */
export const writeLockOf = (env: HandsParts['env']): string | undefined =>
  ['', '0', 'false', undefined].includes(env['MLTOP_READONLY'])
    ? undefined
    : 'Read-only: MLTOP_READONLY is set in this environment.';

/** What the live screen's actions hold in their hands. */
export function createHands(parts: HandsParts): HandsOfScreen {
  const { session, refresh, now, env } = parts;
  const audits = auditRows(env, refresh);
  const journal = createJournal(env, () => {
    audits.forget();
    refresh();
  });
  const forwards = createForwards(refresh, now);
  const stopArming = watchArming(session, now);
  const stopNoting = noteViews(session, journal, now);
  // Stopped and continued: who types now may not be who armed.
  const onContinue = (): void => session.setState(disarm(session.getState()));
  process.on('SIGCONT', onContinue);
  return {
    hands: {
      access: parts.access,
      lend: parts.lend,
      raw: (work) => parts.lend(() => rawly(parts, work)),
      journal,
      forwards,
      env,
      clock: now,
    },
    rows(table) {
      if (table === portForwards.name) return forwards.rows();
      if (table === commandHistory.name) return historyRows(journal);
      return table === auditTrail.name ? audits.rows() : [];
    },
    leaveCluster: forwards.closeAll,
    close() {
      stopArming();
      stopNoting();
      process.off('SIGCONT', onContinue);
      forwards.closeAll();
    },
  };
}

/** The lent terminal in raw mode, for as long as the work takes. */
async function rawly<T>(
  { stdin, stdout }: HandsParts,
  work: (terminal: RawTerminal) => Promise<T>,
): Promise<T> {
  const stops = new Set<() => void>();
  const listen = (start: () => void, stop: () => void): (() => void) => {
    start();
    stops.add(stop);
    return () => {
      stop();
      stops.delete(stop);
    };
  };
  stdin.setRawMode?.(true);
  stdin.resume();
  try {
    return await work({
      onInput(listener) {
        return listen(
          () => stdin.on('data', listener),
          () => stdin.off('data', listener),
        );
      },
      onResize(listener) {
        const tell = (): void => listener(stdout.columns ?? 80, stdout.rows ?? 24);
        return listen(
          () => stdout.on('resize', tell),
          () => stdout.off('resize', tell),
        );
      },
      size: () => ({ columns: stdout.columns ?? 80, rows: stdout.rows ?? 24 }),
      write: (bytes) => new Promise((resolve) => stdout.write(bytes, () => resolve())),
    });
  } finally {
    for (const stop of stops) stop();
    stdin.pause();
    stdin.setRawMode?.(false);
  }
}

const historyRows = (journal: Journal): readonly HistoryRow[] =>
  journal.entries().map(({ id, atMs, what, kubectl, result, isBad }) => ({
    uid: `history-${id}`,
    namespace: '',
    name: what,
    createdAt: atMs,
    version: '',
    kubectl,
    result,
    isBad,
  }));

/** The audit file as rows: read when it is looked at, and again after it has grown. */
function auditRows(
  env: HandsParts['env'],
  refresh: () => void,
): { readonly rows: () => readonly AuditRow[]; readonly forget: () => void } {
  const reader = createJournal(env);
  let rows: readonly AuditRow[] = [];
  let state: 'unread' | 'reading' | 'read' = 'unread';
  async function read(): Promise<void> {
    state = 'reading';
    const entries = await reader.audited().catch(() => []);
    rows = entries.map((entry, at): AuditRow => {
      const where = entry.namespace === '' ? '' : `${entry.namespace}/`;
      return {
        uid: `audit-${entry.ts}-${entries.length - at}`,
        namespace: '',
        name: entry.name,
        createdAt: Date.parse(entry.ts),
        version: '',
        action: entry.action,
        object: `${entry.resource} ${where}${entry.name}`,
        context: entry.context,
        identity: entry.identity,
        outcome: entry.outcome,
        kubectl: entry.kubectl,
      };
    });
    state = 'read';
    refresh();
  }
  return {
    rows() {
      if (state === 'unread') void read();
      return rows;
    },
    forget() {
      if (state === 'read') state = 'unread';
    },
  };
}

/** `:history` says which views were opened, too. */
function noteViews(session: SessionStore, journal: Journal, now: () => number): () => void {
  return session.subscribe((state, before) => {
    const place = state.history[state.place];
    if (place === undefined || place === before.history[before.place]) return;
    const parts = [place.table, place.crumb, place.filter === '' ? undefined : `/${place.filter}`];
    journal.note({
      atMs: now(),
      what: `view ${parts.filter((part) => part !== undefined).join(' ')}`,
      kubectl: '',
      result: '',
      isBad: false,
    });
  });
}
