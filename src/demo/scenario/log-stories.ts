import { type PodLike, pick, podRequests, type TerminatedLike } from './shapes.ts';

/** What a container writes: first words, then a line every so often, and last words when it ends. */
export interface LogStory {
  readonly opening: readonly string[];
  readonly everyMs: number;
  line(index: number): string;
  /** How many steady lines there are; without end when left out. */
  readonly lines?: number;
  readonly closing: readonly string[];
}

interface Teller {
  /** Tested against `namespace/pod/container`. */
  readonly where: RegExp;
  tell(pod: PodLike, exit: TerminatedLike | undefined): LogStory;
}

/** The story of a container's run. `exit` says how the run ended, undefined while it goes on. */
export function storyOf(pod: PodLike, container: string, exit: TerminatedLike | undefined): LogStory {
  const where = `${pod.metadata.namespace}/${pod.metadata.name}/${container}`;
  const teller = tellers.find((one) => one.where.test(where));
  if (teller !== undefined) return teller.tell(pod, exit);
  const image = pod.spec.containers.find((one) => one.name === container)?.image ?? '';
  if (/vllm|sglang|text-embeddings|triton/.test(image)) return serving(pod, exit);
  return (podRequests(pod).get('nvidia.com/gpu') ?? 0) > 0 || /pytorch|lora/.test(image)
    ? training(pod, exit)
    : batch(exit);
}

const quiet = { everyMs: 3_600_000, lines: 0, line: (): string => '', closing: [] };

/** Only these words, then silence. */
const words = (opening: readonly string[], closing: readonly string[] = []): LogStory => ({
  ...quiet,
  opening,
  closing,
});

const clock = (index: number): string => {
  const seconds = index % 86_400;
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
};

const rankOf = (pod: PodLike): number => {
  const label = pod.metadata.labels?.['batch.kubernetes.io/job-completion-index'];
  return label === undefined ? 0 : Number(label);
};

const loss = (step: number): string =>
  (1.7 + 6.2 * Math.exp(-step / 9000) + 0.05 * Math.sin(step / 7)).toFixed(4);

/** `perStep` lines belong to one step of the training: its micro-batches. */
function training(
  pod: PodLike,
  exit: TerminatedLike | undefined,
  { everyMs = 2500, perStep = 1 }: { readonly everyMs?: number; readonly perStep?: number } = {},
): LogStory {
  const rank = rankOf(pod);
  return {
    opening: [
      `[rank${rank}]: torch 2.9.0a0 cuda 13.0 nccl 2.28.3`,
      `${pod.metadata.name}:41:41 [0] NCCL INFO Bootstrap: Using eth0:10.8.12.${4 + rank}<0>`,
      `${pod.metadata.name}:41:189 [0] NCCL INFO NET/IB : Using [0]mlx5_0:1/IB [1]mlx5_1:1/IB [RO]; OOB eth0:10.8.12.${4 + rank}<0>`,
      `${pod.metadata.name}:41:189 [0] NCCL INFO ncclCommInitRankConfig comm 0x55d0c1a2 rank ${rank} nranks 32 - Init COMPLETE`,
      `Loading checkpoint shards:   0%|          | 0/8\rLoading checkpoint shards:  38%|███▊      | 3/8\rLoading checkpoint shards:  75%|███████▌  | 6/8\rLoading checkpoint shards: 100%|██████████| 8/8 [00:21<00:00,  2.66s/it]`,
      `[rank${rank}]: resuming from /checkpoints/global_step_41000`,
    ],
    everyMs,
    line: (index) => trainingLine(rank, index, perStep),
    closing:
      exit === undefined || exit.exitCode === 0
        ? ['training finished, saving final checkpoint']
        : traceback(
            'train.py',
            412,
            'loss.backward()',
            'RuntimeError: CUDA error: an illegal memory access was encountered',
          ),
  };
}

function trainingLine(rank: number, index: number, perStep: number): string {
  const step = 41_000 + Math.floor(index / perStep);
  const micro = perStep === 1 ? '' : ` | micro ${index % perStep}/${perStep}`;
  if (index % 200 === 199)
    return `[rank${rank}]: saving checkpoint to /checkpoints/global_step_${step} (async)`;
  if (index % 53 === 52)
    return `[rank${rank}]: dataloader: epoch 1 shard ${pick(`shard ${rank} ${index}`, 4096)} of 4096`;
  const rate = 4100 + pick(`rate ${rank} ${index}`, 240);
  return `[rank${rank}]: step ${step}${micro} | loss ${loss(step)} | lr 2.97e-04 | grad_norm ${(0.8 + pick(`norm ${index}`, 60) / 100).toFixed(2)} | ${rate} tok/s | mem 71.3GiB | iter ${480 + pick(`iter ${rank} ${index}`, 40)}ms`;
}

