/** Goal: pictures and tables show the function's figures and nothing else; hidden groups stay hidden; forms ask for what they say. */
import { describe, expect, it } from 'vitest';
import { decodeBreakdown, decodeCount, decodeExplanation, decodeReach } from '../../src/filter/api';
import { decodeDataset, findColumns, nullPerMille } from '../../src/filter/dataset';
import { chartSeries, formatMoment, sharePerMille, tableOf, waterfallBars } from '../../src/filter/figures';
import { emptyListChoices, listForm, mistakesOf, newIdempotencyKey, perMille, whole, type ListChoices } from '../../src/filter/list-form';
import { decodeList } from '../../src/filter/lists';
import { actionsOn, mayExport, roleOf } from '../../src/filter/rights';
import { businesses, selectionForm, type Choices } from '../../src/filter/selection';
import { BREAKDOWN, COUNT, DATASET, LIST } from '../browser/filter/answers';

const CHOICES: Choices = { text: 'arpu >= 20', messageClass: 'marketing', business: '', channels: [], exclusionSet: '', reportMissing: false };

describe('waterfallBars', () => {
  it('hang from what the step before left, and meet what remains', () => {
    const count = decodeCount(COUNT);
    const bars = waterfallBars(count);
    expect(bars[0]).toMatchObject({ from: 0, to: count.selected });
    for (let index = 1; index < bars.length - 1; index += 1) {
      const before = bars[index - 1]!;
      expect(bars[index]!.to).toBe(index === 1 ? before.to : before.from);
    }
    expect(bars[bars.length - 2]!.from).toBe(bars[bars.length - 1]!.to);
  });

  it('is two equal bars without exclusions', () => {
    expect(waterfallBars({ selected: 5, remaining: 5, waterfall: [] }).map(({ to }) => to)).toEqual([5, 5]);
  });
});

describe('tableOf', () => {
  const table = tableOf(decodeBreakdown(BREAKDOWN));

  it('stands by size, each cell where its groups meet', () => {
    expect(table.series.map(({ key }) => key)).toEqual(['5g', '4g']);
    expect(table.rows.map(({ key, cells }) => [key, cells.map((cell) => cell?.customers)])).toEqual([
      ['mzone', [900, 120]],
      ['gotone', [300, undefined]],
      ['easyown', [null, null]],
    ]);
  });

  it('draws no hidden group', () => {
    expect(chartSeries(table).map(({ values }) => values)).toEqual([
      [900, 300, 0],
      [120, 0, 0],
    ]);
  });

  it('keeps what is not known apart from a word that looks like it', () => {
    const unknown = tableOf(decodeBreakdown({ ...BREAKDOWN, columns: ['x'], groups: [group([null], 4), group([''], 3)] }));
    expect(unknown.rows).toHaveLength(2);
  });

  it('gathers more series than there are colours', () => {
    const groups = Array.from({ length: 9 }, (_, index) => group(['a', `s${index}`], 10 - index));
    const series = chartSeries(tableOf(decodeBreakdown({ ...BREAKDOWN, groups })));
    expect(series.map(({ rest, values }) => [rest, values[0]])).toEqual([[false, 10], [false, 9], [false, 8], [false, 7], [false, 6], [true, 5 + 4 + 3 + 2]]);
  });
});

function group(values: readonly (string | null)[], customers: number) {
  return { values, titles: values.map((value) => ({ zh: String(value), en: String(value) })), customers };
}

it('rounds a share half up, and has none of nobody', () => {
  expect([sharePerMille(0, 0), sharePerMille(1, 3), sharePerMille(2, 3), sharePerMille(1, 2000), sharePerMille(1, 2001), sharePerMille(7, 7)]).toEqual([0, 333, 667, 1, 0, 1000]);
});

it('denies nobody who has no value', () => {
  expect([[0, 100], [1, 100_000], [499, 1000], [1000, 1000], [0, 0]].map(([nulls, rows]) => nullPerMille({ nulls: nulls!, rows: rows! }))).toEqual([0, 1, 499, 1000, 0]);
});

