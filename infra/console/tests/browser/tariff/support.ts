/** What the tests of the customer's page share. */
import type { Page, Request, Route } from '@playwright/test';
import * as answers from './answers';

export * from '../support';

const API = '**/tariff/v1/';
export const TOKEN_IN_TESTS = 'pt_intercepted-never-sent-to-a-server';

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

/** An amount as it is shown, in fen: `¥1,234.05` is 123405. */
export function fenOf(text: string): number {
  const match = /([\u2212+]?)¥([\d,]+)\.(\d\d)/.exec(text);
  if (!match) throw new Error(`no amount in "${text}"`);
  const size = Number(match[2]!.replaceAll(',', '') + match[3]!);
  return match[1] === '\u2212' ? -size : size;
}
