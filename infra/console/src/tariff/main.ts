/** Starts the comparison page: language, token from the address, and the address of the function's API beside the page. */
import { createApp } from 'vue';
import { createI18n } from 'vue-i18n';
import './tariff.css';
import { chooseLanguage } from '../shared/language';
import TariffPage from './TariffPage.vue';
import en from './messages/en';
import zh from './messages/zh';

/** From the page's own address, so that it also works behind a hall's prefix. */
const API_PATH = 'v1/';

const i18n = createI18n({
  legacy: false,
  locale: chooseLanguage(location.search, navigator.languages),
  fallbackLocale: 'zh',
  messages: { zh, en },
});

createApp(TariffPage, { apiBase: new URL(API_PATH, location.href.split(/[?#]/)[0]) }).use(i18n).mount('#page');
