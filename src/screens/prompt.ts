import type { ActionContext, Services, Tables } from '../actions/action.ts';
import { type Command, parseCommand, type Suggestion, suggestions } from '../actions/commands.ts';
import { actionNamed, perform } from '../actions/index.ts';
import { wordOf } from '../resources/index.ts';
import { namespaces as namespaceKind } from '../resources/namespaces.ts';
import { anyResource, type Row, type Table } from '../resources/resource.ts';
import type { Cluster } from '../state/cluster.ts';
import {
  goTo,
  notify,
  type Prompt,
  remember,
  type SessionStore,
  setFilter,
  shownTable,
  type Transition,
  tableView,
} from '../state/session.ts';
import { menuOverlay } from '../ui/dialog.ts';
import type { Overlay } from '../ui/Frame.tsx';
import type { Key } from '../ui/keys.ts';
import { editPrompt, promptSpans } from '../ui/prompt.ts';
import type { Span, Spans, Theme } from '../ui/theme.ts';

/** The palette is an aid; more of it would cover what it is about. */
const paletteAtMost = 14;
const paletteAtLeast = 6;

export interface PromptParts {
  readonly session: SessionStore;
  readonly cluster: Cluster;
  readonly tables: Tables;
  readonly table: (name: string) => Table<Row>;
  readonly services: Services;
  readonly themes: readonly string[];
  readonly contexts: () => readonly Row[];
  readonly context: () => ActionContext;
  readonly now: () => number;
}

interface PromptLook {
  readonly line: Spans;
  readonly overlay: Overlay | undefined;
}

interface PromptSize {
  readonly theme: Theme;
  readonly columns: number;
  /** Lines that the palette may cover. */
  readonly room: number;
}

/** The line that is typed into: `:` and `/`. */
export interface PromptDesk {
  readonly press: (prompt: Prompt, key: Key) => void;
  /** `note`: what stands at the right end of a filter. */
  readonly look: (prompt: Prompt, size: PromptSize, note: Span) => PromptLook;
}

export function createPromptDesk(parts: PromptParts): PromptDesk {
  const { session, cluster, tables, services } = parts;

  const step = (transition: Transition): void => session.setState(transition(session.getState()));
  const warn = (text: string): void => step(notify(text, 'warn', parts.now()));

  function suggested(prompt: Prompt): readonly Suggestion[] {
    const known = [...cluster.rowsOf(anyResource(namespaceKind))].map((row) => row.name).sort();
    return suggestions(prompt.line.text, {
      tables,
      namespaces: known.length > 0 ? known : session.getState().favourites,
      contexts: parts.contexts().map((row) => row.name),
      themes: parts.themes,
      history: session.getState().commands,
    });
  }

  /** ↑ and ↓ walk through the suggestions; where nothing was typed, ↑ goes back through what was run before. */
  function picks(prompt: Prompt, key: Key): boolean {
    if (key.ctrl || key.meta || (key.name !== 'up' && key.name !== 'down')) return false;
    const { line, picked } = prompt;
    const recalls = line.back > 0 || (line.text === '' && picked === undefined && key.name === 'up');
    if (recalls && session.getState().commands.length > 0) return false;
    const { length } = suggested(prompt);
    if (length === 0) return true;
    const by = key.name === 'down' ? 1 : -1;
    const from = prompt.picked ?? (by > 0 ? -1 : length);
    session.setState({ prompt: { ...prompt, picked: (from + by + length) % length } });
    return true;
  }

  function run(text: string): void {
    const command = parseCommand(text, tables);
    if (command.kind !== 'nothing' && command.kind !== 'wrong') step(remember('commands', text.trim()));
    obey(command);
  }

  /** A slip of the finger must not cost the connection that one has. */
  function switchContext(name: string): boolean {
    const known = parts.contexts().map((row) => row.name);
    if (known.length > 0 && !known.includes(name)) {
      warn(`The kubeconfig has no context "${name}"; there are ${known.join(', ')}.`);
      return false;
    }
    services.switchContext(name);
    return true;
  }

  function obey(command: Command): void {
    switch (command.kind) {
      case 'nothing':
        break;
      case 'quit':
        session.setState({ exit: 0 });
        break;
      case 'wrong':
        warn(command.why);
        break;
      case 'action': {
        const action = actionNamed(command.id);
        if (action !== undefined) perform(action, parts.context());
        break;
      }
      case 'theme': {
        const wrong = services.setTheme(command.name);
        if (wrong !== undefined) warn(wrong);
        break;
      }
      case 'context':
        switchContext(command.name);
        break;
      case 'namespace': {
        const { table } = shownTable(session.getState());
        step(goTo(tableView(parts.table(table).namespaced ? table : 'pods'), command.namespaces));
        break;
      }
      case 'open':
        if (command.context !== undefined && !switchContext(command.context)) break;
        step(goTo(tableView(wordOf(command.table), { filter: command.filter }), command.namespaces));
        break;
    }
  }

  function pressFilter(prompt: Prompt, key: Key): void {
    const { state: line, event } = editPrompt(prompt.line, key, { history: session.getState().filters });
    if (event === 'submit') {
      session.setState({ prompt: undefined });
      if (line.text.trim() !== '') step(remember('filters', line.text));
    } else if (event === 'cancel') {
      session.setState({ prompt: undefined });
      step(setFilter(prompt.former));
    } else {
      session.setState({ prompt: { ...prompt, line } });
      if (line.text !== prompt.line.text) step(setFilter(line.text));
    }
  }

  function pressCommand(prompt: Prompt, key: Key): void {
    if (picks(prompt, key)) return;
    const suggestion = suggested(prompt)[prompt.picked ?? 0]?.text;
    const { state: line, event } = editPrompt(prompt.line, key, {
      suggestion,
      history: session.getState().commands,
    });
    if (event === 'submit' || event === 'cancel') session.setState({ prompt: undefined });
    else session.setState({ prompt: { ...prompt, line, picked: undefined } });
    if (event === 'submit')
      run(prompt.picked === undefined ? prompt.line.text : (suggestion ?? prompt.line.text));
  }

  function palette(
    prompt: Prompt,
    found: readonly Suggestion[],
    { theme, columns, room }: PromptSize,
  ): Overlay | undefined {
    if (found.length === 0 || room < paletteAtLeast) return undefined;
    return menuOverlay(
      theme,
      {
        title: [{ text: `: ${prompt.line.text}`, role: 'title' }],
        items: found,
        selected: prompt.picked ?? -1,
        footer: [{ text: 'enter run  tab complete  up/down pick  esc close', role: 'dim' }],
      },
      columns,
      Math.min(room, paletteAtMost),
    );
  }

  return {
    press: (prompt, key) => (prompt.mode === 'filter' ? pressFilter(prompt, key) : pressCommand(prompt, key)),
    look(prompt, size, note) {
      if (prompt.mode === 'filter') {
        return { line: promptSpans(prompt.line, size.columns, { label: '/', note }), overlay: undefined };
      }
      const found = suggested(prompt);
      const suggestion = found[prompt.picked ?? 0]?.text;
      return {
        line: promptSpans(prompt.line, size.columns, { label: ':', suggestion }),
        overlay: palette(prompt, found, size),
      };
    },
  };
}
