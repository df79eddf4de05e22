/** What every browser test shares: a page that is watched for what must never happen, and ways to read it. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, test as base, type Page, type Request } from '@playwright/test';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What must never happen on our page, collected while a test runs. */
export interface Watch {
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

/** The picture is there when something has been painted into it. */
export async function expectPainted(page: Page) {
  await expect(async () => {
    const painted = await page.locator('[role=img] canvas').first().evaluate((canvas) => {
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
  // Nor does it go on below its end, as it would by what is hidden from the eye in a list that scrolls.
  const below = await page.evaluate(() => document.documentElement.scrollHeight - Math.max(document.body.getBoundingClientRect().height, innerHeight));
  expect(below).toBeLessThanOrEqual(1);
}

/** A picture for people to look at, where a folder for them is named. */
export async function picture(page: Page, name: string) {
  const folder = process.env['CHUDIAN_PICTURES'];
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

/** Calls of a page to the functions, each once, as `method path`; what stands for a part of the path is left to `known`. */
export function callsOf(watch: Watch, prefixes: readonly string[]): readonly string[] {
  const called = watch.requests
    .map((call) => `${call.method().toLowerCase()} ${new URL(call.url()).pathname}`)
    .filter((call) => prefixes.some((prefix) => call.includes(` ${prefix}`)));
  return [...new Set(called)].sort();
}

/** Whether a call is one of the routes of these documents; `{name}` stands for one part of a path. */
export function isDocumented(call: string, documents: readonly { readonly prefix: string; readonly paths: Record<string, Record<string, unknown>> }[]): boolean {
  return documents.some(({ prefix, paths }) =>
    Object.entries(paths).some(([path, methods]) => {
      const whole = path.startsWith(prefix) ? path : `${prefix.replace(/\/$/, '')}${path}`;
      const pattern = new RegExp(`^${whole.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{[^}]+\}/g, '[^/]+')}$`);
      return Object.keys(methods).some((method) => call.startsWith(`${method} `) && pattern.test(call.slice(method.length + 1)));
    }),
  );
}
