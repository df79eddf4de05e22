/** The page in every state, with answers put in place of the function's: what it shows, and what it never does. */
import * as answers from './answers';
import { expect, expectAccessible, expectFits, expectPainted, fenOf, intercept, openPage, picture, test, TOKEN_IN_TESTS } from './support';

for (const language of ['zh', 'en'] as const) {
  for (const scheme of ['light', 'dark'] as const) {
    test(`is whole, fits and is accessible: ${language}, ${scheme}`, async ({ page }, info) => {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await intercept(page);
      await openPage(page, { query: `?lang=${language}` });
      await expectPainted(page);
      await expect(page.locator('html')).toHaveAttribute('lang', language === 'zh' ? 'zh-CN' : 'en');
      await expect(page.getByRole('heading', { level: 3 })).toHaveCount(3);
      await picture(page, `${info.project.name}-${language}-${scheme}`);
      await expectFits(page);
      await expectAccessible(page);

      await page.getByRole('radio', { name: language === 'zh' ? '表格' : 'Table' }).check();
      await picture(page, `${info.project.name}-${language}-${scheme}-table`);
      await expectFits(page);
      await expectAccessible(page);
      await page.locator('.bills tbody button').nth(1).click();
      await expect(page.locator('.lines tfoot tr:first-child td')).toBeVisible();
      await picture(page, `${info.project.name}-${language}-${scheme}-bill`);
      await expectAccessible(page);
    });
  }
}

test('twelve months fit a phone: the picture scrolls, the page does not', async ({ page }, info) => {
  const year = Array.from({ length: 12 }, (_, month) => `2026-${String(month + 1).padStart(2, '0')}`);
  await intercept(page, { simulations: (route) => route.fulfill({ json: answers.simulation('zh', 1000, year) }) });
  await openPage(page);
  await expectPainted(page);
  await expectFits(page);
  await picture(page, `${info.project.name}-year`);
});

test('one month is said in the singular', async ({ page }) => {
  await intercept(page, { simulations: (route) => route.fulfill({ json: answers.simulation('en', 1000, ['2026-10']) }) });
  await openPage(page, { query: '?lang=en' });
  await expect(page.locator('.verdict-lead')).toHaveText('Priced on what you used last month');
  await expect(page.locator('.plan-facts').first()).toContainText('Cheaper in the one month compared');
  expect(await page.locator('main').innerText()).not.toMatch(/\b1 months/);
});

test('fits a screen of 320 px', async ({ page }, info) => {
  await page.setViewportSize({ width: 320, height: 640 });
  await intercept(page);
  await openPage(page, { query: '?lang=en' });
  await expectPainted(page);
  await expectFits(page);
  await picture(page, `${info.project.name}-320`);
});

test('takes the token out of the address and keeps it nowhere', async ({ page, watch }) => {
  await intercept(page);
  await openPage(page);
  await expectPainted(page);
  expect(page.url()).not.toContain('token');
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, history.state]));
  expect(kept).not.toContain(TOKEN_IN_TESTS);
  const api = watch.requests.filter((request) => request.url().includes('/v1/'));
  expect(api.map((request) => request.headers()['authorization'])).toEqual(api.map(() => `Bearer ${TOKEN_IN_TESTS}`));
  expect(watch.requests.filter((request) => request.url().includes(TOKEN_IN_TESTS))).toEqual([]);
});

test('shows the same amounts in the table as the function gave, and their sums', async ({ page }) => {
  await intercept(page);
  await openPage(page);
  await page.getByRole('radio', { name: '表格' }).check();
  const rows = await page.locator('.bills tbody tr').all();
  let saved = 0;
  for (const row of rows) {
    const amounts = (await row.locator('button').allInnerTexts()).map(fenOf);
    saved += amounts[0]! - amounts[1]!;
    expect(fenOf(await row.locator('.saving').innerText())).toBe(saved);
  }
  expect(fenOf(await page.locator('.bills tfoot .saving').innerText())).toBe(saved);
  await page.getByRole('radio', { name: '轻享 38' }).check();
  await expect(page.locator('.bills thead th').last()).toContainText('轻享 38');
  expect(fenOf(await page.locator('.bills tfoot .saving').innerText())).not.toBe(saved);
});

