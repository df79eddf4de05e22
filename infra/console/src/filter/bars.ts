/** What ECharts is told to draw: bars that lie, one below the other, whole or hanging between two figures. */
import type { EChartsCoreOption } from 'echarts/core';
import { element, tooltip, type ChartColours } from '../shared/chart';
import type { Language } from '../shared/language';
import { formatCount } from './figures';

export interface BarSeries {
  readonly title: string;
  /** Name of its colour. */
  readonly swatch: string;
  readonly values: readonly number[];
}

export interface BarsInput {
  /** Names of the rows, the uppermost first. */
  readonly rows: readonly string[];
  /** Drawn beside one another, in a row. */
  readonly series: readonly BarSeries[];
  /** Where the bars begin; absent for 0. */
  readonly from?: readonly number[];
  /** Colours of single rows, for a picture with one series. */
  readonly rowSwatches?: readonly string[];
  readonly language: Language;
  readonly colours: ChartColours;
  readonly narrow: boolean;
  readonly still: boolean;
}

/** Height of a row and of what stands around them, in pixels. */
const ROW_PX = 26;
const AROUND_PX = 34;

/** Letters of a row's name that are drawn; the tooltip and the table have all. */
const NAME_LETTERS_MAX = { wide: 18, narrow: 9 };

/** Height of the picture in pixels. */
export function barsHeight(rows: number): number {
  return rows * ROW_PX + AROUND_PX;
}

export function barsOption(input: BarsInput): EChartsCoreOption {
  const { colours, narrow, language } = input;
  return {
    animation: !input.still,
    animationDuration: 250,
    textStyle: { fontFamily: colours.font },
    grid: { left: narrow ? 92 : 168, right: narrow ? 46 : 72, top: 4, bottom: 26 },
    xAxis: {
      type: 'value',
      splitNumber: narrow ? 2 : 4,
      minInterval: 1,
      splitLine: { lineStyle: { color: colours.line } },
      axisLabel: { color: colours.ink, fontSize: 11, hideOverlap: true, formatter: (value: number) => formatCount(value, language) },
    },
    yAxis: {
      type: 'category',
      inverse: true,
      data: input.rows,
      axisLine: { lineStyle: { color: colours.line } },
      axisTick: { show: false },
      axisLabel: { color: colours.ink, fontSize: 12, interval: 0, formatter: (name: string) => shortened(name, narrow) },
    },
    tooltip: tooltip((row) => tooltipElement(input, row)),
    series: [...hanging(input), ...bars(input)],
  };
}

/** Carries the bars that hang: there, but not seen. */
function hanging({ from }: BarsInput) {
  if (!from) return [];
  return [{ type: 'bar', id: 'from', stack: 'all', silent: true, data: from, itemStyle: { color: 'transparent' }, barMaxWidth: 18 }];
}

function bars({ series, rows, rowSwatches, colours, narrow, language }: BarsInput) {
  const alone = series.length === 1;
  return series.map((one, index) => ({
    type: 'bar',
    id: `series-${index}`,
    name: one.title,
    stack: 'all',
    barMaxWidth: 18,
    cursor: 'default',
    data: rows.map((_, row) => ({ value: one.values[row] ?? 0, itemStyle: { color: colours.series[rowSwatches?.[row] ?? one.swatch] } })),
    itemStyle: { borderRadius: alone ? 2 : 0 },
    label: alone
      ? { show: true, position: 'right', color: colours.ink, fontSize: narrow ? 10 : 11, formatter: (item: { value: number }) => formatCount(item.value, language) }
      : { show: false },
  }));
}

function shortened(name: string, narrow: boolean): string {
  const letters = [...name];
  const most = narrow ? NAME_LETTERS_MAX.narrow : NAME_LETTERS_MAX.wide;
  // Chinese letters are twice as wide as others.
  let width = 0;
  const fits = letters.findIndex((letter) => (width += letter > '\u2e7f' ? 1.4 : 0.8) > most);
  return fits === -1 ? name : `${letters.slice(0, fits).join('')}…`;
}

function tooltipElement({ rows, series, rowSwatches, language }: BarsInput, row: number): HTMLElement {
  const box = element('div', 'chart-tip-box');
  box.append(element('strong', '', rows[row]));
  for (const one of series) {
    const line = element('div', 'chart-tip-row');
    const figure = element('b', 'amount', formatCount(one.values[row] ?? 0, language));
    line.append(element('i', `swatch ${rowSwatches?.[row] ?? one.swatch}`), element('span', '', one.title), figure);
    box.append(line);
  }
  return box;
}
