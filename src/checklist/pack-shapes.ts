/** Keys of each place; those with `!` must be there. */
export const shapes = {
  pack: [
    'apiVersion!',
    'kind!',
    'metadata!',
    'params',
    'reads',
    'states',
    'checks',
    'causes',
    'fixes',
    'overrides',
    'exitCodes',
    'tests',
  ],
  metadata: ['name!', 'version', 'description', 'mltop'],
  state: ['id!', 'subject', 'forEach', 'when!', 'gate', 'severity', 'label', 'priority', 'cause'],
  check: [
    'id!',
    'title!',
    'for!',
    'order',
    'forEach',
    'requires',
    'severity',
    'expect!',
    'evidence',
    'onFail',
  ],
  cause: ['id!', 'text!', 'fixes', 'verdict', 'refutes'],
  fix: ['id!', 'title!', 'argv!', 'risk', 'note', 'docs', 'preflight'],
  inlineFix: ['title!', 'argv!', 'risk', 'note', 'docs', 'preflight'],
  preflight: ['verb!', 'group', 'resource!', 'ns'],
  evidence: ['label!', 'value!', 'jump'],
  onFail: ['cause!'],
  verdict: ['proven', 'likely', 'possible'],
  override: ['id!', 'disabled', 'severity', 'label', 'text', 'params', 'fixes'],
  exit: ['image', 'code!', 'means!', 'severity', 'cause', 'docs'],
  test: ['name!', 'given!', 'want!'],
  want: ['state', 'cause', 'verdict', 'severity', 'headline', 'not'],
  event: ['reason', 'match', 'within', 'onUid', 'container'],
  log: ['match', 'signature', 'previous', 'lastN', 'container'],
  metric: ['name!', 'op!', 'value', 'valuePath', 'for'],
} as const;
export type Shape = keyof typeof shapes;

/** Keys whose value is a list, a map, or checked where they stand; all others have one plain value. */
const lists = new Set(
  'reads states checks causes fixes overrides exitCodes tests for requires evidence refutes argv preflight proven likely possible not'.split(
    ' ',
  ),
);
const maps = new Set(['metadata', 'params', 'onFail', 'verdict', 'given', 'want']);
/** The same words in places where they have one value. */
const plain = new Set(['metric.for', 'want.verdict']);
const free = new Set(['when', 'expect', 'reason', 'code', 'value']);

/** What the value of a key is. */
export type Form = 'list' | 'map' | 'plain' | 'free';

export function formOf(shape: Shape, key: string): Form {
  if (plain.has(`${shape}.${key}`)) return 'plain';
  if (lists.has(key)) return 'list';
  if (maps.has(key)) return 'map';
  return free.has(key) ? 'free' : 'plain';
}

export const severities = ['info', 'warn', 'fail'] as const;
export const risks = ['read', 'reversible', 'disruptive', 'destructive', 'cluster'] as const;
export const eventPlaces = ['subject', 'owner', 'node'] as const;
