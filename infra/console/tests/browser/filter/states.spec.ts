/** The page in every state, with answers put in place of the functions': what it shows, and what it never does. */
import * as answers from './answers';
import { editor, expect, expectAccessible, expectFits, expectPainted, figure, intercept, KEY_IN_TESTS, openColumns, openPage, picture, test, WORDS } from './support';

for (const language of ['zh', 'en'] as const) {
  for (const scheme of ['light', 'dark'] as const) {
    test(`is whole, fits and is accessible: ${language}, ${scheme}`, async ({ page }, info) => {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await intercept(page);
      await page.goto(`/filter/?lang=${language}`);
      await expect(page.locator('html')).toHaveAttribute('lang', language === 'zh' ? 'zh-CN' : 'en');
      await expectAccessible(page);
      await expectFits(page);
      await picture(page, `${info.project.name}-filter-key-${language}-${scheme}`);
      await openPage(page, KEY_IN_TESTS, language);
      await expectPainted(page);
      await expectAccessible(page);
      await expectFits(page);
      await picture(page, `${info.project.name}-filter-${language}-${scheme}`);
      for (const tab of ['breakdown', 'reach', 'preview', 'forms', 'freeze'] as const) {
        await page.getByRole('tab', { name: WORDS.tabs[tab][language], exact: true }).click();
        if (tab === 'breakdown' || tab === 'reach') await expectPainted(page);
        if (tab === 'preview') await expect(page.locator('[data-table=preview] tbody tr')).toHaveCount(2);
        if (tab === 'forms') {
          await page.getByRole('button', { name: language === 'zh' ? '读取当前条件' : 'Read the present condition' }).click();
          await expect(page.locator('.forms-json')).toBeVisible();
        }
        await expectAccessible(page);
        await expectFits(page);
      }
      await page.getByRole('button', { name: WORDS.lists[language], exact: true }).click();
      await page.locator('.lists-row').click();
      await expect(page.locator('[data-hash]')).toHaveText(answers.LIST.hash);
      await expectAccessible(page);
      await expectFits(page);
      await picture(page, `${info.project.name}-filter-list-${language}-${scheme}`);
    });
  }
}

test('fits a window of 320 px', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  await intercept(page);
  await openPage(page, KEY_IN_TESTS, 'en');
  await expectPainted(page);
  await expectFits(page);
});

test('keeps the key nowhere, says so, and forgets it', async ({ page, watch }) => {
  await intercept(page);
  await page.goto('/filter/?lang=en');
  await expect(page.getByText('not stored, never part of the address')).toBeVisible();
  await openPage(page, KEY_IN_TESTS, 'en');
  await expectPainted(page);
  await editor(page, 'en').fill('arpu >= 80');
  await page.getByRole('button', { name: 'Lists', exact: true }).click();
  await page.getByRole('button', { name: 'Filter', exact: true }).click();
  await expect(editor(page, 'en')).toHaveValue('arpu >= 80');
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, history.state, location.href, document.documentElement.outerHTML]));
  expect(kept).not.toContain(KEY_IN_TESTS);
  const api = watch.requests.filter((request) => request.url().includes('/v1/'));
  expect(api.length).toBeGreaterThan(3);
  expect(api.map((request) => request.headers()['authorization'])).toEqual(api.map(() => `Bearer ${KEY_IN_TESTS}`));
  expect(watch.requests.filter((request) => request.url().includes(KEY_IN_TESTS))).toEqual([]);
  await page.getByRole('button', { name: 'Forget the key' }).click();
  await expect(page.getByPlaceholder('chd_…')).toHaveValue('');
  await expect(page.locator('.figures')).toHaveCount(0);
  await page.getByPlaceholder('chd_…').fill(KEY_IN_TESTS);
  await page.keyboard.press('Enter');
  await expect(editor(page, 'en')).toHaveValue('');
  await page.reload();
  await expect(page.getByPlaceholder('chd_…')).toHaveValue('');
});

test('refuses what is no key before it is sent, and says when a key is not valid', async ({ page, watch }) => {
  const refused = answers.problem(401, 'key-unknown', '密钥无效', '没有这个密钥。');
  await intercept(page, { 'dataset/v1/snapshots/current': (route) => route.fulfill({ status: 401, json: refused }) });
  await page.goto('/filter/?lang=zh');
  await page.getByPlaceholder('chd_…').fill('13800138000');
  await page.getByRole('button', { name: '开始' }).click();
  await expect(page.getByRole('alert')).toHaveText('密钥以 chd_ 开头。');
  expect(watch.requests.filter((request) => request.url().includes('/v1/'))).toEqual([]);
  await openPage(page, KEY_IN_TESTS);
  await expect(page.getByRole('alert')).toContainText('密钥无效');
});

