import { isArmed } from '../../state/arming.ts';
import { type Action, type ActionContext, say } from '../action.ts';
import { carryOut, wordsOf } from './flow.ts';
import type { Plan, WriteContext, WriteRisk } from './plan.ts';

/** What a write action's record says; the rest is the same for all. */
export interface WriteSpec {
  readonly id: string;
  readonly keys: readonly string[];
  readonly title: string;
  readonly places: readonly string[];
  /** The least that it can be; what it is for these rows, its plan says. */
  readonly risk: WriteRisk;
  readonly hint?: Action['hint'];
  /** Beyond "writing is not armed". */
  readonly whyNot?: (context: ActionContext) => string | undefined;
  readonly kubectl?: Action['kubectl'];
  /** Undefined: the person gave up while being asked. May say why by itself. */
  readonly plan: (context: WriteContext) => Plan | undefined | Promise<Plan | undefined>;
}

/** Why nothing can be written at all now. */
export function whyNotWrite({ session, services, now }: ActionContext): string | undefined {
  const state = session.getState();
  if (state.writeLock !== undefined) return state.writeLock;
  if (services.hands?.access() === undefined) return 'There is no connection to a cluster.';
  return isArmed(state, now) ? undefined : 'Read-only: press W to arm writing for five minutes.';
}

/** A key that seems to do nothing for longer than this is pressed again. */
const slowPlanMs = 300;

/** An action that writes: read-only unless armed, and then through the one flow. */
export function writeAction(spec: WriteSpec): Action {
  return {
    id: spec.id,
    keys: spec.keys,
    title: spec.title,
    group: 'row',
    risk: spec.risk,
    places: spec.places,
    ...(spec.hint === undefined ? {} : { hint: spec.hint }),
    whyNot: (context) => spec.whyNot?.(context) ?? whyNotWrite(context),
    ...(spec.kubectl === undefined ? {} : { kubectl: spec.kubectl }),
    async run(context) {
      const { hands } = context.services;
      if (hands === undefined) return;
      const full: WriteContext = { ...context, hands };
      const later = (): Pick<ActionContext, 'session' | 'now'> => ({
        session: context.session,
        now: hands.clock(),
      });
      // A form or a menu that is open says by itself that the key was taken.
      const slow = setTimeout(() => {
        if (context.session.getState().dialog === undefined)
          say(
            later(),
            `${spec.title.split(/[:;,(]/)[0]?.trim() ?? spec.id}: asking the server what it would hit.`,
            'pending',
          );
      }, slowPlanMs);
      try {
        const plan = await spec.plan(full);
        clearTimeout(slow);
        if (plan !== undefined) await carryOut(full, plan);
      } catch (error) {
        clearTimeout(slow);
        say(later(), wordsOf(error), 'bad');
      }
    },
  };
}

export const noRow = ({ row }: ActionContext): string | undefined =>
  row === undefined ? 'There is no row here.' : undefined;
