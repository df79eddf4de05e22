/** Goal: an amount is written and added exactly, on both sides of every edge where a float would slip. */
import { describe, expect, it } from 'vitest';
import { difference, fen, formatAxisMoney, formatMoney, formatSignedMoney, magnitude, meanForDisplay, sum } from '../../src/shared/money';

describe('formatMoney', () => {
  it.each([
    [0, '¥0.00'],
    [1, '¥0.01'],
    [-1, '−¥0.01'],
    [10, '¥0.10'],
    [99, '¥0.99'],
    [100, '¥1.00'],
    [8807, '¥88.07'],
    [-123_456_05, '−¥123,456.05'],
    // 4503599627370497.29 as a double would print 4503599627370497.5.
    [450359962737049729, null],
    [9007199254740991, '¥90,071,992,547,409.91'],
    [-9007199254740991, '−¥90,071,992,547,409.91'],
  ])('%d fen', (amount, written) => {
    if (written === null) expect(() => fen(amount)).toThrow(RangeError);
    else expect([formatMoney(fen(amount), 'zh'), formatMoney(fen(amount), 'en')]).toEqual([written, written]);
  });

  it('has no negative zero', () => {
    expect(formatMoney(fen(-0), 'en')).toBe('¥0.00');
    expect(formatSignedMoney(difference(fen(5), fen(5)), 'en')).toBe('¥0.00');
  });

  it('writes the sign of a difference', () => {
    expect([fen(120), fen(-120)].map((amount) => formatSignedMoney(amount, 'zh'))).toEqual(['+¥1.20', '−¥1.20']);
  });

  it('leaves the fen of whole yuan out on an axis only', () => {
    expect([fen(6000), fen(6050), fen(-10000)].map((amount) => formatAxisMoney(amount, 'en'))).toEqual(['¥60', '¥60.50', '−¥100']);
  });
});

describe('arithmetic', () => {
  it('refuses what is not an exact integer', () => {
    for (const wrong of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) expect(() => fen(wrong)).toThrow(RangeError);
  });

  it('refuses a sum that is no longer exact', () => {
    expect(() => sum([fen(Number.MAX_SAFE_INTEGER), fen(1)])).toThrow(RangeError);
    expect(() => difference(fen(Number.MIN_SAFE_INTEGER), fen(1))).toThrow(RangeError);
  });

  it('adds up: the sum of differences is the difference of sums', () => {
    // A fixed linear congruential generator: the same amounts on every run.
    let seed = 20261122;
    const next = () => fen((seed = (seed * 1103515245 + 12345) % 2147483648) - 1073741824);
    const pairs = Array.from({ length: 500 }, () => [next(), next()] as const);
    const differences = pairs.map(([left, right]) => difference(left, right));
    expect(sum(differences)).toBe(difference(sum(pairs.map(([left]) => left)), sum(pairs.map(([, right]) => right))));
  });

  it('takes the magnitude', () => {
    expect([fen(-7), fen(7), fen(0)].map(magnitude)).toEqual([7, 7, 0]);
  });
});

describe('meanForDisplay', () => {
  it.each([
    [10, 4, 3],
    [-10, 4, -3],
    [9, 4, 2],
    [-9, 4, -2],
    [1, 3, 0],
    [2, 3, 1],
    [0, 12, 0],
    [9007199254740991, 2, 4503599627370496],
  ])('%d over %d months', (total, count, mean) => {
    expect(meanForDisplay(fen(total), count)).toBe(mean);
  });
});
