import type { Services } from '../actions/action.ts';
import { saveFile } from '../actions/save.ts';
import { type ClipboardMethod, copyText } from '../ui/clipboard.ts';
import { hasJobControl, type Terminal } from '../ui/terminal.ts';
import { themeNames } from '../ui/theme.ts';
import { version } from '../version.ts';
import type { ClusterLink } from './cluster-link.ts';

const clipboardWords: Readonly<Record<ClipboardMethod, string>> = {
  native: 'copied',
  tmux: 'copied through tmux',
  osc52: 'sent to the terminal clipboard (unverified)',
  off: 'not copied: MLTOP_CLIPBOARD=off',
};

export interface ServicesParts extends Pick<Services, 'hands' | 'trueState'> {
  readonly link: ClusterLink;
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  /** Draws in the theme of that name from now on. */
  readonly showTheme: (name: string) => void;
  readonly survived: (error: unknown) => void;
}

/** What actions ask of the program around the screen. */
export const createServices = ({
  link,
  terminal,
  env,
  showTheme,
  survived,
  ...parts
}: ServicesParts): Services => ({
  ...parts,
  examination: link.examination,
  version,
  copy: async (text) =>
    clipboardWords[
      await copyText(text, { env, platform: process.platform, control: terminal.output.control })
    ],
  save: (name, text) => saveFile(name, text, env),
  retryNow: link.retryNow,
  switchContext: link.switchContext,
  setTheme(name) {
    if (!themeNames.includes(name)) return `No theme "${name}"; there are ${themeNames.join(', ')}.`;
    showTheme(name);
    return undefined;
  },
  suspend() {
    if (!hasJobControl())
      return 'No shell started mltop that could continue it (fg): it would stand still for good.';
    terminal.suspendProcess().catch(survived);
    return undefined;
  },
});
