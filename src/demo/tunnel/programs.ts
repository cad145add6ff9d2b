import { fieldAt, isRecord } from '../object.ts';
import { resolvePath } from './files.ts';
import { nvidiaSmi } from './nvidia-smi.ts';
import { type Container, readAll, type Streams } from './process.ts';
import { archive, unarchive } from './tar.ts';

/** A program: takes its arguments without its own name, gives its exit code. */
export type Program = (
  args: readonly string[],
  streams: Streams,
  container: Container,
) => number | Promise<number>;

const flagsOf = (args: readonly string[]): Set<string> =>
  new Set(args.filter((arg) => /^-[a-zA-Z0-9]/.test(arg)).flatMap((arg) => [...arg.slice(1)]));
const wordsOf = (args: readonly string[]): string[] => args.filter((arg) => !arg.startsWith('-'));

const commandOf = ({ spec }: Container): string => {
  const words = [spec['command'], spec['args']].flatMap((part) =>
    Array.isArray(part) ? part.map(String) : [],
  );
  return words.length > 0 ? words.join(' ') : 'python train.py';
};

const missing = (name: string, path: string): string => `${name}: ${path}: No such file or directory\n`;

const ls: Program = (args, { out, err }, container) => {
  const flags = flagsOf(args);
  const paths = wordsOf(args);
  let code = 0;
  for (const given of paths.length > 0 ? paths : ['.']) {
    const path = resolvePath(container.directory, given);
    const file = container.files.read(path);
    if (file === undefined && !container.files.isDirectory(path)) {
      err(`ls: cannot access '${given}': No such file or directory\n`);
      code = 2;
      continue;
    }
    const names =
      file === undefined
        ? container.files.list(path).filter((name) => flags.has('a') || !name.startsWith('.'))
        : [given];
    if (!flags.has('l')) {
      out(names.map((name) => `${name}\n`).join(''));
      continue;
    }
    if (file === undefined) out(`total ${names.length}\n`);
    for (const name of names) {
      const content = file ?? container.files.read(resolvePath(path, name));
      const kind = content === undefined ? 'drwxr-xr-x' : '-rw-r--r--';
      out(`${kind} 1 root root ${String(content?.length ?? 4096).padStart(8)} Nov 24 12:00 ${name}\n`);
    }
  }
  return code;
};

const eachFile = async (
  name: string,
  args: readonly string[],
  streams: Streams,
  container: Container,
  show: (content: Buffer) => void,
): Promise<number> => {
  const paths = wordsOf(args);
  if (paths.length === 0) {
    show(await readAll(streams.input));
    return 0;
  }
  let code = 0;
  for (const given of paths) {
    const content = container.files.read(resolvePath(container.directory, given));
    if (content === undefined) {
      const isFolder = container.files.isDirectory(resolvePath(container.directory, given));
      streams.err(isFolder ? `${name}: ${given}: Is a directory\n` : missing(name, given));
      code = 1;
    } else show(content);
  }
  return code;
};

/** `cat` without a file gives back what comes, as it comes. */
const cat: Program = async (args, streams, container) => {
  if (wordsOf(args).length > 0)
    return eachFile('cat', args, streams, container, (content) => streams.out(content));
  for (let part = await streams.input.next(); part !== undefined; part = await streams.input.next())
    streams.out(part);
  return 0;
};

const lineCount = (args: readonly string[]): number => {
  const at = args.findIndex((arg) => /^-n?\d*$/.test(arg));
  const text = at < 0 ? '10' : (args[at] ?? '').replace(/^-n?/, '') || (args[at + 1] ?? '10');
  return Number(text) || 10;
};
const withoutCount = (args: readonly string[]): string[] =>
  args.filter((arg, index) => !/^-n?\d*$/.test(arg) && args[index - 1] !== '-n');
const linesOf = (content: Buffer): string[] => content.toString().split(/(?<=\n)/);

const head: Program = (args, streams, container) =>
  eachFile('head', withoutCount(args), streams, container, (content) =>
    streams.out(linesOf(content).slice(0, lineCount(args)).join('')),
  );
