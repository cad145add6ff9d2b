import type { KubeObject } from '../../src/kube/object.ts';

type Metadata = NonNullable<KubeObject['metadata']>;

const metadata = (name: string, more: Metadata = {}): Metadata => ({
  name,
  namespace: 'team-e',
  ...more,
});
const clusterWide = (name: string, annotations?: Readonly<Record<string, string>>): Metadata => ({
  name,
  ...(annotations === undefined ? {} : { annotations }),
});

/** Objects that no demo has, for a kubectl and for mltop to describe. */
export const configuration: readonly KubeObject[] = [
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata('many', { labels: { a: 'b' }, annotations: { note: 'hello' } }),
    data: { 'b.txt': 'x\ny', a: 'one' },
    binaryData: { bin: 'AAEC' },
  },
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata('empty') },
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: metadata('two'),
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': 'YWJj', 'tls.key': 'YWJjZA==' },
  },
  {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: metadata('robot', { labels: { x: 'yes' } }),
    secrets: [{ name: 'two' }],
    imagePullSecrets: [{ name: 'regcred' }, { name: 'other' }],
  },
  {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: clusterWide('rich', { 'storageclass.kubernetes.io/is-default-class': 'true' }),
    provisioner: 'x.csi',
    parameters: { type: 'ssd', zone: 'a' },
    reclaimPolicy: 'Retain',
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: true,
    mountOptions: ['ro', 'nolock'],
    allowedTopologies: [
      {
        matchLabelExpressions: [
          { key: 'zone', values: ['a', 'b'] },
          { key: 'rack', values: ['r1'] },
        ],
      },
    ],
  },
  {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: clusterWide('plain'),
    provisioner: 'y.csi',
  },
  {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: clusterWide('high'),
    value: 1000,
    globalDefault: true,
    description: 'important things',
    preemptionPolicy: 'Never',
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadata('np'),
    spec: {
      podSelector: {
        matchLabels: { app: 'x' },
        matchExpressions: [{ key: 'tier', operator: 'In', values: ['a', 'b'] }],
      },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        {
          from: [
            { podSelector: { matchLabels: { role: 'client' } } },
            {
              namespaceSelector: { matchLabels: { team: 'a' } },
              podSelector: { matchLabels: { role: 'other' } },
            },
            { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16', '10.2.0.0/16'] } },
          ],
          ports: [
            { protocol: 'TCP', port: 80 },
            { protocol: 'TCP', port: 8000, endPort: 9000 },
            { protocol: 'TCP', port: 'http' },
          ],
        },
        {},
      ],
      egress: [{ to: [{ namespaceSelector: {} }] }],
    },
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadata('deny'),
    spec: { podSelector: {}, policyTypes: ['Ingress'] },
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadata('eg'),
    spec: { podSelector: {}, policyTypes: ['Egress'], egress: [{ ports: [{ protocol: 'UDP', port: 53 }] }] },
  },
];
