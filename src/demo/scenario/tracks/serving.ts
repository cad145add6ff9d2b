import type { KubeLike } from '../../object.ts';
import {
  crashContainer,
  createPod,
  pull,
  removePod,
  restartContainer,
  schedule,
  startContainer,
  terminate,
} from '../happenings.ts';
import type { Step, Track } from '../script.ts';
import type { World } from '../world.ts';

const second = 1000;
const minute = 60 * second;

const chatLabels = { app: 'vllm-chat', 'pod-template-hash': '6b7d9c5f8' };

/** The autoscaler adds a third replica, which loads its model for a while before it is ready, and takes it away again. */
export function chatScaling(): Track {
  const name = 'vllm-chat-6b7d9c5f8-n7v3s';
  const image = 'vllm/vllm-openai:v0.11.0';
  const scale = (world: World, replicas: number, ready: number, load: number): void => {
    const set = (
      group: string,
      plural: string,
      object: string,
      change: (current: KubeLike) => KubeLike,
    ): void => world.change(world.store.get({ group, plural, namespace: 'serve', name: object }), change);
    const sized = (current: KubeLike): KubeLike => ({
      ...current,
      spec: { ...(current['spec'] as object), replicas },
      status: { ...(current['status'] as object), replicas, readyReplicas: ready, availableReplicas: ready },
    });
    set('apps', 'deployments', 'vllm-chat', sized);
    set('apps', 'replicasets', 'vllm-chat-6b7d9c5f8', sized);
    set('autoscaling', 'horizontalpodautoscalers', 'vllm-chat', (current) => ({
      ...current,
      status: {
        ...(current['status'] as object),
        currentReplicas: replicas,
        desiredReplicas: replicas,
        currentMetrics: [
          {
            type: 'Resource',
            resource: { name: 'cpu', current: { averageUtilization: load, averageValue: `${load * 80}m` } },
          },
        ],
      },
    }));
  };
  return {
    name: 'vllm-chat scales',
    periodMs: 4 * minute,
    startMs: 30 * second,
    steps: [
      {
        atMs: 0,
        run: (world) => {
          scale(world, 3, 2, 93);
          createPod(world, {
            namespace: 'serve',
            name,
            image,
            limits: { 'nvidia.com/gpu': '1', cpu: '8', memory: '64Gi' },
            labels: chatLabels,
            owner: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'vllm-chat-6b7d9c5f8' },
            spec: {
              nodeSelector: { 'nvidia.com/gpu.product': 'NVIDIA-L40S' },
              tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
            },
          });
        },
      },
      { atMs: 1 * second, run: (world) => schedule(world, 'serve', name) },
      { atMs: 3 * second, run: (world) => startContainer(world, 'serve', name, { ready: false }) },
      {
        atMs: 48 * second,
        run: (world) => {
          startReady(world, 'serve', name);
          scale(world, 3, 3, 61);
        },
      },
      {
        atMs: 150 * second,
        run: (world) => {
          terminate(world, 'serve', name);
          scale(world, 2, 2, 44);
        },
      },
      { atMs: 178 * second, run: (world) => removePod(world, 'serve', name) },
    ],
  };
}

function startReady(world: World, namespace: string, name: string): void {
  world.setContainer(world.pod(namespace, name), { ready: true, started: true });
}

/** A model that loads longer than its startup probe allows: killed and started again, for ever. */
export function loadingModel(): Track {
  const name = 'vllm-405b-1';
  const probe =
    'Startup probe failed: Get "http://10.8.3.4:8000/health": dial tcp 10.8.3.4:8000: connect: connection refused';
  const fail = (atMs: number): Step => ({
    atMs,
    run: (world) => {
      const pod = world.pod('serve', name);
      if (pod !== undefined)
        world.event(pod, {
          type: 'Warning',
          reason: 'Unhealthy',
          message: probe,
          component: 'kubelet',
          host: 'gpu-a100-mig-01',
          container: 'vllm-leader',
        });
    },
  });
  return {
    name: 'vllm-405b-1 loads',
    periodMs: 610 * second,
    steps: [
      ...Array.from({ length: 60 }, (_, index) => fail(index * 10 * second + 4 * second)),
      {
        atMs: 602 * second,
        run: (world) => {
          const pod = world.pod('serve', name);
          if (pod === undefined) return;
          world.event(pod, {
            reason: 'Killing',
            message: 'Container vllm-leader failed startup probe, will be restarted',
            component: 'kubelet',
            host: 'gpu-a100-mig-01',
            container: 'vllm-leader',
          });
          crashContainer(world, 'serve', name, { exitCode: 137, reason: 'Error' });
        },
      },
      {
        atMs: 604 * second,
        run: (world) => {
          const [status] = world.pod('serve', name)?.status.containerStatuses ?? [];
          if (status === undefined) return;
          world.setContainer(world.pod('serve', name), { lastState: status.state });
          restartContainer(world, 'serve', name, false);
        },
      },
    ],
  };
}

/** An image that does not exist: every five minutes one more try. */
export function missingImage(): Track {
  const name = 'asr-gateway-757d9fc5b6-jrvxg';
  const image = 'nvcr.io/acme/asr-gateway:2025-11-21-rc9';
  const error = `rpc error: code = NotFound desc = failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${image}: not found`;
  const wait = (world: World, reason: string, message: string): void =>
    world.setContainer(world.pod('serve', name), {
      ready: false,
      started: false,
      state: { waiting: { reason, message } },
    });
  const remind: Step = { atMs: 0, run: (world) => sayBackOff(world) };
  const sayBackOff = (world: World): void => {
    const pod = world.pod('serve', name);
    if (pod !== undefined)
      world.event(pod, {
        reason: 'BackOff',
        message: `Back-off pulling image "${image}"`,
        component: 'kubelet',
        container: 'main',
        host: pod.spec.nodeName ?? '',
      });
  };
  return {
    name: 'asr-gateway pulls',
    periodMs: 5 * minute,
    startMs: 17 * second,
    steps: [
      {
        atMs: 0,
        run: (world) => {
          pull(world, 'serve', name, image);
          const pod = world.pod('serve', name);
          if (pod !== undefined)
            world.event(pod, {
              type: 'Warning',
              reason: 'Failed',
              message: `Failed to pull image "${image}": ${error}`,
              component: 'kubelet',
              container: 'main',
              host: pod.spec.nodeName ?? '',
            });
          wait(world, 'ErrImagePull', error);
        },
      },
      {
        atMs: 14 * second,
        run: (world) => {
          wait(world, 'ImagePullBackOff', `Back-off pulling image "${image}": ErrImagePull: ${error}`);
          sayBackOff(world);
        },
      },
      ...Array.from({ length: 20 }, (_, index) => ({ ...remind, atMs: (28 + index * 13) * second })),
    ],
  };
}
