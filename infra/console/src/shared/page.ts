/** What every page does at its start, and when its reader chooses another language. */
import { createApp, watchEffect, type Component } from 'vue';
import { createI18n, useI18n } from 'vue-i18n';
import { chooseLanguage, LANGUAGE_TAG, withLanguage, type Language } from './language';

/** The words of a page in one language, in groups. */
export interface WordTable {
  readonly [key: string]: string | WordTable;
}

/** Shows `page` with its words, in the language of the address or of the browser. */
export function startPage(page: Component, messages: Record<Language, WordTable>, properties: Record<string, unknown>): void {
  const i18n = createI18n({
    legacy: false,
    locale: chooseLanguage(location.search, navigator.languages),
    fallbackLocale: 'zh',
    messages,
  });
  createApp(page, properties).use(i18n).mount('#page');
}

/** The page's own address without what follows `?` or `#`: APIs are found from it, so that it also works behind a hall's prefix. */
export function pageAddress(): string {
  return location.href.split(/[?#]/)[0] ?? location.href;
}

/** Keeps the document's language and title those of the page; gives what changes the language, in the address too. */
export function usePageLanguage(): (language: Language) => void {
  const { t, locale } = useI18n();
  watchEffect(() => {
    document.documentElement.lang = LANGUAGE_TAG[locale.value as Language];
    document.title = t('title');
  });
  return (language) => {
    locale.value = language;
    history.replaceState(history.state, '', withLanguage(location.href, language));
  };
}
