import { describe } from '../describe/index.ts';
import { eventTexts } from '../describe/object-events.ts';
import { yamlLines } from '../describe/yaml.ts';
import type { Inspected } from '../state/inspection.ts';
import type { ObjectView } from '../state/text-views.ts';
import type { PagerLine } from '../ui/pager.ts';
import type { Theme } from '../ui/theme.ts';

/** What a view of an object says, line by line; a sentence where there is nothing to say yet. */
export function objectLines(
  view: ObjectView,
  inspected: Inspected | undefined,
  theme: Theme,
  { columns, now }: { readonly columns: number; readonly now: number },
): readonly PagerLine[] {
  const state = inspected?.state;
  if (state?.state === 'failed') {
    return ['', [{ text: ` ${state.reason}`, role: 'bad' }], [{ text: ` ${state.hint}`, role: 'dim' }]];
  }
  const object = inspected?.object;
  if (inspected === undefined || object === undefined) {
    const isGone = state?.state === 'gone';
    return [
      '',
      [
        {
          text: isGone ? ' This object has been deleted; esc goes back.' : ' Reading it.',
          role: isGone ? 'ghost' : 'pending',
        },
      ],
    ];
  }
  switch (view.kind) {
    case 'describe':
      return describe(object, inspected.related, now).trimEnd().split('\n').map(describeLine);
    case 'yaml':
      // A search looks into what is folded, too.
      return yamlLines(object, {
        managedFields: view.managedFields,
        depth: view.filter === '' ? view.depth : undefined,
      }).map(yamlLine);
    case 'object-events':
      return eventTexts(
        inspected.related.events,
        now,
        [theme.glyphs.good, theme.glyphs.dash, theme.glyphs.dot],
        columns,
      ).map((line) => line.map(({ text, tone }) => ({ text, role: tone })));
  }
}

/** `  Key:   value`; the words of a state or a condition that is wrong stand out. */
function describeLine(line: string): PagerLine {
  const event = /^( {2})(Normal|Warning)( .*)$/.exec(line);
  if (event !== null) {
    const role = event[2] === 'Warning' ? 'warn' : 'plain';
    return [{ text: event[1] ?? '' }, { text: event[2] ?? '', role }, { text: event[3] ?? '', role }];
  }
  const field = /^(\s*(?:- )?[^\s:][^:\t]{0,60}:)(\s.*)?$/.exec(line);
  if (field === null) return line;
  const [, key = '', value = ''] = field;
  return [
    { text: key, role: value.trim() === '' ? 'strong' : 'key' },
    { text: value, role: isBad(key, value.trim()) ? 'bad' : value.trim() === '<none>' ? 'dim' : 'plain' },
  ];
}

const isBad = (key: string, value: string): boolean =>
  /^(?:Reason|Status):$/.test(key.trim())
    ? /BackOff|Err|OOM|Failed|Evicted|Unknown|Invalid|Terminating/.test(value)
    : key.trim() === 'Exit Code:' && value !== '0';

function yamlLine(line: string): PagerLine {
  if (line.startsWith('#')) return [{ text: line, role: 'dim' }];
  const field = /^(\s*(?:- )*)([^\s:'"#][^:]*:|"[^"]*":|'[^']*':)(\s.*)?$/.exec(line);
  if (field === null) return line;
  const [, indent = '', key = '', value = ''] = field;
  const isFolded = /… \d+ lines$/.test(value);
  return [{ text: indent }, { text: key, role: 'key' }, { text: value, role: isFolded ? 'dim' : 'plain' }];
}
