import type { Connection } from '../../kube/contract.ts';
import { isRecord, list, record } from '../../resources/fields.ts';
import { sanitizeText } from '../../resources/sanitize.ts';
import { push } from '../../state/session.ts';
import { isResource } from '../../state/source.ts';
import { type Action, step } from '../action.ts';
import { askForm, tell } from '../ask.ts';
import { wordsOf } from './flow.ts';

type Schema = Readonly<Record<string, unknown>>;

/** What the server's own documentation says of a field, as kubectl explain does. */
export const explainAction: Action = {
  id: 'explain',
  keys: [],
  title: 'explain a field, from the server’s own documentation',
  group: 'row',
  risk: 'read',
  places: ['table'],
  whyNot: ({ services }) =>
    services.hands?.access() === undefined ? 'There is no connection to a cluster.' : undefined,
  kubectl: ({ table }) => (table === undefined ? undefined : ['explain', `${table.name}.spec`]),
  async run(context) {
    const { table, tables, services } = context;
    const read = services.hands?.access()?.read;
    if (read === undefined) return;
    const values = await askForm(context, {
      title: 'Explain which field?',
      body: [{ text: 'pods.spec.containers.resources', tone: 'dim' }],
      fields: [{ label: 'field', text: table === undefined ? '' : `${table.name}.spec` }],
      verb: 'Explain',
      check: ([path = '']) => {
        const kind = tables.named(path.split('.')[0] ?? '');
        return kind !== undefined && isResource(kind)
          ? undefined
          : `"${path}" does not begin with a kind: write pods.spec.`;
      },
    });
    const [word = '', ...fields] = (values?.[0] ?? '').split('.');
    const kind = tables.named(word);
    if (kind === undefined || !isResource(kind)) return;
    try {
      const lines = await explained(read, kind, fields);
      step(
        context,
        push({ kind: 'output', title: `explain ${[kind.name, ...fields].join('.')}`, lines, top: 0 }),
      );
    } catch (error) {
      await tell(
        { session: context.session, now: services.hands?.clock() ?? context.now },
        'Explain',
        wordsOf(error),
      );
    }
  },
};

/** Rejects with KubeError, or a sentence where the schema does not know the field. */
export async function explained(
  read: Connection,
  { group, apiVersion, kind }: { readonly group: string; readonly apiVersion: string; readonly kind: string },
  fields: readonly string[],
): Promise<readonly string[]> {
  const place = group === '' ? `api/${apiVersion}` : `apis/${group}/${apiVersion}`;
  const document = await read.json<Schema>({ path: `/openapi/v3/${place}` });
  const schemas = record(record(document['components'])['schemas']);
  const top = Object.values(schemas).find((schema) =>
    list(record(schema)['x-kubernetes-group-version-kind']).some(
      (raw) =>
        record(raw)['kind'] === kind &&
        record(raw)['group'] === group &&
        record(raw)['version'] === apiVersion,
    ),
  );
  if (top === undefined) throw new Error(`This server publishes no documentation of ${kind}.`);
  let schema = record(top);
  for (const field of fields) {
    const next = record(resolved(schema, schemas)['properties'])[field];
    if (next === undefined)
      throw new Error(`${kind} has no field ${fields.join('.')} (${field} is not known there).`);
    schema = record(next);
  }
  const found = resolved(schema, schemas);
  const said = schema['description'] ?? found['description'];
  return [
    `KIND     ${kind}  ${group === '' ? apiVersion : `${group}/${apiVersion}`}`,
    ...(fields.length === 0 ? [] : [`FIELD    ${fields.join('.')}  <${typeText(schema, schemas)}>`]),
    '',
    ...textLines(said),
    ...fieldLines(found, schemas),
  ];
}

/** Follows references, and goes into lists and maps: their items are what has fields. */
function resolved(schema: Schema, schemas: Schema, depth = 0): Schema {
  if (depth > 20) return schema;
  const inner = [schema, ...list(schema['allOf']).map(record)].find((one) => typeof one['$ref'] === 'string');
  if (inner !== undefined) {
    const name = String(inner['$ref']).replace('#/components/schemas/', '');
    return resolved(record(schemas[name]), schemas, depth + 1);
  }
  if (schema['type'] === 'array') return resolved(record(schema['items']), schemas, depth + 1);
  return isRecord(schema['additionalProperties']) && schema['properties'] === undefined
    ? resolved(schema['additionalProperties'], schemas, depth + 1)
    : schema;
}

function typeText(schema: Schema, schemas: Schema): string {
  if (schema['type'] === 'array') return `[]${typeText(record(schema['items']), schemas)}`;
  if (isRecord(schema['additionalProperties']))
    return `map[string]${typeText(schema['additionalProperties'], schemas)}`;
  const known = schema['type'] ?? resolved(schema, schemas)['type'];
  return typeof known === 'string' ? known : 'Object';
}

const textLines = (said: unknown): readonly string[] =>
  typeof said === 'string' ? sanitizeText(said).split('\n') : ['The server says nothing of it.'];

function fieldLines(schema: Schema, schemas: Schema): readonly string[] {
  const properties = Object.entries(record(schema['properties'])).sort(([a], [b]) => (a < b ? -1 : 1));
  if (properties.length === 0) return [];
  const required = new Set(list(schema['required']).map(String));
  return [
    '',
    'FIELDS',
    ...properties.flatMap(([name, raw]) => [
      `  ${name}  <${typeText(record(raw), schemas)}>${required.has(name) ? '  required' : ''}`,
      ...textLines(record(raw)['description']).map((line) => `      ${line}`),
    ]),
  ];
}
