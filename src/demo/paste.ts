/**
 * What people paste is not what kubectl printed: prompts and Markdown fences around it, several commands behind each
 * other, quotes, cuts, tabs. Everything here keeps line numbers, so that an error names the line of the file.
 */

/** A stretch of text that is one document, and the line of the file where it begins (from 1). */
export interface Stretch {
  readonly line: number;
  readonly text: string;
}

/** `$ kubectl get pod x -o yaml`, `root@cp:~# oc get …`; not a line of a script inside YAML, which is indented. */
const prompt =
  /^(?:[^\s:'"{[-][^'"{[]{0,60}?[$#%>❯➜»]\s+|[$#%>❯➜»]\s*)?(?:sudo\s+)?(?:kubectl|oc|k|microk8s|k3s|minikube)\s+(?:\S+\s+)*(?:get|describe|logs|edit|apply|create)\b/;
const fence = /^(?:```|~~~)\s*[\w+-]*\s*$/;
/** A cut that somebody made: `...`, `[…]`, `<snip>`, `--snip--`. */
const cut =
  /^\s*(?:-\s+)?(?:\.{3,}|…|\[(?:\.{3}|…)\]|<\W*(?:snip|cut|omitted|redacted|truncated)[^>]*>|-+\s*(?:snip|cut)\s*-+)\s*$/i;
const colours = /\u001b\[[\d;]*m/g;

function unquoted(lines: readonly string[]): readonly string[] {
  const full = lines.filter((line) => line.trim() !== '');
  if (full.length > 1 && full.every((line) => line.startsWith('>')))
    return lines.map((line) => line.replace(/^> ?/, ''));
  const margin = Math.min(...full.map((line) => /^ */.exec(line)?.[0].length ?? 0));
  return Number.isFinite(margin) && margin > 0 ? lines.map((line) => line.slice(margin)) : lines;
}

/** The documents in a pasted text, without what is not theirs. */
export function stretches(body: string): readonly Stretch[] {
  const lines = unquoted(
    body
      .replace(/^\uFEFF/, '')
      .replaceAll('\u00a0', ' ')
      .replace(colours, '')
      .split(/\r?\n/),
  );
  const found: Stretch[] = [];
  let [start, held] = [1, [] as string[]];
  let versions = 0;
  const close = (next: number): void => {
    if (held.some((line) => line.trim() !== '' && !line.trimStart().startsWith('#')))
      found.push({ line: start, text: `${held.join('\n')}\n` });
    [start, held, versions] = [next, [], 0];
  };
  for (const [index, line] of lines.entries()) {
    const number = index + 1;
    if (line.startsWith('---') && /^---(?:\s|$)/.test(line)) {
      close(number);
      held.push(line.slice(3));
    } else if (fence.test(line) || prompt.test(line)) {
      close(number + 1);
    } else if (cut.test(line)) held.push('');
    else {
      // The answers of two commands, one behind the other.
      if (/^apiVersion:/.test(line) && ++versions > 1) {
        close(number);
        versions = 1;
      }
      if (line.startsWith('{') && held.findLast((before) => before.trim() !== '') === '}') close(number);
      held.push(line);
    }
  }
  close(lines.length + 1);
  return found;
}

/** Tabs that indent, as two spaces each: YAML allows none there. */
export const withoutTabs = (text: string): string =>
  text.replace(/^[\t ]*\t[\t ]*/gm, (indent) => indent.replaceAll('\t', '  '));
