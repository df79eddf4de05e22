/** The page's words and figures in the language in force, for templates: one place that knows the language. */
import { computed } from 'vue';
import { useI18n } from 'vue-i18n';
import { LANGUAGE_TAG, type Language } from '../shared/language';
import { formatMoney, fen } from '../shared/money';
import { perCent } from '../shared/quantity';
import type { Cell, Column } from './dataset';
import { formatCount, formatMoment, sharePerMille } from './figures';
import type { Name } from './name';

export function useWords() {
  const { t, te, locale } = useI18n();
  const language = computed(() => locale.value as Language);

  return {
    t,
    language,
    /** A word of a closed list; what the page does not know stays as the function has it. */
    known: (group: string, word: string) => (te(`${group}.${word}`, 'zh') ? t(`${group}.${word}`) : word),
    name: (name: Name) => name[language.value],
    count: (count: number) => formatCount(count, language.value),
    moment: formatMoment,
    /** `12.5%` */
    share: (part: number, whole: number) => `${perCent(sharePerMille(part, whole))}%`,
    /** A value of a column, without its unit. */
    cell(cell: Cell, column: Column): string {
      if (cell === null) return t('columns.unknown');
      if (typeof cell === 'boolean') return t(cell ? 'columns.yes' : 'columns.no');
      if (typeof cell === 'string') return column.groups.find(({ code }) => code === cell)?.title[language.value] ?? cell;
      if (column.kind === 'money') return formatMoney(fen(cell), language.value);
      return new Intl.NumberFormat(LANGUAGE_TAG[language.value], { maximumFractionDigits: 4 }).format(cell);
    },
    /** Two values of a column with the unit of both. */
    range(from: Cell, to: Cell, column: Column): string {
      const both = t('columns.range', { min: this.cell(from, column), max: this.cell(to, column) });
      const unit = column.unit[language.value];
      return unit === '' ? both : `${both} ${unit}`;
    },
  };
}