it('says moments in China’s time', () => {
  expect([formatMoment('2026-11-28T20:36:10.472Z'), formatMoment('soon')]).toEqual(['2026-11-29 04:36', 'soon']);
});

describe('the dataset', () => {
  const dataset = decodeDataset(DATASET);

  it('is searched by every word, in names and in both titles', () => {
    const found = (search: string) => findColumns(dataset.columns, search).map(({ name }) => name);
    expect([found('月均'), found('SPEND monthly'), found('brand'), found('  '), found('no such')]).toEqual([['arpu'], ['arpu'], ['brand'], dataset.columns.map(({ name }) => name), []]);
  });

  it('tells the businesses of which it knows who holds them', () => {
    expect(businesses(dataset.columns).map(({ code }) => code)).toEqual(['ring_tone']);
  });

  it('takes what a key of one region sees', () => {
    const columns = DATASET.columns.map(({ statistics: _, ...rest }) => rest);
    const { rows: __, ...withoutRows } = DATASET;
    const regional = decodeDataset({ ...withoutRows, columns });
    expect([regional.rows, regional.columns.map(({ statistics }) => statistics)]).toEqual([null, columns.map(() => null)]);
  });
});

it('asks for what was chosen, and leaves out what is at its default', () => {
  expect(selectionForm(CHOICES)).toEqual({ expression: 'arpu >= 20' });
  expect(selectionForm({ ...CHOICES, text: ' \n' })).toEqual({ expression: 'all()' });
  // Reporting belongs to a set of exclusions; without one there is nothing to report.
  expect(selectionForm({ ...CHOICES, reportMissing: true })).toEqual({ expression: 'arpu >= 20' });
  expect(selectionForm({ text: 'x = 1', messageClass: 'service', business: 'ring_tone', channels: ['sms-hall'], exclusionSet: 'default', reportMissing: true })).toEqual({
    expression: 'x = 1',
    class: 'service',
    business: 'ring_tone',
    channels: ['sms-hall'],
    exclusions: { set: 'default' },
    missing_columns: 'report',
  });
});

describe('the form of a list', () => {
  const FILLED: ListChoices = { ...emptyListChoices(), name: '彩铃推广', purpose: '推广', channel: 'fixed:sms-hall' };
  const counted = { dataset: 'ds_1+ly_2', asOf: '2026-11-28' };

  it('freezes exactly what was counted', () => {
    expect(listForm(FILLED, CHOICES, counted)).toEqual({
      name: '彩铃推广',
      purpose: '推广',
      selection: { expression: 'arpu >= 20', dataset: 'ds_1+ly_2', as_of: '2026-11-28' },
      channel: { fixed: 'sms-hall' },
      priority: 'draw',
      caps: [],
      over_cap: 'cut',
      columns: [],
      life_days: 30,
    });
  });

  it('says everything that was chosen', () => {
    const full: ListChoices = {
      ...FILLED,
      channel: 'column:preferred',
      priority: 'arpu',
      ascending: true,
      caps: [{ channel: 'sms-hall', region: ' 430100 ', membersMax: '0' }, { channel: '', region: '', membersMax: '1500' }],
      refuseOverCap: true,
      controlPercent: '2.5',
      controlSalt: '2026',
      batches: 'size',
      batchNumber: '500',
      columns: ['brand'],
      lifeDays: '7',
    };
    expect(mistakesOf(full)).toEqual([]);
    expect(listForm(full, CHOICES, counted)).toMatchObject({
      channel: { column: 'preferred' },
      priority: { column: { name: 'arpu', order: 'ascending' } },
      caps: [{ channel: 'sms-hall', region: '430100', members_max: 0 }, { members_max: 1500 }],
      over_cap: 'refuse',
      control: { permille: 25, salt: '2026' },
      batches: { size: 500 },
      columns: ['brand'],
      life_days: 7,
    });
  });

  it('names its mistakes', () => {
    expect(mistakesOf(emptyListChoices())).toEqual(['name', 'purpose', 'channel']);
    const wrong: [Partial<ListChoices>, string][] = [
      [{ name: 'x'.repeat(81) }, 'name'],
      [{ caps: [{ channel: '', region: '', membersMax: '' }] }, 'caps'],
      [{ caps: [{ channel: '', region: '', membersMax: '-1' }] }, 'caps'],
      [{ controlPercent: '100.1' }, 'controlPercent'],
      [{ controlPercent: '5.55' }, 'controlPercent'],
      [{ batches: 'count', batchNumber: '1001' }, 'batchNumber'],
      [{ batches: 'size', batchNumber: '0' }, 'batchNumber'],
      [{ columns: Array.from({ length: 13 }, (_, index) => `c${index}`) }, 'columns'],
      [{ lifeDays: '0' }, 'lifeDays'],
      [{ lifeDays: '181' }, 'lifeDays'],
    ];
    for (const [change, field] of wrong) expect([change, mistakesOf({ ...FILLED, ...change })]).toEqual([change, [field]]);
  });

  it('reads numbers exactly', () => {
    expect([whole('0'), whole(' 12 '), whole('1e3'), whole('1.5'), whole('')]).toEqual([0, 12, null, null, null]);
    expect([perMille('0'), perMille('0.1'), perMille('12.5'), perMille('100'), perMille('.5'), perMille('abc')]).toEqual([0, 1, 125, 1000, null, null]);
  });

  it('has a new key for every request', () => {
    const keys = new Set(Array.from({ length: 50 }, newIdempotencyKey));
    expect([keys.size, [...keys].every((key) => /^[0-9a-f]{32}$/.test(key))]).toEqual([50, true]);
  });
});

