export interface XidMeaning {
  readonly text: string;
  /** What to do, in words. */
  readonly action: string;
  readonly tone: 'bad' | 'warn' | 'app';
}

const app = 'restart the program; the GPU is usable';
const reset = 'cordon, drain the pods of that GPU, reset it';
const reboot = 'cordon and reboot or power-cycle the node';

const known: Readonly<Record<number, readonly [text: string, action: string, tone: XidMeaning['tone']]>> = {
  13: ['graphics engine exception', app, 'app'],
  31: ['GPU memory page fault', app, 'app'],
  32: ['invalid push buffer', app, 'app'],
  43: ['channel stopped after a fault of the program', 'nothing: the program was ended', 'app'],
  45: ['preemptive cleanup', 'look at the Xid before it', 'app'],
  46: ['GPU stopped processing', reset, 'warn'],
  48: ['double-bit ECC error', 'cordon, drain and reset; then look for 63 or 64', 'bad'],
  54: ['auxiliary power not connected', 'check the hardware', 'bad'],
  62: ['internal micro-controller halt', reset, 'warn'],
  63: ['row remapping recorded', 'reset at the next maintenance', 'warn'],
  64: ['row remapping failed', `${reset}; replace it if the remapping keeps failing`, 'bad'],
  68: ['video decoder exception', app, 'app'],
  69: ['graphics class error', app, 'app'],
  74: ['NVLink error', 'check both GPUs and the fabric manager', 'bad'],
  79: ['GPU has fallen off the bus', reboot, 'bad'],
  92: ['high single-bit ECC rate', 'watch it', 'warn'],
  94: ['contained ECC error', 'restart the program that was hit; others live', 'warn'],
  95: ['uncontained ECC error', reset, 'bad'],
  109: ['context switch timeout', 'reset the GPU if it repeats', 'warn'],
  110: ['security fault', reset, 'warn'],
  119: ['GSP RPC timeout', 'reset the GPU or reboot the node', 'bad'],
  120: ['GSP error', 'reset the GPU or reboot the node', 'bad'],
  121: ['corrected C2C link error', 'nothing', 'app'],
  154: ['recovery action changed', 'the message says what is needed', 'warn'],
};

const restartApp = new Set([
  8, 11, 25, 39, 40, 41, 60, 70, 71, 72, 75, 76, 77, 80, 82, 83, 84, 85, 86, 96, 97, 98, 99, 100, 101, 102,
  103, 104, 105,
]);
const resetGpu = new Set([136, 140, 143, 155, 156, 157, 158]);

/** What an Xid of the NVIDIA driver means and asks for (gpu.md 4.6, checklist.md 3.10). */
export function xidMeaning(code: number): XidMeaning {
  const entry = known[code];
  if (entry !== undefined) return { text: entry[0], action: entry[1], tone: entry[2] };
  if (code >= 144 && code <= 150)
    return {
      text: 'NVLink fault',
      action: 'follow the NVLink workflow: fabric manager, both GPUs',
      tone: 'bad',
    };
  if (restartApp.has(code)) return { text: 'fault of the program', action: app, tone: 'app' };
  if (resetGpu.has(code)) return { text: 'GPU fault', action: reset, tone: 'bad' };
  return { text: 'see the catalogue of NVIDIA', action: 'look at the node', tone: 'warn' };
}
