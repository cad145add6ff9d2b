import type { PodState } from '../state.ts';
import {
  appCrash,
  backOffOnly,
  byCode,
  ended,
  execFormatLog,
  exitZero,
  sigbus,
  statusLost,
} from './exits.ts';
import { initFailing } from './init.ts';
import { childKilledByCode, nodeMemory, oom, oomInit, ownMemory, probableOom, sigkill } from './memory.ts';
import { liveness, startupKill, toldProbe } from './probe-kills.ts';
import { byWords } from './program-words.ts';

/** What events alone tell of a pod that nobody pasted. */
export const toldStates: readonly PodState[] = [backOffOnly, toldProbe];

/** In the order in which they are asked: `killer()` decides first, then the program's words, then the code. */
export const crashStates: readonly PodState[] = [
  liveness,
  startupKill,
  oomInit,
  oom,
  statusLost,
  nodeMemory,
  ownMemory,
  execFormatLog,
  byWords('J12', 'shm.too-small', 'Shared memory is too small'),
  initFailing,
  byWords('J11', 'cuda.unavailable', 'No usable GPU in the container'),
  byWords('J10', 'gpu.unhealthy', 'A GPU is broken'),
  byWords('H15', 'crash.ml', 'A known failure of ML software'),
  byWords('H14', 'crash.disk-full', 'A file system is full'),
  probableOom,
  sigkill,
  byWords('H5', 'oom.child', 'A child process was killed for memory'),
  childKilledByCode,
  byWords('L9', 'rendezvous.failed', 'Ranks do not find each other'),
  byWords('L6', 'dns.failed', 'A name does not resolve'),
  sigbus,
  exitZero,
  byWords('H3', 'crash.by-code', 'Ended by a signal or a telling exit code'),
  ended(byWords('H1', 'crash.app', 'The program fails')),
  byWords('H1', 'crash.app', 'The program fails'),
  byCode,
  ended(appCrash),
  appCrash,
  backOffOnly,
];
