/** The dataset in force, as the page needs it: its columns and what is known of them. */
import { Value } from '../shared/decode';
import type { Client } from '../shared/http';
import type { Language } from '../shared/language';
import { decodeName, type Name } from './name';

export const KINDS = ['word', 'integer', 'money', 'score', 'flag', 'date', 'identity'] as const;
export type Kind = (typeof KINDS)[number];

/** A value as the dataset gives it: money in fen, dates as `YYYY-MM-DD`. */
export type Cell = string | number | boolean | null;

export interface GroupCode {
  readonly code: string;
  readonly title: Name;
}

export interface Column {
  readonly name: string;
  readonly title: Name;
  readonly kind: Kind;
  readonly unit: Name;
  readonly groups: readonly GroupCode[];
  /** Over the whole province; `null` for a key of one region. */
  readonly statistics: {
    readonly rows: number;
    readonly nulls: number;
    readonly distinct: number;
    readonly distinctIsExact: boolean;
    readonly min: Cell;
    readonly max: Cell;
  } | null;
}

export interface Dataset {
  readonly id: string;
  readonly version: string;
  /** `null` for a key of one region. */
  readonly rows: number | null;
  readonly publishedAt: string | null;
  readonly note: string | null;
  readonly columns: readonly Column[];
}

/** How the values of a column are spread. */
export interface Distribution {
  readonly groups: readonly {
    readonly kind: string;
    readonly value: Cell;
    readonly from: Cell;
    readonly to: Cell;
    readonly count: number;
  }[];
  readonly suppressed: number;
}

/** As many bars as are read at a glance beside a column. */
const BINS = 8;

/** Beside the filter's own API. */
const API = '../dataset/v1/';

export function fetchDataset(client: Client, language: Language, signal: AbortSignal): Promise<Dataset> {
  return client.call(`${API}snapshots/current`, decodeDataset, language, { signal });
}

export function fetchDistribution(
  client: Client,
  language: Language,
  dataset: Dataset,
  column: string,
  signal: AbortSignal,
): Promise<Distribution> {
  const path = `${API}snapshots/${encodeURIComponent(dataset.id)}/columns/${encodeURIComponent(column)}/distribution?bins=${BINS}`;
  return client.call(path, decodeDistribution, language, { signal });
}

/** A kind that this page does not know is taken for words: it is shown, and the function judges conditions on it. */
export function decodeDataset(json: unknown): Dataset {
  const answer = new Value(json);
  return {
    id: answer.member('id').text(),
    version: answer.member('version').text(),
    rows: answer.member('rows').optional((rows) => rows.integer()),
    publishedAt: answer.member('published_at').optional((time) => time.text()),
    note: answer.member('source').member('note').optional((note) => note.text()),
    columns: answer.member('columns').list(decodeColumn),
  };
}

function decodeColumn(column: Value): Column {
  const kind = column.member('kind').text();
  return {
    name: column.member('name').text(),
    title: decodeName(column.member('title')),
    kind: KINDS.find((known) => known === kind) ?? 'word',
    unit: decodeName(column.member('unit_symbol')),
    groups:
      column.member('groups').optional((groups) =>
        groups.list((group) => ({ code: group.member('code').text(), title: decodeName(group.member('title')) })),
      ) ?? [],
    statistics: column.member('statistics').optional((statistics) => ({
      rows: statistics.member('rows').integer(),
      nulls: statistics.member('nulls').integer(),
      distinct: statistics.member('distinct').integer(),
      distinctIsExact: statistics.member('distinct_is_exact').flag(),
      min: decodeCell(statistics.member('min')),
      max: decodeCell(statistics.member('max')),
    })),
  };
}

export function decodeDistribution(json: unknown): Distribution {
  const answer = new Value(json);
  return {
    groups: answer.member('groups').list((group) => ({
      kind: group.member('kind').text(),
      value: decodeCell(group.member('value')),
      from: decodeCell(group.member('from')),
      to: decodeCell(group.member('to')),
      count: group.member('count').integer(),
    })),
    suppressed: answer.member('suppressed').integer(),
  };
}

function decodeCell(value: Value): Cell {
  return value.optional((given) => given.scalar());
}

/** Columns that contain every word of `search` in their name or in either title. */
export function findColumns(columns: readonly Column[], search: string): readonly Column[] {
  const words = search.toLowerCase().split(/\s+/).filter((word) => word !== '');
  return columns.filter(({ name, title }) => {
    const text = `${name} ${title.zh} ${title.en}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** The share of customers without a value, in per mille rounded down, but 1 where there is any: "0 %" would deny them. */
export function nullPerMille({ rows, nulls }: { readonly rows: number; readonly nulls: number }): number {
  if (rows === 0 || nulls === 0) return 0;
  return Math.max(1, Math.floor((nulls * 1000) / rows));
}
