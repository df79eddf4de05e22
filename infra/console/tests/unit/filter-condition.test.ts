/** Goal: what a click writes is read as it was meant, and errors are shown where they lie. */
import { describe, expect, it } from 'vitest';
import { columnsNamed, holds, join, subject, suggest, value } from '../../src/filter/condition';
import type { Cell, Column, Kind } from '../../src/filter/dataset';
import { locate, stretches } from '../../src/filter/faults';

function column(name: string, zh: string, en: string, kind: Kind, more: Partial<Column> & { min?: Cell; max?: Cell } = {}): Column {
  const { min = null, max = null, ...rest } = more;
  const statistics = { rows: 100, nulls: 0, distinct: 5, distinctIsExact: true, min, max };
  return { name, title: { zh, en }, kind, unit: { zh: '', en: '' }, groups: [], statistics, ...rest };
}

const COLUMNS: readonly Column[] = [
  column('brand', '品牌', 'Brand', 'word', { groups: [{ code: 'mzone', title: { zh: '动感地带', en: 'M-Zone' } }] }),
  column('arpu', '月均消费', 'Monthly spend', 'money', { min: 26, max: 136440 }),
  column('logins', '网厅登录次数（90天）', 'Web hall sign-ins, 90 days', 'integer', { min: 0, max: 131 }),
  column('score', '离网评分', 'Churn score', 'score', { min: 0, max: 1 }),
  column('ring', '已订彩铃', 'Has ring tone', 'flag', { min: false, max: true }),
  column('opened', '入网日期', 'Opened on', 'date', { min: '2001-01-01', max: '2026-09-30' }),
  column('county', '区县', 'County', 'word', { min: '430101', max: '433109' }),
  column('empty', '备注', 'Note', 'word'),
  column('a_on', '日期', 'Date', 'date'),
  column('b_on', '日期', 'Date', 'date'),
  column('odd', '是否且', 'not', 'word', { min: 'and' }),
];

function named(name: string): Column {
  return COLUMNS.find((one) => one.name === name)!;
}

describe('suggest', () => {
  it.each([
    ['brand', '品牌 = 动感地带', 'Brand = M-Zone'],
    ['arpu', '月均消费 ≥ 680', '`Monthly spend` >= 680'],
    ['logins', '【网厅登录次数（90天）】 ≥ 66', '`Web hall sign-ins, 90 days` >= 66'],
    ['score', '离网评分 ≥ 0.5', '`Churn score` >= 0.5'],
    ['ring', '已订彩铃 = 是', '`Has ring tone` = yes'],
    ['opened', '入网日期 ≥ 3 个月前', '`Opened on` >= 3 months ago'],
    // Digits alone would be a number.
    ['county', '区县 = "430101"', 'County = "430101"'],
    ['empty', '备注 不为空', 'Note is known'],
    // Two columns have this title.
    ['a_on', 'a_on ≥ 3 个月前', 'a_on >= 3 months ago'],
    ['odd', '【是否且】 = "and"', '`not` = "and"'],
  ])('%s', (name, zh, en) => {
    expect([suggest(named(name), COLUMNS, 'zh').text, suggest(named(name), COLUMNS, 'en').text]).toEqual([zh, en]);
  });

  it('says which part is only a suggestion', () => {
    const { text, suggestedFrom, suggestedTo } = suggest(named('arpu'), COLUMNS, 'zh');
    expect(text.slice(suggestedFrom, suggestedTo)).toBe('680');
  });

  it('needs no statistics: a key of one region sees none', () => {
    expect(suggest({ ...named('arpu'), statistics: null }, COLUMNS, 'zh').text).toBe('月均消费 ≥ 0');
  });
});

it('writes values exactly', () => {
  const arpu = named('arpu');
  expect([0, 5, 10, 100, 12_345, -250].map((fen) => value(fen, arpu, 'en'))).toEqual(['0', '0.05', '0.1', '1', '123.45', '-2.5']);
  expect(value('say "hi" \\', named('county'), 'en')).toBe('"say \\"hi\\" \\\\"');
  expect(value('mzone-58', named('county'), 'en')).toBe('mzone-58');
  expect([value(true, named('ring'), 'zh'), value(false, named('ring'), 'en')]).toEqual(['是', 'no']);
});

