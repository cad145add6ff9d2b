/** A code that NVIDIA's driver writes when something went wrong. */
export interface Xid {
  readonly code: number;
  readonly meaning: string;
  readonly action: string;
  /** `bad`: the device or node is out. `warn`: soon. `app`: the program's own fault, mostly. `info`: read another line. */
  readonly severity: 'bad' | 'warn' | 'app' | 'info';
}

type Entry = readonly [codes: readonly number[], severity: Xid['severity'], meaning: string, action: string];

/** gpu.md 4.6, after NVIDIA's catalogue. */
const catalogue: readonly Entry[] = [
  [[13], 'app', 'graphics engine exception', 'restart the program; if it follows the GPU, suspect hardware'],
  [[31], 'app', 'GPU memory page fault: an illegal address', 'restart the program'],
  [[32, 69], 'app', 'invalid push buffer or class error', 'restart the program'],
  [[43], 'app', 'the channel was stopped', 'none: the program was killed'],
  [[45], 'info', 'clean-up after another error', 'read the Xid before it'],
  [[46, 62], 'warn', 'the GPU stopped processing', 'drain the node, reset the GPU'],
  [[48], 'bad', 'double-bit memory error', 'drain, reset the GPU, then look for 63 and 64'],
  [[54], 'warn', 'auxiliary power is not connected', 'check the power cables'],
  [[63], 'warn', 'a memory row was remapped', 'reset the GPU at the next maintenance'],
  [[64], 'bad', 'a memory row could not be remapped', 'reset the GPU; return it if that fails'],
  [[68], 'app', 'video decoder exception', 'restart the program'],
  [[74], 'bad', 'NVLink error', 'check both GPUs and the fabric manager'],
  [[79], 'bad', 'the GPU has fallen off the bus', 'reboot or power-cycle the node'],
  [[92], 'warn', 'many single-bit memory errors', 'watch it'],
  [[94], 'warn', 'contained memory error: one program died', 'restart that program'],
  [[95], 'bad', 'uncontained memory error: all programs on the GPU died', 'reset the GPU'],
  [[109], 'warn', 'context switch timeout', 'reset the GPU if it repeats'],
  [[110], 'warn', 'security fault', 'reset the GPU'],
  [[119, 120], 'bad', 'the GPU system processor does not answer', 'reset the GPU or reboot the node'],
  [[121], 'info', 'chip-to-chip link error, corrected', 'none'],
  [
    [136, 140, 143, 155, 156, 157, 158],
    'bad',
    'link training, memory or initialisation failed',
    'reset the GPU',
  ],
  [[144, 145, 146, 147, 148, 149, 150], 'bad', 'NVLink 5 fault', 'check the NVLink domain'],
  [[154], 'info', 'the needed recovery changed', 'the message says which: reset the GPU or reboot the node'],
  [[160, 161], 'info', 'informational', 'none'],
];

const byCode = new Map<number, Xid>(
  catalogue.flatMap(([codes, severity, meaning, action]) =>
    codes.map((code) => [code, { code, severity, meaning, action }] as const),
  ),
);

/** A code that is not in the catalogue is a warning, not nothing. */
export const xidOf = (code: number): Xid =>
  byCode.get(code) ?? {
    code,
    severity: 'warn',
    meaning: 'not in the catalogue',
    action: 'look it up at NVIDIA',
  };
