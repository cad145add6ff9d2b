import type { Connection } from '../kube/contract.ts';
import type { Row, Table } from '../resources/resource.ts';
import type { Cluster } from '../state/cluster.ts';
import { usageEvidence } from '../state/evidence-usage.ts';
import type { Examination } from '../state/examination.ts';
import { lookedAt } from '../state/looked-at.ts';
import { createSchedulerBooks } from '../state/scheduler-books.ts';
import type { SessionStore } from '../state/session.ts';
import type { Subject } from '../state/subject.ts';
import type { TrueStates } from '../state/true-states.ts';
import type { Usage } from '../state/usage.ts';
import { createExaminer, type ExaminerOptions } from './evidence.ts';

export interface ExaminingOptions {
  readonly connection: Connection;
  readonly cluster: Cluster;
  readonly session: SessionStore;
  readonly states: TrueStates;
  readonly tableNamed: (name: string) => Table<Row> | undefined;
  readonly usage?: Usage;
  readonly rules: () => ExaminerOptions['added'];
  readonly onChange: () => void;
  readonly clock: () => number;
}

export interface Examining {
  readonly of: (subject: Subject) => Examination | undefined;
  /** The rule packs are other ones. */
  readonly newRules: () => void;
  readonly stop: () => void;
}

/** A state that time brings about is looked at no later than this. */
const lookAgainMs = 1000;

/** Follows the eyes of the person: reads the evidence of what is looked at, and judges it. */
export function startExamining(options: ExaminingOptions): Examining {
  const { connection, cluster, session, states, tableNamed, usage, rules, onChange, clock } = options;
  const books = createSchedulerBooks(cluster);
  const added = rules();
  const examiner = createExaminer({
    connection,
    cluster,
    happenings: states.happenings,
    node: states.node,
    trueState: states.of,
    books,
    onChange,
    clock,
    ...(usage === undefined ? {} : { usage: (row, now) => usageEvidence(usage, row, now) }),
    ...(added === undefined ? {} : { added }),
  });

  function look(): void {
    const found = lookedAt(session.getState(), {
      cluster,
      trueState: states.of,
      tableNamed,
      now: clock(),
    });
    examiner.look(found?.subject, found?.depth ?? 'row');
  }

  const stopSession = session.subscribe((now, before) => {
    if (now.views !== before.views) look();
  });
  const again = setInterval(look, lookAgainMs);
  again.unref();
  look();
  return {
    of: examiner.of,
    newRules: () => examiner.setRules(rules()),
    stop() {
      stopSession();
      clearInterval(again);
      examiner.stop();
      books.stop();
    },
  };
}
