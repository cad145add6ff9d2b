/** A resource.Quantity: thousandths of its unit, and how it is written. */
export interface Quantity {
  readonly milli: bigint;
  readonly binary: boolean;
}

export const zero: Quantity = { milli: 0n, binary: false };

const decimal: Readonly<Record<string, bigint>> = {
  m: 1n,
  '': 1000n,
  k: 10n ** 6n,
  M: 10n ** 9n,
  G: 10n ** 12n,
  T: 10n ** 15n,
  P: 10n ** 18n,
  E: 10n ** 21n,
};
const binaryUnits = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'] as const;
const decimalUnits = ['m', '', 'k', 'M', 'G', 'T', 'P', 'E'] as const;

/** Undefined for what is no quantity. Parts of a thousandth are rounded up, as in Go. */
export function parseQuantity(value: unknown): Quantity | undefined {
  const match = /^([+-]?)(\d{0,40})(?:\.(\d{0,40}))?(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?\d{1,2}))?$/.exec(
    String(value),
  );
  if (match === null) return undefined;
  const [, sign, whole = '', part = '', suffix = '', exponent] = match;
  if (whole === '' && part === '') return undefined;
  let scale: bigint;
  let divide = 10n ** BigInt(part.length);
  if (suffix.endsWith('i')) scale = 1000n * 1024n ** BigInt(binaryUnits.indexOf(suffix as 'Ki'));
  else if (suffix === 'n' || suffix === 'u') {
    scale = 1n;
    divide *= suffix === 'n' ? 10n ** 6n : 1000n;
  } else scale = decimal[suffix] ?? 1000n;
  const power = Number(exponent ?? 0);
  if (power > 0) scale *= 10n ** BigInt(power);
  if (power < 0) divide *= 10n ** BigInt(-power);
  const scaled = BigInt(`${whole}${part}`) * scale;
  const milli = (scaled + divide - 1n) / divide;
  return { milli: sign === '-' ? -milli : milli, binary: suffix.endsWith('i') };
}

/** The way of writing is that of the first that is not zero. */
export const add = (a: Quantity, b: Quantity): Quantity => ({
  milli: a.milli + b.milli,
  binary: a.milli === 0n ? b.binary : a.binary,
});

export const larger = (a: Quantity, b: Quantity): Quantity => (b.milli > a.milli ? b : a);

/** As Quantity.String() prints it: the largest unit that leaves a whole number. */
export function quantityText({ milli, binary }: Quantity): string {
  if (milli === 0n) return '0';
  if (binary && milli % 1000n === 0n && (milli >= 1_024_000n || milli <= -1_024_000n)) {
    let value = milli / 1000n;
    let unit = 0;
    for (; value % 1024n === 0n && unit < binaryUnits.length - 1; unit += 1) value /= 1024n;
    return `${value}${binaryUnits[unit]}`;
  }
  let value = milli;
  let unit = 0;
  for (; value % 1000n === 0n && unit < decimalUnits.length - 1; unit += 1) value /= 1000n;
  return `${value}${decimalUnits[unit]}`;
}

/** An amount of an object as kubectl prints it: `1328125Mi` for `1360000000Ki`; what is no quantity, as it stands. */
export function amountText(value: unknown): string {
  const parsed = parseQuantity(value);
  return parsed === undefined ? (typeof value === 'string' ? value : '') : quantityText(parsed);
}

/** Whole percent of a share, cut off as kubectl does. */
export const percent = (part: Quantity, whole: Quantity): string =>
  whole.milli === 0n ? '0' : String((part.milli * 100n) / whole.milli);

export type Quantities = Readonly<Record<string, Quantity>>;

export function quantitiesOf(value: unknown): Record<string, Quantity> {
  const result: Record<string, Quantity> = {};
  if (typeof value !== 'object' || value === null) return result;
  for (const [name, text] of Object.entries(value)) {
    const parsed = parseQuantity(text);
    if (parsed !== undefined) result[name] = parsed;
  }
  return result;
}