it('takes a range or a value of a distribution', () => {
  const none = { value: null, from: null, to: null };
  expect(holds(named('arpu'), COLUMNS, { value: null, from: 26, to: 17076 }, 'zh')).toBe('月均消费 介于 0.26 至 170.76');
  expect(holds(named('opened'), COLUMNS, { value: null, from: '2001-01-01', to: '2001-12-31' }, 'en')).toBe('`Opened on` between 2001-01-01 and 2001-12-31');
  expect([holds(named('empty'), COLUMNS, none, 'zh'), holds(named('empty'), COLUMNS, none, 'en')]).toEqual(['备注 为空', 'Note is null']);
  expect(holds(named('brand'), COLUMNS, { ...none, value: 'mzone' }, 'en')).toBe('Brand = M-Zone');
});

it('names by the title only what the title means alone', () => {
  expect([subject(named('b_on'), COLUMNS, 'zh'), subject(named('brand'), COLUMNS, 'zh')]).toEqual(['b_on', '品牌']);
  const twin = column('品牌', '牌子', 'Label', 'word');
  expect(subject(named('brand'), [...COLUMNS, twin], 'zh')).toBe('brand');
});

describe('join', () => {
  it.each([
    ['', 'x = 1', 'zh', 'x = 1'],
    ['  \n', 'x = 1', 'zh', 'x = 1'],
    ['a = 1 ', 'x = 1', 'zh', 'a = 1 且 x = 1'],
    ['a = 1', 'x = 1', 'en', 'a = 1 and x = 1'],
    ['a = 1 或 b = 2', 'x = 1', 'zh', '(a = 1 或 b = 2) 且 x = 1'],
    ['a = 1 OR b = 2', 'x = 1', 'en', '(a = 1 OR b = 2) and x = 1'],
    ['a = 1 || b = 2', 'x = 1', 'en', '(a = 1 || b = 2) and x = 1'],
    // A word that only contains the letters.
    ['score = 1', 'x = 1', 'en', 'score = 1 and x = 1'],
  ] as const)('%j and %j', (present, addition, language, whole) => {
    const joined = join(present, addition, language);
    expect([joined.text, joined.text.slice(joined.at)]).toEqual([whole, addition]);
  });
});

it('finds the columns that a text names, by name and by either title', () => {
  expect(columnsNamed('ＡＲＰＵ ≥ 80 且 品牌 = x or Churn Score > 1', COLUMNS).map(({ name }) => name)).toEqual(['brand', 'arpu', 'score']);
});

describe('locate', () => {
  const at = (character: number, text: string) => locate({ pointer: '/selection/expression', code: 'x', detail: `第 ${character} 个字符：错了。` }, text);
  const marked = (character: number, text: string) => {
    const { range } = at(character, text);
    return range && text.slice(range.from, range.to);
  };

  it('marks the word at the place', () => {
    const text = '品牌 = 动感地带 且 月均消费x ≥ 80';
    expect([marked(13, text), marked(21, text), marked(4, text), marked(6, text)]).toEqual(['月均消费x', '80', '=', '动感地带']);
  });

  it('counts characters as people do', () => {
    expect(marked(4, '😀😀 x1 = 1')).toBe('x1');
  });

  it('marks what stands between marks whole', () => {
    expect([marked(1, '【月均 消费】 > 1'), marked(5, 'a = "b c" 且'), marked(1, '`open')]).toEqual(['【月均 消费】', '"b c"', '`open']);
  });

  it('reads the place in either language, and leaves an error without one as it is', () => {
    const english = locate({ pointer: '', code: 'syntax', detail: 'At character 3: expected a value.' }, 'a =');
    expect([english.character, english.text]).toEqual([3, 'expected a value.']);
    const without = locate({ pointer: '', code: 'too-deep', detail: 'It is too deep.' }, 'a = 1');
    expect(without).toEqual({ code: 'too-deep', text: 'It is too deep.', range: null, character: null });
    expect(at(0, 'a').range).toBeNull();
  });

  it('shows an error at the end, and one that lies beyond it, behind the text', () => {
    for (const character of [6, 99]) {
      const fault = at(character, 'a = 1');
      expect([fault.range, stretches('a = 1', [fault])]).toEqual([{ from: 5, to: 5 }, [{ text: 'a = 1', wrong: false }, { text: ' ', wrong: true }]]);
    }
  });

  it('gives the text back whole, whatever is wrong in it', () => {
    const text = '甲 = 1 且 乙 > "x y" 或';
    for (let first = 1; first <= text.length; first += 1) {
      for (let second = 1; second <= text.length; second += 1) {
        const parts = stretches(text, [at(first, text), at(second, text)]);
        expect(parts.map((part) => part.text).join('')).toBe(text);
        expect(parts.some(({ wrong }) => wrong)).toBe(true);
      }
    }
  });
});
