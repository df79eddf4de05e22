/** Goal: only the newest question is asked and answered. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Newest } from '../../src/shared/newest';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('asks once the hand rests, and once only', () => {
  const newest = new Newest();
  const asked: string[] = [];
  for (const text of ['a', 'ab', 'abc']) {
    newest.afterRest(150, () => asked.push(text));
    vi.advanceTimersByTime(149);
  }
  expect(asked).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(asked).toEqual(['abc']);
});

it('cancels the older question, and what waited to be asked', () => {
  const newest = new Newest();
  const waited = vi.fn();
  const first = newest.ask();
  newest.afterRest(10, waited);
  const second = newest.ask();
  vi.advanceTimersByTime(20);
  expect([first.aborted, second.aborted, waited.mock.calls.length]).toEqual([true, false, 0]);
  newest.afterRest(10, waited);
  newest.cancel();
  vi.advanceTimersByTime(20);
  expect([second.aborted, waited.mock.calls.length]).toEqual([true, 0]);
});