test('a column of the picture opens its bill, whose lines add up', async ({ page }) => {
  await intercept(page);
  await openPage(page);
  await expectPainted(page);
  const box = (await page.locator('.chart canvas').boundingBox())!;
  // The first month's first column stands just right of the axis, above the middle of the picture.
  const narrow = box.width < 520;
  const left = narrow ? 44 : 58;
  const month = (box.width - left - (narrow ? 6 : 14)) / 6;
  await page.locator('.chart canvas').click({ position: { x: left + month * 0.23, y: box.height * 0.48 } });
  await expect(page.locator('.lines tfoot')).toBeVisible();
  const lines = (await page.locator('.lines tbody td').allInnerTexts()).map(fenOf);
  expect(lines.reduce((sum, amount) => sum + amount, 0)).toBe(fenOf(await page.locator('.lines tfoot tr:first-child td').innerText()));
  await expect(page.getByRole('combobox', { name: '月份' })).toHaveValue('2026-05');
  await page.keyboard.press('Escape');
  await expect(page.locator('dialog')).toHaveCount(0);
});

test('pointing at a month of the picture names every plan with its amount', async ({ page }, info) => {
  await intercept(page);
  await openPage(page);
  await expectPainted(page);
  const canvas = page.locator('.chart canvas');
  const box = (await canvas.boundingBox())!;
  await canvas.hover({ position: { x: box.width / 2, y: box.height * 0.2 } });
  const tip = page.locator('.chart-tip-box');
  await expect(tip).toContainText('2026年7月');
  await expect(tip.locator('.amount')).toHaveText(['¥143.10', '¥97.45', '¥129.80', '¥128.00', '+¥80.70']);
  await picture(page, `${info.project.name}-tip`);
});

test('can be used with the keyboard alone', async ({ page }, info) => {
  await intercept(page);
  await openPage(page);
  await expectPainted(page);
  await page.getByRole('radio', { name: '图表' }).focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.locator('.bills')).toBeVisible();
  await page.locator('.bills tbody button').first().focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toBeVisible();
  await expect(page.locator('.lines tfoot tr:first-child td')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.locator('.bills tbody button').first()).toBeFocused();
  const slider = page.getByRole('slider', { name: '流量用量' });
  await slider.focus();
  await page.keyboard.press('ArrowRight');
  await expect(slider).toHaveAttribute('aria-valuetext', '多用 5%');
  await expect(page.locator('.verdict .tag')).toHaveText('假设用量');
  await picture(page, `${info.project.name}-what-if`);
});

test('a slider asks once when it rests, in exact per mille, and an older answer never overtakes a newer one', async ({ page }) => {
  const asked: Record<string, number>[] = [];
  let releaseOlder = () => {};
  const older = new Promise<void>((resolve) => (releaseOlder = resolve));
  await intercept(page, {
    simulations: async (route) => {
      const { what_if: whatIf } = route.request().postDataJSON() as { what_if: Record<string, number> };
      asked.push(whatIf);
      if (whatIf['data'] === 2000) await older;
      // A cancelled request cannot be answered; that it was cancelled is what this test wants.
      await route.fulfill({ json: answers.simulation('zh', whatIf['data'] ?? 1000) }).catch(() => {});
    },
  });
  await openPage(page);
  await expectPainted(page);
  const slider = page.getByRole('slider', { name: '流量用量' });
  const first = page.waitForRequest((request) => request.postData()?.includes('2000') ?? false);
  // In one turn of the page's event loop, as a drag is: no timer can run in between, however slow the machine.
  await slider.evaluate((element) => {
    for (const value of ['1500', '1750', '2000']) {
      (element as HTMLInputElement).value = value;
      element.dispatchEvent(new Event('input', { bubbles: true }));
    }
  });
  const cancelled = page.waitForEvent('requestfailed');
  await first;
  await slider.fill('1450');
  await cancelled;
  await expect(page.locator('.verdict-bars .now .amount')).toContainText('¥137.68');
  releaseOlder();
  await expect(page.locator('.verdict-bars .now .amount')).toContainText('¥137.68');
  expect(asked).toEqual([{}, { data: 2000 }, { data: 1450 }]);
  await page.getByRole('button', { name: '恢复实际用量' }).click();
  await expect(page.locator('.verdict-bars .now .amount')).toContainText('¥112.39');
  await expect(slider).toHaveValue('1000');
});