function serving(pod: PodLike, exit: TerminatedLike | undefined): LogStory {
  return {
    opening: [
      'INFO 09-30 08:12:33 [__init__.py:216] Automatically detected platform cuda.',
      `(APIServer pid=1) INFO 09-30 08:12:37 [api_server.py:1839] vLLM API server version 0.11.0`,
      `(APIServer pid=1) INFO 09-30 08:12:37 [utils.py:233] non-default args: {'model': '${pod.spec.containers[0]?.name ?? 'main'}', 'max_model_len': 32768}`,
      '(EngineCore_DP0 pid=214) INFO 09-30 08:12:52 [gpu_model_runner.py:2602] Starting to load model...',
      'Loading safetensors checkpoint shards:   0% Completed | 0/8 [00:00<?, ?it/s]\rLoading safetensors checkpoint shards:  50% Completed | 4/8 [00:06<00:06,  1.61s/it]\rLoading safetensors checkpoint shards: 100% Completed | 8/8 [00:12<00:00,  1.55s/it]',
      '(EngineCore_DP0 pid=214) INFO 09-30 08:13:07 [gpu_worker.py:298] Available KV cache memory: 12.35 GiB',
      '(EngineCore_DP0 pid=214) INFO 09-30 08:13:07 [kv_cache_utils.py:1087] GPU KV cache size: 80,928 tokens',
      'Capturing CUDA graphs (mixed prefill-decode, PIECEWISE): 100%|██████████| 67/67 [00:04<00:00, 15.21it/s]',
      '(APIServer pid=1) INFO:     Application startup complete.',
    ],
    everyMs: 900,
    line: (index) =>
      index % 11 === 10
        ? `(APIServer pid=1) INFO [loggers.py:127] Engine 000: Avg prompt throughput: ${(900 + pick(`prompt ${index}`, 900)).toFixed(1)} tokens/s, Avg generation throughput: ${(310 + pick(`gen ${index}`, 120)).toFixed(1)} tokens/s, Running: ${3 + pick(`run ${index}`, 9)} reqs, Waiting: ${pick(`wait ${index}`, 3)} reqs, GPU KV cache usage: ${(20 + pick(`kv ${index}`, 500) / 10).toFixed(1)}%, Prefix cache hit rate: 61.4%`
        : `(APIServer pid=1) INFO:     10.8.4.${2 + pick(`client ${index}`, 40)}:${40_000 + pick(`port ${index}`, 9000)} - "POST /v1/chat/completions HTTP/1.1" 200 OK`,
    closing: exit === undefined || exit.exitCode === 0 ? ['(APIServer pid=1) INFO:     Shutting down'] : [],
  };
}

function batch(exit: TerminatedLike | undefined): LogStory {
  return {
    opening: ['starting worker', 'connected to object store'],
    everyMs: 1700,
    line: (index) =>
      JSON.stringify({
        level: 'info',
        ts: clock(index),
        msg: 'processed batch',
        batch: index,
        rows: 4096,
        took_ms: 800 + pick(`took ${index}`, 700),
      }),
    closing:
      exit === undefined
        ? []
        : exit.exitCode === 0
          ? ['{"level":"info","msg":"all batches done"}']
          : ['{"level":"error","msg":"worker failed","error":"connection reset by peer"}'],
  };
}

const traceback = (file: string, line: number, code: string, error: string): readonly string[] => [
  'Traceback (most recent call last):',
  `  File "/workspace/${file}", line ${line}, in <module>`,
  `    main()`,
  `  File "/workspace/${file}", line ${line - 31}, in main`,
  `    ${code}`,
  error,
];

const watchdog = (rank: number): readonly string[] => [
  `[rank${rank}]:[E930 12:41:08.421415540 ProcessGroupNCCL.cpp:629] [Rank ${rank}] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=88213, OpType=ALLREDUCE, NumelIn=131072000, NumelOut=131072000, Timeout(ms)=600000) ran for 600081 milliseconds before timing out.`,
  `[rank${rank}]:[E930 12:41:08.421902113 ProcessGroupNCCL.cpp:2168] [PG ID 0 PG GUID 0(default_pg) Rank ${rank}]  failure detected by watchdog at work sequence id: 88213 PG status: last enqueued work: 88213, last completed work: 88212`,
  `[rank${rank}]:[E930 12:41:09.117722640 ProcessGroupNCCL.cpp:681] [Rank ${rank}] Some NCCL operations have failed or timed out. Due to the asynchronous nature of CUDA kernels, subsequent GPU operations might run on corrupted/incomplete data.`,
  `[rank${rank}]:[E930 12:41:09.117751101 ProcessGroupNCCL.cpp:695] [Rank ${rank}] To avoid data inconsistency, we are taking the entire process down.`,
  "terminate called after throwing an instance of 'c10::DistBackendError'",
];

