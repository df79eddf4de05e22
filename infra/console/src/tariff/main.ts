/** Starts the comparison page, with the address of the function's API beside the page. */
import './tariff.css';
import { pageAddress, startPage } from '../shared/page';
import TariffPage from './TariffPage.vue';
import en from './messages/en';
import zh from './messages/zh';

/** From the page's own address. */
const API_PATH = 'v1/';

startPage(TariffPage, { zh, en }, { apiBase: new URL(API_PATH, pageAddress()) });
