/** The page over the real functions, with a table of the sample and its contacts: nothing is put in place of any answer. */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { APIRequestContext, Page } from '@playwright/test';
import { callsOf, editor, expect, expectAccessible, expectFits, expectPainted, figure, isDocumented, openColumns, openPage, picture, test, WORDS, type Language } from './support';

interface Facts {
  readonly analyst: string;
  readonly approver: string;
  readonly custodian: string;
  readonly hall: string;
  readonly regional: string;
  readonly customer: string;
  readonly recipient: string;
  readonly folder: string;
}

function facts(): Facts {
  const given = process.env['CHUDIAN_FILTER_PAGE'];
  if (!given) throw new Error('set CHUDIAN_FILTER_PAGE (see tests/browser/README.md)');
  return JSON.parse(given) as Facts;
}

const CONDITION: Record<Language, string> = { zh: '品牌 = 动感地带 且 月均消费 ≥ 60', en: 'Brand = M-Zone and `Monthly spend` >= 60' };

async function ask(request: APIRequestContext, path: string, data: unknown, key = facts().analyst): Promise<Record<string, unknown>> {
  const answer = await request.post(path, { data, headers: { authorization: `Bearer ${key}` } });
  expect(answer.status(), await answer.text()).toBeLessThan(300);
  return (await answer.json()) as Record<string, unknown>;
}

async function openTab(page: Page, tab: keyof typeof WORDS.tabs, language: Language): Promise<void> {
  await page.getByRole('tab', { name: WORDS.tabs[tab][language], exact: true }).click();
}

/** Writes the condition and chooses the default exclusions for a business. */
async function compose(page: Page, language: Language): Promise<void> {
  await editor(page, language).fill(CONDITION[language]);
  await page.getByRole('combobox', { name: WORDS.exclusions[language] }).selectOption('default');
  await page.getByRole('combobox', { name: WORDS.business[language] }).selectOption('ring_tone');
}

for (const language of ['zh', 'en'] as const) {
  test(`shows the figures that the API gives, fits and is accessible: ${language}`, async ({ page, request }, info) => {
    await openPage(page, facts().analyst, language);
    await compose(page, language);
    const selection = { expression: CONDITION[language], business: 'ring_tone', exclusions: { set: 'default' } };
    const count = await ask(request, '/filter/v1/count', { selection });
    expect(count['selected']).toBeGreaterThan(50);
    expect(count['remaining']).toBeLessThan(count['selected'] as number);
    for (const name of ['customers', 'selected', 'remaining'] as const) await expect.poll(() => figure(page, name)).toBe(count[name]);
    await expectPainted(page);
    await picture(page, `${info.project.name}-filter-real-${language}`);
    const steps = count['waterfall'] as { removed: number; remaining: number }[];
    expect(steps.length).toBeGreaterThan(4);
    const left = await page.locator('.results table').first().locator('tbody tr td:last-child').allInnerTexts();
    expect(left.slice(1).map((text) => Number(text.replaceAll(',', '')))).toEqual(steps.map(({ remaining }) => remaining));

    for (const tab of ['waterfall', 'breakdown', 'reach', 'preview', 'explain', 'forms', 'freeze'] as const) {
      await openTab(page, tab, language);
      if (tab === 'breakdown' || tab === 'reach') await expectPainted(page);
      if (tab === 'preview') await expect(page.locator('[data-table=preview] tbody tr').first()).toBeVisible();
      if (tab === 'explain') {
        await page.locator('.results .mono').fill(facts().customer);
        await page.keyboard.press('Enter');
        await expect(page.locator('.explained-summary')).not.toBeEmpty();
      }
      if (tab === 'forms') {
        await page.getByRole('button', { name: language === 'zh' ? '读取当前条件' : 'Read the present condition' }).click();
        await expect(page.locator('.forms-json')).toHaveValue(/"column": "brand"/);
      }
      await picture(page, `${info.project.name}-filter-real-${tab}-${language}`);
      await expectFits(page);
      // The rules take seconds over a whole table's columns; the other panels pass them in states.spec.ts.
      if (tab === 'waterfall' || tab === 'explain') await expectAccessible(page);
    }
    // Names of lists and values of customers are data; everything else on the page is in its own language.
    if (language === 'en') {
      await openTab(page, 'waterfall', language);
      expect(await page.locator('main').innerText()).not.toMatch(/[\u4e00-\u9fff]/);
    }
  });
}

