const binary = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'];

const bytes = (resource: string): boolean =>
  resource === 'memory' ||
  resource === 'ephemeral-storage' ||
  resource === 'storage' ||
  resource.startsWith('hugepages-');

const short = (value: number): string => String(Math.round(value * 10) / 10);

/** An amount of `Requests` for people: millicores as CPUs, bytes in binary units, the rest as it is. */
export function amountText(resource: string, amount: number): string {
  if (resource === 'cpu') return String(Math.round(amount) / 1000);
  if (!bytes(resource)) return String(amount);
  let [value, unit] = [Math.abs(amount), 0];
  while (value >= 1024 && unit < binary.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${amount < 0 ? '-' : ''}${short(value)}${binary[unit] ?? ''}`;
}
