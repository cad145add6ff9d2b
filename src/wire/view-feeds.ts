import { startDefinitions } from '../feed/definitions.ts';
import { startExamining } from '../feed/examining.ts';
import { startLogFeed } from '../feed/logs.ts';
import { startObjectFeed } from '../feed/object.ts';
import { startSurvey } from '../feed/survey.ts';
import type { Connection } from '../kube/contract.ts';
import { startReflector } from '../kube/reflector.ts';
import type { FeedParts, Feeds } from './feeds.ts';

/** What only some views need. */
export type ViewFeeds = Pick<Feeds, 'examination' | 'newRules' | 'retryNow' | 'stop'>;

export function startViewFeeds(connection: Connection, parts: FeedParts): ViewFeeds {
  const { session, cluster, tables, inspection, logs, usage, states, survey, rules, refresh } = parts;
  const judged = { connection, cluster, session, states, rules, onChange: refresh, clock: Date.now };
  const examining = startExamining({ ...judged, tableNamed: tables.named, usage });
  const surveying = startSurvey({ ...judged, survey });
  const logFeed = startLogFeed({ connection, cluster, session, logs, now: Date.now });
  const stopDefinitions = startDefinitions({
    connection,
    session,
    undefinedKind: tables.undefinedKind,
    define(kind, columns) {
      tables.define(kind, columns);
      // The feed, too, looks at what is shown when the session says that it has changed.
      session.setState(({ views }) => ({ views: [...views] }));
    },
  });
  const objectFeed = startObjectFeed({
    connection,
    startReflector,
    session,
    inspection,
    tableNamed: tables.named,
    now: Date.now,
  });
  return {
    examination: examining.of,
    newRules: examining.newRules,
    retryNow() {
      logFeed.retryNow();
      objectFeed.retryNow();
    },
    stop() {
      examining.stop();
      surveying.stop();
      logFeed.stop();
      objectFeed.stop();
      stopDefinitions();
    },
  };
}
