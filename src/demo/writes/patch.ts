import { isDeepStrictEqual } from 'node:util';
import { isRecord, type JsonRecord } from '../object.ts';
import type { Field, Message } from '../protobuf/message.ts';
import { badRequest, Refusal, statusBody } from '../status.ts';

/** RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const merged: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

const rejected = (why: string): Refusal =>
  new Refusal(
    statusBody(422, 'the server rejected our request due to an error in our request', {
      reason: 'Invalid',
      details: { causes: [{ message: why }] },
    }),
  );

const stepsOf = (pointer: string): string[] => {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw rejected(`invalid JSON pointer ${JSON.stringify(pointer)}`);
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
};

function valueAt(document: unknown, pointer: string): unknown {
  let value = document;
  for (const step of stepsOf(pointer)) {
    const inner = Array.isArray(value) ? value[Number(step)] : isRecord(value) ? value[step] : undefined;
    if (inner === undefined) throw rejected(`unable to find path ${pointer}: missing value`);
    value = inner;
  }
  return value;
}

type Edit = 'add' | 'remove' | 'replace';

function edited(
  document: unknown,
  steps: readonly string[],
  edit: Edit,
  value: unknown,
  path: string,
): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return edit === 'remove' ? undefined : value;
  const missing = (): Refusal =>
    rejected(`${edit} operation does not apply: doc is missing path: ${path}: missing value`);
  if (Array.isArray(document)) {
    const list = [...(document as unknown[])];
    const index = step === '-' ? list.length : Number(step);
    const isLast = rest.length === 0;
    if (
      !Number.isInteger(index) ||
      index < 0 ||
      index > list.length ||
      (index === list.length && !(isLast && edit === 'add'))
    )
      throw missing();
    if (!isLast) list[index] = edited(list[index], rest, edit, value, path);
    else if (edit === 'add') list.splice(index, 0, value);
    else if (edit === 'remove') list.splice(index, 1);
    else list[index] = value;
    return list;
  }
  if (!isRecord(document)) throw missing();
  const record = { ...document };
  if (rest.length > 0) {
    if (record[step] === undefined) throw missing();
    record[step] = edited(record[step], rest, edit, value, path);
  } else if (edit === 'add') record[step] = value;
  else if (record[step] === undefined) throw missing();
  else if (edit === 'remove') delete record[step];
  else record[step] = value;
  return record;
}

/** RFC 6902. Throws the API server's 422 for a step that does not apply. */
export function jsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch))
    throw badRequest(
      'error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch',
    );
  let result = document;
  for (const step of patch as readonly unknown[]) {
    if (!isRecord(step)) throw badRequest('error decoding patch: a step is no object');
    const { op, path, from, value } = step;
    const to = String(path ?? '');
    if (op === 'add' || op === 'replace' || op === 'remove')
      result = edited(result, stepsOf(to), op, value, to);
    else if (op === 'test') {
      if (!isDeepStrictEqual(valueAt(result, to), value))
        throw rejected(`testing value ${to} failed: test failed`);
    } else if (op === 'copy' || op === 'move') {
      const taken = valueAt(result, String(from ?? ''));
      if (op === 'move') result = edited(result, stepsOf(String(from)), 'remove', undefined, String(from));
      result = edited(result, stepsOf(to), 'add', taken, to);
    } else throw rejected(`Unexpected kind: ${String(op)}`);
  }
  return result;
}

const deleteList = '$deleteFromPrimitiveList/';
const setOrder = '$setElementOrder/';

function fieldsOf(message: Message | undefined): ReadonlyMap<string, Field> {
  const fields = new Map<string, Field>();
  for (const field of message?.fields ?? []) {
    if (field.name === '.') for (const [name, inner] of fieldsOf(field.message)) fields.set(name, inner);
    else fields.set(field.name, field);
  }
  return fields;
}

function mergedList(
  field: Field,
  target: readonly unknown[],
  patch: readonly unknown[],
  order: unknown,
): unknown[] {
  const key = field.mergeKey ?? '';
  if (key === '') {
    const added = patch.filter((value) => !target.includes(value));
    return [...target, ...added];
  }
  const isReplaced = patch.some((item) => isRecord(item) && item['$patch'] === 'replace');
  let list: unknown[] = isReplaced ? [] : [...target];
  for (const item of patch) {
    if (!isRecord(item) || (isReplaced && item['$patch'] === 'replace')) continue;
    const at = list.findIndex((one) => isRecord(one) && one[key] === item[key]);
    if (item['$patch'] === 'delete') list = list.filter((one) => !(isRecord(one) && one[key] === item[key]));
    else if (at < 0) list.push(strategicPatch(field.message, {}, item));
    else list[at] = strategicPatch(field.message, list[at], item);
  }
  if (!Array.isArray(order)) return list;
  const wanted = order.map((item) => (isRecord(item) ? item[key] : item));
  const place = (item: unknown): number => wanted.indexOf(isRecord(item) ? item[key] : item);
  const named = list.filter((item) => place(item) >= 0).sort((a, b) => place(a) - place(b));
  let next = 0;
  return list.map((item) => (place(item) >= 0 ? named[next++] : item));
}

/** A strategic merge: lists are joined by the merge keys that the Go types name, else replaced. */
export function strategicPatch(message: Message | undefined, target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  if (patch['$patch'] === 'replace') {
    const { $patch: _patch, ...whole } = patch;
    return whole;
  }
  if (patch['$patch'] === 'delete') return {};
  const fields = fieldsOf(message);
  const merged: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  const retained = patch['$retainKeys'];
  if (Array.isArray(retained))
    for (const key of Object.keys(merged)) if (!retained.includes(key)) delete merged[key];
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(deleteList)) {
      const name = key.slice(deleteList.length);
      const list = merged[name];
      if (Array.isArray(list) && Array.isArray(value))
        merged[name] = list.filter((item) => !value.includes(item));
      continue;
    }
    if (key.startsWith('$')) continue;
    const field = fields.get(key);
    if (value === null) delete merged[key];
    else if (Array.isArray(value) && field?.mergeKey !== undefined) {
      const current = merged[key];
      merged[key] = mergedList(
        field,
        Array.isArray(current) ? current : [],
        value,
        patch[`${setOrder}${key}`],
      );
    } else if (isRecord(value)) merged[key] = strategicPatch(field?.message, merged[key], value);
    else merged[key] = value;
  }
  for (const [key, order] of Object.entries(patch)) {
    const name = key.startsWith(setOrder) ? key.slice(setOrder.length) : undefined;
    const field = name === undefined ? undefined : fields.get(name);
    const list = name === undefined ? undefined : merged[name];
    if (
      name !== undefined &&
      field?.mergeKey !== undefined &&
      Array.isArray(list) &&
      (patch as JsonRecord)[name] === undefined
    )
      merged[name] = mergedList(field, list, [], order);
  }
  return merged;
}
