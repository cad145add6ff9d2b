/**
 * Terminal input as keys. Ink hands a burst over as one event (`"jjjj"`, `"a\r"`), cannot tell F1 from F5 and lets
 * replies of the terminal through as typed text, so mltop reads stdin itself (`terminal.ts`) and decodes it here.
 */

export interface Key {
  /**
   * A printable character as typed (`j`, `J`, `/`), or one of: enter tab space esc backspace delete insert up down left
   * right home end pageup pagedown f1 … f12 paste.
   */
  readonly name: string;
  readonly ctrl: boolean;
  /** Only where the terminal reports it apart from the character: tab, arrows. `J` is a name of its own. */
  readonly shift: boolean;
  readonly meta: boolean;
  /** What to insert into a text field: the character, or all of a paste. Empty for other keys. */
  readonly text: string;
}

/** `j`, `J`, `ctrl-d`, `ctrl-space`, `shift-tab`, `alt-x`, `enter`: how actions name the keys they want. */
export function keyName({ name, ctrl, shift, meta }: Key): string {
  return `${ctrl ? 'ctrl-' : ''}${meta ? 'alt-' : ''}${shift ? 'shift-' : ''}${name}`;
}

/** Brings what a person may write (`Ctrl+D`, `<shift-j>`, `Return`) to the form of `keyName`. */
export function normalKeyName(written: string): string {
  const inner = written.length > 2 ? written.replace(/^<(.+)>$/, '$1') : written;
  const parts = inner.length > 1 ? inner.split(/[-+](?=.)/) : [inner];
  const last = parts.at(-1) ?? '';
  const modifiers = new Set(
    parts.slice(0, -1).map((part) => aliases[part.toLowerCase()] ?? part.toLowerCase()),
  );
  let name = /^[!-~]$/.test(last) ? last : (aliases[last.toLowerCase()] ?? last.toLowerCase());
  if (name.length === 1 && modifiers.has('ctrl')) name = name.toLowerCase();
  if (name.length === 1 && name !== name.toUpperCase() && modifiers.delete('shift'))
    name = name.toUpperCase();
  const has = (modifier: string): boolean => modifiers.has(modifier);
  return keyName({ name, ctrl: has('ctrl'), meta: has('alt'), shift: has('shift'), text: '' });
}

const aliases: Readonly<Record<string, string>> = {
  return: 'enter',
  cr: 'enter',
  escape: 'esc',
  bs: 'backspace',
  del: 'delete',
  ins: 'insert',
  pgup: 'pageup',
  pgdn: 'pagedown',
  pgdown: 'pagedown',
  control: 'ctrl',
  c: 'ctrl',
  meta: 'alt',
  option: 'alt',
  a: 'alt',
  s: 'shift',
  '↑': 'up',
  '↓': 'down',
  '←': 'left',
  '→': 'right',
};

export interface KeyDecoder {
  /** Decodes one chunk; an unfinished sequence at its end waits for the next chunk. */
  readonly push: (chunk: string) => readonly Key[];
  /** True while an unfinished sequence waits: call `flush` if nothing follows in about 25 ms. */
  readonly isPending: () => boolean;
  /** Gives up waiting: a lone escape byte is the Esc key, an unfinished sequence is dropped. */
  readonly flush: () => readonly Key[];
}

/** Longest sequence that is waited for; anything longer is not a key and not a reply we asked for. */
const longestSequence = 4096;
const pasteStart = '\x1b[200~';
const pasteEnd = '\x1b[201~';
/** A paste is cut here, so that a terminal that never ends it cannot fill the memory. */
const longestPaste = 1_000_000;

