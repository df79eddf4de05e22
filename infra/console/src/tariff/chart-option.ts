/**
 * What ECharts is told to draw: grouped columns month by month above, the cumulative saving below, on one time axis.
 *
 * Two plots rather than one with two scales: a column and a line that share a picture but not a scale are misread.
 * Amounts go in as whole fen; every text that is drawn comes from `formatMoney`. No style attribute is written into
 * markup (the tooltip is built from elements with classes), so that the page's security policy needs no exception.
 */
import type { EChartsCoreOption } from 'echarts/core';
import { element, tooltip, type ChartColours } from '../shared/chart';
import type { Language } from '../shared/language';
import { fen, formatAxisMoney, formatMoney, formatSignedMoney, type Fen } from '../shared/money';

/** One plan's row of the picture. */
export interface ChartSeries {
  readonly name: string;
  /** Name of its colour, as in the page's own legend. */
  readonly swatch: string;
  readonly monthly: readonly Fen[];
  /** Cumulative saving against the present plan; `null` for the present plan itself. */
  readonly saving: readonly Fen[] | null;
}

export interface ChartInput {
  readonly months: readonly { readonly short: string; readonly long: string }[];
  /** The present plan first, where there is one, then the ranking. */
  readonly series: readonly ChartSeries[];
  /** Place in `series` of the plan that is drawn strongest. */
  readonly selected: number;
  readonly language: Language;
  readonly words: { readonly bills: string; readonly saving: string; readonly savingOf: (plan: string) => string };
  readonly colours: ChartColours;
  /** Fewer pixels: smaller letters and narrower margins. */
  readonly narrow: boolean;
  readonly still: boolean;
}

/** The plans that are not selected stay readable, but step back. */
const UNSELECTED_OPACITY = 0.5;

/** Above the columns, below the saving; without a plan to compare there is no saving, and the columns have all the room. */
const PLOTS_COMPARED = [
  { top: 34, height: '50%' },
  { top: '72%', bottom: 28 },
];
const PLOTS_ALONE = [{ top: 34, bottom: 28 }];

export function chartOption(input: ChartInput): EChartsCoreOption {
  const plots = input.series.some((plan) => plan.saving !== null) ? PLOTS_COMPARED : PLOTS_ALONE;
  return {
    animation: !input.still,
    animationDuration: 450,
    textStyle: { fontFamily: input.colours.font },
    grid: plots.map((plot) => ({ ...sides(input), ...plot })),
    xAxis: plots.map((_, plot) => monthAxis(input, plot, plot === plots.length - 1)),
    yAxis: [input.words.bills, input.words.saving].slice(0, plots.length).map((name, plot) => moneyAxis(input, plot, name)),
    axisPointer: { link: [{ xAxisIndex: 'all' }] },
    tooltip: tooltip((month) => tooltipElement(input, month)),
    series: [...columns(input), ...lines(input)],
  };
}

function sides({ narrow }: ChartInput) {
  return { left: narrow ? 44 : 58, right: narrow ? 6 : 14 };
}

function monthAxis({ months, colours, narrow }: ChartInput, plot: number, lowest: boolean) {
  return {
    type: 'category',
    gridIndex: plot,
    data: months.map((month) => month.short),
    axisLine: { lineStyle: { color: colours.line } },
    axisTick: { show: false },
    axisLabel: { show: lowest, color: colours.ink, fontSize: narrow ? 11 : 13, hideOverlap: true, margin: 10 },
    axisPointer: { type: 'shadow' },
    z: 3,
  };
}

function moneyAxis({ colours, language, narrow }: ChartInput, plot: number, name: string) {
  return {
    type: 'value',
    gridIndex: plot,
    name,
    nameLocation: 'end',
    nameGap: 12,
    nameTextStyle: { align: 'left', color: colours.ink, fontSize: 12, padding: [0, 0, 0, narrow ? -40 : -54] },
    splitNumber: plot === 0 ? 4 : 2,
    splitLine: { lineStyle: { color: colours.line } },
    axisLabel: {
      color: colours.ink,
      fontSize: narrow ? 10 : 12,
      formatter: (value: number) => formatAxisMoney(fen(Math.round(value)), language).replace('¥', ''),
    },
  };
}

function columns({ series, selected, colours, narrow }: ChartInput) {
  return series.map((plan, index) => ({
    type: 'bar',
    id: `bill-${index}`,
    name: plan.name,
    data: plan.monthly,
    cursor: 'pointer',
    barGap: '8%',
    barCategoryGap: '26%',
    barMaxWidth: 26,
    itemStyle: {
      color: colours.series[plan.swatch],
      borderRadius: narrow ? [2, 2, 0, 0] : [4, 4, 0, 0],
      opacity: plan.saving === null || index === selected ? 1 : UNSELECTED_OPACITY,
    },
    emphasis: { itemStyle: { opacity: 1 } },
  }));
}

function lines({ series, selected, colours }: ChartInput) {
  return series.flatMap((plan, index) => {
    if (plan.saving === null) return [];
    const strong = index === selected;
    return [
      {
        type: 'line',
        id: `saving-${index}`,
        name: plan.name,
        xAxisIndex: 1,
        yAxisIndex: 1,
        data: plan.saving,
        z: strong ? 5 : 2,
        silent: true,
        symbol: 'circle',
        symbolSize: strong ? 8 : 4,
        lineStyle: { width: strong ? 3 : 1.5, opacity: strong ? 1 : UNSELECTED_OPACITY },
        itemStyle: {
          color: colours.series[plan.swatch],
          opacity: strong ? 1 : UNSELECTED_OPACITY,
          borderColor: colours.surface,
          borderWidth: strong ? 2 : 0,
        },
        areaStyle: { opacity: strong ? 0.14 : 0 },
      },
    ];
  });
}

function tooltipElement(input: ChartInput, month: number): HTMLElement {
  const box = element('div', 'chart-tip-box');
  box.append(element('strong', 'chart-tip-month', input.months[month]?.long));
  input.series.forEach((plan) => {
    const row = element('div', 'chart-tip-row');
    const swatch = element('i', `swatch ${plan.swatch}`);
    row.append(swatch, element('span', '', plan.name), element('b', 'amount', formatMoney(plan.monthly[month] ?? fen(0), input.language)));
    box.append(row);
  });
  const chosen = input.series[input.selected];
  const saved = chosen?.saving?.[month];
  if (chosen && saved !== undefined) {
    const row = element('div', 'chart-tip-row chart-tip-saving');
    row.append(element('span', '', input.words.savingOf(chosen.name)), element('b', 'amount', formatSignedMoney(saved, input.language)));
    box.append(row);
  }
  return box;
}