test('kinds that are switched off are not on the page', async ({ page }) => {
  await intercept(page, { page: (route) => route.fulfill({ json: { ...answers.PAGE, kinds: ['data'] } }) });
  await openPage(page);
  await expectPainted(page);
  await expect(page.getByRole('slider')).toHaveCount(1);
  await expect(page.locator('.plan-usage').first().getByRole('row')).toHaveCount(2);
});

test('the language can be changed, names and all, and is kept in the address', async ({ page }) => {
  await intercept(page);
  await openPage(page);
  await expect(page.locator('.verdict h2')).toContainText('全球通畅享 88');
  await page.getByRole('radio', { name: 'English' }).check();
  await expect(page.locator('.verdict h2')).toContainText('GoTone Plus 88');
  await expect(page).toHaveTitle('Compare your plan');
  expect(new URL(page.url()).searchParams.get('lang')).toBe('en');
  expect(await page.locator('main').innerText()).not.toMatch(/[\u4e00-\u9fff]/);
});

test.describe('in a browser that asks for English', () => {
  test.use({ locale: 'en-GB' });
  test('the page is in English', async ({ page }) => {
    await intercept(page);
    await openPage(page);
    await expect(page.locator('h1')).toHaveText('Compare your plan');
  });
});

test('says what to do without a token', async ({ page, watch }, info) => {
  await page.goto('/tariff/');
  await expect(page.getByRole('alert')).toContainText('请从网上营业厅打开');
  expect(watch.requests.filter((request) => request.url().includes('/v1/'))).toEqual([]);
  await picture(page, `${info.project.name}-no-token`);
  await expectAccessible(page);
});

test('an expired token is said in plain words, asked once, and a new one from the hall is taken', async ({ page, watch }, info) => {
  await intercept(page, {
    page: (route) =>
      route.request().headers()['authorization']?.includes('renewed')
        ? route.fulfill({ json: answers.PAGE })
        : route.fulfill({ status: 401, json: answers.problem(401, 'unauthenticated', 'x', 'x', 'req-1') }),
  });
  await openPage(page);
  await expect(page.getByRole('alert')).toContainText('页面已过期');
  await expect(page.getByRole('button', { name: '重试' })).toHaveCount(0);
  await picture(page, `${info.project.name}-expired`);
  expect(watch.requests.filter((request) => request.url().includes('/v1/'))).toHaveLength(1);
  await page.evaluate(() => (location.hash = '#token=renewed'));
  await expectPainted(page);
  expect(page.url()).not.toContain('token');
});

test('a token that expires later takes the figures off the screen', async ({ page }) => {
  let expired = false;
  await intercept(page, {
    simulations: (route) =>
      expired
        ? route.fulfill({ status: 401, json: answers.problem(401, 'unauthenticated', 'x', 'x', 'req-1') })
        : route.fulfill({ json: answers.simulation('zh') }),
  });
  await openPage(page);
  await expectPainted(page);
  expired = true;
  await page.getByRole('slider').first().fill('1200');
  await expect(page.getByRole('alert')).toContainText('页面已过期');
  await expect(page.locator('.result')).toHaveCount(0);
  expect(await page.locator('body').innerText()).not.toContain('¥');
});

test('a fault shows the problem and its request id, and is asked again only when the customer says so', async ({ page, watch }, info) => {
  let broken = true;
  await intercept(page, {
    simulations: (route) =>
      broken
        ? route.fulfill({
            status: 503,
            headers: { 'retry-after': '7' },
            json: answers.problem(503, 'too-busy', '系统繁忙', '同时办理的人太多', 'req-abcdef0123'),
          })
        : route.fulfill({ json: answers.simulation('zh') }),
  });
  await openPage(page);
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('系统繁忙');
  await expect(alert).toContainText('同时办理的人太多');
  await expect(alert).toContainText('req-abcdef0123');
  await expect(alert).toContainText('7 秒');
  await picture(page, `${info.project.name}-problem`);
  await expectAccessible(page);
  expect(watch.requests.filter((request) => request.url().endsWith('/simulations'))).toHaveLength(1);
  broken = false;
  await page.getByRole('button', { name: '重试' }).click();
  await expectPainted(page);
});

test('a failed supposition leaves the last figures and says why', async ({ page }) => {
  let broken = false;
  await intercept(page, {
    simulations: (route) =>
      broken
        ? route.fulfill({ status: 422, json: answers.problem(422, 'amount-too-large', '过大', '用量太大，无法计价', 'req-9') })
        : route.fulfill({ json: answers.simulation('zh') }),
  });
  await openPage(page);
  await expectPainted(page);
  broken = true;
  await page.getByRole('slider').first().fill('3000');
  await expect(page.getByRole('alert')).toContainText('用量太大，无法计价');
  await expect(page.locator('.verdict h2')).toContainText('全球通畅享 88');
});

