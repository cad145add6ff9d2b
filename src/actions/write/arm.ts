import { arm, disarm, isArmed, isProduction } from '../../state/arming.ts';
import { answerOf, type ConfirmDialog, closeDialog, openDialog } from '../../state/dialog.ts';
import { type Action, say, step } from '../action.ts';

/** W: again takes it back. */
export const armAction: Action = {
  id: 'arm',
  keys: ['W'],
  title: 'arm writing for five minutes, or take it back',
  group: 'general',
  risk: 'read',
  places: ['everywhere'],
  whyNot: ({ session }) => session.getState().writeLock,
  async run(context) {
    const { session, now } = context;
    const state = session.getState();
    if (isArmed(state, now)) {
      step(context, disarm);
      return say(context, 'Read-only again.', 'good');
    }
    if (state.connection.state !== 'connected')
      return say(context, 'There is no connection to a cluster.', 'warn');
    const isProd = isProduction(state);
    const id = openDialog<ConfirmDialog>(
      session,
      {
        kind: 'confirm',
        title: `Arm writing${isProd ? ' in PROD' : ''}`,
        danger: isProd,
        body: [
          { label: 'context', text: state.context, tone: 'strong' },
          { label: 'server', text: state.connection.url },
          { label: 'user', text: state.connection.user },
          {
            text: 'For five minutes, or until the context or the namespaces change, keys that change something work. Each still asks first.',
          },
          ...(isProd && !state.startedWithWrite
            ? [{ text: 'What destroys something stays off here without --write.', tone: 'warn' as const }]
            : []),
        ],
        kubectl: undefined,
        check: { state: 'none', text: '' },
        typing: undefined,
        verb: 'Arm',
        focus: 0,
        switches: [],
        progress: undefined,
        stoppable: false,
      },
      now,
    );
    if (id === undefined) return;
    const answered = await answerOf<ConfirmDialog>(session, id);
    closeDialog(session, id);
    if (answered?.answer !== 'go') return;
    // Time has passed since the key, and what the dialog named must still be what is shown.
    const armedAtMs = context.services.hands?.clock() ?? now;
    if (session.getState().context !== state.context)
      return say(context, 'Another context is shown now: not armed.', 'warn');
    step(context, arm(armedAtMs));
    say({ session, now: armedAtMs }, 'Armed for five minutes; W takes it back.', 'warn');
  },
};