test('an error of the function stands at its place, in the language of the page', async ({ page }) => {
  await openPage(page, facts().analyst, 'zh');
  await editor(page).fill('品牌 = 动感地带 且 月均花费 ≥ 80');
  await expect(page.locator('.faults')).toContainText('没有“月均花费”这一列');
  await expect(page.locator('.editor-marks mark')).toHaveText('月均花费');
  await page.getByRole('button', { name: '第 13 个字符' }).click();
  // Typing replaces what is wrong.
  await page.keyboard.type('月均消费');
  await expect(page.locator('.faults')).toHaveCount(0);
  expect(await figure(page, 'selected')).toBeGreaterThan(0);
  await page.getByRole('radio', { name: 'English' }).check();
  await editor(page, 'en').fill('brand = M-Zone and');
  await expect(page.locator('.faults')).toContainText('expected a condition');
});

test('every column that can be a condition adds one that the function reads', async ({ page, request }, info) => {
  test.skip(info.project.name !== 'desktop', 'the same text is written on every window');
  await openPage(page, facts().analyst, 'zh');
  for (const language of ['zh', 'en'] as const) {
    await page.getByRole('radio', { name: language === 'zh' ? '中文' : 'English' }).check();
    await expect(page.locator('.column-add').nth(50)).toBeAttached();
    // In the page itself: some three hundred clicks from outside would take minutes.
    const expressions = await page.evaluate(async () => {
      const field = document.querySelector<HTMLTextAreaElement>('.editor textarea')!;
      const written: string[] = [];
      for (const button of document.querySelectorAll<HTMLButtonElement>('.column-add')) {
        field.value = '';
        field.dispatchEvent(new Event('input'));
        button.click();
        await new Promise((rendered) => setTimeout(rendered));
        written.push(`(${field.value})`);
      }
      return written;
    });
    const total = expressions.length;
    expect(new Set(expressions).size).toBe(total);
    // One question about all of them: the error would name the character.
    const parsed = await ask(request, '/filter/v1/expressions/parse', { expression: `any(${expressions.join(', ')})` });
    expect((parsed['expression'] as { any: unknown[] }).any).toHaveLength(total);
  }
});

test('a value of a column is taken into the condition, and both text forms and the JSON form agree', async ({ page }) => {
  await openPage(page, facts().analyst, 'zh');
  await openColumns(page);
  await page.getByRole('searchbox').fill('品牌');
  await page.getByRole('button', { name: '取值：品牌' }).click();
  await page.getByRole('button', { name: /添加条件： ?品牌 ?动感地带/ }).click();
  await expect(editor(page)).toHaveValue('品牌 = 动感地带');
  await page.getByRole('searchbox').fill('arpu');
  await page.getByRole('button', { name: /添加条件： ?月均消费/ }).click();
  await page.keyboard.type('60');
  await expect(editor(page)).toHaveValue('品牌 = 动感地带 且 月均消费 ≥ 60');
  const selected = await figure(page, 'selected');
  await openTab(page, 'forms', 'zh');
  await page.getByRole('button', { name: '读取当前条件' }).click();
  await expect(page.locator('.forms-text[lang=en]')).toHaveText('Brand = M-Zone and `Monthly spend` >= 60');
  await page.locator('.forms dd', { has: page.locator('[lang=en]') }).getByRole('button').click();
  await expect(editor(page)).toHaveValue('Brand = M-Zone and `Monthly spend` >= 60');
  await expect.poll(() => figure(page, 'selected')).toBe(selected);
});

