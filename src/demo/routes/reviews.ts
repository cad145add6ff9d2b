import { negotiate } from '../accept.ts';
import type { ResourceHandler } from '../cluster.ts';
import { apiVersionOf } from '../cluster.ts';
import { isRecord, type JsonRecord } from '../object.ts';
import { reviewSpec } from '../review-bodies.ts';
import { type Attributes, decide, type Rule, rulesIn } from '../rights.ts';
import { invalid } from '../status.ts';
import { secondsText } from '../store.ts';

const text = (record: JsonRecord, name: string): string =>
  typeof record[name] === 'string' ? record[name] : '';

function attributesOf(spec: JsonRecord): Attributes | undefined {
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec;
  if (isRecord(path)) return { verb: text(path, 'verb'), path: text(path, 'path') };
  if (!isRecord(resource)) return undefined;
  return {
    verb: text(resource, 'verb'),
    group: text(resource, 'group'),
    resource: text(resource, 'resource'),
    subresource: text(resource, 'subresource'),
    namespace: text(resource, 'namespace'),
    name: text(resource, 'name'),
  };
}

const ruleBody = ({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: Rule): Rule => ({
  verbs,
  ...(apiGroups ? { apiGroups } : {}),
  ...(resources ? { resources } : {}),
  ...(resourceNames ? { resourceNames } : {}),
  ...(nonResourceURLs ? { nonResourceURLs } : {}),
});

/** POST of the reviews that anybody may ask about themselves. */
export const reviews: ResourceHandler = {
  takes: ({ kind, verb }) =>
    verb === 'create' &&
    ['SelfSubjectAccessReview', 'SelfSubjectRulesReview', 'SelfSubjectReview'].includes(kind.kind),
  async handle(exchange, request, cluster) {
    const form = negotiate(exchange.accept, 'object');
    const { kind } = request.kind;
    const apiVersion = apiVersionOf(request);
    const spec = reviewSpec(kind, exchange.header('content-type'), await exchange.body());
    const { user } = exchange;
    if (kind === 'SelfSubjectReview') {
      const userInfo = { username: user.name, ...(user.uid ? { uid: user.uid } : {}), groups: user.groups };
      const metadata = { creationTimestamp: secondsText(cluster.now()) };
      await exchange.json(201, { kind, apiVersion, metadata, status: { userInfo } }, { form });
      return;
    }
    if (kind === 'SelfSubjectRulesReview') {
      const namespace = text(spec, 'namespace');
      if (namespace === '') {
        throw invalid({ group: 'authorization.k8s.io', kind, name: '' }, [
          {
            reason: 'FieldValueRequired',
            message: 'Required value: namespace is required',
            field: 'spec.namespace',
          },
        ]);
      }
      const { resourceRules, nonResourceRules } = rulesIn(cluster.rights, user, namespace);
      const status = {
        resourceRules: resourceRules.map(ruleBody),
        nonResourceRules: nonResourceRules.map(ruleBody),
        incomplete: false,
      };
      await exchange.json(201, { kind, apiVersion, metadata: {}, spec: {}, status }, { form });
      return;
    }
    const asked = attributesOf(spec);
    if (asked === undefined) {
      throw invalid({ group: 'authorization.k8s.io', kind, name: '' }, [
        {
          reason: 'FieldValueInvalid',
          message:
            'Invalid value: {}: exactly one of nonResourceAttributes or resourceAttributes must be specified',
          field: 'spec.resourceAttributes',
        },
      ]);
    }
    const { allowed, reason } = decide(cluster.rights, user, asked);
    await exchange.json(
      201,
      {
        kind,
        apiVersion,
        metadata: {},
        spec,
        status: { allowed, ...(reason === undefined ? {} : { reason }) },
      },
      { form },
    );
  },
};
