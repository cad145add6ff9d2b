import { fieldAt, type KubeLike } from './object.ts';
import { badRequest } from './status.ts';

export type Matcher = (object: KubeLike) => boolean;

type Labels = Readonly<Record<string, string>>;
type Requirement = (labels: Labels) => boolean;

const operators = 'in, notin, =, ==, !=, gt, lt';
const noLabels: Labels = {};

/** A token of a label selector: a word, an operator, a comma or a bracket. */
function tokens(text: string): string[] {
  return text.match(/==|!=|[=!<>(),]|[^\s=!<>(),]+/g) ?? [];
}

/**
 * A label selector as the API server reads it: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, `a>1`, `a<1`.
 * Throws a 400 in the server's words. Undefined for an empty selector.
 */
export function labelMatcher(text: string): Matcher | undefined {
  const words = tokens(text);
  if (words.length === 0) return undefined;
  const requirements: Requirement[] = [];
  let at = 0;

  const fail = (found: string, expected: string): never => {
    throw badRequest(`unable to parse requirement: found '${found}', expected: ${expected}`);
  };
  function values(): Set<string> {
    if (words[at] !== '(') fail(words[at] ?? '', "'('");
    at += 1;
    const found = new Set<string>();
    let last = ',';
    while (at < words.length && words[at] !== ')') {
      const word = words[at] ?? '';
      if (word === ',' && last === ',') found.add('');
      else if (word !== ',') found.add(word);
      last = word;
      at += 1;
    }
    if (words[at] !== ')') fail('', "',', ')' or identifier");
    if (last === ',') found.add('');
    at += 1;
    return found;
  }
  /** The value after `=`: empty when a comma or the end follows. */
  function value(): string {
    const word = words[at];
    if (word === undefined || word === ',') return '';
    at += 1;
    return word;
  }
  function number(key: string, operator: string): number {
    const word = value();
    if (!/^-?\d+$/.test(word))
      throw badRequest(
        `unable to parse requirement: values[0][${key}]: Invalid value: "${word}": for '${operator}' operators, the value must be an integer`,
      );
    return Number(word);
  }

  while (at < words.length) {
    let word = words[at] ?? '';
    at += 1;
    if (word === ',') fail(',', "!, identifier, or 'end of string'");
    if (word === '!') {
      const key = words[at] ?? '';
      at += 1;
      if (key === '' || /^[=!<>(),]/.test(key)) fail(key, 'identifier');
      requirements.push((labels) => !(key in labels));
    } else {
      if (/^[=!<>()]/.test(word)) fail(word, "!, identifier, or 'end of string'");
      const key = word;
      const operator = words[at];
      if (operator === undefined || operator === ',') requirements.push((labels) => key in labels);
      else {
        at += 1;
        if (operator === '=' || operator === '==') {
          const wanted = value();
          requirements.push((labels) => labels[key] === wanted);
        } else if (operator === '!=') {
          const unwanted = value();
          requirements.push((labels) => labels[key] !== unwanted);
        } else if (operator === 'in') {
          const wanted = values();
          requirements.push((labels) => labels[key] !== undefined && wanted.has(labels[key]));
        } else if (operator === 'notin') {
          const unwanted = values();
          requirements.push((labels) => labels[key] === undefined || !unwanted.has(labels[key]));
        } else if (operator === '>' || operator === '<') {
          const limit = number(key, operator === '>' ? 'Gt' : 'Lt');
          requirements.push((labels) => {
            const found = Number(labels[key] ?? Number.NaN);
            return operator === '>' ? found > limit : found < limit;
          });
        } else fail(operator, operators);
      }
    }
    word = words[at] ?? ',';
    if (word !== ',') fail(word, "',' or 'end of string'");
    at += 1;
    if (words[at - 1] === ',' && at === words.length) fail('', "identifier after ','");
  }
  return (object) => {
    const labels = object.metadata?.labels ?? noLabels;
    return requirements.every((holds) => holds(labels));
  };
}

/** Selectable fields beyond `metadata.name` and `metadata.namespace`, by `plural.group`. */
const selectable: Readonly<Record<string, readonly string[]>> = {
  pods: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.podIPs',
    'status.nominatedNodeName',
  ],
  nodes: ['spec.unschedulable'],
  events: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  'events.events.k8s.io': [
    'regarding.kind',
    'regarding.namespace',
    'regarding.name',
    'regarding.uid',
    'regarding.apiVersion',
    'regarding.resourceVersion',
    'regarding.fieldPath',
    'reason',
    'reportingController',
    'type',
  ],
  namespaces: ['status.phase'],
  secrets: ['type'],
  services: ['spec.clusterIP', 'spec.type'],
  replicationcontrollers: ['status.replicas'],
  'replicasets.apps': ['status.replicas'],
  'jobs.batch': ['status.successful'],
  'certificatesigningrequests.certificates.k8s.io': ['spec.signerName'],
  'resourceslices.resource.k8s.io': ['spec.nodeName', 'spec.driver'],
};

/** What a field says to a selector; always text, empty where the object has nothing. */
function fieldText(object: KubeLike, path: string): string {
  if (path === 'source') {
    const component = fieldAt(object, 'source.component');
    return String(
      component === undefined || component === '' ? (object['reportingComponent'] ?? '') : component,
    );
  }
  if (path.startsWith('regarding.')) return fieldText(object, path.replace('regarding', 'involvedObject'));
  if (path === 'reportingController') return fieldText(object, 'reportingComponent');
  if (path === 'status.successful') return String(fieldAt(object, 'status.succeeded') ?? 0);
  const value = fieldAt(object, path);
  if (value !== undefined && value !== null) return String(value);
  if (path === 'spec.unschedulable' || path === 'spec.hostNetwork') return 'false';
  return path === 'status.replicas' ? '0' : '';
}

/** A field selector: `a=b`, `a==b`, `a!=b`, joined by commas; `\` escapes. A field that the kind does not offer is a 400. */
export function fieldMatcher(
  text: string,
  kind: { readonly group: string; readonly plural: string },
): Matcher | undefined {
  const terms = text.split(/(?<!\\),/).filter((term) => term !== '');
  if (terms.length === 0) return undefined;
  const fields = selectable[kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`] ?? [];
  const tests = terms.map((term): Matcher => {
    const match = /^(.+?)(!=|==|=)(.*)$/s.exec(term);
    if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const [, path = '', operator = '', escaped = ''] = match;
    if (path !== 'metadata.name' && path !== 'metadata.namespace' && !fields.includes(path)) {
      throw badRequest(`field label not supported: ${path}`);
    }
    const wanted = escaped.replace(/\\([\\,=])/g, '$1');
    return operator === '!='
      ? (object) => fieldText(object, path) !== wanted
      : (object) => fieldText(object, path) === wanted;
  });
  return (object) => tests.every((holds) => holds(object));
}

/** The object's name when the selector asks for exactly one: a get written as a list. */
export function singleName(fieldSelector: string): string | undefined {
  return /(?:^|,)metadata\.name==?([^,\\]+)(?:,|$)/.exec(fieldSelector)?.[1];
}