test('a key that stops working takes the figures off the screen', async ({ page }) => {
  let works = true;
  await intercept(page, {
    'filter/v1/count': (route) => (works ? route.fulfill({ json: answers.COUNT }) : route.fulfill({ status: 401, json: answers.problem(401, 'key-expired', 'x', 'y') })),
  });
  await openPage(page, KEY_IN_TESTS, 'en');
  await expect(page.locator('.figures')).toContainText('4,472');
  works = false;
  await editor(page, 'en').fill('brand = M-Zone');
  await expect(page.getByRole('alert')).toContainText('The key is not valid');
  await expect(page.locator('.figures')).toHaveCount(0);
});

test('a busy or broken system is told, and asked again on request only', async ({ page, watch }) => {
  let works = false;
  await intercept(page, {
    'dataset/v1/snapshots/current': (route) =>
      works ? route.fulfill({ json: answers.DATASET }) : route.fulfill({ status: 503, headers: { 'retry-after': '3' }, json: answers.problem(503, 'too-busy', 'Busy', 'Too many at once.') }),
  });
  await openPage(page, KEY_IN_TESTS, 'en');
  await expect(page.getByRole('alert')).toContainText('Too many at once.');
  await expect(page.getByRole('alert')).toContainText('request-0001');
  const asked = watch.requests.length;
  works = true;
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.locator('.figures')).toContainText('4,472');
  expect(watch.requests.length).toBeGreaterThan(asked);
});

test('without customers it says how they are imported', async ({ page }) => {
  const none = { status: 409, json: answers.problem(409, 'dataset-not-published', 'x', 'y') };
  await intercept(page, { 'dataset/v1/snapshots/current': (route) => route.fulfill(none), 'filter/v1/preview': (route) => route.fulfill(none) });
  await openPage(page, KEY_IN_TESTS, 'en');
  await expect(page.getByRole('status').first()).toContainText('chudian import');
});

test('while somebody types only what rests is asked, and a late answer to an older question is dropped', async ({ page, watch }) => {
  const slow: (() => Promise<void>)[] = [];
  await intercept(page, {
    'filter/v1/count': (route) => {
      const { selection } = route.request().postDataJSON() as { selection: { expression: string } };
      const json = { ...answers.COUNT, selected: selection.expression.length, remaining: selection.expression.length, waterfall: [] };
      if (selection.expression !== 'arpu >= 8') return route.fulfill({ json });
      return new Promise((resolve) => slow.push(() => route.fulfill({ json }).catch(() => {}).finally(resolve)));
    },
  });
  await openPage(page, KEY_IN_TESTS, 'en');
  await figure(page, 'selected');
  const before = watch.requests.length;
  await editor(page, 'en').pressSequentially('arpu >= 8');
  await expect.poll(() => slow.length).toBeGreaterThan(0);
  await editor(page, 'en').pressSequentially('0');
  await expect.poll(() => figure(page, 'selected')).toBe('arpu >= 80'.length);
  const cut = watch.requests.slice(before).find((request) => request.postData()?.includes('"arpu >= 8"'));
  expect(cut?.failure()?.errorText).toContain('ERR_ABORTED');
  for (const answer of slow) await answer();
  await expect.poll(() => figure(page, 'selected')).toBe('arpu >= 80'.length);
  const counts = watch.requests.slice(before).filter((request) => request.url().endsWith('/count'));
  // Ten letters, far fewer questions: those of the two rests, with what each condition selects alone.
  expect(counts.length).toBeLessThan(10);
});

