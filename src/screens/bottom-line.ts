import { kubectlLine } from '../actions/kubectl.ts';
import type { Link } from '../state/link.ts';
import { type Session, shownNotice } from '../state/session.ts';
import type { Spans } from '../ui/theme.ts';
import { inText } from './body-message.ts';

/** The line above the hints, where nothing is typed: what was said, else what only a person can mend. */
export function bottomLine(session: Session, link: Link | undefined, now: number): Spans | undefined {
  const notice = shownNotice(session, now);
  if (notice !== undefined) return [{ text: ' ' }, { text: notice.text, role: notice.tone }];
  if (link?.state !== 'reconnecting' || link.login === undefined) return undefined;
  const next = `(next try ${inText(link.retryAtMs, now)})`;
  const told =
    link.login === 'refused'
      ? `then <ctrl-r> ${next}; ${kubectlLine(session, ['auth', 'whoami'])} tells whether it worked`
      : `<ctrl-r> tries it again ${next}; ${link.hint ?? link.reason}`;
  return [
    { text: link.login === 'refused' ? ' 401: log in again, ' : ' Login failed: ', role: 'bad' },
    { text: told },
  ];
}
