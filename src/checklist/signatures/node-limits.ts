import { type Signature, signature } from './signature.ts';

/** Limits and settings of the node. */
export const nodeLimits: readonly Signature[] = [
  signature(
    'too-many-files',
    89,
    'H1',
    /Too many open files|\[Errno 24\]|inotify[^\n]*(?:limit|too many|[Nn]o space)|max_user_(?:watches|instances)/i,
    'the limit of open files or inotify watches is reached',
    'ulimit -n of the runtime; fs.inotify.max_user_instances of the node; number of workers',
  ),
  signature(
    'max-map-count',
    88,
    'H1',
    /vm\.max_map_count \[?\d+\]? is too low/,
    'a kernel setting of the node is too low: vm.max_map_count',
    'sysctl on the node, or a privileged init container',
  ),
  signature(
    'threads',
    86,
    'H1',
    /pthread_create failed|can't start new thread|[Ff]ork[^\n]*Resource temporarily unavailable|unable to create (?:new )?native thread|Resource temporarily unavailable[^\n]*thread/,
    'the limit of processes and threads is reached (pids limit)',
    'podPidsLimit of the kubelet; OMP_NUM_THREADS and the number of workers',
  ),
  signature(
    'iptables',
    84,
    'H1',
    /ip6?tables[^\n]*(?:unable to initialize table|can't initialize|Permission denied|Operation not permitted|No chain\/target)/,
    'iptables cannot be set up: a kernel module or capability NET_ADMIN is missing',
    'modules of the node (iptable_nat, nf_tables); securityContext; a CNI plugin in place of the init container',
  ),
];