/** A decoder with its own memory; pure otherwise (no clock, no stream). `onReply` gets what the terminal answers to queries. */
export function createKeyDecoder(onReply: (sequence: string) => void = () => undefined): KeyDecoder {
  let waiting = '';
  /** Esc was just reported because nothing followed it in time. */
  let escapedLate = false;
  let paste: string | undefined;

  function decode(input: string): Key[] {
    const keys: Key[] = [];
    let rest = input;
    while (rest !== '') {
      if (paste !== undefined) {
        rest = takePaste(rest, keys);
        continue;
      }
      const step = next(rest);
      if (step === 'unfinished') {
        if (rest.length < longestSequence) waiting = rest;
        return keys;
      }
      if (step.startsPaste) paste = '';
      if (step.key !== undefined) keys.push(step.key);
      else if (!step.startsPaste && step.length > 2) onReply(rest.slice(0, step.length));
      rest = rest.slice(step.length);
    }
    return keys;
  }

  function takePaste(input: string, keys: Key[]): string {
    const all = (paste ?? '') + input;
    const end = all.indexOf(pasteEnd);
    if (end < 0) {
      paste = all.slice(0, longestPaste);
      return '';
    }
    keys.push({ ...plainKey('paste'), text: all.slice(0, end) });
    paste = undefined;
    return all.slice(end + pasteEnd.length);
  }

  return {
    push(chunk) {
      // On a slow link the rest of an arrow key can come after its escape byte was taken for Esc; typed by hand, `[` and
      // `A` do not arrive in one chunk. The arrow is still an arrow, and not "back" and whatever `A` does.
      const isTail = escapedLate && waiting === '' && /^(?:\[[\d;]*[A-HZ~]|O[A-DFHP-S])/.test(chunk);
      const input = (isTail ? '\x1b' : waiting) + chunk;
      waiting = '';
      escapedLate = false;
      return decode(input);
    },
    isPending: () => waiting !== '',
    flush() {
      const stuck = waiting;
      // The rest of a reply to a query is never typing, however late it comes.
      if (stuck === '' || /^\x1b\]\d+;/.test(stuck)) return [];
      waiting = '';
      escapedLate = stuck === '\x1b';
      // ESC ESC is a second press of Esc that arrived with the first.
      if (/^\x1b+$/.test(stuck)) return Array.from(stuck, () => plainKey('esc'));
      // Esc, then a key that starts like a sequence and never went on: Alt-[ or Alt-O.
      if (stuck === '\x1b[' || stuck === '\x1bO') return [{ ...plainKey(stuck.slice(1)), meta: true }];
      return [];
    },
  };
}

interface Step {
  readonly length: number;
  /** Absent: a reply or a sequence that is no key, swallowed. */
  readonly key?: Key;
  readonly startsPaste?: boolean;
}

function next(input: string): Step | 'unfinished' {
  if (input[0] !== '\x1b') return character(input);
  const second = input[1];
  if (second === undefined) return 'unfinished';
  if (second === '[') return csi(input);
  if (second === 'O') return ss3(input);
  if (second === ']' || second === 'P' || second === '_' || second === '^') return stringReply(input);
  if (second === '\x1b') {
    // Esc before a sequence: Alt with that key, as rxvt and some settings of Terminal.app send it.
    const inner = next(input.slice(1));
    if (inner === 'unfinished') return 'unfinished';
    if (inner.key === undefined || input[2] === undefined) return { length: 1, key: plainKey('esc') };
    return { length: inner.length + 1, key: { ...inner.key, meta: true } };
  }
  const inner = character(input.slice(1));
  if (inner === 'unfinished' || inner.key === undefined)
    return inner === 'unfinished' ? inner : { length: inner.length + 1 };
  return { length: inner.length + 1, key: { ...inner.key, meta: true, text: '' } };
}

function character(input: string): Step | 'unfinished' {
  const point = input.codePointAt(0) ?? 0;
  const char = String.fromCodePoint(point);
  const length = char.length;
  if (point >= 0xd800 && point <= 0xdbff) return input.length < 2 ? 'unfinished' : { length: 1 };
  switch (point) {
    case 0x00:
      return { length, key: { ...plainKey('space'), ctrl: true } };
    case 0x09:
      return { length, key: plainKey('tab') };
    // Ctrl-J is a line feed; terminals without a CR translation send it for Enter.
    case 0x0a:
    case 0x0d:
      return { length, key: plainKey('enter') };
    case 0x08:
    case 0x7f:
      return { length, key: plainKey('backspace') };
    case 0x20:
      return { length, key: { ...plainKey('space'), text: ' ' } };
    default:
  }
  if (point < 0x20) {
    // 0x01–0x1a are Ctrl-A–Z; 0x1c–0x1f are Ctrl-\ ] ^ _.
    const name = point < 0x1b ? String.fromCharCode(point + 0x60) : String.fromCharCode(point + 0x40);
    return { length, key: { ...plainKey(name), ctrl: true } };
  }
  // C1 controls are no text; a terminal in 8-bit mode is not supported.
  if (point >= 0x80 && point < 0xa0) return { length };
  return { length, key: { ...plainKey(char), text: char } };
}

