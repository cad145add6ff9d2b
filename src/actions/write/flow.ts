import type { Connection } from '../../kube/contract.ts';
import { KubeError } from '../../kube/kube-error.ts';
import type { KubeObject } from '../../kube/object.ts';
import { mayI, type Right } from '../../kube/rights.ts';
import type { ClusterAccess, Permit } from '../../kube/write-gate.ts';
import { sanitizeLine } from '../../resources/sanitize.ts';
import { isProduction, permitOf } from '../../state/arming.ts';
import {
  answerOf,
  type ConfirmDialog,
  changeDialog,
  closeDialog,
  type DialogCheck,
  type DialogLine,
  openDialog,
} from '../../state/dialog.ts';
import { notifyUndo, type Session } from '../../state/session.ts';
import { say, step } from '../action.ts';
import { tell } from '../ask.ts';
import { kubectlLine } from '../kubectl.ts';
import {
  type Operation,
  type Outcome,
  type Plan,
  pathOfObject,
  type Running,
  refusalText,
  type WriteContext,
  wishOf,
} from './plan.ts';

/** Dry-runs at a time: a drain has hundreds, and they are not worth the server's whole share for this user. */
const dryRunsAtOnce = 8;

/** Objects beyond which a slip is no longer small. */
export const manyObjects = 5;

/** Copies the kubectl line, in every dialog that has one. */
const copyKey = 'K';

interface Checked {
  readonly check: DialogCheck;
  readonly lines: readonly DialogLine[];
  /** What the objects were when the person was asked, by UID: only for what cannot be undone. */
  readonly baselines: ReadonlyMap<string, KubeObject>;
  readonly dryRun: string;
}

/** What was read off the server about an operation's object before it is destroyed. */
interface Pinned {
  readonly baselines: ReadonlyMap<string, KubeObject>;
  readonly dryRun: string;
}

/**
 * The one way from a plan to the cluster: a dialog with Cancel focused, rights and a server dry-run first, a typed name
 * where much is at stake, then the requests, each in the audit file. Never rejects: what goes wrong is said.
 */
export async function carryOut(context: WriteContext, first: Plan): Promise<void> {
  const { session, hands } = context;
  const access = hands.access();
  if (access === undefined) return say(context, 'There is no connection to a cluster.', 'warn');
  const permit = permitOf(session, hands.clock);
  if (!permit.isValid()) return say(context, 'Read-only: press W to arm writing for five minutes.', 'warn');
  const state = session.getState();
  const refusal = refusedInProduction(state, first);
  if (refusal !== undefined) return say(context, refusal, 'warn');
  const id = openDialog<ConfirmDialog>(session, dialogOf(state, first), hands.clock());
  if (id === undefined) return say(context, 'One thing at a time: answer the open dialog first.', 'warn');
  let plan = first;
  for (;;) {
    const asking = new AbortController();
    let checked: Checked | undefined;
    const look = async (): Promise<void> => {
      const result = await check(access, permit, plan, asking.signal);
      if (asking.signal.aborted) return;
      checked = result;
      changeDialog<ConfirmDialog>(session, id, ({ body }) => ({
        check: result.check,
        body: [...body, ...result.lines],
      }));
    };
    void look();
    const answer = await decision(context, id, lineOf(state, plan));
    if (answer === 'go' && checked !== undefined && checked.check.state !== 'failed') {
      await send(context, { access, permit, plan, id, checked });
      return;
    }
    asking.abort();
    const next =
      typeof answer === 'object' ? plan.switches?.find(({ key }) => key === answer.switch) : undefined;
    if (next === undefined) {
      closeDialog(session, id);
      hands.journal.note({
        atMs: hands.clock(),
        what: plan.title,
        kubectl: lineOf(state, plan),
        result: 'cancelled',
        isBad: false,
      });
      // Who typed half a name and pressed Enter may think that it was done.
      say({ session, now: hands.clock() }, `${plan.title}: cancelled, nothing was sent.`, 'dim');
      return;
    }
    plan = next.next();
    const again = dialogOf(state, plan);
    changeDialog<ConfirmDialog>(session, id, ({ typing }) => ({
      ...again,
      typing:
        again.typing === undefined || typing === undefined
          ? again.typing
          : { ...again.typing, line: typing.line },
    }));
  }
}