const tail: Program = (args, streams, container) =>
  eachFile('tail', withoutCount(args), streams, container, (content) =>
    streams.out(linesOf(content).slice(-lineCount(args)).join('')),
  );

const grep: Program = async (args, streams, container) => {
  const [pattern = '', ...paths] = wordsOf(args);
  const flags = flagsOf(args);
  let expression: RegExp;
  try {
    expression = new RegExp(pattern, flags.has('i') ? 'i' : '');
  } catch {
    streams.err('grep: Invalid regular expression\n');
    return 2;
  }
  let found = false;
  const code = await eachFile('grep', paths, streams, container, (content) => {
    for (const line of linesOf(content)) {
      if (expression.test(line.replace(/\n$/, '')) === flags.has('v')) continue;
      found = true;
      streams.out(line);
    }
  });
  return code !== 0 ? 2 : found ? 0 : 1;
};

const wc: Program = (args, streams, container) =>
  eachFile('wc', args, streams, container, (content) => {
    const text = content.toString();
    const lines = text.split('\n').length - 1;
    streams.out(
      flagsOf(args).has('l')
        ? `${lines}\n`
        : `${lines} ${text.split(/\s+/).filter(Boolean).length} ${content.length}\n`,
    );
  });

const ps: Program = (_args, { out }, container) => {
  out('USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n');
  out(`root           1 98.2  4.1 91884312 43581240 ?   Ssl  11:02 312:40 ${commandOf(container)}\n`);
  out('root         212  0.0  0.0   4364  1520 pts/0    Ss   12:00   0:00 sh\n');
  return 0;
};

const df: Program = (args, { out }, container) => {
  const human = flagsOf(args).has('h');
  const size = (gib: number): string => (human ? `${gib}G` : String(gib * 1_048_576));
  const rows: [string, number, number, string][] = [
    ['overlay', 1844, 912, '/'],
    ['tmpfs', 64, 0, '/dev'],
    ['shm', 64, 21, '/dev/shm'],
  ];
  const mounts = container.spec['volumeMounts'];
  for (const mount of Array.isArray(mounts) ? mounts.filter(isRecord) : [])
    rows.push(['10.40.0.9:/export', 20480, 18637, String(mount['mountPath'])]);
  out(
    `${'Filesystem'.padEnd(20)} ${(human ? 'Size' : '1K-blocks').padStart(12)} ${'Used'.padStart(12)} ${'Avail'.padStart(12)} Use% Mounted on\n`,
  );
  for (const [name, total, used, at] of rows)
    out(
      `${name.padEnd(20)} ${size(total).padStart(12)} ${size(used).padStart(12)} ${size(total - used).padStart(12)} ${String(Math.round((used / total) * 100)).padStart(3)}% ${at}\n`,
    );
  return 0;
};

const env: Program = (_args, { out }, { environment }) => {
  for (const [name, value] of environment) out(`${name}=${value}\n`);
  return 0;
};

const tar: Program = async (args, streams, container) => {
  const [first = ''] = args;
  const mode = first.replace(/^-/, '');
  const all = args.map((arg, index) => (index === 0 ? mode : arg));
  const at = all.indexOf('-C');
  const directory = at < 0 ? container.directory : resolvePath(container.directory, all[at + 1] ?? '.');
  const isLong = first.startsWith('--');
  const letters = isLong
    ? (all.find((arg) => /^-?[a-z]*[cx][a-z]*f?$/.test(arg.replace(/^-/, ''))) ?? '')
    : mode;
  if (letters.includes('c')) {
    const paths = all.slice(1).filter((arg, index, rest) => !arg.startsWith('-') && rest[index - 1] !== '-C');
    for (const path of paths) {
      const bytes = archive(container.files, directory, path);
      if (bytes === undefined) {
        streams.err(
          `tar: ${path}: Cannot stat: No such file or directory\ntar: Exiting with failure status due to previous errors\n`,
        );
        return 2;
      }
      streams.out(bytes);
    }
    return 0;
  }
  if (letters.includes('x') || args.some((arg) => arg.includes('x'))) {
    unarchive(container.files, directory, await readAll(streams.input));
    return 0;
  }
  streams.err('tar: You must specify one of the operations\n');
  return 2;
};