test('a list is frozen, submitted, approved and leaves encrypted, each step by who may do it', async ({ page, request }, info) => {
  const name = `彩铃推广 ${info.project.name} ${Date.now()}`;
  await openPage(page, facts().analyst, 'zh');
  await compose(page, 'zh');
  const remaining = await figure(page, 'remaining');
  await page.getByRole('button', { name: '冻结为名单' }).click();
  await page.getByRole('textbox', { name: '名称' }).fill(name);
  await page.getByRole('textbox', { name: '目的' }).fill('推广彩铃业务');
  await page.getByRole('combobox', { name: '接触渠道' }).selectOption('fixed:sms-hall');
  await page.getByRole('textbox', { name: '对照组（%）' }).fill('10');
  await page.getByRole('button', { name: '冻结', exact: true }).click();
  await expect(page.locator('[data-state]')).toHaveText('草稿');
  expect(Number((await page.locator('[data-figure=members]').innerText()).replaceAll(',', ''))).toBe(remaining);
  const hash = await page.locator('[data-hash]').innerText();
  const id = (await page.locator('.detail-facts code').allInnerTexts()).find((text) => text.startsWith('fl_'))!;
  const stored = (await (await request.get(`/filter/v1/lists/${id}`, { headers: { authorization: `Bearer ${facts().analyst}` } })).json()) as { hash: string; account: { contacted: number } };
  expect(stored.hash).toBe(hash);
  await expect(page.getByRole('button', { name: '批准' })).toHaveCount(0);
  await page.getByRole('textbox', { name: '理由' }).fill('可以提交');
  await page.getByRole('button', { name: '提交审批' }).click();
  await expect(page.locator('[data-state]')).toHaveText('待审批');
  await picture(page, `${info.project.name}-filter-real-list`);
  await expectFits(page);
  await expectAccessible(page);

  await openPage(page, facts().approver, 'en');
  await expect(page.getByRole('tab', { name: 'Preview' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Lists', exact: true }).click();
  await page.locator('.lists-row', { hasText: name }).click();
  await page.getByRole('textbox', { name: 'Reason' }).fill('agreed');
  await page.getByRole('button', { name: 'Approve' }).click();
  await expect(page.locator('[data-state]')).toHaveText('Approved');

  await openPage(page, facts().custodian, 'zh');
  await page.locator('.lists-row', { hasText: name }).click();
  await page.getByRole('textbox', { name: '接收方', exact: true }).fill('短信平台');
  await page.getByRole('textbox', { name: /接收方公钥/ }).fill('not a key');
  await page.getByRole('button', { name: '导出并下载' }).click();
  await expect(page.getByRole('alert')).toContainText('公钥以 age1 开头');
  await page.getByRole('textbox', { name: /接收方公钥/ }).fill(facts().recipient);
  const downloaded = page.waitForEvent('download');
  await page.getByRole('button', { name: '导出并下载' }).click();
  const file = join(facts().folder, 'exported.csv.age');
  copyFileSync(await (await downloaded).path(), file);
  writeFileSync(join(facts().folder, 'exported.csv.rows'), String(stored.account.contacted));
  await expect(page.locator('[data-state]')).toHaveText('使用中');
  await expect(page.locator('.exports-rows')).toContainText('短信平台');
  await picture(page, `${info.project.name}-filter-real-export`);
  await expectFits(page);
  await expectAccessible(page);
});

test('a key of one region counts its customers only, and one without rights is told so', async ({ page, request }) => {
  await openPage(page, facts().regional, 'en');
  const count = await ask(request, '/filter/v1/count', { selection: { expression: 'all()' } }, facts().regional);
  await expect.poll(() => figure(page, 'customers')).toBe(count['customers']);
  await expect(page.getByText('customers of one region only')).toBeVisible();
  await openPage(page, facts().hall, 'en');
  await expect(page.getByRole('alert')).toContainText('This key may not use the page');
});

test('the page calls nothing that is not in the documents of the APIs', async ({ page, watch, request }) => {
  await openPage(page, facts().analyst, 'zh');
  await compose(page, 'zh');
  for (const tab of ['breakdown', 'reach', 'preview', 'forms'] as const) await openTab(page, tab, 'zh');
  await page.getByRole('button', { name: '读取当前条件' }).click();
  await expect(page.locator('.forms-json')).toBeVisible();
  await page.getByRole('button', { name: '名单', exact: true }).click();
  await expect(page.locator('.lists')).toBeVisible();
  const documents = await Promise.all(
    ['/filter/v1/', '/dataset/v1/'].map(async (prefix) => ({
      prefix,
      paths: ((await (await request.get(`${prefix}openapi.json`)).json()) as { paths: Record<string, Record<string, unknown>> }).paths,
    })),
  );
  const called = callsOf(watch, ['/filter/v1/', '/dataset/v1/']);
  for (const expected of ['get /dataset/v1/snapshots/current', 'get /filter/v1/lists', 'post /filter/v1/breakdown', 'post /filter/v1/count', 'post /filter/v1/expressions/parse', 'post /filter/v1/reach']) {
    expect(called).toContain(expected);
  }
  for (const call of called) expect([call, isDocumented(call, documents)]).toEqual([call, true]);
});
