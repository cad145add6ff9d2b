import type { JsonRecord, KubeLike } from '../../object.ts';
import { completeObject } from '../complete.ts';
import { timeText } from '../shapes.ts';
import type { Context, Counts } from './context.ts';
import type { Shape } from './templates.ts';

export function putOwner(context: Context, shape: Shape, counts: Counts): void {
  const template = { metadata: { labels: shape.labels }, spec: shape.spec };
  const meta = (name: string, owner?: JsonRecord): KubeLike['metadata'] & object => ({
    namespace: shape.namespace,
    name,
    labels: shape.labels,
    creationTimestamp: shape.createdAt,
    ...(owner === undefined ? {} : { ownerReferences: [owner] }),
  });
  const put = (object: KubeLike): void => void context.store.put(completeObject(object, context.startMs));
  const selector = { matchLabels: shape.selector };
  switch (shape.owner) {
    case 'Job':
      put({
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: meta(shape.name),
        spec: {
          parallelism: shape.ranks,
          completions: shape.ranks,
          completionMode: shape.isIndexed ? 'Indexed' : 'NonIndexed',
          backoffLimit: 6,
          suspend: false,
          selector,
          template,
        },
        status: jobStatus(context, shape, counts),
      });
      return;
    case 'DaemonSet':
      put({
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata: meta(shape.name),
        spec: { selector, template, updateStrategy: { type: 'RollingUpdate' } },
        status: {
          currentNumberScheduled: shape.ranks,
          desiredNumberScheduled: shape.ranks,
          numberMisscheduled: 0,
          numberReady: counts.running,
          numberAvailable: counts.running,
          updatedNumberScheduled: shape.ranks,
          observedGeneration: 1,
        },
      });
      return;
    case 'ReplicaSet': {
      const status = {
        observedGeneration: 1,
        replicas: shape.ranks,
        readyReplicas: counts.running,
        availableReplicas: counts.running,
      };
      put({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: meta(shape.name),
        spec: {
          replicas: shape.ranks,
          selector: { matchLabels: { app: shape.name } },
          template,
          strategy: { type: 'RollingUpdate' },
        },
        status: { ...status, updatedReplicas: shape.ranks },
      });
      put({
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        metadata: meta(shape.podPrefix, {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          name: shape.name,
          controller: true,
        }),
        spec: { replicas: shape.ranks, selector, template },
        status: { ...status, fullyLabeledReplicas: shape.ranks },
      });
    }
  }
}

function jobStatus({ startMs }: Context, shape: Shape, counts: Counts): JsonRecord {
  const done = counts.succeeded === shape.ranks;
  const at = timeText(startMs - 300_000);
  const finished = {
    status: 'True',
    reason: 'CompletionsReached',
    message: 'Reached expected number of succeeded pods',
    lastProbeTime: at,
    lastTransitionTime: at,
  };
  const active = shape.ranks - counts.succeeded - counts.failed;
  return {
    startTime: shape.createdAt,
    ...(active === 0 ? {} : { active }),
    ready: counts.running,
    ...(counts.succeeded === 0 ? {} : { succeeded: counts.succeeded }),
    ...(counts.failed === 0 ? {} : { failed: counts.failed }),
    terminating: 0,
    uncountedTerminatedPods: {},
    ...(done
      ? {
          completionTime: at,
          conditions: [
            { type: 'SuccessCriteriaMet', ...finished },
            { type: 'Complete', ...finished },
          ],
        }
      : {}),
  };
}
