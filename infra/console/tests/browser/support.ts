/** What every browser test shares: a page that is watched for what must never happen, and ways to read it. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, test as base, type Page, type Request, type Route } from '@playwright/test';
import * as answers from './answers';

export const API = '**/tariff/v1/';
export const TOKEN_IN_TESTS = 'pt_intercepted-never-sent-to-a-server';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What must never happen on our page, collected while a test runs. */
interface Watch {
  readonly requests: Request[];
  readonly faults: string[];
}

export const test = base.extend<{ watch: Watch }>({
  watch: [
    async ({ page, baseURL }, use) => {
      const watch: Watch = { requests: [], faults: [] };
      const origin = new URL(baseURL ?? '').origin;
      page.on('request', (request) => {
        watch.requests.push(request);
        if (new URL(request.url()).origin !== origin) watch.faults.push(`request to a third party: ${request.url()}`);
      });
      page.on('pageerror', (error) => watch.faults.push(`uncaught: ${error.message}`));
      page.on('console', (message) => {
        // The browser itself notes every answer of 4xx and 5xx; the tests that provoke them check what is shown.
        if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) watch.faults.push(message.text());
      });
      await page.addInitScript(() => {
        document.addEventListener('securitypolicyviolation', (event) => {
          console.error(`security policy violated: ${event.violatedDirective} by ${event.blockedURI} ${event.sample}`);
        });
      });
      await use(watch);
      expect(watch.faults).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

/** Serves the API from `answers`, with what a test puts in place of single routes. */
export async function intercept(page: Page, replaced: Partial<Record<'page' | 'simulations' | 'bills', (route: Route) => Promise<void>>> = {}) {
  const language = (request: Request) => (request.headers()['accept-language'] === 'en' ? 'en' : 'zh');
  await page.route(`${API}page`, replaced.page ?? ((route) => route.fulfill({ json: answers.PAGE })));
  await page.route(
    `${API}simulations`,
    replaced.simulations ??
      ((route) => {
        const { what_if: whatIf } = route.request().postDataJSON() as { what_if: Record<string, number> };
        return route.fulfill({ json: answers.simulation(language(route.request()), whatIf['data'] ?? whatIf['voice'] ?? 1000) });
      }),
  );
  await page.route(
    `${API}bills`,
    replaced.bills ??
      ((route) => {
        const { plan_id: plan, month } = route.request().postDataJSON() as { plan_id: string; month: string };
        return route.fulfill({ json: answers.bill(language(route.request()), plan, month) });
      }),
  );
}

/** Opens the page as a hall does. */
export async function openPage(page: Page, options: { readonly token?: string; readonly query?: string } = {}) {
  await page.goto(`/tariff/${options.query ?? ''}#token=${options.token ?? TOKEN_IN_TESTS}`);
}

/** The picture is there when something has been painted into it. */
export async function expectPainted(page: Page) {
  await expect(async () => {
    const painted = await page.locator('.chart canvas').evaluate((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const pixels = (canvas as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, width, height).data ?? [];
      const colours = new Set<number>();
      for (let i = 0; i < pixels.length; i += 4) if (pixels[i + 3] === 255) colours.add((pixels[i]! << 16) | (pixels[i + 1]! << 8) | pixels[i + 2]!);
      return colours.size;
    });
    expect(painted).toBeGreaterThan(4);
  }).toPass();
}

/** No serious or critical violation of the accessibility rules that a machine can check. */
export async function expectAccessible(page: Page) {
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const axe = (window as unknown as { axe: { run: (options: object) => Promise<{ violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[] }> } }).axe;
    const found = await axe.run({ resultTypes: ['violations'] });
    return found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join(' | ')}`);
  });
  expect(violations).toEqual([]);
}

/** Nothing sticks out sideways: the page itself never scrolls left and right. */
export async function expectFits(page: Page) {
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(excess).toBeLessThanOrEqual(0);
}

/** An amount as it is shown, in fen: `¥1,234.05` is 123405. */
export function fenOf(text: string): number {
  const match = /([\u2212+]?)¥([\d,]+)\.(\d\d)/.exec(text);
  if (!match) throw new Error(`no amount in "${text}"`);
  const size = Number(match[2]!.replaceAll(',', '') + match[3]!);
  return match[1] === '\u2212' ? -size : size;
}

/** A picture for people to look at, where a folder for them is named. */
export async function picture(page: Page, name: string) {
  const folder = process.env['CHUDIAN_PICTURES'];
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