test('an error stays at its place in both languages, and the figures of before are marked as such', async ({ page }) => {
  const fault = (language: string | undefined) => ({
    pointer: '/selection/expression',
    code: 'unknown-column',
    detail: language === 'en' ? 'At character 8: there is no column “arpux”.' : '第 8 个字符：没有“arpux”这一列。',
  });
  await intercept(page, {
    'filter/v1/count': (route) => {
      const { selection } = route.request().postDataJSON() as { selection: { expression: string } };
      if (!selection.expression.includes('arpux')) return route.fulfill({ json: answers.COUNT });
      return route.fulfill({ status: 422, json: answers.problem(422, 'expression-invalid', 'x', 'y', [fault(route.request().headers()['accept-language'])]) });
    },
  });
  await openPage(page, KEY_IN_TESTS, 'zh');
  await expect(page.locator('.figures')).toContainText('4,472');
  await editor(page).fill('非 (x 且 arpux > 1)');
  await expect(page.locator('.faults')).toContainText('没有“arpux”这一列。');
  await expect(page.locator('.editor-marks mark')).toHaveText('arpux');
  await expect(page.locator('.figures')).toContainText('这是上一次有效条件的人数');
  await expectAccessible(page);
  await page.getByRole('radio', { name: 'English' }).check();
  await expect(page.locator('.faults')).toContainText('there is no column “arpux”.');
  await page.getByRole('button', { name: 'character 8' }).click();
  const chosen = await editor(page, 'en').evaluate((field: HTMLTextAreaElement) => field.value.slice(field.selectionStart, field.selectionEnd));
  expect(chosen).toBe('arpux');
});

test('small groups stay hidden in the table and in the picture', async ({ page }) => {
  await intercept(page);
  await openPage(page, KEY_IN_TESTS, 'en');
  await page.getByRole('tab', { name: 'Breakdown' }).click();
  const row = page.locator('[data-table=breakdown] tbody tr', { hasText: 'easyown' });
  await expect(row.locator('td')).toHaveText(['too few', 'too few', 'too few', '']);
  await expect(page.getByText('The numbers of 2 groups are hidden')).toBeVisible();
});

test('can be used with the keyboard alone', async ({ page }) => {
  await intercept(page);
  await openPage(page, KEY_IN_TESTS, 'en');
  await expectPainted(page);
  await page.getByRole('tab', { name: 'Exclusions' }).focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('tab', { name: 'Breakdown' })).toBeFocused();
  await expect(page.locator('[data-table=breakdown]')).toBeVisible();
  await page.keyboard.press('End');
  await expect(page.getByRole('tab', { name: 'Freeze a list' })).toBeFocused();
  await openColumns(page, 'en');
  await page.getByRole('button', { name: /Add a condition: ?Monthly spend/ }).focus();
  await page.keyboard.press('Enter');
  await expect(editor(page, 'en')).toBeFocused();
  // The suggested value is selected: typing replaces it.
  await page.keyboard.type('80');
  await expect(editor(page, 'en')).toHaveValue('`Monthly spend` >= 80');
});

test('the forms say what is missing before anything is sent', async ({ page, watch }) => {
  await intercept(page);
  await openPage(page, KEY_IN_TESTS, 'en');
  await editor(page, 'en').fill('arpu >= 80');
  await figure(page, 'selected');
  await page.getByRole('tab', { name: 'Freeze a list' }).click();
  await page.getByRole('button', { name: 'Freeze', exact: true }).click();
  await expect(page.getByRole('alert')).toContainText('The name must have 1 to 80 characters.');
  await page.getByRole('tab', { name: 'One customer' }).click();
  await page.getByLabel('Customer id (26 characters)').fill('13800138000');
  await page.getByRole('button', { name: 'Look' }).click();
  await expect(page.getByRole('alert')).toContainText('26 characters');
  expect(watch.requests.filter((request) => /\/(explain|lists)$/.test(new URL(request.url()).pathname) && request.method() === 'POST')).toEqual([]);
});

test('a list is ended only after a second press', async ({ page, watch }) => {
  await intercept(page, { [`filter/v1/lists/${answers.LIST.list_id}/expiry`]: (route) => route.fulfill({ json: { ...answers.LIST, state: 'expired' } }) });
  await openPage(page, KEY_IN_TESTS, 'en');
  await page.getByRole('button', { name: 'Lists', exact: true }).click();
  await page.locator('.lists-row').click();
  const end = page.getByRole('button', { name: 'End it now' });
  await end.click();
  await expect(page.getByRole('alert')).toContainText('Please give a reason first.');
  await page.getByRole('textbox', { name: 'Reason' }).fill('campaign withdrawn');
  await end.click();
  await expect(page.getByRole('alert')).toContainText('cannot be brought back');
  expect(watch.requests.filter((request) => request.url().endsWith('/expiry'))).toEqual([]);
  await end.click();
  await expect(page.locator('[data-state]')).toHaveText('Ended');
  await expect(end).toHaveCount(0);
});
