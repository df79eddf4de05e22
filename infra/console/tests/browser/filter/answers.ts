/** Answers in the form of the contract, for states that a healthy system cannot be made to show. */

const name = (zh: string, en: string) => ({ zh, en });
const NO_UNIT = { unit: 'none', unit_symbol: name('', '') };

export const DATASET = {
  id: 'ds_aaaaaaaaaaaaaaaaaaaaaaaaaa',
  version: 'ds_aaaaaaaaaaaaaaaaaaaaaaaaaa+ly_bbbbbbbbbbbbbbbbbbbbbbbbbb',
  is_current: true,
  rows: 100000,
  segments: 1,
  source: { note: 'sample', format: 'csv' },
  published_at: '2026-11-28T20:29:08Z',
  changes: [],
  columns: [
    { name: 'id', title: name('客户', 'Customer'), kind: 'identity', ...NO_UNIT, statistics: { rows: 100000, nulls: 0, distinct: 100000, distinct_is_exact: false, min: null, max: null } },
    {
      name: 'brand',
      title: name('品牌', 'Brand'),
      kind: 'word',
      ...NO_UNIT,
      purpose: 'brand',
      groups: [
        { code: 'gotone', title: name('全球通', 'GoTone') },
        { code: 'mzone', title: name('动感地带', 'M-Zone') },
      ],
      statistics: { rows: 100000, nulls: 0, distinct: 5, distinct_is_exact: true, min: 'easyown', max: 'things' },
    },
    { name: 'arpu', title: name('月均消费', 'Monthly spend'), kind: 'money', ...NO_UNIT, statistics: { rows: 100000, nulls: 21, distinct: 23398, distinct_is_exact: false, min: 26, max: 136440 } },
    { name: 'has_ring_tone', title: name('已订彩铃', 'Has ring tone'), kind: 'flag', ...NO_UNIT, statistics: { rows: 100000, nulls: 0, distinct: 2, distinct_is_exact: true, min: false, max: true } },
  ],
};

const step = (rule: string, zh: string, en: string, removed: number, remaining: number) => ({ rule, title: name(zh, en), condition: name(`${zh} = 是`, `\`${en}\` = yes`), removed, remaining });

export const COUNT = {
  dataset: DATASET.version,
  as_of: '2026-11-29',
  customers: 100000,
  selected: 8451,
  remaining: 4472,
  waterfall: [step('already_ordered', '已订购', 'Already ordered', 2115, 6336), step('marketed', '近期已营销', 'Marketed recently', 1354, 4982), step('opted_out', '拒绝营销', 'Opted out', 510, 4472)],
  conditions: [
    { condition: name('品牌 = 动感地带', 'Brand = M-Zone'), customers: 34477 },
    { condition: name('月均消费 ≥ 80', '`Monthly spend` >= 80'), customers: 44878 },
  ],
  not_applied: [{ rule: 'high_value', title: name('高价值客户', 'High-value customer'), reason: 'diversion-only' }],
  notices: [],
  segments: 1,
  segments_decided: 0,
};

const cell = (brand: string, network: string, customers: number | null) => ({ values: [brand, network], titles: [name(brand, brand), name(network, network)], ...(customers === null ? {} : { customers }) });

export const BREAKDOWN = {
  dataset: DATASET.version,
  columns: ['brand', 'network'],
  customers: 1320,
  groups: [cell('gotone', '5g', 300), cell('mzone', '4g', 120), cell('mzone', '5g', 900), cell('easyown', '4g', null), cell('easyown', '5g', null)],
  hidden: 2,
};

export const PREVIEW = {
  dataset: DATASET.version,
  columns: ['brand', 'arpu'],
  rows: [
    { customer: 'sfvq…', values: [name('动感地带', 'M-Zone'), name('41.51 元', '41.51 yuan')] },
    { customer: 'au56…', values: [name('全球通', 'GoTone'), name('未知', 'not known')] },
  ],
};

export const REACH = {
  dataset: DATASET.version,
  channels: [
    { channel: 'sms-hall', title: name('短信营业厅', 'SMS hall'), remaining: 4472, opted_out: 210, within_interval: 30, allowed: 4232, success_permille: 915, expected: 3872 },
    { channel: 'wap', title: name('WAP', 'WAP'), remaining: 4472, allowed: 4472 },
  ],
};

export const FORMS = {
  expression: { column: 'brand', op: '=', value: 'mzone' },
  text: name('品牌 = 动感地带', 'Brand = M-Zone'),
  notices: [],
};

export const LIST = {
  list_id: 'fl_cccccccccccccccccccccccccc',
  name: '彩铃推广',
  purpose: '推广彩铃业务',
  state: 'draft',
  members: 1675,
  hash: 'ccb412c5af511a5603fbed4a0b96f309cbdc21f1abc52892d4ad9d5a1abda8c7',
  frozen_at: '2026-11-28T20:36:10.472Z',
  expires_at: '2026-12-28T20:36:10.000Z',
  rule: 'arpu >= 60 and has_ring_tone = no',
  rule_version: 'ab5c3e502a8502b7',
  exclusion_version: 'default@0',
  dataset_version: DATASET.version,
  as_of: '2026-11-29',
  recipe: {},
  account: {
    waterfall: [
      { step: 'selected', customers: 40762 },
      { step: 'marketed', customers: 6334 },
      { step: 'marketed_since_layer', customers: 3 },
    ],
    candidates: 34425,
    without_channel: 10,
    caps: [{ members_max: 1500, removed: 32740 }],
    control: 175,
    contacted: 1500,
    batches: [750, 750],
    by_region: [
      { name: '430100', contacted: 1000, control: 100 },
      { name: '', contacted: 500, control: 75 },
    ],
    by_channel: [{ name: 'sms-hall', contacted: 1500, control: 175 }],
  },
  frozen_by: 'otxrukzdp3nx',
  events: [{ at: '2026-11-28T20:36:10.472Z', key_id: 'otxrukzdp3nx', action: 'freeze', state_before: '', state_after: 'draft', reason: '' }],
};

export function problem(status: number, code: string, title: string, detail: string, errors: readonly { pointer: string; code: string; detail: string }[] = []): unknown {
  return { type: `urn:chudian:problem:${code}`, title, status, detail, instance: 'request-0001', ...(errors.length > 0 ? { errors } : {}) };
}
