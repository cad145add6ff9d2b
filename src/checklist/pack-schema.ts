import { subjectKinds } from './built-in.ts';
import { metrics, namedFacts } from './named-facts.ts';
import { loops } from './pack-scene.ts';
import { eventPlaces, formOf, risks, type Shape, severities, shapes } from './pack-shapes.ts';
import { conditionWords, operators } from './predicate.ts';
import { gates } from './report.ts';

interface Schema {
  readonly [keyword: string]: unknown;
}

const ref = (name: string): Schema => ({ $ref: `#/$defs/${name}` });
const listOf = (items: Schema): Schema => ({ type: 'array', items });
const plain: Schema = { type: ['string', 'number', 'boolean'] };
const names = listOf({ type: 'string' });
const oneOf = (values: Iterable<string>): Schema => ({ enum: [...values] });

/** What stands in a key, where its shape says more than its form; by `shape.key`, else by `key`. */
const known: Readonly<Record<string, Schema>> = {
  apiVersion: { const: 'mltop.dev/v1alpha1' },
  'pack.kind': { const: 'RulePack' },
  'pack.metadata': ref('metadata'),
  'pack.states': listOf(ref('state')),
  'pack.checks': listOf(ref('check')),
  'pack.causes': listOf(ref('cause')),
  'pack.fixes': listOf(ref('fix')),
  'pack.overrides': listOf(ref('override')),
  'pack.exitCodes': listOf(ref('exit')),
  'pack.tests': listOf(ref('test')),
  'check.evidence': listOf(ref('evidence')),
  'override.fixes': { type: 'array' },
  preflight: listOf(ref('preflight')),
  onFail: ref('onFail'),
  'cause.verdict': ref('verdict'),
  want: ref('want'),
  when: ref('condition'),
  expect: ref('condition'),
  argv: listOf({ type: ['string', 'number'] }),
  severity: oneOf(severities),
  risk: oneOf(risks),
  forEach: oneOf(loops),
  subject: oneOf(subjectKinds),
  gate: oneOf(gates.flatMap(({ id }, position) => [id, `g${position}`])),
  op: oneOf(operators),
  onUid: oneOf(eventPlaces),
  'metric.name': oneOf(metrics),
  priority: { type: 'number' },
  disabled: { type: 'boolean' },
};

function schemaOf(shape: Shape): Schema {
  const keys = shapes[shape].map((key) => ({ key: key.replace('!', ''), isNeeded: key.endsWith('!') }));
  return {
    type: 'object',
    required: keys.filter(({ isNeeded }) => isNeeded).map(({ key }) => key),
    properties: Object.fromEntries(
      keys.map(({ key }) => [key, known[`${shape}.${key}`] ?? known[key] ?? forms[formOf(shape, key)]]),
    ),
    additionalProperties: false,
  };
}

const forms: Readonly<Record<ReturnType<typeof formOf>, Schema>> = {
  list: names,
  map: { type: 'object' },
  plain,
  free: {},
};

/** A part of a condition: which words go together lint says. */
const condition: Schema = {
  type: 'object',
  description: `one of ${conditionWords.join(', ')}`,
  properties: {
    all: listOf(ref('condition')),
    any: listOf(ref('condition')),
    not: ref('condition'),
    path: { type: 'string' },
    fact: oneOf(namedFacts.map(({ id }) => id)),
    args: { type: 'object' },
    metric: ref('metric'),
    event: ref('event'),
    log: ref('log'),
    state: { type: 'string' },
    op: oneOf(operators),
    value: {},
    valuePath: { type: 'string' },
  },
  additionalProperties: false,
};

/** A JSON Schema of rule packs, for editors: made of what lint goes by. */
export function packSchema(): Schema {
  const parts = (Object.keys(shapes) as Shape[]).filter((shape) => shape !== 'pack');
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'mltop rule pack',
    ...schemaOf('pack'),
    $defs: { ...Object.fromEntries(parts.map((shape) => [shape, schemaOf(shape)])), condition },
  };
}
