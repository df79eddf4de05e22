/** What the tests of the analyst's page share. */
import type { Page, Route } from '@playwright/test';
import { expect } from '../support';
import * as answers from './answers';

export * from '../support';

export const KEY_IN_TESTS = 'chd_intercepted_never-sent-to-a-server';

export type Language = 'zh' | 'en';

/** The words by which the tests find their way, in both languages. */
export const WORDS = {
  begin: { zh: '开始', en: 'Begin' },
  condition: { zh: '条件文字', en: 'Condition as text' },
  exclusions: { zh: '排除规则', en: 'Exclusions' },
  business: { zh: '业务', en: 'Business' },
  lists: { zh: '名单', en: 'Lists' },
  tabs: {
    waterfall: { zh: '排除', en: 'Exclusions' },
    breakdown: { zh: '分布', en: 'Breakdown' },
    reach: { zh: '渠道可达', en: 'Reach' },
    preview: { zh: '预览', en: 'Preview' },
    explain: { zh: '单个客户', en: 'One customer' },
    forms: { zh: '文字与 JSON', en: 'Text and JSON' },
    freeze: { zh: '冻结名单', en: 'Freeze a list' },
  },
} as const;

/** Opens the page and enters a key, as an operator does. */
export async function openPage(page: Page, key: string, language: Language = 'zh'): Promise<void> {
  await page.goto(`/filter/?lang=${language}`);
  await page.getByPlaceholder('chd_…').fill(key);
  await page.getByRole('button', { name: WORDS.begin[language] }).click();
}

export function editor(page: Page, language: Language = 'zh') {
  return page.getByRole('textbox', { name: WORDS.condition[language] });
}

/** Opens the list of columns where the window is narrow. */
export async function openColumns(page: Page, language: Language = 'zh'): Promise<void> {
  await expect(page.locator('.columns')).toBeVisible();
  const toggle = page.getByRole('button', { name: language === 'zh' ? '查找列' : 'Find a column' });
  if (await toggle.isVisible()) await toggle.press('Enter');
  await expect(page.getByRole('searchbox')).toBeVisible();
}

/** The figure of that name as a number, once nothing is being counted any more. */
export async function figure(page: Page, name: 'customers' | 'selected' | 'remaining'): Promise<number> {
  await expect(page.locator('.figures')).not.toHaveClass(/figures-old/);
  return Number((await page.locator(`[data-figure=${name}]`).innerText()).replaceAll(',', ''));
}

type Answer = (route: Route) => Promise<void>;

/** Serves the APIs from `answers`, with what a test puts in place of single routes. */
export async function intercept(page: Page, replaced: Readonly<Record<string, Answer>> = {}): Promise<void> {
  const json = (body: unknown, status = 200): Answer => (route) => route.fulfill({ status, json: body });
  const { LIST } = answers;
  const routes: Record<string, Answer> = {
    'dataset/v1/snapshots/current': json(answers.DATASET),
    'filter/v1/lists?*': json({ items: [LIST] }),
    [`filter/v1/lists/${LIST.list_id}`]: json(LIST),
    'filter/v1/exclusion-sets': json({ items: [] }),
    'filter/v1/preview': json(answers.PREVIEW),
    'filter/v1/reach': json(answers.REACH),
    'filter/v1/expressions/parse': json(answers.FORMS),
    'filter/v1/count': json(answers.COUNT),
    'filter/v1/breakdown': json(answers.BREAKDOWN),
    ...replaced,
  };
  for (const [path, answer] of Object.entries(routes)) await page.route(`**/${path}`, answer);
}