/** What the person decides; copying the kubectl line is not a decision. */
async function decision(
  { session, hands, services }: WriteContext,
  id: number,
  line: string,
): Promise<ConfirmDialog['answer']> {
  for (;;) {
    const answered = await answerOf<ConfirmDialog>(session, id);
    const answer = answered?.answer;
    if (typeof answer !== 'object' || answer.switch !== copyKey) return answer;
    const asking = { session, now: hands.clock() };
    await services.copy(line).then(
      (how) => say(asking, `kubectl line ${how}`, 'good'),
      (error: unknown) => say(asking, wordsOf(error), 'bad'),
    );
  }
}

/** What cannot be undone is not for a cluster that people depend on, unless this run was started to write. */
function refusedInProduction(state: Session, plan: Plan): string | undefined {
  return plan.risk === 'destructive' && isProduction(state) && !state.startedWithWrite
    ? `${plan.verb} destroys something, and this is PROD: start mltop with --write for that.`
    : undefined;
}

const lineOf = (state: Session, plan: Plan): string =>
  plan.kubectl === undefined ? '' : kubectlLine(state, plan.kubectl);

function dialogOf(state: Session, plan: Plan): Omit<ConfirmDialog, 'id' | 'openedAtMs'> {
  const isProd = isProduction(state);
  const mustType = plan.risk === 'destructive' || (plan.risk === 'disruptive' && isProd);
  const where = isProd ? ` in PROD  ${state.context}` : `  ${state.context}`;
  return {
    kind: 'confirm',
    title: `${plan.title}${where}`,
    danger: isProd || plan.risk === 'destructive',
    body: [{ text: plan.names.join(', '), tone: 'strong' }, ...plan.impact],
    kubectl: plan.kubectl === undefined ? undefined : kubectlLine(state, plan.kubectl),
    check: { state: 'running', text: 'asking the server' },
    typing: mustType
      ? {
          ask: `type the ${plan.toType.what} to confirm:`,
          expected: plan.toType.text,
          line: { text: '', cursor: 0, back: 0, draft: '' },
        }
      : undefined,
    verb: plan.verb,
    focus: 0,
    switches: [
      ...(plan.switches ?? []).map(({ key, text }) => ({ key, text })),
      ...(plan.kubectl === undefined ? [] : [{ key: copyKey, text: 'copy command' }]),
    ],
    progress: undefined,
    stoppable: plan.stoppable ?? false,
  };
}

async function check(
  access: ClusterAccess,
  permit: Permit,
  plan: Plan,
  signal: AbortSignal,
): Promise<Checked> {
  const none = { lines: [], baselines: new Map<string, KubeObject>() };
  const failed = (text: string): Checked => ({ ...none, check: { state: 'failed', text }, dryRun: text });
  try {
    const missing = await missingRight(access.read, plan);
    if (missing !== undefined) return failed(missing);
    const write = access.write(permit);
    const started = performance.now();
    const lines = plan.rehearse === undefined ? [] : await plan.rehearse(write, signal);
    const unsupported =
      plan.rehearse === undefined && plan.noDryRun === undefined
        ? await dryRuns(write, plan, signal)
        : undefined;
    const baselines = await baselinesOf(access.read, plan);
    const tookMs = Math.round(performance.now() - started);
    if (plan.noDryRun !== undefined)
      return {
        lines,
        baselines,
        check: { state: 'none', text: `rights: ok; ${plan.noDryRun}` },
        dryRun: 'none',
      };
    if (unsupported !== undefined)
      return {
        lines,
        baselines,
        check: { state: 'none', text: `dry-run unsupported: ${unsupported}` },
        dryRun: 'unsupported',
      };
    return {
      lines,
      baselines,
      check: { state: 'passed', text: `dry-run=server: ok (admission passed, ${tookMs} ms)` },
      dryRun: 'passed',
    };
  } catch (error) {
    return failed(wordsOf(error));
  }
}

