/** The two languages of the console, and how one is chosen. */

export const LANGUAGES = ['zh', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

/** The full tag, for `lang` attributes and `Intl`. */
export const LANGUAGE_TAG: Record<Language, string> = { zh: 'zh-CN', en: 'en' };

/** The query parameter by which a hall opens a page in a certain language. */
const QUERY_PARAMETER = 'lang';

/**
 * The address's `?lang=` first, then the first of the browser's own languages that we have (which is what it sends as
 * `Accept-Language`), else Chinese.
 */
export function chooseLanguage(query: string, browserLanguages: readonly string[]): Language {
  const asked = new URLSearchParams(query).get(QUERY_PARAMETER);
  const wanted = asked === null ? browserLanguages : [asked, ...browserLanguages];
  for (const tag of wanted) {
    const known = LANGUAGES.find((language) => tag.toLowerCase().split(/[-_]/)[0] === language);
    if (known) return known;
  }
  return 'zh';
}

/** The same address with `?lang=` set, so that a page opened again keeps its language. */
export function withLanguage(address: string, language: Language): string {
  const url = new URL(address);
  url.searchParams.set(QUERY_PARAMETER, language);
  return url.href;
}

/** `2026-05` as `2026年5月` or `May 2026`; the short form leaves the year out. */
export function formatMonth(month: string, language: Language, form: 'long' | 'short'): string {
  const [year, number] = month.split('-').map(Number);
  if (year === undefined || number === undefined) return month;
  return new Intl.DateTimeFormat(LANGUAGE_TAG[language], {
    timeZone: 'UTC',
    month: language === 'en' ? 'short' : form === 'long' ? 'long' : 'numeric',
    ...(form === 'long' ? { year: 'numeric' } : {}),
  }).format(Date.UTC(year, number - 1, 1));
}
