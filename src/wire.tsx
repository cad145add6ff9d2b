import { createHands } from './actions/create-hands.ts';
import { createErrorLog } from './actions/error-log.ts';
import { watchRulePacks } from './feed/rule-packs.ts';
import { nodes } from './resources/nodes.ts';
import { pods } from './resources/pods.ts';
import { anyResource } from './resources/resource.ts';
import { createScreen, type Screen } from './screens/screen.ts';
import { createInspection } from './state/inspection.ts';
import { createLogStore } from './state/log-store.ts';
import { notify, type SessionStore } from './state/session.ts';
import { subjectOfKind } from './state/subject.ts';
import { createTerminal } from './ui/terminal.ts';
import { themeNames } from './ui/theme.ts';
import { version } from './version.ts';
import { type ClusterLink, createLink } from './wire/cluster-link.ts';
import { createKept } from './wire/kept.ts';
import { startRounds } from './wire/rounds.ts';
import { screenFacts } from './wire/screen-facts.ts';
import { createServices } from './wire/services.ts';
import {
  askedNamespaces,
  createThemes,
  prometheusOf,
  StartError,
  sessionOf,
  type WireOptions,
} from './wire/start-options.ts';
import { showTitle } from './wire/window-title.ts';

/** Opens the live screen and gives the exit code once the person quits. */
export async function openScreen(options: WireOptions): Promise<number> {
  try {
    return await live(options);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    process.stderr.write(`mltop: ${error.message}\n`);
    return 2;
  }
}

async function live(options: WireOptions): Promise<number> {
  const { env, stdin, stdout, stderr } = process;
  let link: ClusterLink | undefined;
  const kept = createKept({
    session: () => session,
    reportOf: (row) => link?.examination(subjectOfKind(pods, row))?.report,
  });
  const { cluster, tables, trueStates, sums, workloadUse } = kept;
  const session = sessionOf(options, tables);
  const prometheus = prometheusOf(options);
  const themed = createThemes(options);
  const inspection = createInspection();
  const logs = createLogStore();
  const errors = createErrorLog(env, Date.now);
  const say = (text: string, tone: 'good' | 'bad'): void =>
    session.setState(notify(text, tone, Date.now())(session.getState()));
  const survived = (error: unknown): void => say(errors.report('the background', error), 'bad');
  const terminal = createTerminal({ stdin, stdout, stderr, env, onRejection: survived });
  terminal.start();
  try {
    // Ink takes as long to load as a terminal takes to answer.
    const [probe, { mount }, { App }] = await Promise.all([
      terminal.probe(),
      import('./ui/mount.tsx'),
      import('./screens/App.tsx'),
    ]);
    const refresh = (): void => screen.refresh();
    const opened = createLink({
      session,
      cluster,
      tables,
      inspection,
      logs,
      usage: kept.usage,
      workloads: sums.workloads,
      prometheus,
      states: trueStates,
      survey: kept.survey,
      rules: () => rules.added(),
      refresh,
      isScopeGiven: askedNamespaces(options, tables) !== undefined,
      connect: options.connect,
      forgetUse: kept.forgetUse,
      lend: terminal.lend,
      leave: () => hands.leaveCluster(),
    });
    link = opened;
    const hands = createHands({
      session,
      access: opened.access,
      lend: terminal.lend,
      stdin,
      stdout,
      env,
      refresh,
      now: Date.now,
    });
    const rounds = startRounds({ trueStates, workloadUse, refresh, survived });
    const rules = watchRulePacks({
      env,
      named: options.rules ?? [],
      version,
      onChange() {
        trueStates.setRules(rules.added());
        rounds.catchUp();
        opened.newRules();
      },
      onReload: (text) => say(text, 'good'),
      onProblem: (text) => say(text, 'bad'),
    });
    const screen: Screen = createScreen({
      session,
      cluster,
      tables,
      services: createServices({
        link: opened,
        terminal,
        env,
        trueState: trueStates.of,
        hands: hands.hands,
        showTheme: (name) => screen.setTheme(themed(probe, name)),
        survived,
      }),
      theme: themed(probe),
      themes: themeNames,
      version,
      health: opened.health,
      always: [anyResource(pods), anyResource(nodes)],
      ...screenFacts(kept, session),
      heldRows: (table) => (table === 'contexts' ? opened.contexts() : hands.rows(table)),
      seen(table, rows) {
        opened.seen(table, workloadUse.measured(table, rows));
        opened.queued(rows);
      },
      inspection,
      logs,
      isBackedUp: terminal.output.isBackedUp,
      report: errors.report,
      now: Date.now,
    });
    const mounted = mount(({ columns, rows }) => <App frame={screen.frame(columns, rows)} />, {
      terminal,
      onKey(key) {
        rounds.keyPressed();
        screen.press(key);
      },
      renderer: env['MLTOP_RENDERER'] === 'stock' ? 'stock' : 'frames',
    });
    // The screen paces itself, and asks whether the terminal is behind; what it has changed is drawn at once.
    screen.onChange(() => mounted.requestFrame('key'));
    showTitle(session, cluster, terminal.setTitle);
    opened.connect(options.connect);
    const code = await Promise.race([exitOf(session), mounted.done.then(() => 0)]);
    screen.stop();
    hands.close();
    for (const part of [sums, rules, rounds, trueStates]) part.stop();
    await mounted.unmount();
    await terminal.stop();
    await opened.close();
    return code;
  } finally {
    await terminal.stop();
  }
}

function exitOf(session: SessionStore): Promise<number> {
  return new Promise((resolve) => {
    const stop = session.subscribe(({ exit }) => {
      if (exit === undefined) return;
      stop();
      resolve(exit);
    });
  });
}