const cudaOom =
  'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.31 GiB. GPU 0 has a total capacity of 79.19 GiB of which 1.09 GiB is free. Including non-PyTorch memory, this process has 78.08 GiB memory in use. Of the allocated memory 74.33 GiB is allocated by PyTorch, and 3.05 GiB is reserved by PyTorch but unallocated. If reserved but unallocated memory is large try setting PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True to avoid fragmentation.';

const tellers: readonly Teller[] = [
  // Sixteen ranks, twenty lines a second each.
  { where: /^team-e\/moe-pretrain-/, tell: (pod, exit) => training(pod, exit, { everyMs: 50, perStep: 10 }) },
  {
    where: /^team-e\/sft-70b-/,
    tell: (pod) => {
      const rank = rankOf(pod);
      const told = training(pod, undefined, { everyMs: 4000 });
      if (rank !== 2) return { ...told, lines: 2220, closing: watchdog(rank) };
      const error = traceback(
        'sft.py',
        388,
        'self.engine.step()',
        'RuntimeError: CUDA error: uncorrectable ECC error encountered',
      );
      return { ...told, closing: error.map((text) => `[rank2]: ${text}`) };
    },
  },
  {
    where: /^team-b\/pretrain-8\//,
    tell: () => ({
      ...quiet,
      opening: [
        ...traceback('pretrain.py', 512, 'loss = model(batch)', 'RuntimeError: CUDA error: GPU is lost').map(
          (text) => `[rank7]: ${text}`,
        ),
        ...[0, 1, 2, 3, 4, 5, 6].flatMap((rank) => watchdog(rank).slice(0, 1)),
      ],
      everyMs: 30_000,
      lines: Number.POSITIVE_INFINITY,
      line: (index) =>
        `[rank${index % 7}]:[W930 ProcessGroupNCCL.cpp:1724] [Rank ${index % 7}] still waiting for the store after ${(index + 1) * 30} s`,
    }),
  },
  {
    where: /^team-a\/llama-sft-master-0\//,
    tell: () => ({
      ...quiet,
      opening: [
        '[W930 13:10:02.104 socket.cpp:460] [c10d] waiting for 1 more client to join llama-sft-master-0:23456',
      ],
      everyMs: 10_000,
      lines: Number.POSITIVE_INFINITY,
      line: (index) =>
        index % 90 === 89
          ? 'torch.distributed.DistStoreError: Timed out after 901 seconds waiting for clients. 1/2 clients joined.'
          : `[W930 socket.cpp:460] [c10d] still waiting: 1/2 clients joined after ${((index % 90) + 1) * 10} s`,
    }),
  },
  {
    where: /^team-b\/sft-cudaoom-0\//,
    tell: (pod) => ({
      ...training(pod, undefined, { everyMs: 1800 }),
      closing: traceback('sft.py', 231, 'loss.backward()', cudaOom),
    }),
  },
  {
    where: /^team-b\/dataprep-oom\//,
    // The kernel ends the process in the middle of a line.
    tell: () => ({
      opening: ['reading /data/raw/cc-2026-33'],
      everyMs: 400,
      line: (index) => `processed ${812_345 - 4000 * 90 + index * 4000} rows`,
      closing: ['processed 812345 rows'],
    }),
  },
  {
    where: /^serve\/vllm-405b-1\//,
    tell: () => ({
      opening: [
        'INFO 09-30 13:50:04 [api_server.py:1839] vLLM API server version 0.11.0',
        '(EngineCore_DP0 pid=140) INFO [gpu_model_runner.py:2602] Starting to load model meta-llama/Llama-3.1-405B-Instruct-FP8...',
      ],
      everyMs: 15_000,
      line: (index) =>
        `Loading safetensors checkpoint shards:  ${String(Math.min(99, Math.round(((index + 1) / 96) * 100))).padStart(2)}% Completed | ${index + 1}/96`,
      lines: 95,
      closing: [],
    }),
  },
  {
    where: /^serve\/qwen-predictor-.*\/storage-initializer$/,
    tell: () =>
      words(
        [
          'INFO:root:Initializing, args: src_uri [hf://Qwen/Qwen3-8B] dest_path [ [/mnt/models]',
          'INFO:root:Copying contents of hf://Qwen/Qwen3-8B to local',
        ],
        traceback(
          'storage-initializer',
          60,
          'snapshot_download(repo_id=repo, revision=revision)',
          'huggingface_hub.errors.GatedRepoError: 403 Client Error. Cannot access gated repo for url https://huggingface.co/Qwen/Qwen3-8B/resolve/main/config.json. Access to model Qwen/Qwen3-8B is restricted and you are not in the authorized list.',
        ),
      ),
  },
  {
    where: /^serve\/reranker-/,
    tell: () => ({
      opening: [
        'INFO 09-30 13:22:43 [api_server.py:1839] vLLM API server version 0.11.0',
        'INFO:     Uvicorn running on http://0.0.0.0:8001 (Press CTRL+C to quit)',
      ],
      everyMs: 30_000,
      line: () =>
        'INFO 09-30 [loggers.py:127] Engine 000: Avg prompt throughput: 0.0 tokens/s, Running: 0 reqs, Waiting: 0 reqs',
      closing: [],
    }),
  },
  {
    where: /^serve\/triton-vision-/,
    tell: () =>
      words(
        [
          'I0930 13:55:11.004 1 pinned_memory_manager.cc:277] "Pinned memory pool is created at 0x7f2c\' with size 268435456"',
          'I0930 13:55:12.882 1 model_lifecycle.cc:473] "loading: detector:3"',
          'I0930 13:55:41.120 1 tensorrt.cc:65] "TRITONBACKEND_Initialize: tensorrt"',
        ],
        ['Signal (15) received.'],
      ),
  },
  {
    where: /^team-a\/nightly-tokenize-/,
    tell: () =>
      words(
        ['tokenize 2.2.0, 512 shards', 'reading manifest for 2026-09-30'],
        traceback(
          'tokenize.py',
          88,
          "manifest = json.load(open('/data/raw/2026-09-30/manifest.json'))",
          "FileNotFoundError: [Errno 2] No such file or directory: '/data/raw/2026-09-30/manifest.json'",
        ),
      ),
  },
  {
    where: /^team-d\/flaky-etl\//,
    tell: () => ({
      ...batch({ exitCode: 1 }),
      closing: traceback(
        'etl.py',
        57,
        'rows = client.fetch(page)',
        "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='warehouse.example', port=443): Read timed out.",
      ),
    }),
  },
  {
    where: /^ray\/rc-demo-head-/,
    tell: () => ({
      opening: ['2026-09-30 13:10:04 INFO Ray head started'],
      everyMs: 120_000,
      line: (index) =>
        `(autoscaler +${2 + index * 2}m) Error: No available node types can fulfill resource request {'GPU': 2.0}. Add suitable node types to this cluster to resolve this issue.`,
      closing: [],
    }),
  },
  {
    where: /^gpu-operator\/nvidia-device-plugin-h1x02\//,
    tell: () =>
      words([
        'I0930 01:10:02.412101       1 main.go:235] Starting NVIDIA Device Plugin',
        "I0930 01:10:02.880023       1 server.go:197] Registered device plugin for 'nvidia.com/gpu' with Kubelet",
        'I0930 13:31:00.104881       1 health.go:159] XidCriticalError: Xid=79 on Device=GPU-8f4c2d11-0b7e-4c1a-9a35-2f5d8e6c7b90; marking device as unhealthy.',
      ]),
  },
  {
    where: /\/toolkit-validation$/,
    tell: () =>
      words(
        ['waiting for nvidia container stack to be setup'],
        [
          'time="2026-09-30T13:58:11Z" level=error msg="Error: error validating toolkit: failed to find nvidia-smi in PATH"',
        ],
      ),
  },
  {
    where: /^team-b\/hostile-text-0\//,
    tell: () => ({
      opening: ['scraper 0.3'],
      everyMs: 1500,
      line: (index) => hostile[index % hostile.length] ?? '',
      closing: [],
    }),
  },
  {
    where: /\/(prometheus|log-shipper)$/,
    tell: () => ({
      opening: [
        'ts=2026-09-30T02:10:01.003Z caller=main.go:641 level=info msg="Server is ready to receive web requests."',
      ],
      everyMs: 20_000,
      line: (index) =>
        `ts=${clock(index * 20)} caller=compact.go:593 level=info component=tsdb msg="write block" mint=${index * 7_200_000} duration=1.${pick(`d ${index}`, 900)}s`,
      closing: [],
    }),
  },
];

/** Lines that a terminal must not obey: escapes, control bytes, wide and reversed text, one very long line, half a pair. */
const hostile: readonly string[] = [
  'GET https://example.com/ 200',
  '\u001b[31mred without an end',
  '\u001b[2J\u001b[H\u001b]0;owned\u0007clears the screen and names the window',
  '\u001b]52;c;ZWNobyBvd25lZA==\u0007writes the clipboard',
  'bell \u0007 backspace \b\b\b\b form feed \f vertical \u000b null \u0000 delete \u007f',
  'progress  10%\rprogress  50%\rprogress 100%',
  '日本語のログ 한국어 🚀👩‍👩‍👧‍👦 é combining e\u0301',
  '\u202eright to left\u202c and \u200bzero width\u200d',
  '\ud83d half of a surrogate pair',
  `very long ${'x'.repeat(12_000)}`,
  '\u009b31mC1 escape\u009c',
  '{"msg":"json with \\u001b[31m inside","nested":{"a":[1,2,3]}}',
  '',
];