/** CSI: parameters, intermediates, one final byte (ECMA-48 5.4). */
function csi(input: string): Step | 'unfinished' {
  // The Linux console's F1–F5 are CSI [ and one letter.
  if (input.startsWith('\x1b[[')) {
    const letter = input[3];
    if (letter === undefined) return 'unfinished';
    const index = 'ABCDE'.indexOf(letter);
    return index < 0 ? { length: 3 } : { length: 4, key: plainKey(`f${index + 1}`) };
  }
  let end = 2;
  while (end < input.length && isBetween(input.charCodeAt(end), 0x20, 0x3f)) end++;
  if (end >= input.length) return 'unfinished';
  const length = end + 1;
  const final = input[end] ?? '';
  // A control or an escape inside: the sequence was cut off; what follows is input of its own.
  if (!isBetween(final.charCodeAt(0), 0x40, 0x7e)) return { length: end };
  const body = input.slice(2, end);
  // X10 mouse: three bytes follow, which are no keys.
  if (final === 'M' && body === '') return input.length < 6 ? 'unfinished' : { length: 6 };
  if (input.startsWith(pasteStart)) return { length, startsPaste: true };
  // Private markers: mouse (<), replies to device attributes and modes (? > =). Intermediates: no key has them.
  if (/^[<>=?]/.test(body) || /[\x20-\x2f]/.test(body)) return { length };
  const [first = '', second = '', third = ''] = body.split(';');
  const key = csiKey(final, first, second, third);
  return key === undefined ? { length } : { length, key };
}

const isBetween = (code: number, low: number, high: number): boolean => code >= low && code <= high;

const letters: Readonly<Record<string, string>> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  E: 'home',
  F: 'end',
  H: 'home',
  P: 'f1',
  Q: 'f2',
  R: 'f3',
  S: 'f4',
};

const numbers: Readonly<Record<string, string>> = {
  1: 'home',
  2: 'insert',
  3: 'delete',
  4: 'end',
  5: 'pageup',
  6: 'pagedown',
  7: 'home',
  8: 'end',
  11: 'f1',
  12: 'f2',
  13: 'f3',
  14: 'f4',
  15: 'f5',
  17: 'f6',
  18: 'f7',
  19: 'f8',
  20: 'f9',
  21: 'f10',
  23: 'f11',
  24: 'f12',
};

function csiKey(final: string, first: string, second: string, third: string): Key | undefined {
  if (final === 'u') return codedKey(first, second);
  if (final === '~') {
    // xterm's modifyOtherKeys: CSI 27 ; modifiers ; code ~.
    if (first === '27') return codedKey(third, second);
    const name = numbers[first];
    return name === undefined ? undefined : modified(plainKey(name), second);
  }
  // rxvt: $ is shift, ^ is ctrl, @ both; $ has no final byte of its own and ends up unfinished.
  if ((final === '^' || final === '@') && numbers[first] !== undefined) {
    return { ...plainKey(numbers[first]), ctrl: true, shift: final === '@' };
  }
  if (final === 'Z') return { ...modified(plainKey('tab'), second), shift: true };
  // rxvt sends lower-case letters for shifted arrows.
  if (/^[abcd]$/.test(final) && first === '')
    return { ...plainKey(letters[final.toUpperCase()] ?? ''), shift: true };
  // CSI row ; column R is the cursor's position; F3 with modifiers is CSI 1 ; m R.
  if (final === 'R' && (first !== '1' || second === '')) return undefined;
  const name = letters[final];
  return name === undefined || (first !== '' && first !== '1') ? undefined : modified(plainKey(name), second);
}

