/** Starts the analyst's page. */
import './filter.css';
import { pageAddress, startPage } from '../shared/page';
import FilterPage from './FilterPage.vue';
import en from './messages/en';
import zh from './messages/zh';

startPage(FilterPage, { zh, en }, { address: new URL(pageAddress()) });
