/** The part of JSON Schema 2020-12 that `check.schema.json` uses. An unknown keyword throws: nothing goes unchecked. */
export interface Schema {
  readonly [keyword: string]: unknown;
}

const known = new Set([
  '$schema',
  '$defs',
  '$ref',
  'title',
  'description',
  'type',
  'const',
  'enum',
  'required',
  'properties',
  'additionalProperties',
  'items',
  'minItems',
  'format',
]);

const record = (value: unknown): Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Schema) : {};

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

/** What is wrong, each with its path; empty when the value is as the schema says. */
export function violations(
  root: Schema,
  value: unknown,
  schema: Schema = root,
  path = '$',
): readonly string[] {
  for (const keyword of Object.keys(schema))
    if (!known.has(keyword)) throw new Error(`${path}: the schema keyword ${keyword} is not supported here`);
  const reference = schema['$ref'];
  if (typeof reference === 'string') {
    const target = record(record(root['$defs'])[reference.replace('#/$defs/', '')]);
    return violations(root, value, target, path);
  }
  const found: string[] = [];
  const type = typeOf(value);
  const wanted = [schema['type'] ?? []].flat();
  if (
    wanted.length > 0 &&
    !wanted.some((entry) => entry === type || (entry === 'number' && type === 'integer'))
  )
    return [`${path}: ${type} instead of ${wanted.join(' or ')}`];
  if ('const' in schema && schema['const'] !== value) found.push(`${path}: not ${String(schema['const'])}`);
  if (Array.isArray(schema['enum']) && !schema['enum'].includes(value))
    found.push(`${path}: ${String(value)} is none of ${schema['enum'].join(', ')}`);
  if (schema['format'] === 'date-time' && value !== null && !Number.isFinite(Date.parse(String(value))))
    found.push(`${path}: ${String(value)} is no time`);
  if (Array.isArray(value)) {
    if (typeof schema['minItems'] === 'number' && value.length < schema['minItems'])
      found.push(`${path}: fewer than ${schema['minItems']} items`);
    const items = record(schema['items']);
    for (const [index, entry] of value.entries())
      found.push(...violations(root, entry, items, `${path}[${index}]`));
  } else if (type === 'object') found.push(...objectViolations(root, record(value), schema, path));
  return found;
}

function objectViolations(root: Schema, value: Schema, schema: Schema, path: string): readonly string[] {
  const found: string[] = [];
  const properties = record(schema['properties']);
  for (const name of Array.isArray(schema['required']) ? schema['required'].map(String) : [])
    if (!(name in value)) found.push(`${path}: ${name} is missing`);
  const more = schema['additionalProperties'];
  for (const [name, entry] of Object.entries(value)) {
    if (name in properties)
      found.push(...violations(root, entry, record(properties[name]), `${path}.${name}`));
    else if (more === false) found.push(`${path}: ${name} is not in the schema`);
    else if (typeof more === 'object')
      found.push(...violations(root, entry, record(more), `${path}.${name}`));
  }
  return found;
}