describe('a list', () => {
  it('adds up', () => {
    const list = decodeList(LIST);
    expect(list.contacted + list.control).toBe(list.members);
    const broken = { ...LIST, account: { ...LIST.account, control: LIST.account.control + 1 } };
    expect(() => decodeList(broken)).toThrow(RangeError);
  });

  it('offers each role what it may do, state by state', () => {
    const table = ['draft', 'submitted', 'approved', 'rejected', 'in-use', 'expired', 'unheard-of'].map((state) => [
      state,
      ...(['analyst', 'approver', 'custodian'] as const).map((role) => [...actionsOn(state, role), ...(mayExport(state, role) ? ['export'] : [])].join(' ')),
    ]);
    expect(table).toEqual([
      ['draft', 'submission expiry', 'expiry', ''],
      ['submitted', 'expiry', 'approval rejection expiry', ''],
      ['approved', 'expiry', 'expiry', 'export'],
      ['rejected', 'expiry', 'expiry', ''],
      ['in-use', 'expiry', 'expiry', 'export'],
      ['expired', '', '', ''],
      ['unheard-of', '', '', ''],
    ]);
  });
});

it('tells the role from what may be read', () => {
  const role = (dataset: boolean, preview: boolean, lists: boolean) => roleOf({ dataset, preview, lists });
  expect([role(true, true, true), role(true, false, true), role(false, false, true), role(false, false, false)]).toEqual(['analyst', 'approver', 'custodian', 'none']);
});

describe('the contract', () => {
  it.each([
    ['selected', '8451'],
    ['remaining', 1.5],
    ['waterfall', null],
    ['notices', [{ text: 'x' }]],
  ])('refuses a count with %s = %j', (member, wrong) => {
    expect(() => decodeCount({ ...COUNT, [member]: wrong })).toThrow();
  });

  it('keeps a figure that is absent apart from nought', () => {
    const [reach] = decodeReach({ channels: [{ channel: 'wap', title: { zh: 'WAP', en: 'WAP' }, remaining: 5, allowed: 5, opted_out: 0 }] });
    expect([reach!.optedOut, reach!.withinInterval, reach!.expected]).toEqual([0, null, null]);
  });

  it('takes a finding that it does not know for unknown', () => {
    const reason = { condition: { zh: 'x', en: 'x' }, holds: 'perhaps' };
    const answer = { included: false, selected: false, summary: { zh: '', en: '' }, expression: reason, exclusions: [] };
    expect(decodeExplanation(answer).expression.holds).toBe('unknown');
  });
});