async function missingRight(read: Connection, plan: Plan): Promise<string | undefined> {
  const wishes = new Map(
    plan.operations.map((operation) => [JSON.stringify(wishOf(operation)), wishOf(operation)]),
  );
  const asked = [...wishes.values()].map(async (wish) => {
    const right = await mayI(read, wish);
    return right.allowed === 'no'
      ? `${refusalText(wish)}${right.reason === undefined ? '' : ` (${right.reason})`}`
      : undefined;
  });
  const more = (plan.rights?.(read) ?? []).map(async (right: Promise<Right>) => {
    const { allowed, reason } = await right;
    return allowed === 'no' ? (reason ?? 'You may not do this.') : undefined;
  });
  return (await Promise.all([...asked, ...more])).find((text) => text !== undefined);
}

/** Gives what does not support it, where something does not: then nobody knows, which is not a refusal. */
async function dryRuns(
  write: Connection,
  { operations }: Plan,
  signal: AbortSignal,
): Promise<string | undefined> {
  let unsupported: string | undefined;
  for (let at = 0; at < operations.length; at += dryRunsAtOnce) {
    await Promise.all(
      operations.slice(at, at + dryRunsAtOnce).map(async (operation) => {
        try {
          await write.request({ ...operation.request({ dryRun: true, version: undefined }), signal });
        } catch (error) {
          if (!(error instanceof KubeError) || !/does not support dry.?run/i.test(error.message))
            throw named(error, operation);
          unsupported = error.message;
        }
      }),
    );
  }
  return unsupported;
}

const named = (error: unknown, { at }: Operation): unknown =>
  error instanceof KubeError && !error.message.includes(at.name)
    ? new KubeError(`${at.name}: ${error.message}`, { kind: error.kind, hint: error.hint, cause: error })
    : error;

async function baselinesOf(read: Connection, plan: Plan): Promise<Map<string, KubeObject>> {
  const found = new Map<string, KubeObject>();
  if (plan.risk !== 'destructive' || plan.execute !== undefined) return found;
  await Promise.all(
    plan.operations.slice(0, manyObjects).map(async ({ at }) => {
      const object = await read.json({ path: pathOfObject(at) }).catch(() => undefined);
      if (object?.metadata?.uid === at.uid) found.set(at.uid, object);
    }),
  );
  return found;
}

interface SendParts {
  readonly access: ClusterAccess;
  readonly permit: Permit;
  readonly plan: Plan;
  readonly id: number;
  readonly checked: Checked;
}

async function send(context: WriteContext, { access, permit, plan, id, checked }: SendParts): Promise<void> {
  const { session, hands } = context;
  const state = session.getState();
  const write = access.write(permit);
  const stopping = new AbortController();
  const audit = auditor(context, access, plan, checked);
  const progress = (lines: readonly DialogLine[]): void =>
    changeDialog<ConfirmDialog>(session, id, () => ({ progress: lines }));
  progress([{ text: plan.stoppable === true ? 'Starting; esc stops.' : 'Sent, waiting for the answer.' }]);
  const stopWatching = session.subscribe(({ dialog }) => {
    if (dialog?.id === id && dialog.answer === 'stop') stopping.abort();
  });
  const running: Running = {
    write,
    signal: stopping.signal,
    progress,
    closeDialog: () => closeDialog(session, id),
    forwarder: () => access.forwarder(permit),
    audit,
    async send(operation) {
      try {
        const object = await pinned(write, access.read, operation, checked);
        await audit(operation, 'done');
        return object;
      } catch (error) {
        await audit(operation, wordsOf(error));
        throw error;
      }
    },
  };
  let outcome: Outcome;
  try {
    outcome = plan.execute === undefined ? await inTurn(plan, running) : await plan.execute(running);
  } catch (error) {
    outcome = { text: `${plan.verb} failed: ${wordsOf(error)}`, isBad: true };
  }
  stopWatching();
  closeDialog(session, id);
  const undo = plan.undo === undefined || outcome.isBad ? '' : ` ${plan.undo}`;
  hands.journal.note({
    atMs: hands.clock(),
    what: plan.title,
    kubectl: lineOf(state, plan),
    result: `${outcome.text}${undo}`,
    isBad: outcome.isBad,
  });
  const asking = { session, now: hands.clock() };
  if (outcome.isBad) await tell(asking, plan.title, outcome.text);
  else if (undo === '') say(asking, outcome.text, 'good');
  else step(asking, notifyUndo(`${outcome.text}${undo}`, asking.now));
}

