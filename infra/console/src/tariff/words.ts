/** The page's words and figures in the language in force, for templates: one place that knows the language. */
import { computed } from 'vue';
import { useI18n } from 'vue-i18n';
import { formatMonth, type Language } from '../shared/language';
import { formatMoney, formatSignedMoney, type Fen } from '../shared/money';
import { perCent, readable, type UsageUnit } from '../shared/quantity';
import { UNCHANGED_PER_MILLE } from './store';

export function useWords() {
  const { t, locale } = useI18n();
  const language = computed(() => locale.value as Language);

  return {
    t,
    language,
    money: (amount: Fen) => formatMoney(amount, language.value),
    signedMoney: (amount: Fen) => formatSignedMoney(amount, language.value),
    month: (month: string, form: 'long' | 'short' = 'long') => formatMonth(month, language.value, form),
    quantity(amount: number, unit: UsageUnit): string {
      const shown = readable(amount, unit);
      return t(`unit.${shown.unit}`, { n: shown.text });
    },
    /** `+60 min`, `−2 GB`, or the word for no change. */
    change(amount: number, unit: UsageUnit): string {
      if (amount === 0) return t('plan.same');
      return `${amount > 0 ? '+' : ''}${this.quantity(amount, unit)}`;
    },
    /** `0.19/60` of seconds as `¥0.19 / 1 min`, in a list by tier too; what is not of that form stays as it is. */
    price(price: string, unit: UsageUnit | null): string {
      if (unit === null) return price;
      return price.replace(/(\d+(?:\.\d+)?)\/(\d+)/g, (_, yuan: string, per: string) => `¥${yuan} / ${this.quantity(Number(per), unit)}`);
    },
    /** `1: 120, 2: 30` of seconds as `1: 2 min, 2: 0.5 min`. */
    tiers(tiers: string, unit: UsageUnit | null): string {
      if (unit === null) return tiers;
      return tiers.replace(/(\d+): (\d+)/g, (_, tier: string, amount: string) => `${tier}: ${this.quantity(Number(amount), unit)}`);
    },
    /** A what-if scale in words: `20% more`. */
    scale(perMille: number): string {
      if (perMille === UNCHANGED_PER_MILLE) return t('whatIf.unchanged');
      if (perMille === 0) return t('whatIf.none');
      const more = perMille > UNCHANGED_PER_MILLE;
      return t(more ? 'whatIf.more' : 'whatIf.less', { percent: perCent(Math.abs(perMille - UNCHANGED_PER_MILLE)) });
    },
  };
}
