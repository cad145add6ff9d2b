import { expect, test } from 'vitest';
import { classOfReason, parseSchedulerMessage } from '../../src/scheduling/message.ts';

// Recorded, or collected from issues of several versions (reference: gpu.md 7.1, checklist.md 3.0.4).
test.each([
  [
    '0/6 nodes are available: 1 Insufficient memory, 2 node(s) had untolerated taint {nvidia.com/gpu: present}, 3 Insufficient nvidia.com/gpu. preemption: 0/6 nodes are available: 3 No preemption victims found for incoming pod, 3 Preemption is not helpful for scheduling.',
    {
      'Insufficient memory': 1,
      'node(s) had untolerated taint {nvidia.com/gpu: present}': 2,
      'Insufficient nvidia.com/gpu': 3,
    },
    ['resource', 'taint', 'resource'],
  ],
  [
    '0/6 nodes are available: 3 Insufficient nvidia.com/gpu, 3 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/6 nodes are available: 6 Preemption is not helpful for scheduling.',
    { 'Insufficient nvidia.com/gpu': 3, 'node(s) had untolerated taint(s)': 3 },
    ['resource', 'taint'],
  ],
  [
    "0/2 nodes are available: 1 cannot allocate all claims, 1 node(s) didn't match Pod's node affinity/selector. still not schedulable, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
    { 'cannot allocate all claims': 1, "node(s) didn't match Pod's node affinity/selector": 1 },
    ['dra', 'affinity'],
  ],
  [
    '0/5 nodes are available: 5 Insufficient nvidia.com/mig-1g.5gb. preemption: not eligible due to preemptionPolicy=Never.',
    { 'Insufficient nvidia.com/mig-1g.5gb': 5 },
    ['resource'],
  ],
  [
    "0/4 nodes are available: 1 node(s) had taint {dedicated: ml, team-a}, that the pod didn't tolerate, 3 node(s) had volume node affinity conflict.",
    {
      "node(s) had taint {dedicated: ml, team-a}, that the pod didn't tolerate": 1,
      'node(s) had volume node affinity conflict': 3,
    },
    ['taint', 'volume'],
  ],
  [
    "0/8 nodes are available: 1 node(s) were unschedulable, 7 node(s) didn't match pod topology spread constraints (missing required label).",
    {
      'node(s) were unschedulable': 1,
      "node(s) didn't match pod topology spread constraints (missing required label)": 7,
    },
    ['cordoned', 'spread'],
  ],
  [
    "0/24 nodes are available: 24 node(s) didn't satisfy plugin(s) [NodeAffinity]. no new claims to deallocate, preemption: 0/24 nodes are available: 24 Preemption is not helpful for scheduling.",
    { "node(s) didn't satisfy plugin(s) [NodeAffinity]": 24 },
    ['affinity'],
  ],
  [
    '0/4 nodes are unavailable: 4 node(s) pod number exceeded.',
    { 'node(s) pod number exceeded': 4 },
    ['resource'],
  ],
  [
    "0/3 nodes are available: 1 Too many pods, 1 node(s) didn't match pod anti-affinity rules, 1 node(s) didn't have free ports for the requested pod ports.",
    {
      'Too many pods': 1,
      "node(s) didn't match pod anti-affinity rules": 1,
      "node(s) didn't have free ports for the requested pod ports": 1,
    },
    ['pods', 'podaffinity', 'port'],
  ],
])('%s', (message, reasons, classes) => {
  const read = parseSchedulerMessage(message);
  expect({ ...read.reasons }).toEqual(reasons);
  expect(Object.keys(read.reasons).map(classOfReason)).toEqual(classes);
  expect(read.preFilter).toBeUndefined();
});

test.each([
  [
    '0/24 nodes are available: persistentvolumeclaim "datasets" not found. not found',
    'persistentvolumeclaim "datasets" not found',
  ],
  [
    '0/24 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found',
    'pod has unbound immediate PersistentVolumeClaims',
  ],
  [
    '0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.',
    'pod has unbound immediate PersistentVolumeClaims',
  ],
  [
    '0/24 nodes are available: request gpu: device class gpu.amd.com does not exist. no new claims to deallocate, preemption: 0/24 nodes are available: 24 Preemption is not helpful for scheduling.',
    'request gpu: device class gpu.amd.com does not exist',
  ],
])('%s', (message, preFilter) => {
  expect(parseSchedulerMessage(message)).toMatchObject({ reasons: {}, preFilter });
});

test('a message of another form counts nothing', () => {
  expect(
    parseSchedulerMessage(
      'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded',
    ),
  ).toEqual({ nodes: undefined, reasons: {}, preFilter: undefined, preemption: '' });
  expect(parseSchedulerMessage('')).toMatchObject({ nodes: undefined });
});
