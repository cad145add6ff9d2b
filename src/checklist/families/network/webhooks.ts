import { describe, getObject } from '../../fixes.ts';
import { list, text } from '../../read.ts';
import { cause, evidence, item, type ObjectState } from '../../state.ts';
import { alive, isReady, podsOf, selectorOf } from './service-pods.ts';

/** A webhook or an API that leads to a Service that is not there refuses whole kinds of objects. */
export const webhookBackend: ObjectState = {
  id: 'A4',
  key: 'webhook.backend',
  gate: 'admitted',
  severity: 'bad',
  title: 'Its Service does not answer',
  kinds: ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'],
  match: (facts) => {
    for (const hook of list(facts.object, 'webhooks')) {
      const [namespace, service] = [
        text(hook, 'clientConfig', 'service', 'namespace'),
        text(hook, 'clientConfig', 'service', 'name'),
      ];
      if (service === '') continue;
      const here = facts.index.find('Service', namespace, service);
      const pasted = facts.index.inNamespace('Service', namespace).length > 0;
      const pods = here.state === 'present' ? podsOf(facts.index, here.object).filter(alive) : [];
      const down =
        here.state === 'present' &&
        Object.keys(selectorOf(here.object)).length > 0 &&
        ((pods.length === 0 && facts.index.listed('Pod')) || (pods.length > 0 && !pods.some(isReady)));
      if (here.state !== 'missing' && !(here.state === 'unknown' && pasted) && !down) continue;
      const ignored = text(hook, 'failurePolicy') === 'Ignore';
      const says = down
        ? `its Service ${namespace}/${service} has no ready pod`
        : `its Service ${namespace}/${service} does not exist`;
      return {
        headline: `webhook ${text(hook, 'name')}: ${says}`,
        severity: ignored ? 'warn' : 'bad',
        diagnose: () => ({
          causes: [
            cause(
              down ? 'A4.no-endpoints' : 'A4.service-missing',
              here.state === 'unknown' ? 'likely' : 'proven',
              `webhook ${text(hook, 'name')} cannot be called: ${says}${ignored ? '' : '; with failurePolicy Fail the objects it looks at are refused'}`,
              getObject('See the services and pods behind it', 'services,endpointslices,pods', namespace),
              describe(facts.kind.toLowerCase(), '', facts.name),
            ),
          ],
          items: [
            item(
              'A4.service',
              'admitted',
              'Its Service answers',
              'fail',
              evidence(
                'clientConfig.service',
                `${namespace}/${service}`,
                `webhooks[${text(hook, 'name')}].clientConfig.service`,
              ),
            ),
          ],
        }),
      };
    }
    return undefined;
  },
};