async function inTurn(plan: Plan, running: Running): Promise<Outcome> {
  const failures: string[] = [];
  for (const [index, operation] of plan.operations.entries()) {
    if (running.signal.aborted) {
      failures.push(`stopped before ${operation.at.name}`);
      break;
    }
    if (plan.operations.length > 1)
      running.progress([{ text: `${index} of ${plan.operations.length} done; now ${operation.at.name}` }]);
    try {
      await running.send(operation);
    } catch (error) {
      failures.push(`${operation.at.name}: ${wordsOf(error)}`);
    }
  }
  if (failures.length === 0) return { text: plan.done, isBad: false };
  const done = plan.operations.length - failures.length;
  return {
    text: `${plan.verb}: ${done} of ${plan.operations.length} done. ${failures.join('; ')}`,
    isBad: true,
  };
}

/**
 * Sends one request. What cannot be undone carries the version that the person looked at; where only its status has
 * changed since, which a running object's does every few seconds, it is sent once more with the new version.
 */
async function pinned(
  write: Connection,
  read: Connection,
  operation: Operation,
  { baselines }: Pinned,
): Promise<KubeObject> {
  const baseline = baselines.get(operation.at.uid);
  const sendWith = (version: string | undefined): Promise<KubeObject> =>
    write.json(operation.request({ dryRun: false, version }));
  try {
    return await sendWith(baseline?.metadata?.resourceVersion);
  } catch (error) {
    if (!(error instanceof KubeError) || error.kind !== 'conflict' || baseline === undefined) throw error;
    const now = await read.json({ path: pathOfObject(operation.at) });
    const isSame =
      now.metadata?.uid === operation.at.uid &&
      JSON.stringify(now['spec']) === JSON.stringify(baseline['spec']);
    if (!isSame) throw error;
    return await sendWith(now.metadata?.resourceVersion);
  }
}

/** Writes lines of the audit file. A file that cannot be written is said once; it stops nothing. */
function auditor(
  context: WriteContext,
  access: ClusterAccess,
  plan: Plan,
  { dryRun }: Checked,
): (operation: Omit<Operation, 'request'>, outcome: string) => Promise<void> {
  const { session, hands } = context;
  const state = session.getState();
  const { connection } = state;
  return async ({ at, verb }, outcome) => {
    const entry = {
      ts: new Date(hands.clock()).toISOString(),
      user: connection.state === 'connected' ? connection.user : '',
      identity: await identityOf(access.read),
      context: state.context,
      server: connection.state === 'connected' ? connection.url : '',
      action: plan.action,
      verb,
      group: at.group,
      version: at.version,
      resource: at.subresource === undefined ? at.resource : `${at.resource}/${at.subresource}`,
      namespace: at.namespace,
      name: at.name,
      uid: at.uid,
      dryRun,
      outcome,
      kubectl: lineOf(state, plan),
    };
    try {
      await hands.journal.audit(entry);
    } catch (error) {
      hands.journal.note({
        atMs: hands.clock(),
        what: 'audit file',
        kubectl: '',
        result: `${hands.journal.path} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
        isBad: true,
      });
    }
  };
}

const identities = new WeakMap<Connection, Promise<string>>();

/** Who the server takes this person for; `?` where it does not say (before 1.28, or refused). */
function identityOf(read: Connection): Promise<string> {
  const known = identities.get(read);
  if (known !== undefined) return known;
  const asked = read
    .json({
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }),
    })
    .then((answer) => {
      const status = answer['status'] as { readonly userInfo?: { readonly username?: unknown } } | undefined;
      const name = status?.userInfo?.username;
      return typeof name === 'string' ? name : '?';
    })
    .catch(() => '?');
  identities.set(read, asked);
  return asked;
}

/** What happened and what to do, in one line. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof KubeError))
    return sanitizeLine(error instanceof Error ? error.message : String(error));
  // The general hint of these says less than the server did.
  const says = error.kind === 'invalid' || error.kind === 'server-error' ? '' : ` ${error.hint}`;
  return sanitizeLine(`${error.message.replace(/([^.!?])$/, '$1.')}${says}`);
}