const test: Program = (args, _streams, { files, directory }) => {
  const [flag, path = ''] = args.filter((arg) => arg !== ']');
  const at = resolvePath(directory, path);
  if (flag === '-d') return files.isDirectory(at) && files.read(at) === undefined ? 0 : 1;
  if (flag === '-f') return files.read(at) !== undefined ? 0 : 1;
  if (flag === '-e') return files.read(at) !== undefined || files.isDirectory(at) ? 0 : 1;
  if (flag === '-n') return path === '' ? 1 : 0;
  if (flag === '-z') return path === '' ? 0 : 1;
  return flag === undefined || flag === '' ? 1 : 0;
};

const sleep: Program = ([text = '0'], _streams, { signal }) =>
  new Promise((resolve) => {
    const ms = text === 'infinity' ? 2 ** 31 - 1 : Number.parseFloat(text) * 1000;
    const timer = setTimeout(() => resolve(0), Math.min(ms, 2 ** 31 - 1));
    timer.unref();
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve(137);
    });
  });

const smi: Program = (args, { out, err }, { store, pod, now }) => {
  const where = {
    pod: pod.metadata?.name ?? '',
    namespace: pod.metadata?.namespace ?? '',
    node: String(fieldAt(pod, 'spec.nodeName')),
  };
  const answer = nvidiaSmi(store, where, args, now());
  if (answer === undefined) {
    err(
      "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.\n",
    );
    return 9;
  }
  (answer.code === 0 ? out : err)(answer.text);
  return answer.code;
};

const onPaths =
  (run: (path: string, container: Container) => void): Program =>
  (args, _streams, container) => {
    for (const path of wordsOf(args)) run(resolvePath(container.directory, path), container);
    return 0;
  };

const printed =
  (text: (container: Container, args: readonly string[]) => string): Program =>
  (args, { out }, container) => {
    out(`${text(container, args)}\n`);
    return 0;
  };

/** The programs that the images of the demo have. */
export const programs: Readonly<Record<string, Program>> = {
  ls,
  cat,
  head,
  tail,
  grep,
  wc,
  ps,
  df,
  env,
  printenv: (args, streams, container) => {
    const [name] = args;
    if (name === undefined) return env(args, streams, container);
    const value = container.environment.get(name);
    if (value !== undefined) streams.out(`${value}\n`);
    return value === undefined ? 1 : 0;
  },
  tar,
  test,
  '[': test,
  sleep,
  'nvidia-smi': smi,
  mkdir: onPaths((path, { files }) => files.makeDirectory(path)),
  touch: onPaths((path, { files }) => files.write(path, files.read(path) ?? Buffer.alloc(0))),
  rm: onPaths((path, { files }) => files.remove(path)),
  echo: printed((_container, args) => args.filter((arg) => arg !== '-n').join(' ')),
  pwd: printed(({ directory }) => directory),
  whoami: printed(() => 'root'),
  id: printed(() => 'uid=0(root) gid=0(root) groups=0(root)'),
  hostname: printed(({ pod }) => pod.metadata?.name ?? ''),
  uname: printed(({ pod }, args) =>
    args.includes('-a')
      ? `Linux ${pod.metadata?.name ?? ''} 6.8.0-1043-nvidia #46-Ubuntu SMP x86_64 GNU/Linux`
      : 'Linux',
  ),
  date: printed(({ now }) => new Date(now()).toUTCString()),
  uptime: printed(() => ' 12:00:01 up 41 days,  3:12,  0 users,  load average: 9.12, 8.94, 8.71'),
  free: printed(
    () =>
      '               total        used        free      shared  buff/cache   available\nMem:      1056489472   322486272   412034048       21504   321969152   734003200\nSwap:              0           0           0',
  ),
  which: (args, { out }) => {
    const found = wordsOf(args).filter((name) => name in programs || /^(sh|bash|python3?)$/.test(name));
    out(found.map((name) => `/usr/bin/${name}\n`).join(''));
    return found.length > 0 ? 0 : 1;
  },
  true: () => 0,
  false: () => 1,
  clear: (_args, { out }) => {
    out('\u001b[H\u001b[2J');
    return 0;
  },
  stty: () => 0,
  kill: () => 0,
};
