/** Goal: the right language on the first visit, and the same words in both. */
import { describe, expect, it } from 'vitest';
import { chooseLanguage, formatMonth, withLanguage } from '../../src/shared/language';
import filterEn from '../../src/filter/messages/en';
import filterZh from '../../src/filter/messages/zh';
import tariffEn from '../../src/tariff/messages/en';
import tariffZh from '../../src/tariff/messages/zh';

describe('chooseLanguage', () => {
  it.each([
    ['?lang=en', ['zh-CN'], 'en'],
    ['?lang=zh', ['en-GB'], 'zh'],
    ['?lang=EN-us', [], 'en'],
    ['?lang=fr', ['en-GB', 'zh'], 'en'],
    ['?lang=', ['en'], 'en'],
    ['', ['zh-TW', 'en'], 'zh'],
    ['', ['fr-FR', 'en-GB'], 'en'],
    ['', ['fr-FR'], 'zh'],
    ['', [], 'zh'],
    ['', ['english'], 'zh'],
  ] as const)('%s with %j', (query, languages, chosen) => {
    expect(chooseLanguage(query, languages)).toBe(chosen);
  });

  it('is kept in the address beside what else is there', () => {
    expect(withLanguage('https://hall.example/x/tariff/?from=menu&lang=zh', 'en')).toBe('https://hall.example/x/tariff/?from=menu&lang=en');
  });
});

it('writes months', () => {
  expect((['zh', 'en'] as const).flatMap((language) => [formatMonth('2026-01', language, 'long'), formatMonth('2026-12', language, 'short')])).toEqual([
    '2026年1月',
    '12月',
    'Jan 2026',
    'Dec',
  ]);
});

describe.each([
  ['tariff', tariffZh, tariffEn],
  ['filter', filterZh, filterEn],
])('the two tables of words of the page %s', (_, zh, en) => {
  const leaves = (table: object, path = ''): [string, string][] =>
    Object.entries(table).flatMap(([key, value]) =>
      typeof value === 'string' ? [[`${path}${key}`, value] as [string, string]] : leaves(value as object, `${path}${key}.`),
    );
  const placeholders = (text: string) => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]))].sort();

  it('have the same keys', () => {
    expect(leaves(en).map(([key]) => key).sort()).toEqual(leaves(zh).map(([key]) => key).sort());
  });

  it('have the same places for values; the longest plural form counts', () => {
    const english = new Map(leaves(en));
    for (const [key, text] of leaves(zh)) {
      const forms = (english.get(key) ?? '').split(' | ');
      expect([key, placeholders(forms[forms.length - 1] ?? '')]).toEqual([key, placeholders(text)]);
    }
  });

  it('leave no text empty, and no language in the other', () => {
    for (const [key, text] of leaves(en)) expect([key, /^[^\u4e00-\u9fff]+$/.test(text)]).toEqual([key, true]);
    for (const [key, text] of leaves(zh)) expect([key, text.length > 0]).toEqual([key, true]);
  });
});
