/**
 * Money as the API gives it: whole fen, never floating point.
 *
 * Invariant: a `Fen` is a safe integer, so sums of the few hundred amounts on a page are exact, and a sum that would not be
 * is refused. This is not a currency library: there is one currency and no rounding, because the function has rounded.
 */

declare const fenUnit: unique symbol;

/** An amount in fen (1 yuan = 100 fen), an integer that a `number` holds exactly. */
export type Fen = number & { readonly [fenUnit]: true };

/** The languages that amounts are written in. */
type MoneyLanguage = 'zh' | 'en';

const FEN_PER_YUAN = 100n;

/** The minus sign U+2212: as wide as a digit, so that columns of amounts line up. */
const MINUS = '\u2212';

/** Takes a number for an amount; throws `RangeError` when it is not an integer that a `number` holds exactly. */
export function fen(value: number): Fen {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not an exact amount of fen`);
  return (Object.is(value, -0) ? 0 : value) as Fen;
}

/** The exact sum; `RangeError` when it leaves the range of exact integers. */
export function sum(amounts: readonly Fen[]): Fen {
  return amounts.reduce((total, amount) => fen(total + amount), fen(0));
}

/** The exact difference `left − right`. */
export function difference(left: Fen, right: Fen): Fen {
  return fen(left - right);
}

/** The amount without its sign. */
export function magnitude(amount: Fen): Fen {
  return fen(Math.abs(amount));
}

/** The mean, rounded half away from zero to the fen: the only division of money on the page, and only for display. */
export function meanForDisplay(total: Fen, count: number): Fen {
  const divisor = BigInt(count);
  const positive = BigInt(magnitude(total));
  const rounded = Number((positive * 2n + divisor) / (divisor * 2n));
  return fen(total < 0 ? -rounded : rounded);
}

/** `¥1,234.05`, `−¥0.05`: always two places. */
export function formatMoney(amount: Fen, language: MoneyLanguage): string {
  return `${amount < 0 ? MINUS : ''}¥${digits(amount, language)}`;
}

/** As `formatMoney`, with a plus sign before a positive amount: for differences. */
export function formatSignedMoney(amount: Fen, language: MoneyLanguage): string {
  return `${amount > 0 ? '+' : ''}${formatMoney(amount, language)}`;
}

/** `¥60` where the amount is whole yuan, else as `formatMoney`: for the labels of an axis. */
export function formatAxisMoney(amount: Fen, language: MoneyLanguage): string {
  return formatMoney(amount, language).replace(/\.00$/, '');
}

function digits(amount: Fen, language: MoneyLanguage): string {
  const positive = BigInt(magnitude(amount));
  const yuan = new Intl.NumberFormat(language === 'zh' ? 'zh-CN' : 'en').format(positive / FEN_PER_YUAN);
  return `${yuan}.${String(positive % FEN_PER_YUAN).padStart(2, '0')}`;
}
