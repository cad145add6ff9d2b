import type { PodState } from '../../state.ts';
import { deviceUnhealthy } from './device-health.ts';
import { nodeNotReady } from './node-not-ready.ts';
import { readiness } from './readiness.ts';
import { gate } from './readiness-gates.ts';
import { resize } from './resize.ts';
import { dependencyDown, noGpu, runningWords, waitingWords } from './running-logs.ts';
import { stalled } from './stalled.ts';
import { startupProbe } from './startup-probe.ts';
import { dataBound, gpuMemory, leak, nearLimit, throttled, volumeFull, waste } from './usage.ts';

export const readyStates: readonly PodState[] = [nodeNotReady, startupProbe, gate, readiness];

export const overlayStates: readonly PodState[] = [
  deviceUnhealthy,
  stalled,
  noGpu,
  runningWords('J10', 'gpu.unhealthy', 'A GPU is broken', ['xid', 'ecc', 'nvml-lost', 'nvlink']),
  runningWords('J12', 'shm.too-small', 'Shared memory is too small', ['shm-bus', 'nccl-shm']),
  runningWords('L9', 'rendezvous.failed', 'Ranks do not find each other', [
    'rdzv-timeout',
    'rdzv-dns',
    'ssh',
  ]),
  waitingWords(['ray-wait', 'rdzv-connect', 'tpu-wait']),
  runningWords('J14', 'nccl.straggler', 'A rank holds the others up', [
    'nccl-watchdog',
    'nccl-net',
    'nccl-system',
    'nccl-remote',
  ]),
  runningWords('H5', 'oom.child', 'A child process was killed for memory', [
    'dl-killed',
    'child-killed',
    'ray-oom',
  ]),
  dependencyDown,
  resize,
  leak,
  nearLimit,
  throttled,
  dataBound,
  volumeFull,
  gpuMemory,
  waste,
];