test('without a network it says so, and asks once more when the network is back', async ({ page, context }) => {
  await intercept(page, { page: (route) => route.abort('internetdisconnected') });
  await openPage(page);
  await expect(page.getByRole('alert')).toContainText('网络不通');
  await page.unroute('**/tariff/v1/page');
  await page.route('**/tariff/v1/page', (route) => route.fulfill({ json: answers.PAGE }));
  await context.setOffline(true);
  await context.setOffline(false);
  await expectPainted(page);
});

test('an answer or a bill that breaks the contract is refused, not shown', async ({ page, watch }) => {
  const broken = answers.bill('zh', 'g-88', '2026-05') as { total_fen: number };
  broken.total_fen += 1;
  await intercept(page, { bills: (route) => route.fulfill({ json: broken }) });
  await openPage(page);
  await page.getByRole('button', { name: /查看账单明细/ }).last().click();
  await expect(page.getByRole('alert')).toContainText('系统没有给出结果');
  await expect(page.locator('.lines')).toHaveCount(0);
  expect(watch.faults.splice(0)).toEqual([expect.stringContaining('does not keep its contract')]);
});

test('says that the present plan is the best, and that there is nothing to compare', async ({ page }, info) => {
  const best = answers.simulation('zh') as { ranking: { saving: { mean_fen: number } }[] };
  best.ranking = best.ranking.slice(2);
  let answer: object = best;
  await intercept(page, { simulations: (route) => route.fulfill({ json: answer }) });
  await openPage(page);
  await expect(page.locator('.verdict h2')).toHaveText('您现在的「动感地带 58」已经是最合适的套餐');
  await expectPainted(page);
  await picture(page, `${info.project.name}-present-is-best`);
  answer = { ...best, ranking: [] };
  await page.getByRole('slider').first().fill('1200');
  await expect(page.locator('.verdict h2')).toHaveText('目前没有可以更换的套餐');
  await picture(page, `${info.project.name}-nothing`);
  await expectAccessible(page);
});

test('a customer without a plan sees what each would cost, and nothing about saving', async ({ page }, info) => {
  const whole = answers.simulation('zh') as { ranking: object[] };
  const ranking = whole.ranking.map((plan) => ({ ...plan, saving: null, held_out: null, usage_change: null }));
  await intercept(page, { simulations: (route) => route.fulfill({ json: { ...whole, present: null, ranking } }) });
  await openPage(page);
  await expectPainted(page);
  await expect(page.locator('.verdict h2')).toHaveText('最省的是「全球通畅享 88」，平均每月 ¥89.58');
  await expect(page.locator('.plan-figures .amount')).toHaveText(['¥89.58', '¥96.43', '¥128.00']);
  await picture(page, `${info.project.name}-no-plan`);
  await expectAccessible(page);
  await page.getByRole('radio', { name: '表格' }).check();
  await page.locator('.bills tbody button').first().click();
  await expect(page.getByRole('combobox', { name: '套餐' })).toHaveValue('0');
  await expect(page.locator('.lines tfoot tr:first-child td')).toHaveText('¥88.00');
});

test('says why plans are left out', async ({ page }) => {
  await intercept(page);
  await openPage(page);
  await page.getByText('为什么没有列入这些套餐').click();
  await expect(page.getByText('只对在校学生开放')).toBeVisible();
  await expect(page.getByText('校园 19')).toBeVisible();
});

test('on paper there are figures instead of the picture, and nothing to press', async ({ page }, info) => {
  await intercept(page);
  await openPage(page);
  await expectPainted(page);
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  await expect(page.locator('body')).toHaveCSS('background-color', 'rgb(255, 255, 255)');
  await expect(page.locator('.verdict')).toHaveCSS('color', 'rgb(16, 27, 47)');
  await expect(page.getByRole('button', { name: '打印' })).toBeHidden();
  await expect(page.locator('.strip').first()).toBeHidden();
  await expect(page.locator('.bills')).toBeVisible();
  await expect(page.locator('.chart')).toBeHidden();
  await expect(page.getByRole('slider')).toHaveCount(0);
  await picture(page, `${info.project.name}-print`);
});
