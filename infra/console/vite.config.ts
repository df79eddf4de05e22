/**
 * Builds every page of the console into `dist/`, which `functions/console` embeds at compile time.
 *
 * The tree under `dist/` is the tree of routes: `dist/tariff/index.html` is served at `/tariff/`. A page is an HTML file in
 * `PAGES`; its code lives in `src/<page>/`, what pages share in `src/shared/`. Addresses in the built files are relative,
 * so that a hall may serve the pages behind a prefix of its own.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import vue from '@vitejs/plugin-vue';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** The pages, by the path of their HTML file from this folder, which is also their path in `dist/`. */
const PAGES = ['tariff/index.html', 'tariff/404.html', 'filter/index.html'];

/**
 * Where scripts and styles of every page go: what pages share is one file, below a route that is there with every page. Their
 * names carry a hash of their content, so they may be cached for ever.
 */
const ASSETS_FOLDER = 'tariff/assets';

/** Files smaller than this gain nothing from compression once the headers are counted: they fit in one packet. */
const COMPRESSED_BYTES_MIN = 1024;

/** File name endings that are text and therefore worth compressing. */
const COMPRESSIBLE = /\.(?:html|js|css|svg|json|txt)$/;

/** Writes `<file>.gz` and `<file>.br` beside each text file, at the best ratio: it is done once and served many times. */
function precompress(): Plugin {
  let folder = 'dist';
  return {
    name: 'chudian:precompress',
    apply: 'build',
    configResolved(config) {
      folder = join(config.root, config.build.outDir);
    },
    async closeBundle() {
      const names = (await readdir(folder, { recursive: true })).filter((name) => COMPRESSIBLE.test(name));
      await Promise.all(names.map((name) => compressFile(join(folder, name))));
    },
  };
}

async function compressFile(path: string): Promise<void> {
  const bytes = await readFile(path);
  if (bytes.length < COMPRESSED_BYTES_MIN) return;
  const [zipped, brotli] = await Promise.all([
    promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION }),
    promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }),
  ]);
  await Promise.all([writeFile(`${path}.gz`, zipped), writeFile(`${path}.br`, brotli)]);
}

export default defineConfig({
  base: './',
  publicDir: false,
  plugins: [vue(), precompress()],
  define: {
    __VUE_OPTIONS_API__: false,
    __VUE_PROD_DEVTOOLS__: false,
    __VUE_I18N_LEGACY_API__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
  },
  build: {
    // The web views of phones that are a few years old; 15.4 is the first Safari with <dialog>.
    target: ['chrome87', 'safari15.4'],
    assetsDir: ASSETS_FOLDER,
    // A data: address would need a wider content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: PAGES },
  },
  test: { include: ['tests/unit/**/*.test.ts'], environment: 'node' },
});
