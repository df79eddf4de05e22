/**
 * Runs Playwright in a temporary folder of its own, which is gone afterwards: the browser's profiles, its sockets and the
 * compiled tests would stay in the machine's temporary folder otherwise. Arguments are Playwright's.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const playwright = require.resolve('@playwright/test/cli');
const folder = mkdtempSync(join(tmpdir(), 'chudian-console-browser-'));
const child = spawn(process.execPath, [playwright, 'test', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, TMPDIR: folder, TMP: folder, TEMP: folder },
});

// A person's Ctrl-C reaches Playwright as well; whoever ends only this process ends it through here.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));

function end(status) {
  // The browser's last helpers may still be writing when it has reported its end.
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  process.exit(status);
}

child.on('error', (error) => {
  console.error(`Playwright cannot be started: ${error.message}`);
  end(1);
});
child.on('exit', (code, signal) => end(code ?? 128 + (signal ? constants.signals[signal] : 0)));
