/** Millicores for people: `3m`, `512m`, `1.5`, `64` cores. */
export function cpuText(millicores: number): string {
  if (millicores < 999.5) return `${Math.round(millicores)}m`;
  return trimmed(millicores / 1000);
}

const binary: readonly string[] = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'];

/** Bytes for people, with about two digits: `0`, `512Mi`, `1.5Gi`, `72Gi`. */
export function bytesText(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  // 1000 and not 1024: "1010Mi" is wider than "0.99Gi" and says no more.
  while (amount >= 999.5 && unit < binary.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${trimmed(amount)}${binary[unit] ?? ''}`;
}

/** One digit behind the point below 10, none where it is 0. */
const trimmed = (amount: number): string =>
  amount < 9.95 ? String(Number(amount.toFixed(1))) : String(Math.round(amount));

/** `87%`; a share above 0 never reads 0%, one below 1 never 100%. */
export function percentText(share: number): string {
  const percent = Math.round(share * 100);
  if (percent === 0 && share > 0) return '<1%';
  if (percent === 100 && share < 1) return '99%';
  return `${percent}%`;
}
