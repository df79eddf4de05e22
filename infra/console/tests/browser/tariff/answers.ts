/**
 * Answers in the form of the contract, for states that a healthy function cannot be made to show: faults, slow answers,
 * and pages with every part in them. Monthly totals are given; every other amount is derived from them here.
 */

export const MONTHS = ['2026-05', '2026-06', '2026-07', '2026-08', '2026-09', '2026-10'];

const NAMES: Record<string, Record<'zh' | 'en', string>> = {
  'm-58': { zh: '动感地带 58', en: 'M-Zone 58' },
  'g-88': { zh: '全球通畅享 88', en: 'GoTone Plus 88' },
  'e-38': { zh: '轻享 38', en: 'Easy 38' },
  'f-128': { zh: '家庭共享 128', en: 'Family Share 128' },
  'd-10g': { zh: '10GB 流量包', en: '10 GB data pack' },
  'vip-288': { zh: '全球通尊享 288', en: 'GoTone Prestige 288' },
  'campus-19': { zh: '校园 19', en: 'Campus 19' },
  'campus-29': { zh: '校园 29', en: 'Campus 29' },
};

type Language = 'zh' | 'en';

const name = (id: string, language: Language) => NAMES[id]?.[language] ?? id;
const total = (amounts: readonly number[]) => amounts.reduce((sum, amount) => sum + amount, 0);

const PRESENT = { id: 'm-58', monthly: [11240, 9865, 14310, 10725, 8890, 12405] };
const RANKED = [
  { id: 'g-88', addOns: ['d-10g'], monthly: [8800, 8800, 9745, 8800, 8800, 8800], cost: 0, payback: 0 },
  { id: 'e-38', addOns: [], monthly: [8630, 9215, 12980, 9135, 7240, 10655], cost: 3000, payback: 2 },
  { id: 'f-128', addOns: [], monthly: [12800, 12800, 12800, 12800, 12800, 12800], cost: 5000, payback: null },
];

/** A simulation over these months; usage that is scaled moves every amount half as much. */
export function simulation(language: Language, scalePerMille = 1000, months: readonly string[] = MONTHS): unknown {
  const scaled = (amounts: readonly number[]) =>
    months.map((_, month) => Math.floor(((amounts[month % amounts.length] ?? 0) * (1000 + scalePerMille)) / 2000));
  const present = scaled(PRESENT.monthly);
  return {
    catalogue_version: '0f3c9a71b2d84e65',
    as_of: '2026-11-22',
    months,
    estimated: false,
    present: {
      plan_id: PRESENT.id,
      name: name(PRESENT.id, language),
      add_ons: [],
      monthly_total_fen: present,
      total_fen: total(present),
      usage_inside_permille: { voice: 712, data: 431, sms: 1000 },
    },
    ranking: RANKED.map((plan, index) => rankedPlan(plan, index, present, scaled(plan.monthly), months, language)),
    left_out: ['vip-288', 'campus-19', 'campus-29'].map((id) => ({
      plan_id: id,
      name: name(id, language),
      reasons: [leftOutReason(id, language)],
    })),
    rule: { min_saving_fen: 0 },
    proof: 'a3f1c2d4e5b60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90',
  };
}

function rankedPlan(plan: (typeof RANKED)[number], index: number, present: number[], monthly: number[], months: readonly string[], language: Language) {
  const savings = present.map((amount, month) => amount - (monthly[month] ?? 0));
  return {
    rank: index + 1,
    plan_id: plan.id,
    name: name(plan.id, language),
    add_ons: plan.addOns.map((id) => ({ id, quantity: 1, name: name(id, language) })),
    monthly_total_fen: monthly,
    total_fen: total(monthly),
    saving: {
      mean_fen: Math.round(total(savings) / savings.length),
      worst_month_fen: Math.min(...savings),
      months_won: savings.filter((saving) => saving > 0).length,
      total_fen: total(savings),
    },
    held_out:
      months.length > 1
        ? { month: months[months.length - 1], chosen_without_it: index === 0, saving_fen: savings[savings.length - 1] }
        : null,
    operator: { revenue_change_fen: -total(savings) },
    usage_change: {
      inside_allowance: { voice_seconds: 21600 + index * 600, data_kb: 9437184, sms_count: 0 },
      beyond_allowance: { voice_seconds: -21600 - index * 600, data_kb: -9437184, sms_count: 0 },
    },
    switching: { cost_fen: plan.cost, payback_months: plan.payback },
    reasons: [
      language === 'zh'
        ? { code: 'more-inside', text: '更多用量落在套餐内' }
        : { code: 'more-inside', text: 'More of the usage falls within the allowances' },
    ],
  };
}

function leftOutReason(id: string, language: Language) {
  if (id.startsWith('campus')) {
    return { code: 'type-not-eligible', text: language === 'zh' ? '只对在校学生开放' : 'For students only' };
  }
  return { code: 'brand-not-eligible', text: language === 'zh' ? '您的品牌不能选用' : 'Not open to your brand' };
}

/** A bill of three lines that add up to the monthly total, with a tax that they contain. */
export function bill(language: Language, planId: string, month: string): unknown {
  const plan = [PRESENT, ...RANKED].find((candidate) => candidate.id === planId);
  const amount = plan?.monthly[MONTHS.indexOf(month)] ?? 0;
  const fee = Math.min(amount, 5800);
  const rest = amount - fee;
  const voice = Math.floor(rest / 3);
  const words =
    language === 'zh'
      ? { fee: '月基本费', voice: '本地通话', data: '国内流量', half: '四舍五入到分', tax: '增值税' }
      : { fee: 'Monthly fee', voice: 'Local calls', data: 'Domestic data', half: 'half up to the fen', tax: 'VAT' };
  return {
    plan_id: planId,
    month,
    catalogue_version: '0f3c9a71b2d84e65',
    lines: [
      { id: 'fee', description: words.fee, quantity: 1, price: '58.00', explanation: language === 'zh' ? '1 × 58.00 元' : '1 × 58.00 yuan', amount_fen: fee },
      { id: 'voice', description: words.voice, quantity: 14160, unit: 'seconds', allowance: 9000, tier: '1: 5160', price: '0.19/60', unrounded: '16.3435', rounding: words.half, explanation: 'x', amount_fen: voice, estimated: true },
      { id: 'data', description: words.data, quantity: 3145728, unit: 'kb', allowance: 2097152, tier: '1: 524288, 2: 524288', price: '0.01/1024, 0.005/1024', unrounded: '10.24', rounding: words.half, explanation: 'x', amount_fen: rest - voice },
    ],
    total_fen: amount,
    taxes_included: [{ id: 'vat', description: words.tax, base_fen: amount, value: '6%', explanation: '6%', amount_fen: 498 }],
    allowances: [{ id: 'minutes', name: words.voice, unit: 'seconds', granted: 9000, carried_in: 0, used: 9000, carried_out: 0, expired: 0 }],
    proof: 'b7c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8091a2b',
  };
}

export const PAGE = { customer_id: 'c-000017', customer_shown: 'c-0***17', kinds: ['voice', 'data', 'sms'], expires_at: '2026-11-22T04:15:00.000Z' };

export function problem(status: number, code: string, title: string, detail: string, instance: string): unknown {
  return { type: `urn:chudian:problem:${code}`, title, status, detail, instance };
}
