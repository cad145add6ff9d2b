export interface ExitMeaning {
  readonly meaning: string;
  readonly look: string;
}

const table: Readonly<Record<number, ExitMeaning>> = {
  0: { meaning: 'it finished without an error', look: 'is it meant to keep running?' },
  1: { meaning: 'the program ended with an error', look: 'its last lines' },
  2: { meaning: 'wrong usage: arguments or shell', look: 'command and args' },
  126: {
    meaning: 'the command is there but cannot be executed',
    look: 'permissions, a directory, a noexec mount',
  },
  127: { meaning: 'a command was not found', look: 'spelling, PATH, the image' },
  128: {
    meaning: 'a fatal error of its own (git ends so), or the runtime could not start it',
    look: 'the message of the last run, then the log',
  },
  129: { meaning: 'SIGHUP', look: 'who stopped it' },
  130: { meaning: 'SIGINT', look: 'who stopped it' },
  131: { meaning: 'SIGQUIT', look: 'the dump in the log' },
  132: {
    meaning: 'SIGILL: the CPU lacks an instruction that the program was built for',
    look: 'CPU model of this node against others',
  },
  134: {
    meaning: 'SIGABRT: it gave up by itself (assertion, C++ exception, NCCL watchdog)',
    look: 'the lines before the abort',
  },
  135: {
    meaning: 'SIGBUS: shared memory exhausted, or a mapped file cut short',
    look: '/dev/shm and mapped files',
  },
  136: { meaning: 'SIGFPE: an arithmetic error', look: 'the lines before it' },
  137: { meaning: 'SIGKILL', look: 'who sent it' },
  139: {
    meaning: 'SIGSEGV: native code crashed',
    look: 'library and driver versions; the image of the last good run',
  },
  141: { meaning: 'SIGPIPE', look: 'the reader of its output' },
  143: { meaning: 'SIGTERM: it was asked to stop', look: 'who asked' },
  152: { meaning: 'SIGXCPU', look: 'rlimits' },
  153: { meaning: 'SIGXFSZ', look: 'rlimits' },
  159: { meaning: 'SIGSYS: seccomp denied a system call', look: 'securityContext.seccompProfile' },
  255: {
    meaning: 'exit −1: generic, or ssh/mpirun lost its other end',
    look: 'the last lines; for launchers the workers',
  },
};

/** Launchers (Python's subprocess, DeepSpeed) end with the negative signal of their child, which wraps to 256 − n. */
const childSignals: Readonly<Record<number, string>> = {
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  15: 'SIGTERM',
};

/** What an exit code says, and where to look next. 137 is not "out of memory" by itself. */
export function exitMeaning(code: number): ExitMeaning {
  const known = table[code];
  if (known !== undefined) return known;
  if (code > 128 && code < 160) return { meaning: `signal ${code - 128}`, look: 'who sent it' };
  const child = childSignals[256 - code];
  if (child !== undefined)
    return {
      meaning: `a child process was ended by ${child}, and its launcher passed that on (256 − ${256 - code})`,
      look:
        code === 247 ? 'memory limit; what the launcher says of its children' : 'what the child said before',
    };
  if (code >= 160)
    return { meaning: `its own code ${code}, or real-time signal ${code - 128}`, look: 'the program' };
  return { meaning: `the program's own code ${code}`, look: 'the program' };
}
