/** Taints that the cluster sets for a state of the node, not to reserve it. */
export const healthTaint: RegExp =
  /node\.kubernetes\.io\/(?:not-ready|unreachable|memory-pressure|disk-pressure|pid-pressure|network-unavailable|unschedulable|out-of-service)|node\.cloudprovider\.kubernetes\.io\/(?:uninitialized|shutdown)|ToBeDeletedByClusterAutoscaler|DeletionCandidateOfClusterAutoscaler|karpenter\.sh\/(?:disrupted|unregistered)|node\.cilium\.io\/agent-not-ready/;
export const controlPlaneTaint: RegExp = /node-role\.kubernetes\.io\/(?:control-plane|master)/;

/** A node set apart for somebody: the taints that a toleration of the pod is meant for. */
export const reservingTaint = (words: string): boolean =>
  !healthTaint.test(words) && !controlPlaneTaint.test(words);

/** What the NUMA plugin of scheduler-plugins says. */
export const unaligned: RegExp = /^cannot align (?:pod|container|init container)/;

const standard = new Set(['cpu', 'memory', 'ephemeral-storage', 'pods']);

/** A resource that a device plugin offers: GPUs and the like. */
export const isExtended = (resource: string): boolean =>
  !standard.has(resource) && !resource.startsWith('hugepages-') && resource.includes('/');
