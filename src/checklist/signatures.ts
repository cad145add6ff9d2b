import { createInterner } from '../resources/intern.ts';

/** What a program's own words give away. Rank: below 40 is a symptom of another failure; the highest hit wins. */
export interface Signature {
  readonly id: string;
  readonly rank: number;
  readonly pattern: RegExp;
  /** Where given: a cheap pattern without which the other has no match either. */
  readonly hint?: RegExp | undefined;
  /** The state of checklist.md part 3 that a container which ended with it is in; `''`: harmless. */
  readonly state: string;
  readonly meaning: string;
  /** What to look at next. */
  readonly checks: string;
}

const signature = (
  id: string,
  rank: number,
  state: string,
  pattern: RegExp,
  meaning: string,
  checks: string,
  hint?: RegExp,
): Signature => ({ id, rank, state, pattern, hint, meaning, checks });

/** gpu.md 6.2 and checklist.md 3.9. Unanchored on purpose: logs carry prefixes of many launchers. */
export const signatures: readonly Signature[] = [
  signature(
    'cuda-oom',
    90,
    'H15',
    /(?:torch\.(?:cuda\.)?OutOfMemoryError: )?CUDA out of memory\. Tried to allocate ([\d.]+ [KMG]iB)/,
    'GPU memory full in this process',
    "read 'of which X is free' and 'Including non-PyTorch memory': process ~= capacity -> own model/batch too big; 'Process N has Y GiB' lines -> someone else on the GPU (time-slice, MIG, leaked proc); 'reserved but unallocated' large -> fragmentation, PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True; compare FB_USED before start",
  ),
  signature(
    'cuda-oom-rt',
    85,
    'H15',
    /CUDA error: out of memory|cudaErrorMemoryAllocation|CUDA_ERROR_OUT_OF_MEMORY/,
    'allocation failed at runtime/context creation',
    'often another process already fills the GPU: FB_USED vs pods mapped to it; nvidia.com/gpu.shared?',
  ),
  signature(
    'nccl-oom',
    86,
    'H15',
    /Cuda failure (?:2 )?'out of memory'/,
    'GPU memory full when NCCL wanted its buffers',
    'smaller batch or model share, NCCL_BUFFSIZE; another process on the GPU',
  ),
  signature(
    'rdzv-connect',
    64.5,
    'L9',
    /The client socket has failed to connect to/,
    'it still waits for the rendezvous: rank 0 is not reached',
    'the pod of rank 0: does it run; its headless Service; NetworkPolicy to MASTER_ADDR:PORT',
  ),
  signature(
    'tpu-wait',
    44,
    'L9',
    /TPU backend initialization is taking more than/,
    'the other hosts of the TPU slice have not come: every host must run the program',
    'the pods of the other hosts; completions and parallelism against the topology; TPU_WORKER_HOSTNAMES',
  ),
  signature(
    'tf-oom',
    88,
    'H15',
    /OOM when allocating tensor with shape/,
    'GPU memory full in this process',
    'batch size, memory growth; another process on the GPU',
  ),
  signature(
    'vllm-worker-died',
    62,
    'H15',
    /Worker proc \S+ died unexpectedly/,
    'a worker process of vLLM died without a word: killed (memory), or crashed in native code',
    'memory limit and node memory at that time, Xid in the kernel log',
  ),
  signature(
    'ucx',
    74,
    'H15',
    /UCX\s+ERROR|NIXL_ERR_\w+|UCS_ERR_\w+/,
    'the peers do not reach each other over UCX or NIXL (RDMA, shared memory, TCP)',
    'RDMA devices and IPC_LOCK in both pods, UCX_TLS, NetworkPolicy, MTU',
  ),
  signature(
    'nccl-truncated',
    79,
    'H15',
    /NCCL WARN .*[Mm]essage truncated/,
    'the ranks do not speak the same: different NCCL versions, or something else talks to the port of NCCL',
    'NCCL version of every rank; port scans and service meshes',
  ),
  signature(
    'mig-busy',
    82,
    'J11',
    /Unable to (?:apply|enable|disable|set) MIG \w+|MIG\b[^\n]{0,80}In use by another client/i,
    'the MIG layout of the GPU cannot be changed: something uses the GPU',
    'pods and daemons on the GPUs of the node (device plugin, DCGM, jobs): drain the node first',
  ),
  signature(
    'executor-lost',
    82,
    'H5',
    /Lost executor \S+ on [^\n]*(?:\b137\b|OOM)|Container killed (?:by YARN )?(?:on request|for exceeding memory)/,
    'an executor was killed, mostly for memory',
    'memory and memoryOverhead of the executors',
  ),
  signature(
    'gguf',
    78,
    'H1',
    /error loading model: [^\n]+|model is corrupted or incomplete|gguf_init_from_file: (?:invalid|failed)[^\n]*/,
    'the model file cannot be loaded: damaged, cut short, or of a kind that this version does not know',
    'size and checksum of the file; version of the server',
  ),
  signature(
    'model-files',
    78,
    'H1',
    /Error no file named [^\n]+ found in directory|config file at '[^']+' is not a valid JSON file|No config\.pbtxt|does not appear to have a file named \S+/,
    'the model folder lacks what it should hold, or holds it damaged',
    'what is in the mounted folder; how it was copied there',
  ),
  signature(
    'data-file',
    74,
    'H1',
    /Parquet magic bytes not found|ArrowInvalid: [^\n]+|Not a gzipped file|zipfile\.BadZipFile|tarfile\.ReadError/,
    'a data file is damaged or not what it should be',
    'the file itself: size, checksum, how it was written',
  ),
  signature(
    'ngc-key',
    86,
    'H1',
    /NGC_API_KEY is not set|Authentication Error: NGC|ngc[^\n]{0,80}(?:401|Unauthorized)/i,
    'NVIDIA NGC refuses: no API key, or a wrong one',
    'NGC_API_KEY in the env of the container and its Secret',
  ),
  signature(
    'nim-profile',
    86,
    'H1',
    /Could not find a profile that is currently runnable/,
    'no profile of this NIM fits the GPUs that it sees',
    'GPU model and number in the request; NIM_MODEL_PROFILE',
  ),
  signature(
    'devices-busy',
    84,
    'J11',
    /all CUDA-capable devices are busy or unavailable|cudaErrorDevicesUnavailable|CUDA_ERROR_DEVICE_UNAVAILABLE/,
    'the GPU cannot be taken: exclusive mode, in use, or a MIG device that is gone',
    'compute mode (nvidia-smi -q -d COMPUTE), processes on the GPU, MIG layout; restart the device plugin after a MIG change',
  ),
  signature(
    'trt-engine',
    86,
    'H1',
    /Serialization assertion \S.{0,200} failed|engine plan file is (?:generated on an incompatible device|not compatible)|(?:engine|plan) (?:was|is) (?:built|generated) (?:with|for|on) (?:a )?different|Error Code \d+: Serialization|Version tag does not match/,
    'the TensorRT engine was built with another TensorRT version or for another GPU',
    'build the engine again with the TensorRT version and on the GPU model that run it',
  ),
  signature(
    'cublas-alloc',
    70,
    'H15',
    /CUBLAS_STATUS_(?:ALLOC_FAILED|NOT_INITIALIZED)/,
    'cuBLAS could not create a handle, usually hidden OOM',
    'treat as cuda-oom; else driver/library mismatch',
  ),
  signature(
    'hip-oom',
    90,
    'H15',
    /HIP out of memory\. Tried to allocate/,
    'AMD GPU memory full',
    'gpu_used_vram/gpu_total_vram; compute partition (CPX gives 1/8 memory)',
  ),
  signature(
    'jax-oom',
    90,
    'H15',
    /RESOURCE_EXHAUSTED: [^\n]{0,300}(?:[Oo]ut of memory|[Rr]an out of memory|exceeds? the (?:limit|capacity)|Attempting to (?:allocate|reserve)|Failed to allocate|Error (?:allocating|loading program))|Ran out of memory in memory space hbm|Exceeded hbm capacity/,
    'XLA allocation failed',
    'JAX preallocates 75%: XLA_PYTHON_CLIENT_MEM_FRACTION; two JAX procs on one GPU',
  ),
  signature(
    'vllm-free-mem',
    95,
    'H15',
    /Free memory on device (?:\S+ )?\(([\d.]+)\/([\d.]+) GiB\) on startup is less than desired GPU memory utilization/,
    'GPU not empty at vLLM start',
    '(free/total GiB) in text: previous engine still dying, shared GPU, two containers; wait/kill old pod or lower --gpu-memory-utilization',
  ),
  signature(
    'vllm-kv',
    95,
    'H15',
    /To serve at least one request with the models?'s max seq len \(?(\d+)\)?|max seq len \((\d+)\) is larger than the maximum number of tokens that can be stored in KV cache|No available memory for the cache blocks/,
    'model loaded, not enough left for KV cache',
    'lower --max-model-len (text gives the estimated maximum), raise tensor parallel or gpu-memory-utilization',
  ),
  signature(
    'vllm-engine',
    20,
    'H15',
    /Engine core initialization failed\. See root cause above|(?:Async)?EngineDeadError|EngineCore (?:encountered a fatal error|failed to start|encountered an issue)|WorkerProc (?:failed to start|initialization failed)|Engine core proc \S+ died unexpectedly/,
    'engine process died',
    'root cause is the first exception ABOVE in the EngineCore/Worker lines; also check OOMKilled and Xid',
  ),
  signature(
    'nccl-watchdog',
    60,
    'H15',
    /Watchdog caught collective operation timeout: WorkNCCL\(SeqNum=(\d+), OpType=(\w+).*Timeout\(ms\)=(\d+)/,
    'a NCCL collective did not finish in time',
    'find the rank that did NOT print it, or has lower SeqNum / earlier exit / different OpType; check its pod, node, Xid; step-time skew, dataloader stall, checkpoint write longer than timeout',
  ),
  signature(
    'nccl-system',
    75,
    'H15',
    /NCCL error.*unhandled system error|ncclSystemError/,
    'a system call of NCCL failed (socket, memory or InfiniBand)',
    'read NCCL WARN line just above; IPC_LOCK capability, memlock, /dev/shm size, NetworkPolicy, wrong NCCL_SOCKET_IFNAME, MTU',
  ),
  signature(
    'nccl-cuda',
    75,
    'H15',
    /NCCL WARN Cuda failure \d* ?'[^']+'|NCCL error.*unhandled cuda error|ncclUnhandledCudaError/,
    'CUDA error inside NCCL',
    'Xid on this node, driver < CUDA, P2P disabled by IOMMU/ACS, peer GPU lost',
  ),
  signature(
    'nccl-remote',
    30,
    'H15',
    /ncclRemoteError|remote process exited or there was a network error/,
    'the peer went away',
    'look at the OTHER ranks: who restarted/OOMKilled/evicted first',
  ),
  signature(
    'nccl-net',
    78,
    'H15',
    /NCCL WARN .*(?:Connection refused|Connection timed out|No route to host|Call to connect .*failed|[Nn]o socket interface found|Got completion .*(?:error|status)[ =]?\d+|NET\/OFI .*(?:[Ff]ailed|initialization failed))/,
    'NCCL cannot connect its ranks (bootstrap network or InfiniBand)',
    'DNS of master, headless Service, NetworkPolicy, RDMA device requested (rdma/*, efa), IB link, status 12 = retry exceeded (link/peer), 5 = flushed (consequence)',
  ),
  signature(
    'nccl-shm',
    88,
    'J12',
    /NCCL WARN .*(?:failed to extend \/dev\/shm|shared memory segment|posix_fallocate failed)|Error while (?:creating|attaching to) shared memory segment/,
    '/dev/shm too small (64 MiB default)',
    'does the pod mount emptyDir medium: Memory at /dev/shm? size limit; counts against memory limit',
  ),
  signature(
    'ib-memlock',
    89,
    'H15',
    /ibv_(?:reg_mr|create_cq)\S*\s+failed.*Cannot allocate memory|max locked memory \(ulimit -l\)|RLIMIT_MEMLOCK/i,
    'the locked-memory limit is too low for RDMA',
    'securityContext capability IPC_LOCK; containerd LimitMEMLOCK=infinity; ulimit -l',
  ),
  signature(
    'shm-bus',
    88,
    'J12',
    /killed by signal: Bus error|[Uu]nable to (?:initialize|create) shared memory (?:key|region)|Signal 7 \(SIGBUS\) received by PID|exitcode\s*:\s*-7\b|return code = -7\b|insufficient shared memory \(shm\)|unable to (?:write|mmap|allocate shared memory).*(?:shm|file <|torch_)|^Bus error/m,
    'shared memory exhausted (SIGBUS, exit 135)',
    '/dev/shm emptyDir Memory missing or too small; num_workers x prefetch_factor; sometimes truncated mmap file on NFS',
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
    'no-cuda',
    92,
    'J11',
    /no CUDA-capable device is detected|Failed to infer device type|No (?:CUDA|HIP|XPU) GPUs are available|Found no NVIDIA driver on your system|cudaErrorNoDevice|CUDA_ERROR_NO_DEVICE/,
    'no GPU visible to the process',
    'does the container (not a sibling) request the GPU? runtimeClassName nvidia; CUDA_VISIBLE_DEVICES; driver/toolkit DaemonSets; node allocatable; GPU lost (Xid 79)',
  ),
  signature(
    'torch-no-cuda',
    92,
    'J11',
    /Torch not compiled with CUDA enabled|Attempting to deserialize object on a CUDA device but torch\.cuda\.is_available\(\) is False/,
    'CPU-only wheel or checkpoint saved on GPU',
    "image tag; map_location='cpu'",
  ),
  signature(
    'driver-old',
    93,
    'J11',
    /CUDA driver version is insufficient for CUDA runtime version|The NVIDIA driver on your system is too old(?: \(found version \d+\))?|unsatisfied condition: cuda>=([\d.]+)/,
    'image CUDA newer than node driver',
    'node label nvidia.com/cuda.runtime-version.full vs image CUDA; node pool driver version; pin image or move pool',
  ),
  signature(
    'fwd-compat',
    93,
    'J11',
    /Error 80[34]: (?:system has unsupported display driver|forward compatibility was attempted on non supported HW)/,
    'driver and CUDA library do not go together (803: the driver was changed under it; 804: this GPU knows no forward compatibility)',
    'stale driver after an upgrade: restart the pod, reboot the node; the CUDA version of the image',
  ),
  signature(
    'fabric-manager',
    94,
    'J11',
    /Error 802: |system not yet initialized|cudaErrorSystemNotReady|CUDA_ERROR_SYSTEM_NOT_READY/,
    'the fabric manager (NVSwitch) of the node is not ready, so CUDA does not start (802)',
    'nvidia-fabricmanager on that node, its version against the driver; gpu.clique label',
  ),
  signature(
    'no-kernel-image',
    93,
    'J11',
    /no kernel image is available for execution on the device|is not compatible with the current PyTorch installation/,
    'wheel not built for this GPU arch',
    'label nvidia.com/gpu.compute.major.minor vs message (sm_100, sm_120); wrong node pool',
  ),
  signature(
    'nvml-unknown',
    92,
    'J11',
    /Failed to initialize NVML: Unknown Error/,
    'container lost device cgroup access (systemd daemon-reload)',
    'all GPU pods on the node at once? delete/recreate pod; toolkit CDI / cgroup driver fix',
  ),
  signature(
    'nvml-mismatch',
    92,
    'J11',
    /Failed to initialize NVML: Driver\/library version mismatch/,
    'driver upgraded under running kernel module',
    'node needs reboot/driver pod restart; gpu-driver-upgrade-state label',
  ),
  signature(
    'nvml-lost',
    97,
    'J10',
    /Unable to determine the device handle for GPU.*(?:GPU is lost|Unknown Error)|GPU is lost|has fallen off the bus/,
    'GPU lost / off the bus',
    'Xid 79; cordon + reboot node; capacity vs allocatable',
  ),
  signature(
    'xid',
    98,
    'J10',
    /(?:NVRM: )?Xid \(PCI:([0-9a-fA-F:.]+)\): (\d+)|XidCriticalError: Xid=(\d+)/,
    'hardware/driver event',
    'table 4.6 by code',
  ),
  signature(
    'illegal-access',
    70,
    'H15',
    /an illegal memory access was encountered|CUDA_ERROR_ILLEGAL_ADDRESS/,
    'kernel wrote out of bounds (Xid 31/13): usually app, sometimes hardware',
    'same node/GPU repeatedly -> hardware; moves with the job -> code/library; CUDA_LAUNCH_BLOCKING=1',
  ),
  signature(
    'device-assert',
    72,
    'H15',
    /device-side assert triggered/,
    'index out of range in a kernel, e.g. token id >= vocab',
    "app; look for 'Assertion ... failed' lines before",
  ),
  signature(
    'ecc',
    97,
    'J10',
    /uncorrectable ECC error encountered|cudaErrorECCUncorrectable/,
    'uncorrectable ECC (Xid 48/94/95)',
    'cordon; reset; ROW_REMAP_FAILURE',
  ),
  signature(
    'launch-fail',
    68,
    'H15',
    /unspecified launch failure|CUDA_ERROR_LAUNCH_FAILED/,
    'a GPU kernel crashed',
    'Xid on node; same as illegal-access',
  ),
  signature(
    'nvlink',
    97,
    'J10',
    /uncorrectable NVLink error detected/,
    'NVLink fatal',
    'Xid 74/144-150; reset both GPUs / node',
  ),
  signature(
    'rdzv-timeout',
    65,
    'L9',
    /DistStoreError: Timed out after (\d+) seconds waiting for clients\. (\d+)\/(\d+) clients joined|RendezvousTimeoutError|The client socket has timed out after \d+ ?ms while trying to connect to \(?([^)]*)\)?/,
    'not all ranks joined',
    'joined/expected in text; who is Pending/ImagePull/Init/CrashLoop? -> half-pending gang (5.12); else DNS/NetworkPolicy to MASTER_ADDR:PORT',
  ),
  signature(
    'rdzv-dns',
    74,
    'L9',
    /The client socket has failed to connect to .*(?:Name or service not known|no address)|\[c10d\] The IPv[46] network addresses of \(?([^,]+), \d+\)? cannot be retrieved/,
    'master host name does not resolve',
    'headless Service, publishNotReadyAddresses, subdomain; transient before master is up',
  ),
  signature(
    'jax-coordination',
    58,
    'L9',
    /Failed to connect to coordination service|coordination service[^\n]{0,200}(?:UNAVAILABLE|DEADLINE_EXCEEDED|error)|Barrier timed out|JAX distributed service detected fatal errors|jax\.distributed[^\n]{0,200}(?:[Tt]imed out|DEADLINE_EXCEEDED)|CoordinationServiceError|RegisterTask[^\n]{0,200}DEADLINE_EXCEEDED/,
    'a task of the JAX job is gone or never came: its coordination service gave up',
    'the other tasks: who ended first, who never started; the coordinator address',
  ),
  signature(
    'port-in-use',
    80,
    'H1',
    /EADDRINUSE|[Aa]ddress already in use/,
    'the port is already in use',
    'hostNetwork with two pods on one node; stale process; second torchrun on 29500; restart with previous process in TIME_WAIT',
  ),
  signature(
    'elastic-child',
    25,
    'H15',
    /torch\.distributed\.elastic\.multiprocessing\.errors\.ChildFailedError|exitcode\s*:\s*-(\d+)/,
    'torchrun summary; negative exitcode = signal',
    "'Root Cause (first observed failure)' block: rank, host, exitcode (-9 SIGKILL/OOM, -11 SEGV, -6 ABRT, -7 BUS); error_file",
  ),
  signature(
    'store-broken',
    28,
    'H15',
    /TCPStore.*(?:Broken pipe|Connection reset by peer|recvValue failed)/,
    'rank 0 / store died',
    'look at rank 0 pod',
  ),
  signature(
    'ckpt-missing',
    85,
    'H1',
    /(?:FileNotFoundError|No such file or directory).*(?:checkpoint|ckpt|\.pth?\b|\.safetensors|global_step)|Can't find a valid checkpoint at/i,
    'checkpoint/weights path absent',
    'PVC bound+mounted? subPath, init/download container, previous run saved? wrong step dir; RWO volume on other node',
  ),
  signature(
    'ckpt-mismatch',
    85,
    'H1',
    /Error\(s\) in loading state_dict for|size mismatch for \S+: copying a param/,
    'weights do not match architecture/TP size',
    'model revision, tensor-parallel resharding, vocab resize',
  ),
  signature(
    'ckpt-corrupt',
    85,
    'H1',
    /PytorchStreamReader failed|Consistency check failed: file should be of size|unexpected EOF, expected \d+ more bytes|invalid load key/,
    'truncated/partial file',
    'disk-full or killed during save (Evicted, 137); LFS pointer; size of file; use previous checkpoint',
  ),
  signature(
    'safetensors',
    85,
    'H1',
    /SafetensorError: Error while deserializing header: (\w+)|HeaderTooLarge|MetadataIncompleteBuffer|InvalidHeaderDeserialization/,
    'bad safetensors header',
    'LFS pointer file (~130 B), interrupted download, disk full; re-download',
  ),
  signature(
    'disk-full',
    83,
    'H14',
    /[Nn]o space left on device|OSError: \[Errno 28\]|[Dd]isk quota exceeded|\[Errno 122\]/,
    'filesystem full',
    'which mount? / or /tmp = ephemeral-storage (node DiskPressure, Evicted), PVC = kubelet_volume_stats, /dev/shm',
  ),
  signature(
    'read-only',
    83,
    'H1',
    /Read-only file system|\[Errno 30\]/,
    'it writes to a read-only file system',
    'readOnlyRootFilesystem (HF cache in ~/.cache), PV remounted ro after I/O errors, ROX volume',
  ),
  signature(
    'pvc-stale',
    83,
    'H1',
    /Stale file handle|Transport endpoint is not connected/,
    'NFS/FUSE mount broken',
    'CSI node pod on that node; other pods on same node/PVC',
  ),
  signature(
    'hf-gated',
    86,
    'H1',
    /GatedRepoError|Cannot access gated repo|access a gated repo|Access to model \S+ is restricted/,
    'the Hugging Face token lacks access to a gated model',
    'HF_TOKEN Secret present and mounted? accepted licence? 401 vs 403',
  ),
  signature(
    'hf-404',
    86,
    'H1',
    /RepositoryNotFoundError|is not a local folder and is not a valid model identifier/,
    'the Hugging Face repository does not exist, is private, or no token is given',
    'model name typo; HF_TOKEN; local path missing -> treated as repo id',
  ),
  signature(
    'hf-429',
    86,
    'H1',
    /429 Client Error: Too Many Requests for url: https:\/\/huggingface\.co/,
    'Hugging Face limits the rate of downloads',
    'many replicas downloading at once; use PVC/model cache, token',
  ),
  signature(
    'hf-net',
    84,
    'H1',
    /couldn't connect to 'https:\/\/huggingface\.co'|LocalEntryNotFoundError|Max retries exceeded with url.*huggingface/,
    'Hugging Face cannot be reached from the pod',
    'NetworkPolicy, proxy env, HF_HUB_OFFLINE with cold cache, DNS',
  ),
  signature(
    'tokenizer',
    84,
    'H1',
    /Can't load tokenizer for|Couldn't instantiate the backend tokenizer|Exception: data did not match any variant of untagged enum/,
    'tokenizer files missing or too new for library',
    'transformers/tokenizers version; incomplete snapshot',
  ),
  signature(
    'tokenizers-fork',
    5,
    '',
    /huggingface\/tokenizers: The current process just got forked/,
    'harmless warning',
    'ignore (TOKENIZERS_PARALLELISM=false)',
  ),
  signature(
    'trust-remote',
    80,
    'H1',
    /requires you to execute the (?:configuration|modeling) file|trust_remote_code=True|contains custom code which must be executed/,
    'the model brings code of its own, and trust_remote_code is not set',
    'add --trust-remote-code deliberately',
  ),
  signature(
    'arch-unsupported',
    84,
    'H1',
    /model type `\S+` but Transformers does not recognize this architecture|Model architectures \[.*\] (?:are not supported|failed to be inspected)/,
    'library too old for the model',
    'upgrade vLLM/transformers image',
  ),
  signature(
    'triton-load',
    80,
    'H1',
    /failed to load '[^']+' version \d+: [^\n]+|Poll failed for model directory [^\n]+|failed to load all models|error: creating server: Internal|UNAVAILABLE: (?:Invalid argument|Internal|Not found)/,
    'one model failed, server exits (strict)',
    'the model table rows UNAVAILABLE; config.pbtxt; model repository mount; --exit-on-error=false',
  ),
  signature(
    'tp-mismatch',
    86,
    'H1',
    /(?:Total number of attention heads|must be divisible by tensor parallel size)|World size \(\d+\) is larger than the number of available GPUs|The number of required GPUs exceeds the total number of available GPUs/,
    'parallelism does not fit',
    'tensor-parallel-size vs GPUs requested and heads',
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
    'ray-wait',
    40,
    'H15',
    /No available node types can fulfill resource request|Waiting for creating a placement group|The current node (?:timed out|has not been updated)/,
    'Ray logical resources unavailable',
    'worker pods Pending? RayCluster desired vs ready; autoscaler',
  ),
  signature(
    'import',
    75,
    'H1',
    /ModuleNotFoundError: No module named '([^']+)'|ImportError: (lib\S+\.so\S*): cannot open shared object file/,
    'image lacks a package/library',
    'image tag; pip step in entrypoint failed',
  ),
  signature(
    'exec-format',
    90,
    'G5',
    /exec format error/,
    'wrong CPU architecture image',
    'arm64 (GH200/GB200, Graviton) vs amd64: node label kubernetes.io/arch',
  ),
  signature(
    'nan',
    50,
    'H1',
    /\bloss\b\s*(?:is|became|[=:])?\s*(?:nan|inf(?:inity)?)\b|Gradient overflow.*reducing loss scale to 0(?:\.0)?$/i,
    'training diverged: infra usually innocent',
    'same data step? only one node -> suspect silent data corruption; loss scale',
  ),
  signature(
    'py-traceback',
    1,
    'H1',
    /^Traceback \(most recent call last\):/m,
    'generic',
    'show last line of the traceback',
  ),
  signature(
    'shm-full',
    87,
    'J12',
    /\/dev\/shm[^\n]*No space left on device|No space left on device[^\n]*\/dev\/shm/,
    'shared memory exhausted',
    '/dev/shm emptyDir Memory missing or too small',
  ),
  signature(
    'rbac',
    86,
    'H1',
    /is forbidden: User \\?"system:serviceaccount:([^"\\]+)\\?" cannot (\w+) resource \\?"([^"\\]+)\\?"/,
    'its ServiceAccount may not do what it tries',
    'the Role and RoleBinding of the ServiceAccount',
  ),
  signature(
    'cloud-auth',
    84,
    'H1',
    /\bAccessDenied\b|NoCredentialsError|Unable to locate credentials|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|\(403\) when calling the HeadObject|403 Forbidden: (?:s3|gs|https?):\S+|does not have storage\.\w+|Permission 'storage\.[\w.]+' denied|google\.(?:api_core\.exceptions\.Forbidden|auth\.exceptions\.(?:DefaultCredentialsError|RefreshError))|Your default credentials were not found|Could not automatically determine credentials|AuthorizationPermissionMismatch|AuthorizationFailure|DefaultAzureCredential failed|ClientAuthenticationError|not authorized to perform: (?:sts:AssumeRoleWithWebIdentity|s3:\w+)|InvalidIdentityToken|RequestTimeTooSkewed|InvalidClientTokenId|UnrecognizedClientException/,
    'object storage refuses its credentials',
    'ServiceAccount annotation (workload identity), credentials Secret, bucket policy',
  ),
  signature(
    'hf-401',
    86,
    'H1',
    /401 Client Error\b.*huggingface|Invalid username or password|Token is required|Invalid user token/,
    'Hugging Face refuses the token',
    'the Secret behind HF_TOKEN',
  ),
  signature(
    'file-missing',
    78,
    'H1',
    /FileNotFoundError: (?:\[Errno 2\] )?(?:No such file or directory: )?['"]?([^'"\n]+)|(?:can't open file|cannot open|can't cd to|can't open|cannot access|stat|open) ['"]?([^'":\n]+)['"]?: (?:\[Errno 2\] )?[Nn]o such file or directory|: ([^:\s]+): No such file or directory|ENOENT: no such file or directory[^'\n]*'([^']+)'|Error: Cannot find module '([^']+)'/,
    'a file that it needs is not there',
    'what is mounted at that path; image contents; workingDir',
  ),
  signature(
    'permission',
    77,
    'H1',
    /PermissionError: .*?['"]([^'"]+)['"]|EACCES: permission denied(?:[^'\n]*'([^']+)')?|(?:cannot|can't|[Ff]ailed to|unable to)[^\n]{0,80}: [Pp]ermission denied|: Permission denied$/m,
    'it may not read or write a path',
    'fsGroup, runAsUser, readOnly mounts',
  ),
  signature(
    'oom-java',
    84,
    'H1',
    /java\.lang\.OutOfMemoryError(?:: ([\w ]+))?/,
    'the Java heap is full: not the container limit',
    '-Xmx, -XX:MaxRAMPercentage',
  ),
  signature(
    'oom-node',
    84,
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
    'dns',
    66,
    'L6',
    /Name or service not known|Temporary failure in name resolution|no such host|EAI_AGAIN|ENOTFOUND|getaddrinfo|nodename nor servname|could not translate host name|[Cc]ould not resolve host|UnknownHostException|host not found in upstream|nslookup: can't resolve|can't resolve '|lookup \S+(?: on \S+)?: (?:read udp|write udp|dial udp|server misbehaving|i\/o timeout)|communications error to \S+#53/,
    'a host name does not resolve',
    'the name, its Service, CoreDNS, egress to port 53',
  ),
  signature(
    'connection',
    64,
    'H1',
    /(?:dial tcp |connect to |connecting to |host=')?(?<![\w.-])([\w.-]{1,253})(?:[:',]+ ?|,? port[= ]+)(?:port[= ]+)?(\d{2,5})[^\n]{0,80}?(?:[Cc]onnection refused|ECONNREFUSED)|host='([\w.-]+)', port=(\d+)\): Max retries exceeded|ECONNREFUSED ([\w.:-]+)|[Cc]onnection to (?:server at )?"?([\w.-]+)"?[^\n]{0,60} (?:refused|timed out|failed)|dial tcp ([\w.-]+):(\d{2,5}): (?:i\/o timeout|connect: connection timed out)|curl: \((?:7|28)\)[^\n]*|ETIMEDOUT ([\w.:-]+)|Can't connect to (?:\w+ )?(?:MySQL )?server on '([^']+)'|Connection to node \S+ \(([^)]+)\) could not be established|[Cc]onnection timed out|wget: download timed out|upstream timed out|[Cc]onnection refused/,
    'a service that it needs does not answer',
    'that Service, its endpoints, network policies',
    /refused|REFUSED|Max retries|failed|timed out|timeout|curl: \(|TIMEDOUT|Can't connect|could not be established/,
  ),
  signature(
    'db-auth',
    76,
    'H1',
    /password authentication failed for user "?([^"\s]+)|Access denied for user '([^']+)'|authentication failed|NOAUTH Authentication required|WRONGPASS|invalid username-password pair/i,
    'a service that it needs refuses its credentials',
    'the Secret behind the password; whether it was rotated',
  ),
  signature(
    'missing-env',
    76,
    'H1',
    /(?:KeyError|(?<![Ss]et the )environment variable|env var|[Mm]issing (?:required )?(?:env|environment|config)\w*)[^\n]{0,30}?['":\s]([A-Z][A-Z0-9_]{2,})|(?<![A-Z0-9_])([A-Z][A-Z0-9_]{2,}) (?:is not set|must be set|is required|not set|environment variable is (?:not|un)set)/,
    'an environment variable is missing',
    'env and envFrom of the container',
  ),
  signature(
    'usage',
    60,
    'H1',
    /error: (?:unrecognized arguments|the following arguments are required|argument [^\n]+)|unknown (?:flag|option|command)[^\n]*|flag provided but not defined[^\n]*|invalid (?:option|argument)[^\n]*/,
    'its arguments are wrong',
    'command and args of the container',
  ),
  signature(
    'config-parse',
    62,
    'H1',
    /(?:yaml|json|toml|ini|config(?:uration)?)[^\n]{0,60}(?:parse|parsing|syntax|unmarshal|invalid|cannot unmarshal|did not find expected)[^\n]*|JSONDecodeError|ParserError|ScannerError|invalid character '[^\n]+' looking for|nginx: \[emerg\][^\n]*/i,
    'its configuration cannot be read',
    'the ConfigMap or Secret that holds it',
  ),
  signature(
    'command-missing',
    82,
    'H3',
    /^(?:\S*sh(?:: line)?(?:: \d+)?: )?(?:\d+: )?([\w./-]+): (?:command )?not found$/m,
    'a command does not exist in the image',
    'spelling, image tag',
  ),
  signature(
    'cpp-abort',
    55,
    'H3',
    /terminate called after throwing|double free or corruption|Assertion `[^\n]+failed/,
    'native code aborted',
    'the lines before it',
  ),
  signature(
    'segv',
    55,
    'H3',
    /Segmentation fault|signal SIGSEGV|Fatal Python error: Segmentation fault|Signal 11 \(SIGSEGV\) received by PID|exitcode\s*:\s*-11\b|return code = -11\b|caught signal 11\b|SIGSEGV: segmentation violation|signaled to shutdown with signal 11\b/,
    'native code crashed',
    'driver and library versions',
  ),
  signature(
    'ssh',
    60,
    'L9',
    /ORTE was unable to reliably start|PRTE has lost communication|ssh: (?:connect|Could not resolve)[^\n]*|Host key verification failed|Permission denied \(publickey[^\n]*/,
    'the launcher cannot reach its workers',
    'worker pods ready? names and headless Service',
  ),
  signature(
    'ray-dead',
    46,
    'L9',
    /marked (?:as )?dead by the GCS|marked dead because the detector has missed too many heartbeats|Raylet is terminated|raylet[^\n]{0,120}(?:has been lost|died unexpectedly)/,
    'the Ray head lost contact with this node: overloaded, out of memory, or cut off',
    'memory and CPU of this pod at that time; the head pod',
  ),
  signature(
    'gloo-peer',
    30,
    'H15',
    /gloo\/transport\/[^\n]{0,160}(?:Connection closed by peer|Connection reset|Broken pipe|Timed out|Connect timeout)|Connection closed by remote peer/,
    'the peer went away',
    'look at the OTHER ranks: who restarted/OOMKilled/evicted first',
  ),
  signature(
    'nccl-duplicate',
    79,
    'H15',
    /Duplicate GPU detected/,
    'two ranks use the same GPU',
    'processes per pod against GPUs per pod; local rank and CUDA_VISIBLE_DEVICES',
  ),
  signature(
    'sglang-memory',
    90,
    'H15',
    /Not enough memory\. Please try to (?:increase|decrease|adjust) --mem-fraction-static|runs? out of memory\. Please set a smaller number for|Decode out of memory|Prefill out of memory/,
    'the GPU has too little memory for what it is set to serve',
    '--mem-fraction-static, --context-length, --max-running-requests, more GPUs',
  ),
  signature(
    'git',
    82,
    'H1',
    /fatal: (?:could not read (?:Username|Password)|Authentication failed for|[Cc]ould not read from remote repository|repository '[^']*' not found|unable to access '[^']*')[^\n]*|fatal: Remote branch \S+ not found|error: pathspec '[^']*' did not match/,
    'git cannot read the repository or revision',
    'the credentials of the clone, the URL, the branch; egress to the git server',
  ),
  signature(
    'migration',
    77,
    'H1',
    /Can't locate revision identified by|Multiple head revisions|Dirty database version \d+|Found more than one migration|Migration checksum mismatch|out-of-date database schema/,
    'the schema of its database does not fit this version of the program',
    'the version that ran before; run or roll back the migrations',
  ),
  signature(
    'ray-gcs',
    45,
    'L9',
    /Failed to connect to GCS|Unable to connect to GCS|ray\.exceptions\.RaySystemError/,
    'the Ray head does not answer',
    'the head pod',
  ),
  signature(
    'quota-api',
    60,
    'H1',
    /429 Too Many Requests/,
    'a service that it uses limits its rate',
    'retries, token, number of replicas',
  ),
  signature(
    'kv-vllm',
    90,
    'H15',
    /KV cache .* larger than|max_model_len[^\n]*larger/,
    'the model leaves too little GPU memory for its cache',
    '--max-model-len, --gpu-memory-utilization',
  ),
  signature(
    'nvml-library',
    92,
    'J11',
    /Incompatible (?:platform|strategy) detected|invalid device discovery strategy|Failed to initialize NVML: (?:ERROR_LIBRARY_NOT_FOUND|could not load NVML library)|could not load NVML library|libnvidia-ml\.so(?:\.1)?: cannot open shared object file|libcuda\.so(?:\.1)?: cannot open shared object file/,
    'the NVIDIA libraries are not in the container',
    'is nvidia the default runtime or runtimeClassName set; driver on the node; does the container request a GPU',
  ),
  signature(
    'nccl-internal',
    66,
    'H15',
    /ncclInternalError|ncclInvalidUsage|ncclInvalidArgument/,
    'NCCL fails by itself',
    'NCCL WARN lines above; NCCL versions of the ranks; two ranks on one GPU',
  ),
  signature(
    'gpu-too-old',
    90,
    'J11',
    /Bfloat16 is only supported on GPUs with compute capability|FlashAttention only supports Ampere GPUs or newer|hipErrorNoBinaryForGpu|minimum (?:required )?[Cc]uda capability supported|is not supported for the current GPU|only supported on CUDA devices with compute capability|Minimum capability: \d+/,
    'the GPU is too old for what the program asks of it',
    '--dtype=half; a newer GPU by nodeSelector nvidia.com/gpu.product',
  ),
  signature(
    'engine-plan',
    90,
    'H1',
    /Failed to deserialize cuda engine|engine plan file (?:is )?(?:not compatible|generated on an incompatible device)|serialization version mismatch.*TensorRT|Version tag does not match/i,
    'the TensorRT engine was built for another GPU or version',
    'build the engine on the GPU and version that runs it',
  ),
  signature(
    'cudnn',
    88,
    'J11',
    /CUDNN_STATUS_(?:NOT_INITIALIZED|VERSION_MISMATCH|EXECUTION_FAILED|SUBLIBRARY_VERSION_MISMATCH)|Loaded runtime CuDNN library: \S+ but source was compiled with/,
    'cuDNN does not fit, or the GPU memory is full',
    'cuDNN of the image against the framework; GPU memory',
  ),
  signature(
    'accelerator-busy',
    90,
    'J11',
    /TPU is already in use by|Unable to initialize backend 'tpu'|synStatus=\d+ \[[^\]]+\] Device acquire failed|nrt_init[^\n]*(?:failed|NRT_|Unable to)|No neuron device available|NPU function error: (?:aclrtSetDevice|aclInit)|Neuron(?:Core)?s? (?:not available|unavailable)/,
    'the accelerator cannot be taken by this process',
    'who else holds it; does the container request it; device plugin',
  ),
  signature(
    'mpi-slots',
    78,
    'H1',
    /There are not enough slots available in the system/,
    'mpirun asks for more slots than its workers offer',
    'slotsPerWorker times workers against -np',
  ),
  signature(
    'ray-version',
    80,
    'H1',
    /Version mismatch: The cluster was started with/,
    'Ray or Python versions of head and workers differ',
    'images of head and worker groups; rayVersion',
  ),
  signature(
    'host-memory',
    81,
    'H1',
    /DefaultCPUAllocator: (?:can't|not enough memory)|model requires more system memory|Too large swap space|std::bad_alloc|^MemoryError\b|OSError: \[Errno 12\] Cannot allocate memory|[Cc]annot allocate memory|numpy\.core\._exceptions\.\w*MemoryError/m,
    'the process gets no more host memory',
    'memory limit; batch, workers, dataset in memory',
  ),
  signature(
    'too-many-files',
    89,
    'H1',
    /Too many open files|\[Errno 24\]|inotify[^\n]*(?:limit|too many|[Nn]o space)|max_user_(?:watches|instances)/i,
    'the limit of open files or inotify watches is reached',
    'ulimit -n of the runtime; fs.inotify.max_user_instances of the node; number of workers',
  ),
  signature(
    'abi',
    85,
    'H1',
    /undefined symbol: \S+|version `(?:GLIBC|GLIBCXX|CXXABI)_[\d.]+' not found|error while loading shared libraries: ([^:\s]+)/,
    'a library of the image does not fit its program',
    'versions of framework and extension in the image',
  ),
  signature(
    'import-name',
    75,
    'H1',
    /numpy\.dtype size changed|Descriptors cannot be created directly|compiled using NumPy 1\.x cannot be run|ImportError: cannot import name '([^']+)'|AttributeError: module '([^']+)' has no attribute/,
    'versions of the Python packages do not fit together',
    'pins of the packages in the image',
  ),
  signature(
    'tls',
    79,
    'H1',
    /certificate verify failed|CERTIFICATE_VERIFY_FAILED|x509: cannot validate certificate for \S+|x509: certificate (?:has expired|signed by unknown authority|is valid for|is not valid)[^\n]*|unable to get local issuer certificate|SSL certificate problem|self[- ]signed certificate|PKIX path building failed|tls: failed to verify certificate/,
    'a TLS certificate is not accepted',
    'expiry; the CA bundle of the container; the clock',
  ),
  signature(
    'proxy',
    79,
    'H1',
    /ProxyError|[Cc]annot connect to proxy|407 Proxy Authentication|Tunnel connection failed/,
    'the HTTP proxy refuses or does not answer',
    'HTTP_PROXY, HTTPS_PROXY, NO_PROXY of the container',
  ),
  signature(
    'db-missing',
    78,
    'H1',
    /database "([^"]+)" does not exist|Unknown database '([^']+)'|relation "([^"]+)" does not exist|no such table: (\S+)/,
    'the database or table does not exist',
    'migrations; name of the database',
  ),
  signature(
    'db-full',
    78,
    'H1',
    /too many (?:clients already|connections)|remaining connection slots are reserved/i,
    'the database takes no more connections',
    'pool size times replicas against max_connections',
  ),
  signature(
    'api-token',
    78,
    'H1',
    /(?:failed to list|error retrieving resource lock|[Ff]ailed to watch)[^\n]*Unauthorized|the server has asked for the client to provide credentials|invalid bearer token|service account token has (?:expired|been invalidated)/,
    'the API server does not accept its token',
    'ServiceAccount re-created? token of an old Secret; clock of the node',
  ),
  signature(
    'leader-lost',
    70,
    'H1',
    /leader ?election lost|failed to renew lease|lost (?:the )?(?:leader|master) ?(?:lease|lock|election)?/i,
    'it lost its leader lease: the API server did not answer in time',
    'latency of API server and etcd at that time; CPU throttling',
  ),
  signature(
    'low-port',
    85,
    'H1',
    /(?:listen|bind)[^\n]*:(\d+)[^\n]*[Pp]ermission denied|bind\(\) to [\d.:[\]]+:(\d+) failed \(13: Permission denied\)|cannot bind to port (\d+)/,
    'it may not listen on a port below 1024',
    'a port above 1024, or capability NET_BIND_SERVICE',
  ),
  signature(
    'interpreter',
    91,
    'H3',
    /exec user process caused[: "]+no such file or directory|exec \S+: no such file or directory|bad interpreter|env: [^\n]*\\r|\$'\\r': command not found|\r: (?:command )?not found/,
    'the entrypoint or the interpreter of its first line does not exist',
    'CRLF line ends of the script; shell in the image; glibc binary on Alpine',
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
    'ipv6',
    70,
    'H1',
    /Address family not supported by protocol/,
    'it listens on IPv6, which the node does not have',
    'listen directive; bind address',
  ),
  signature(
    'wandb-key',
    86,
    'H1',
    /wandb[^\n]*api_key not configured|wandb[^\n]*(?:401|Invalid API key|API key must be)|wandb login/i,
    'Weights & Biases refuses: no or a wrong API key',
    'the Secret behind WANDB_API_KEY; WANDB_MODE=offline',
  ),
  signature(
    'weights-missing',
    84,
    'H1',
    /Cannot find any (?:of the )?model weights|Invalid repository ID or local directory|No (?:model|such model|objects?|files?) found in|Failed to fetch model|NoSuchBucket|NoSuchKey|The specified (?:bucket|key) does not exist|\(404\) when calling the HeadObject|BlobNotFound|Could not find base path/,
    'the model or object is not where it is looked for',
    'storageUri, bucket, path and revision',
  ),
  signature(
    'tgi-memory',
    90,
    'H15',
    /Not enough memory to handle \d* ?(?:prefill|max)|NotEnoughMemory/,
    'the GPU has too little memory for what it is set to serve',
    '--max-batch-prefill-tokens, quantisation, more shards',
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
    'crd-missing',
    84,
    'H1',
    /no matches for kind \\?"(\w+)\\?" in version|no kind is registered for the type|the server could not find the requested resource \((?:get|list) ([\w.]+)\)/,
    'a custom resource definition that it needs is not installed',
    'kubectl get crds; the order of the installation',
  ),
  signature(
    'iptables',
    84,
    'H1',
    /ip6?tables[^\n]*(?:unable to initialize table|can't initialize|Permission denied|Operation not permitted|No chain\/target)/,
    'iptables cannot be set up: a kernel module or capability NET_ADMIN is missing',
    'modules of the node (iptable_nat, nf_tables); securityContext; a CNI plugin in place of the init container',
  ),
  signature(
    'go-panic',
    56,
    'H1',
    /^(?:panic|fatal error): (?!.*: No such file)([^\n]+)/m,
    'the program panicked',
    'the stack below it',
  ),
  signature(
    'rust-panic',
    56,
    'H1',
    /thread '[^']*'(?: \(\d+\))? panicked at ([^\n]+)\n?([^\n]*)/,
    'the program panicked',
    'RUST_BACKTRACE=1',
  ),
  signature(
    'rdzv-store',
    66,
    'L9',
    /RendezvousConnectionError|The connection to the C10d store has failed/,
    'the rendezvous store of rank 0 cannot be reached, or is gone',
    'the pod of rank 0: does it run, did it restart; its headless Service; NetworkPolicy to MASTER_ADDR:PORT',
  ),
  signature(
    'http-unreachable',
    63,
    'H1',
    /HTTPS?ConnectionPool\(host='([\w.-]+)', port=\d+\)[^\n]{0,160}(?:Read timed out|Connection aborted|[Cc]onnection reset)|requests\.exceptions\.(?:ConnectTimeout|ReadTimeout|ConnectionError)|httpx\.(?:ConnectError|ConnectTimeout|ReadTimeout)|ClientConnectorError: Cannot connect to host ([\w.-]+)|NoBrokersAvailable/,
    'a service that it needs does not answer',
    'that service; egress, proxy and DNS of the pod',
  ),
  signature(
    'io-error',
    83,
    'H1',
    /\[Errno 5\]|\bInput\/output error\b|: input\/output error/,
    'the storage answers with an input/output error',
    'the mount and its server (NFS, Lustre, FUSE), the disk and kernel log of the node',
  ),
  signature(
    'compiler',
    77,
    'H1',
    /Failed to find C compiler|(?:gcc|cc|g\+\+): (?:command )?not found|unable to execute '(?:[\w-]*gcc|cc|g\+\+)'/,
    'the image has no C compiler, and it wants to compile',
    'a -devel image, or build-essential in it',
  ),
  signature(
    'ray-actor',
    47,
    'H15',
    /ActorDiedError|WorkerCrashedError|Worker exit type: SYSTEM_ERROR|The actor (?:is dead|died unexpectedly)/,
    'a worker process of Ray died, often for want of host memory',
    'the pod that ran it: OOMKilled, evicted, restarted? ray logs raylet',
  ),
  signature(
    'context-length',
    84,
    'H1',
    /User-specified max_model_len \(\d+\) is greater than the derived max_model_len/,
    'the context length that is set is longer than the model allows',
    '--max-model-len; rope scaling of the model',
  ),
  signature(
    'pip',
    63,
    'H1',
    /No matching distribution found for (\S+)|Could not find a version that satisfies the requirement (\S+)/,
    'pip finds no such package or version',
    'name and version, Python version; whether the index can be reached',
  ),
  signature(
    'dns-loop',
    90,
    'H1',
    /plugin\/loop: Loop \(/,
    'CoreDNS forwards to itself: the resolv.conf that it reads points back at it',
    'resolvConf of the kubelet (systemd-resolved: /run/systemd/resolve/resolv.conf); forward in the Corefile',
  ),
  signature(
    'etcd-full',
    90,
    'H1',
    /mvcc: database space exceeded/,
    'the database of etcd is full: it takes no more writes',
    'compact, defragment, disarm the alarm; what fills it (events, custom resources)',
  ),
  signature(
    'driver-build',
    84,
    'H1',
    /Could not resolve Linux kernel version|[Uu]nable to find the kernel source|modprobe: FATAL: Module nvidia\S* not found|Could not find (?:the )?kernel[- ]headers|Unable to install kernel headers/,
    'the driver cannot be built or loaded for the kernel of this node',
    'kernel of the node against the driver image; package mirror; a precompiled driver',
  ),
  signature(
    'cuda-init',
    92,
    'J11',
    /CUDA unknown error - this may be due to an incorrectly set up environment|cuInit[^\n]{0,120}(?:CUDA_ERROR_UNKNOWN|initialization error)|CUDA error: initialization error/,
    'CUDA cannot be initialised in the container',
    'driver and /dev/nvidia* of the node (nvidia-uvm); CUDA_VISIBLE_DEVICES changed after the start; restart of the driver under a running pod',
  ),
  signature(
    'device-ordinal',
    88,
    'J11',
    /invalid device ordinal|CUDA_ERROR_INVALID_DEVICE\b|You requested gpu: \[[^\]]*\]\s*But your machine only has/,
    'it uses the number of a GPU that the container does not have',
    'processes per pod against GPUs per pod; CUDA_VISIBLE_DEVICES and local rank',
  ),
  signature(
    'model-profile',
    86,
    'J11',
    /No compatible profiles found|Could not match a profile in manifest/,
    'no profile of the model fits the GPUs that it has',
    'list-model-profiles; NIM_MODEL_PROFILE; number and product of the GPUs',
  ),
  signature(
    'api-key',
    77,
    'H1',
    /requires an API key|API key[^\n]{0,30}(?:is missing|not (?:set|found|provided|configured)|is invalid|none was found)|[Ii]nvalid API key|Incorrect API key provided/,
    'an API key is missing or refused',
    'the Secret behind it; whether the variable reaches this container',
  ),
  signature(
    'data-owner',
    80,
    'H1',
    /data directory "[^"]+" has (?:wrong ownership|invalid permissions|group or world access)|directory "[^"]+" exists but is not empty|database files are incompatible with server|The server must be started by the user that owns/,
    'its data directory cannot be used as it is: owner, permissions, contents or version',
    'fsGroup and runAsUser; a subPath below the mount (lost+found); the version that wrote it',
  ),
  signature(
    'apiserver',
    80,
    'H1',
    /https:\/\/[^\s"/]{1,120}\/(?:api|apis|version|healthz)\b[^\n]{0,240}(?:i\/o timeout|connection refused|no route to host|TLS handshake timeout|context deadline exceeded|network is unreachable)/,
    'the API server cannot be reached from the pod',
    'the pod network and kube-proxy of its node; a NetworkPolicy on egress; the API server itself',
  ),
  signature(
    'cuda-toolkit',
    77,
    'H1',
    /CUDA_HOME (?:does not exist|environment variable is not set)|nvcc[^\n]{0,40}(?:not found|No such file)|MissingCUDAException/,
    'the image has no CUDA toolkit, and it wants to compile',
    'a -devel image, or a wheel that is built already',
  ),
  signature(
    'storage-unreachable',
    79,
    'H1',
    /(?:ConnectTimeoutError|EndpointConnectionError|ReadTimeoutError|Connect timeout on endpoint URL|Could not connect to the endpoint URL)[^\n]{0,200}?https?:\/\/([^/"\s:]+)/,
    'the object storage does not answer',
    'egress, proxy and endpoint of the storage; AWS_ENDPOINT_URL, region',
  ),
  signature(
    'license',
    70,
    'H1',
    /license[^\n]{0,40}(?:expired|invalid|not found|denied)/i,
    'no valid licence',
    'the licence server or file',
  ),
];

export interface SignatureHit {
  readonly signature: Signature;
  /** The line that it stands in. */
  readonly line: string;
  /** What the pattern captured, in order, without the empty ones. */
  readonly captures: readonly string[];
}

/** Only the end of a log is looked at: what came last is what mattered, and time stays bounded. */
const scanned = 64 * 1024;

/** Answers of the kubelet in place of a log: not the program's words. */
const noLog =
  /^(?:unable to retrieve container logs for |HTTP 400|Error from server \((?:BadRequest|NotFound)\))/;

/** Credentials as programs print them: assignments, URLs with a password, tokens of known shapes. */
const credentials: readonly (readonly [RegExp, string])[] = [
  [/\b([\w-]*(?:token|passwd|password|secret|api_?key|access_?key)[\w-]*=)[^\s&,;]+/gi, '$1(redacted)'],
  [/:\/\/([^\s/:@]+):[^\s/@]+@/g, '://$1:(redacted)@'],
  [
    /\b(?:hf_[A-Za-z0-9]{16,}|AKIA[0-9A-Z]{16}|gh[pousr]_\w{20,}|sk-[A-Za-z0-9-]{20,}|eyJ[\w-]{10,}\.[\w-]+\.[\w-]+)/g,
    '(redacted)',
  ],
];

/**
 * The log as the program wrote it: no timestamps of the kubelet, no colour, no credentials, for lines of it end up in
 * tickets. Undefined when there is none.
 */
export function programLog(log: string | undefined): string | undefined {
  return log === undefined ? undefined : readingOf(log).words;
}

interface Reading {
  readonly words: string | undefined;
  hit: SignatureHit | undefined;
  isScanned: boolean;
}

/** The last logs: one checklist asks a dozen times what a log says, and a line of it takes a hundred patterns. */
const readings = createInterner<string, Reading>(8);

const readingOf = (log: string): Reading =>
  readings.get(log, () => ({ words: wordsOf(log), hit: undefined, isScanned: false }));

function wordsOf(log: string): string | undefined {
  if (log.trim() === '' || noLog.test(log.trim())) return undefined;
  const tail = log.length > scanned ? log.slice(-scanned) : log;
  const plain = tail
    .replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '')
    .replace(/^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) /gm, '');
  return withoutCredentials(plain);
}

/** A text that may be shown or kept: what looks like a credential is `(redacted)`. */
export const withoutCredentials = (text: string): string =>
  credentials.reduce((rest, [pattern, mark]) => rest.replace(pattern, mark), text);

/** A line that says of itself that it is no failure, unless the program dies of warnings (NCCL). */
const harmless =
  /^(?:\[?[\d\-T:.,/ Z+]*\]?\s*)?(?:\[?\(?\w+\)?\]?\s+)?\[?(?:WARN(?:ING)?|INFO|DEBUG|W\d{4}|I\d{4}|UserWarning)\b|\bUserWarning:|\bwill retry\b|\bretrying\b/i;

/** The best hit: the highest rank, the earliest line among equals. What only warned counts when nothing else speaks. */
export function scan(log: string | undefined): SignatureHit | undefined {
  if (log === undefined) return undefined;
  const reading = readingOf(log);
  if (!reading.isScanned && reading.words !== undefined) reading.hit = bestHit(reading.words);
  reading.isScanned = true;
  return reading.hit;
}

function bestHit(words: string): SignatureHit | undefined {
  const loud = words
    .split('\n')
    .map((line) => (harmless.test(line) && !line.includes('NCCL') ? '' : line))
    .join('\n');
  const all = scanWords(words);
  const told = loud === words ? all : scanWords(loud);
  // PyTorch only warns of a driver or a GPU that does not do, and dies of the consequence; so does pip of its index.
  return told === undefined ||
    (all !== undefined &&
      (/^J1[01]$/.test(all.signature.state) || told.signature.id === 'pip') &&
      all.signature.rank > told.signature.rank)
    ? all
    : told;
}

/** The first match that is not merely a line of code in a traceback, else the first. */
function tellingMatch(pattern: RegExp, words: string): RegExpExecArray | undefined {
  const first = pattern.exec(words);
  if (first === null) return undefined;
  const lineOf = (found: RegExpExecArray): string =>
    words.slice(words.lastIndexOf('\n', found.index) + 1).trimStart();
  const isCode = (line: string): boolean => /^(?:raise |File "|from \S+ import|import |\^)/.test(line);
  if (!isCode(lineOf(first))) return first;
  const every = new RegExp(pattern.source, pattern.flags.includes('g') ? pattern.flags : `${pattern.flags}g`);
  let tries = 0;
  for (const found of words.matchAll(every)) {
    if (!isCode(lineOf(found))) return found;
    if (++tries > 20) break;
  }
  return first;
}

function scanWords(words: string): SignatureHit | undefined {
  let best: SignatureHit | undefined;
  for (const candidate of signatures) {
    if (candidate.state === '' || (best !== undefined && candidate.rank <= best.signature.rank)) continue;
    if (candidate.hint?.test(words) === false) continue;
    const match = tellingMatch(candidate.pattern, words);
    if (match === undefined) continue;
    const start = words.lastIndexOf('\n', match.index) + 1;
    const end = words.indexOf('\n', match.index);
    const line = words.slice(start, end < 0 ? undefined : end).trim();
    best = {
      signature: candidate,
      line: line === '' ? match[0].trim() : line,
      captures: match.slice(1).filter((entry) => entry !== undefined && entry !== ''),
    };
  }
  return best;
}

/** How a line begins that tells of a failure, and not only of trouble. */
const failing =
  /^(?:(?:\[[^\]]*\]|\([^)]*\)):?\s*)*(?:[\w.]*(?:Error|Exception|Interrupt|Exit)\b|panic:|FATAL|fatal:|fatal error:|Error:|ERROR|Assertion failed|[EF]\d{4} |Caused by|Unhandled exception)|^[\d\- :.TZ]+(?:\w+ )?(?:\[\d+\] )?(?:FATAL|PANIC|ERROR):? |\blevel=(?:error|fatal|panic)\b|"(?:level|severity)": ?"(?:error|fatal|critical)"/i;
/** Advice behind an error, which is not the error. */
const advice =
  /^note: run with|^[\d\- :.TZ]+(?:\w+ )?(?:\[\d+\] )?(?:HINT|DETAIL|STATEMENT): |^exit status \d+$|MPI_ABORT was invoked|^[-=*_#~|+\s]{3,}$|^\*\*\* Check failure stack trace/;

const spoken = (log: string | undefined): readonly string[] =>
  programLog(log)
    ?.split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !advice.test(line)) ?? [];

/** The last line that says something; of a Python traceback that is the exception. */
export function lastWords(log: string | undefined): string | undefined {
  const lines = spoken(log);
  return lines.findLast((line) => failing.test(line)) ?? lines.at(-1);
}

/** How far from the end of a log an error still is its last word. */
const endLines = 8;

/** An exception or a panic: a line that is only called an error may be one of many that it lived with. */
const raised = /(?:^|[\s\])])[A-Za-z_][\w.]*(?:Error|Exception)(?::|$)|^panic: |^fatal error: |panicked at /;

/** The exception that a program ended with; undefined where it was at work until the end. */
export function lastError(log: string | undefined): string | undefined {
  return spoken(log)
    .slice(-endLines)
    .findLast((line) => raised.test(line) && !harmless.test(line));
}

/** Exceptions that only sum up what another process, or an earlier line, has said. */
const summary =
  /ChildFailedError|EngineDeadError|Engine core initialization failed|Engine process failed|EngineCore|RuntimeError: cancelled|ProcessExitedException|ProcessRaisedException|HorovodInternalError|EOFError|BrokenPipeError|ConnectionResetError|DistBackendError|CancelledError/;

/** The first exception of its own that stands above a summary; undefined where there is none. */
export function rootError(log: string | undefined): string | undefined {
  return spoken(log).find((line) => raised.test(line) && !harmless.test(line) && !summary.test(line));
}
