import { describe, kubectl } from '../fixes.ts';
import { brief, conditions, text } from '../read.ts';
import { cause, evidence, item, type ObjectState } from '../state.ts';

export const hpa: ObjectState = {
  id: 'J16',
  key: 'hpa.inactive',
  gate: 'progressing',
  severity: 'warn',
  title: 'The autoscaler cannot work',
  kinds: ['HorizontalPodAutoscaler'],
  match: (facts) => {
    const broken = conditions(facts.object).find(
      (entry) =>
        (entry.type === 'ScalingActive' || entry.type === 'AbleToScale') &&
        entry.status === 'False' &&
        entry.reason !== 'ScalingDisabled',
    );
    const targetKind = text(facts.object, 'spec', 'scaleTargetRef', 'kind');
    const targetName = text(facts.object, 'spec', 'scaleTargetRef', 'name');
    if (broken === undefined) {
      if (targetName === '' || facts.index.find(targetKind, facts.namespace, targetName).state !== 'missing')
        return undefined;
      return {
        headline: `its target ${targetKind} ${targetName} does not exist`,
        diagnose: () => ({
          causes: [
            cause(
              'J16.target-missing',
              'proven',
              `its target ${targetKind} ${targetName} does not exist in namespace ${facts.namespace}`,
              describe('hpa', facts.namespace, facts.name),
            ),
          ],
          items: [
            item(
              'J16.target',
              'progressing',
              'Its target exists',
              'fail',
              evidence('scaleTargetRef', `${targetKind} ${targetName}`, 'spec.scaleTargetRef'),
            ),
          ],
        }),
      };
    }
    const target = `${text(facts.object, 'spec', 'scaleTargetRef', 'kind')} ${text(facts.object, 'spec', 'scaleTargetRef', 'name')}`;
    const words = broken.message;
    const [id, says] =
      broken.reason === 'FailedGetScale'
        ? ['J16.target-missing', `its target ${target} does not exist or cannot be read`]
        : /missing request for (\w+)/.test(words)
          ? [
              'J16.no-requests',
              `the pods of ${target} do not request ${/missing request for (\w+)/.exec(words)?.[1]}, so their share cannot be computed`,
            ]
          : /pods\.metrics\.k8s\.io|resource metrics API/.test(words)
            ? [
                'J16.no-metrics',
                'the resource metrics API does not answer: metrics-server is not installed or does not run',
              ]
            : /external metric|custom metric|custom\.metrics/.test(words)
              ? [
                  'J16.no-adapter',
                  `the custom or external metric cannot be read: its adapter is not installed, or does not know the metric`,
                ]
              : /did not receive metrics|no metrics returned/.test(words)
                ? ['J16.no-samples', 'no metrics of its pods have arrived (yet)']
                : /selector/i.test(words)
                  ? ['J16.selector', 'its selector is ambiguous or invalid']
                  : ['J16.failed', 'it cannot compute a replica count'];
    return {
      headline: `${broken.reason}: ${brief(says ?? '', 70)}`,
      since: broken.at,
      diagnose: () => ({
        causes: [
          cause(
            id ?? 'J16',
            'proven',
            `${says}: ${brief(words, 200)}`,
            describe('hpa', facts.namespace, facts.name),
            id === 'J16.no-metrics'
              ? kubectl('See the metrics API', 'read', '', ['get', 'apiservice', 'v1beta1.metrics.k8s.io'])
              : undefined,
          ),
        ],
        items: [
          item(
            'J16.condition',
            'progressing',
            'It can scale',
            'fail',
            evidence(broken.type, `${broken.reason}: ${words}`, `status.conditions[${broken.type}]`, {
              at: broken.at,
            }),
          ),
        ],
      }),
    };
  },
};
