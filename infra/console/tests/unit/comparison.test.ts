/** Goal: the page's own derivations are exact, and an answer that breaks the contract never gets as far as them. */
import { describe, expect, it } from 'vitest';
import { decodePage, decodeSimulation } from '../../src/tariff/api';
import { decodeBill, wasRounded } from '../../src/tariff/bill';
import { byFirstReason, cumulativeSaving, savingByMonth, shownMean, verdict } from '../../src/tariff/comparison';
import { bill, MONTHS, PAGE, simulation } from '../browser/tariff/answers';

const decoded = decodeSimulation(simulation('zh'));

/** A deep copy of a good answer with one member replaced. */
function broken(answer: unknown, path: readonly (string | number)[], value: unknown): unknown {
  const copy = JSON.parse(JSON.stringify(answer)) as Record<string | number, unknown>;
  const parent = path.slice(0, -1).reduce((node, step) => node[step] as Record<string | number, unknown>, copy);
  parent[path[path.length - 1]!] = value;
  return copy;
}

describe('saving', () => {
  it('is summed up month by month, through months that lose', () => {
    const [, , dearest] = decoded.ranking;
    expect(savingByMonth(decoded.present!, dearest!)).toEqual([-1560, -2935, 1510, -2075, -3910, -395]);
    expect(cumulativeSaving(decoded.present!, dearest!)).toEqual([-1560, -4495, -2985, -5060, -8970, -9365]);
  });

  it('ends at the total that the function states', () => {
    for (const plan of decoded.ranking) expect(cumulativeSaving(decoded.present!, plan)[MONTHS.length - 1]).toBe(plan.saving?.totalFen);
  });
});

it('shows means that a customer can subtract: now less saving is what comes after, to the fen', () => {
  const [best] = decoded.ranking;
  // 537.45 over 6 months is 89.575; rounded by itself it would be shown as 89.58, and 112.39 − 89.58 is not 22.82.
  expect([shownMean(decoded, null), best!.saving?.meanFen, shownMean(decoded, best!)]).toEqual([11239, 2282, 8957]);
});

it('says what the first sentence says', () => {
  expect(verdict(decoded)).toBe('saves');
  expect(verdict({ ...decoded, ranking: decoded.ranking.slice(2) })).toBe('present-is-best');
  expect(verdict({ ...decoded, ranking: [] })).toBe('nothing-to-compare');
  expect(verdict({ ...decoded, present: null })).toBe('cheapest');
  const lost = { planId: 'x', name: 'x', reasons: ['saving-below-minimum', 'too-few-months-won'].map((code) => ({ code, text: code })) };
  expect(verdict({ ...decoded, ranking: [], leftOut: [...decoded.leftOut, lost] })).toBe('present-is-best');
});

it('gathers left-out plans by reason, the commonest first', () => {
  expect(byFirstReason(decoded.leftOut).map(({ reason, plans }) => [reason, plans.length])).toEqual([
    ['只对在校学生开放', 2],
    ['您的品牌不能选用', 1],
  ]);
});

describe('the contract', () => {
  it.each([
    [['months'], '2026-05'],
    [['months', 0], 5],
    [['present'], []],
    [['present', 'total_fen'], 1.5],
    [['present', 'total_fen'], '100'],
    [['present', 'monthly_total_fen', 2], 9007199254740992],
    [['present', 'monthly_total_fen'], [1, 2]],
    [['ranking', 0, 'saving', 'mean_fen'], null],
    [['ranking', 1, 'monthly_total_fen'], []],
    [['ranking', 0, 'held_out', 'chosen_without_it'], 'yes'],
    [['ranking', 0, 'name'], undefined],
    [['left_out', 0, 'reasons', 0, 'text'], 7],
    [['estimated'], 0],
  ])('refuses a simulation with %j = %j', (path, value) => {
    expect(() => decodeSimulation(broken(simulation('zh'), path, value))).toThrow();
  });

  it('takes members that it does not know', () => {
    expect(decodeSimulation(broken(simulation('zh'), ['present', 'new_member'], {}))).toEqual(decoded);
    expect(decodePage({ ...PAGE, kinds: ['data', 'hologram'] }).kinds).toEqual(['data']);
  });

  it('takes a customer without a plan: no present plan, no saving', () => {
    const ranking = (simulation('zh') as { ranking: object[] }).ranking.map((plan) => ({ ...plan, saving: null, held_out: null, usage_change: null }));
    const alone = decodeSimulation({ ...(simulation('zh') as object), present: null, ranking });
    expect([alone.present, alone.ranking[0]?.saving, shownMean(alone, alone.ranking[0]!)]).toEqual([null, null, 8958]);
  });

  it('does not add a tax that the prices contain', () => {
    const taxed = decodeBill(bill('en', 'g-88', '2026-07'));
    expect([taxed.totalFen, taxed.taxesIncluded.map((line) => line.amountFen)]).toEqual([9745, [498]]);
  });

  it('tells where rounding changed an amount', () => {
    const [line] = decodeBill(bill('en', 'g-88', '2026-07')).lines;
    const rounded = ['58', '58.1', '58.10', '58.1000', '-0.05', '58.105', '58.0001', '1/3'].map((unrounded) => wasRounded({ ...line!, unrounded }));
    expect(rounded).toEqual([false, false, false, false, false, true, true, true]);
  });

  it('refuses a bill whose lines do not add up, by as little as one fen', () => {
    const good = bill('en', 'g-88', '2026-07') as { total_fen: number };
    expect(decodeBill(good).totalFen).toBe(9745);
    for (const wrong of [-1, 1]) expect(() => decodeBill({ ...good, total_fen: good.total_fen + wrong })).toThrow(RangeError);
  });
});