/** kitty's and xterm's numbered keys: a code point, then modifiers and event (`2:3` is a release). */
function codedKey(code: string, modifiers: string): Key | undefined {
  const point = Number.parseInt(code, 10);
  if (Number.isNaN(point) || point > 0x10ffff || modifiers.split(':')[1] === '3') return undefined;
  const flags = Math.max(0, (Number.parseInt(modifiers, 10) || 1) - 1);
  if (point === 27) return modified(plainKey('esc'), modifiers);
  if (point >= 57344 && point <= 63743) return undefined;
  const step = character(String.fromCodePoint(point));
  if (step === 'unfinished' || step.key === undefined) return undefined;
  const { key } = step;
  if (key.text === '' || key.name === 'space')
    return { ...modified({ ...key, ctrl: false }, modifiers), text: flags > 1 ? '' : key.text };
  const shifted = (flags & 1) !== 0 ? key.name.toUpperCase() : key.name;
  const [ctrl, meta] = [(flags & 4) !== 0, (flags & 2) !== 0];
  return { name: ctrl ? key.name : shifted, ctrl, meta, shift: false, text: ctrl || meta ? '' : shifted };
}

/** The modifier parameter: 1 + shift 1, alt 2, ctrl 4. Releases of the kitty protocol are not asked for and not sent. */
function modified(key: Key, parameter: string): Key {
  const flags = Math.max(0, (Number.parseInt(parameter, 10) || 1) - 1);
  return { ...key, shift: key.shift || (flags & 1) !== 0, meta: (flags & 2) !== 0, ctrl: (flags & 4) !== 0 };
}

const application: Readonly<Record<string, string>> = {
  M: 'enter',
  j: '*',
  k: '+',
  l: ',',
  m: '-',
  n: '.',
  o: '/',
};

/** SS3: arrows, Home, End and F1–F4 of a terminal in application mode, and the keypad. */
function ss3(input: string): Step | 'unfinished' {
  let end = 2;
  while (end < input.length && isBetween(input.charCodeAt(end), 0x30, 0x39)) end++;
  const final = input[end];
  if (final === undefined) return 'unfinished';
  const length = end + 1;
  if (isBetween(final.charCodeAt(0), 0x70, 0x79)) {
    const digit = String(final.charCodeAt(0) - 0x70);
    return { length, key: { ...plainKey(digit), text: digit } };
  }
  // rxvt: ESC O a is Ctrl-Up.
  if (/^[abcd]$/.test(final))
    return { length, key: { ...plainKey(letters[final.toUpperCase()] ?? ''), ctrl: true } };
  const keypad = application[final];
  if (keypad !== undefined)
    return { length, key: keypad.length === 1 ? { ...plainKey(keypad), text: keypad } : plainKey(keypad) };
  const name = letters[final];
  if (name !== undefined) return { length, key: modified(plainKey(name), input.slice(2, end)) };
  // Not a sequence: Alt-O, and what follows is input of its own.
  return { length: 2, key: { ...plainKey('O'), meta: true } };
}

/** OSC, DCS, APC and PM: replies of the terminal, to BEL or ST. Never keys. */
function stringReply(input: string): Step | 'unfinished' {
  for (let index = 2; index < input.length; index++) {
    const code = input.charCodeAt(index);
    if (code === 0x07 || code === 0x9c) return { length: index + 1 };
    if (code === 0x1b) {
      if (index + 1 >= input.length) return 'unfinished';
      return { length: input[index + 1] === '\\' ? index + 2 : index };
    }
    // A reply is printable; anything else means that it was Alt-] and typing.
    if (code < 0x20) return { length: 2, key: { ...plainKey(input[1] ?? ''), meta: true } };
  }
  return 'unfinished';
}

const plainKey = (name: string): Key => ({ name, ctrl: false, shift: false, meta: false, text: '' });
