import { allFieldNumbers } from './field-numbers.ts';

/** One message of the table, its fields in the order of their numbers. */
export interface Message {
  readonly name: string;
  readonly fields: readonly Field[];
  readonly byNumber: readonly (Field | undefined)[];
}

type FieldType =
  | 'string'
  | 'int'
  | 'bool'
  | 'double'
  | 'bytes'
  | 'time'
  | 'microTime'
  | 'duration'
  | 'quantity'
  | 'intOrString'
  | 'raw'
  | 'message'
  | 'map';

export interface Field {
  readonly number: number;
  /** `.`: the fields of the message stand in the one around it. */
  readonly name: string;
  readonly type: FieldType;
  readonly message: Message | undefined;
  /** Of a map: what its values are. */
  readonly value: Field | undefined;
  readonly repeated: boolean;
  /** A pointer in Go: absent unless said. Everything else is on the wire even when zero. */
  readonly pointer: boolean;
  /** JSON carries it even when zero. */
  readonly keepsZero: boolean;
  /** The key by which a strategic merge patch joins the items of this list; empty: values are a set; undefined: it is replaced. */
  readonly mergeKey: string | undefined;
}

function compileField(
  number: number,
  name: string,
  written: string,
  messages: ReadonlyMap<string, Message>,
): Field {
  const [, text = '', mergeKey] = /^(.*?)(?: merge:(\S*))?$/.exec(written) ?? [];
  const pointer = text.endsWith('?');
  const bare = text.replace(/[!?]$/, '');
  const field = {
    number,
    name,
    pointer,
    keepsZero: pointer || text.endsWith('!'),
    mergeKey,
    repeated: bare.startsWith('[]'),
    message: undefined,
    value: undefined,
  };
  if (bare.startsWith('map '))
    return { ...field, type: 'map', value: compileField(2, '', `${bare.slice(4)}!`, messages) };
  const type = bare.replace('[]', '');
  if (!type.includes('.')) return { ...field, type: type as FieldType };
  const message = messages.get(type);
  if (message === undefined) throw new Error(`${name} refers to ${type}, which is not in the table`);
  return { ...field, type: 'message', message };
}

function compile(table: string): ReadonlyMap<string, Message> {
  const messages = new Map<string, { name: string; fields: Field[]; byNumber: (Field | undefined)[] }>();
  const lines = table.split('\n').filter((line) => line !== '');
  for (const line of lines)
    if (!line.startsWith(' ')) messages.set(line, { name: line, fields: [], byNumber: [] });
  let message = messages.get('');
  for (const line of lines) {
    if (!line.startsWith(' ')) {
      message = messages.get(line);
      continue;
    }
    const [number = '', name = '', ...type] = line.trim().split(' ');
    const field = compileField(Number(number), name, type.join(' '), messages);
    message?.fields.push(field);
    if (message !== undefined) message.byNumber[field.number] = field;
  }
  return messages;
}

let compiled: ReadonlyMap<string, Message> | undefined;

/** The message of a kind; undefined for one that the table lacks: custom resources have no protobuf. */
export function messageOf(apiVersion: string, kind: string): Message | undefined {
  compiled ??= compile(allFieldNumbers);
  return compiled.get(`${apiVersion.includes('/') ? apiVersion : `core/${apiVersion}`}.${kind}`);
}

/** A message of meta/v1, which must be there. */
export function metaMessage(name: string): Message {
  const message = messageOf('meta/v1', name);
  if (message === undefined) throw new Error(`the table of field numbers lacks meta/v1.${name}`);
  return message;
}
