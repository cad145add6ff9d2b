import { type Signature, signature } from './signature.ts';

/** Memory of the host. */
export const hostMemory: readonly Signature[] = [
  signature(
    'executor-lost',
    82,
    'H5',
    /Lost executor \S+ on [^\n]*(?:\b137\b|OOM)|Container killed (?:by YARN )?(?:on request|for exceeding memory)/,
    'an executor was killed, mostly for memory',
    'memory and memoryOverhead of the executors',
  ),
  signature(
    'dl-killed',
    80,
    'H5',
    /DataLoader worker \(pid(?:\(s\))? [\d, ]+\) (?:is killed by signal: Killed|exited unexpectedly)/,
    'host RAM: kernel/cgroup killed a worker',
    'memory limit vs working set; container restarts without OOMKilled reason because PID 1 survived; Node event SystemOOM; lower num_workers',
  ),
  signature(
    'ray-oom',
    85,
    'H5',
    /killed due to the node running low on memory|ray\.exceptions\.OutOfMemoryError|killed due to memory pressure \(OOM\)/,
    'Ray memory monitor killed a worker (host RAM)',
    'node memory threshold 0.95; container memory limit; not GPU',
  ),
  signature(
    'oom-java',
    83.9,
    'H1',
    /java\.lang\.OutOfMemoryError(?:: ([\w ]+))?/,
    'the Java heap is full: not the container limit',
    '-Xmx, -XX:MaxRAMPercentage',
  ),
  signature(
    'oom-node',
    83.9,
    'H1',
    /FATAL ERROR: .*(?:JavaScript heap out of memory|Allocation failed)/,
    'the JavaScript heap is full: not the container limit',
    '--max-old-space-size',
  ),
  signature(
    'child-killed',
    79,
    'H5',
    /^Killed$|signal: killed\b|exit(?:ed with|s with)? (?:return )?(?:code|status)(?: =|:)? ?-9\b|exitcode\s*:\s*-9\b|Signal 9 \(SIGKILL\) received by PID|died,? exit ?code: -9\b|(?:process|worker)[^\n]{0,60}\b(?:killed by|terminated by|exited (?:with|due to|prematurely:)|died (?:from|with)) (?:signal 9\b|SIGKILL)|Worker \(pid:\s?\d+\) was sent SIGKILL! Perhaps out of memory|line \d+:\s+\d+ Killed\b|signaled to shutdown with signal 9\b|distributed\.scheduler\.KilledWorker|exceeded 95% memory budget/m,
    'a child process was killed, mostly for memory',
    'memory limit and what else counts in it',
  ),
  signature(
    'host-memory',
    81,
    'H1',
    /DefaultCPUAllocator: (?:can't|not enough memory)|model requires more system memory|Too large swap space|std::bad_alloc|^MemoryError\b|OSError: \[Errno 12\] Cannot allocate memory|[Cc]annot allocate memory|numpy\.core\._exceptions\.\w*MemoryError/m,
    'the process gets no more host memory',
    'memory limit; batch, workers, dataset in memory',
  ),
];
