/** The page over the real function, as a customer of the sample data sees it: nothing is put in place of any answer. */
import type { Page } from '@playwright/test';
import { callsOf, expect, expectAccessible, expectFits, expectPainted, fenOf, isDocumented, openPage, picture, test } from './support';

function token(): string {
  const value = process.env['CHUDIAN_PAGE_TOKEN'];
  if (!value) throw new Error('set CHUDIAN_PAGE_TOKEN to a page token of one customer of the running gateway');
  return value;
}

async function openTable(page: Page, query: string): Promise<void> {
  await openPage(page, { token: token(), query });
  await page.getByRole('radio', { name: query.includes('en') ? 'Table' : '表格' }).check();
  await expect(page.locator('.bills tbody tr').first()).toBeVisible();
}

/** Opens the bill behind an amount of the table and compares: the lines add up to the total, the total is that amount. */
async function expectProved(page: Page, month: number, plan: number): Promise<void> {
  const button = page.locator('.bills tbody tr').nth(month).locator('button').nth(plan);
  const shown = fenOf(await button.innerText());
  await button.click();
  const total = page.locator('.lines tfoot tr:first-child td');
  await expect(total).toBeVisible();
  const lines = (await page.locator('.lines tbody td').allInnerTexts()).map(fenOf);
  expect(lines.reduce((sum, amount) => sum + amount, 0)).toBe(shown);
  expect(fenOf(await total.innerText())).toBe(shown);
  await page.keyboard.press('Escape');
  await expect(page.locator('dialog')).toHaveCount(0);
}

for (const language of ['zh', 'en'] as const) {
  test(`a customer's comparison is whole, fits and is accessible: ${language}`, async ({ page }, info) => {
    await openPage(page, { token: token(), query: `?lang=${language}` });
    await expectPainted(page);
    await expect(page.locator('.verdict h2')).not.toBeEmpty();
    await expect(page.locator('.plan')).toHaveCount(3);
    await expect(page.getByRole('slider').first()).toBeVisible();
    await picture(page, `${info.project.name}-real-${language}`);
    await expectFits(page);
    await expectAccessible(page);
    if (language === 'en') expect(await page.locator('main').innerText()).not.toMatch(/[\u4e00-\u9fff]/);
  });
}

test('every amount of the present and of the best plan is proved by its bill', async ({ page }, info) => {
  await openTable(page, '?lang=zh');
  const months = await page.locator('.bills tbody tr').count();
  expect(months).toBeGreaterThan(0);
  for (let month = 0; month < months; month += 1) for (const plan of [0, 1]) await expectProved(page, month, plan);
  await page.locator('.bills tbody button').first().click();
  await expect(page.locator('.lines')).toBeVisible();
  await picture(page, `${info.project.name}-real-bill`);
});

test('the totals and the saving are those of the months', async ({ page }) => {
  await openTable(page, '?lang=en');
  const rows = await page.locator('.bills tbody tr').all();
  const totals = [0, 0];
  let saving = 0;
  for (const row of rows) {
    const [present, best] = (await row.locator('button').allInnerTexts()).map(fenOf) as [number, number];
    totals[0]! += present;
    totals[1]! += best;
    saving += present - best;
    expect(fenOf(await row.locator('.saving').innerText())).toBe(saving);
  }
  const foot = (await page.locator('.bills tfoot td').allInnerTexts()).map(fenOf);
  expect([foot[0], foot[1], foot[foot.length - 1]]).toEqual([totals[0], totals[1], saving]);
});

test('supposed usage prices every plan again, the bills included', async ({ page }) => {
  await openTable(page, '?lang=zh');
  const present = page.locator('.bills tfoot td').first();
  const before = fenOf(await present.innerText());
  const answered = page.waitForResponse((response) => response.url().endsWith('/simulations') && response.request().postDataJSON().what_if.data === 3000);
  await page.getByRole('slider', { name: '流量用量' }).fill('3000');
  expect((await answered).status()).toBe(200);
  await expect(page.locator('.verdict .tag')).toHaveText('假设用量');
  expect(fenOf(await present.innerText())).toBeGreaterThanOrEqual(before);
  await expectProved(page, 0, 0);
  await expectProved(page, 0, 1);
  await page.getByRole('button', { name: '恢复实际用量' }).click();
  await expect(page.locator('.verdict .tag')).toHaveCount(0);
  await expect(async () => expect(fenOf(await present.innerText())).toBe(before)).toPass();
});

test('a token that the function does not know is an expired page', async ({ page }) => {
  await openPage(page, { token: 'cht_unknown.unknown', query: '?lang=en' });
  await expect(page.getByRole('alert')).toContainText('This page has expired');
});

test('the page calls nothing that is not in the document of the API', async ({ page, watch, request }) => {
  await openTable(page, '?lang=zh');
  await expectProved(page, 0, 0);
  const { paths } = (await (await request.get('/tariff/v1/openapi.json')).json()) as { paths: Record<string, Record<string, unknown>> };
  const called = callsOf(watch, ['/tariff/v1/']);
  expect(called).toEqual(['get /tariff/v1/page', 'post /tariff/v1/bills', 'post /tariff/v1/simulations']);
  for (const call of called) expect([call, isDocumented(call, [{ prefix: '/tariff/v1/', paths }])]).toEqual([call, true]);
});

test('the files come compressed, under a strict policy, and are kept', async ({ page, request }) => {
  const response = (await page.goto('/tariff/'))!;
  const policy = response.headers()['content-security-policy'] ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain('unsafe');
  const script = await page.locator('script[src]').evaluate((element) => (element as HTMLScriptElement).src);
  const answer = await request.get(script, { headers: { 'accept-encoding': 'gzip' } });
  expect(answer.headers()).toMatchObject({ 'content-encoding': 'gzip', 'cache-control': 'public, max-age=31536000, immutable' });
  const again = await request.get(script, { headers: { 'accept-encoding': 'gzip', 'if-none-match': answer.headers()['etag'] ?? '' } });
  expect(again.status()).toBe(304);
  expect((await request.head('/tariff/')).status()).toBe(200);
  const missing = await request.get('/tariff/none', { headers: { accept: 'text/html' } });
  expect([missing.status(), await missing.text()]).toEqual([404, expect.stringContaining('没有这个页面')]);
});
