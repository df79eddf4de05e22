/** What the page shows of the function's figures, as pure functions: rows of pictures and tables. Nothing here counts customers. */
import type { Breakdown, Count, Group } from './api';
import { LANGUAGE_TAG, type Language } from '../shared/language';
import type { Name } from './name';

/** Series of a picture, at most: more colours cannot be told apart. The rest is one series. */
export const SERIES_MAX = 6;

/** Rows of a picture, at most; the table has them all. */
export const BARS_MAX = 24;

/** A bar that stands from `from` to `to`. */
export interface Bar {
  readonly key: string;
  readonly title: Name | null;
  readonly from: number;
  readonly to: number;
}

/** The way from the selected to the remaining: the selected, what each exclusion removes (hanging from what was left), the rest. */
export function waterfallBars(count: Pick<Count, 'selected' | 'remaining' | 'waterfall'>): readonly Bar[] {
  return [
    { key: 'selected', title: null, from: 0, to: count.selected },
    ...count.waterfall.map(({ rule, title, removed, remaining }) => ({ key: rule, title, from: remaining, to: remaining + removed })),
    { key: 'remaining', title: null, from: 0, to: count.remaining },
  ];
}

/** A breakdown as rows and columns: groups by the first column, within each by the second. */
export interface Table {
  readonly rows: readonly { readonly key: string; readonly title: Name; readonly cells: readonly (Cell | null)[]; readonly shown: number }[];
  /** Titles of the second column's groups; one without title where there is no second column. */
  readonly series: readonly { readonly key: string; readonly title: Name | null }[];
}

/** Customers of a group; `null` where they are hidden. No cell at all where nobody is in the group. */
export interface Cell {
  readonly customers: number | null;
}

/** Key of a group whose value is not known. */
const UNKNOWN = '\u0000';

export function tableOf({ columns, groups }: Breakdown): Table {
  const series = new Map<string, { key: string; title: Name | null; shown: number }>();
  const rows = new Map<string, { key: string; title: Name; cells: Map<string, Cell>; shown: number }>();
  for (const group of groups) {
    const [rowKey, seriesKey] = [keyOf(group, 0), columns.length > 1 ? keyOf(group, 1) : ''];
    const shown = group.customers ?? 0;
    const kept = series.get(seriesKey) ?? { key: seriesKey, title: group.titles[1] ?? null, shown: 0 };
    series.set(seriesKey, { ...kept, shown: kept.shown + shown });
    const row = rows.get(rowKey) ?? { key: rowKey, title: group.titles[0] ?? { zh: rowKey, en: rowKey }, cells: new Map(), shown: 0 };
    row.cells.set(seriesKey, { customers: group.customers });
    rows.set(rowKey, { ...row, shown: row.shown + shown });
  }
  const ordered = [...series.values()].sort((left, right) => right.shown - left.shown);
  return {
    series: ordered,
    rows: [...rows.values()]
      .sort((left, right) => right.shown - left.shown)
      .map((row) => ({ ...row, cells: ordered.map(({ key }) => row.cells.get(key) ?? null) })),
  };
}

function keyOf(group: Group, column: number): string {
  return group.values[column] ?? UNKNOWN;
}

/** Series of the picture of a breakdown: the largest ones, and the rest together. */
export function chartSeries(table: Table): readonly { readonly title: Name | null; readonly rest: boolean; readonly values: readonly number[] }[] {
  const rows = table.rows.slice(0, BARS_MAX);
  const single = table.series.length <= SERIES_MAX ? table.series.length : SERIES_MAX - 1;
  const shown = (cell: Cell | null | undefined) => cell?.customers ?? 0;
  const series = table.series
    .slice(0, single)
    .map(({ title }, index) => ({ title, rest: false, values: rows.map(({ cells }) => shown(cells[index])) }));
  if (single === table.series.length) return series;
  const rest = rows.map(({ cells }) => cells.slice(single).reduce((sum, cell) => sum + shown(cell), 0));
  return [...series, { title: null, rest: true, values: rest }];
}

/** A share in per mille, rounded half up; 0 of nobody. */
export function sharePerMille(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.floor((part * 2000 + whole) / (whole * 2));
}

/** A number of customers with its thousands apart. */
export function formatCount(count: number, language: Language): string {
  return new Intl.NumberFormat(LANGUAGE_TAG[language]).format(count);
}

/** A moment in China's time, where the operators are: `2026-11-28 20:36`. */
export function formatMoment(rfc3339: string): string {
  const moment = new Date(rfc3339);
  if (Number.isNaN(moment.getTime())) return rfc3339;
  const parts = new Intl.DateTimeFormat('sv-SE', {
    timeZone: 'Asia/Shanghai',
    dateStyle: 'short',
    timeStyle: 'short',
  });
  return parts.format(moment);
}
