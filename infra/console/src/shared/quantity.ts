/**
 * Quantities of usage in words that a customer uses: minutes, GB, messages.
 *
 * Input is the API's integer in its smallest unit (seconds, KB, count); output is text, rounded half up to one place at
 * most, with integer arithmetic. It is for reading: nothing is computed from what it returns.
 */

/** The unit in which the API gives a quantity: the part of a field's name after the kind, as in `voice_seconds`. */
export type UsageUnit = 'seconds' | 'kb' | 'count';

/** The unit of that name; `null` for one that is not known here. */
export function usageUnit(name: string): UsageUnit | null {
  return name === 'seconds' || name === 'kb' || name === 'count' ? name : null;
}

/** A quantity split for a translated sentence: `text` is the number, `unit` the key of the unit's word. */
export interface ReadableQuantity {
  readonly text: string;
  readonly unit: 'minute' | 'gigabyte' | 'megabyte' | 'kilobyte' | 'message';
}

const SECONDS_PER_MINUTE = 60n;
const KB_PER_MB = 1024n;
const KB_PER_GB = 1024n * 1024n;

/** Chooses the unit that a reader expects and rounds to one decimal place. */
export function readable(quantity: number, unit: UsageUnit): ReadableQuantity {
  const amount = BigInt(quantity);
  const size = amount < 0n ? -amount : amount;
  if (unit === 'seconds') return { text: tenths(amount, SECONDS_PER_MINUTE), unit: 'minute' };
  if (unit === 'count') return { text: tenths(amount, 1n), unit: 'message' };
  if (size >= KB_PER_GB) return { text: tenths(amount, KB_PER_GB), unit: 'gigabyte' };
  if (size >= KB_PER_MB) return { text: tenths(amount, KB_PER_MB), unit: 'megabyte' };
  return { text: tenths(amount, 1n), unit: 'kilobyte' };
}

/** `amount / divisor` with one place, none where it is zero: `12`, `12.5`, `−3`. */
function tenths(amount: bigint, divisor: bigint): string {
  const negative = amount < 0n;
  const size = negative ? -amount : amount;
  const scaled = (size * 20n + divisor) / (divisor * 2n);
  const whole = new Intl.NumberFormat('en').format(scaled / 10n);
  const rest = scaled % 10n === 0n ? '' : `.${scaled % 10n}`;
  return `${negative && scaled !== 0n ? '\u2212' : ''}${whole}${rest}`;
}

/** A share in per mille as per cent: `875` is `87.5`. */
export function perCent(perMille: number): string {
  return tenths(BigInt(perMille), 10n);
}
