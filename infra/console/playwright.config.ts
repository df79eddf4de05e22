/**
 * The pages in a real browser, against a running gateway (or any other host of the components).
 *
 * `CHUDIAN_BASE_URL` is where it listens; what each page needs beside it stands in tests/browser/README.md; the end-to-end suite
 * sets all. `CHUDIAN_CHROMIUM` names another browser than Debian's, `CHUDIAN_PICTURES` a folder for pictures of the page.
 */
import { defineConfig } from '@playwright/test';

/** Keeps Debian's chromium quiet, and working for root in a container: tests visit no page but our own. */
const BROWSER_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name}: the browser tests need a running gateway (see tests/browser/README.md)`);
  return value;
}

/**
 * How long a page may take to show what is expected, and a whole test. The suite runs beside others that kill databases and load the
 * machine; these bounds end a test that hangs, they do not measure speed.
 */
const EXPECT_TIMEOUT_MS = 30_000;
const TEST_TIMEOUT_MS = 120_000;

export default defineConfig({
  timeout: TEST_TIMEOUT_MS,
  expect: { timeout: EXPECT_TIMEOUT_MS },
  testDir: 'tests/browser',
  outputDir: 'node_modules/.cache/browser-tests',
  preserveOutput: 'failures-only',
  reporter: 'list',
  forbidOnly: true,
  fullyParallel: true,
  workers: 2,
  retries: 0,
  use: {
    baseURL: required('CHUDIAN_BASE_URL'),
    locale: 'zh-CN',
    timezoneId: 'Asia/Shanghai',
    contextOptions: { reducedMotion: 'reduce' },
    launchOptions: { executablePath: process.env['CHUDIAN_CHROMIUM'] ?? '/usr/bin/chromium', args: BROWSER_FLAGS },
  },
  projects: [
    { name: 'desktop', use: { viewport: { width: 1280, height: 860 } } },
    { name: 'phone', use: { viewport: { width: 360, height: 760 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 } },
  ],
});
