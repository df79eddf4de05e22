/** Goal: usage is written in the unit a reader expects, rounded half up to one place, without floats. */
import { expect, it } from 'vitest';
import { perCent, readable } from '../../src/shared/quantity';

it.each([
  [0, 'seconds', '0 minute'],
  [3, 'seconds', '0.1 minute'],
  [2, 'seconds', '0 minute'],
  [-2, 'seconds', '0 minute'],
  [90, 'seconds', '1.5 minute'],
  [-21600, 'seconds', '−360 minute'],
  [3_600_000, 'seconds', '60,000 minute'],
  [1023, 'kb', '1,023 kilobyte'],
  [1024, 'kb', '1 megabyte'],
  [1_048_575, 'kb', '1,024 megabyte'],
  [1_048_576, 'kb', '1 gigabyte'],
  [-1_572_864, 'kb', '−1.5 gigabyte'],
  [12, 'count', '12 message'],
] as const)('%d %s', (amount, unit, written) => {
  const shown = readable(amount, unit);
  expect(`${shown.text} ${shown.unit}`).toBe(written);
});

it('writes per mille as per cent', () => {
  expect([0, 5, 50, 875, 1000, 3000].map(perCent)).toEqual(['0', '0.5', '5', '87.5', '100', '300']);
});
