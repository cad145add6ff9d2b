/**
 * A list of nodes as Slurm writes it: `gpu-[01-04,07],cpu-1`. Runs of numbers of one width fold; other names stand as
 * they are.
 */
export function compressNames(names: Iterable<string>): string {
  const plain: string[] = [];
  const series = new Map<string, { prefix: string; suffix: string; numbers: string[] }>();
  for (const name of new Set(names)) {
    const match = /^(.*?)(\d+)(\D*)$/.exec(name);
    const [, prefix = '', digits = '', suffix = ''] = match ?? [];
    // Hashes and addresses end in digits too; what is long is no number.
    if (match === null || digits.length > 6) {
      plain.push(name);
      continue;
    }
    const key = `${prefix}\0${digits.length}\0${suffix}`;
    const known = series.get(key);
    if (known === undefined) series.set(key, { prefix, suffix, numbers: [digits] });
    else known.numbers.push(digits);
  }
  const folded = [...series.values()].map(({ prefix, suffix, numbers }) => {
    const [only] = numbers;
    return numbers.length === 1 ? `${prefix}${only}${suffix}` : `${prefix}[${runsOf(numbers)}]${suffix}`;
  });
  return [...folded, ...plain].sort().join(',');
}

function runsOf(numbers: readonly string[]): string {
  const sorted = [...numbers].sort((a, b) => Number(a) - Number(b));
  const runs: string[][] = [];
  for (const text of sorted) {
    const last = runs.at(-1);
    if (last !== undefined && Number(last.at(-1)) + 1 === Number(text)) last.push(text);
    else runs.push([text]);
  }
  return runs.map((run) => (run.length === 1 ? run[0] : `${run[0]}-${run.at(-1)}`)).join(',');
}
