/**
 * Conditions as text: what a click on a column or on one of its values writes.
 *
 * Nothing here judges a condition, that is the function's; names and values are put between marks wherever they could be
 * taken for words of the language (`docs/reference/filter-api.md`), so that what a click writes is always read as meant.
 */
import type { Language } from '../shared/language';
import type { Cell, Column } from './dataset';

/** A condition to write, and which part of it is only a suggestion: it is selected, so that typing replaces it. */
export interface Suggestion {
  readonly text: string;
  readonly suggestedFrom: number;
  readonly suggestedTo: number;
}

/** Words of the language that would end a bare name or value, or be read in its place. */
const ENGLISH_WORDS = new Set(
  'and or not all any group in between starts contains is null known unknown ever today yes no days months ago with count success last'.split(' '),
);
const CHINESE_WORDS =
  /且|或|非|全部|任一|任意|分组|接触|成功次数|属于|介于|开头是|包含|为空|未知|已知|等于|大于|小于|超过|至少|至多|[是否至到与和]|今天|天前|月前|不限/;

/** Letters and digits only: the shortest form that needs no marks in either language. */
const BARE_NAME = /^[\p{L}_][\p{L}\p{N}_]*$/u;
const BARE_VALUE = /^[\p{L}\p{N}_#][\p{L}\p{N}_#%.-]*$/u;

function isWordOfTheLanguage(text: string): boolean {
  return ENGLISH_WORDS.has(text.toLowerCase()) || CHINESE_WORDS.test(text);
}

/** How a column is named: by its title, by its name where the title is another column's too. */
export function subject(column: Column, columns: readonly Column[], language: Language): string {
  const title = column.title[language];
  const twins = columns.filter(({ name, title: other }) => [name, other.zh, other.en].some((text) => same(text, title)));
  if (title === '' || twins.length !== 1 || /[`\\]/.test(title)) return column.name;
  if (BARE_NAME.test(title) && !isWordOfTheLanguage(title)) return title;
  return language === 'zh' && !title.includes('】') ? `【${title}】` : `\`${title}\``;
}

function same(left: string, right: string): boolean {
  return left.normalize('NFKC').toLowerCase() === right.normalize('NFKC').toLowerCase();
}

/** A value as the language writes it: money in yuan, a word between quotation marks where it needs them. */
export function value(cell: Cell, column: Column, language: Language): string {
  if (typeof cell === 'boolean') return language === 'zh' ? (cell ? '是' : '否') : cell ? 'yes' : 'no';
  if (typeof cell === 'number') return column.kind === 'money' ? yuan(cell) : decimal(cell);
  if (cell === null || column.kind === 'date') return cell ?? '';
  const group = column.groups.find(({ code }) => code === cell);
  return word(group ? group.title[language] : cell);
}

function word(text: string): string {
  // Digits alone would be read as a number, which a column of words is never compared with.
  if (BARE_VALUE.test(text) && /\p{L}/u.test(text) && !/^\d/.test(text) && !isWordOfTheLanguage(text)) return text;
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** Whole fen in yuan, without needless places. */
function yuan(fen: number): string {
  const size = Math.abs(Math.trunc(fen));
  const places = String(size % 100).padStart(2, '0').replace(/0+$/, '');
  return `${fen < 0 ? '-' : ''}${Math.floor(size / 100)}${places && `.${places}`}`;
}

/** At most four places: a bound that nobody would type is no suggestion. */
function decimal(number: number): string {
  return Number.isInteger(number) ? String(number) : String(Number(number.toFixed(4)));
}

/** The condition that a click on a column begins with. */
export function suggest(column: Column, columns: readonly Column[], language: Language): Suggestion {
  const name = subject(column, columns, language);
  const compared = (operator: string, suggested: string): Suggestion => {
    const before = `${name} ${operator} `;
    return { text: before + suggested, suggestedFrom: before.length, suggestedTo: before.length + suggested.length };
  };
  const least = language === 'zh' ? '≥' : '>=';
  const { min = null, max = null } = column.statistics ?? {};
  switch (column.kind) {
    case 'flag':
      return compared('=', value(true, column, language));
    case 'date':
      return compared(least, language === 'zh' ? '3 个月前' : '3 months ago');
    case 'integer':
    case 'money':
    case 'score':
      return compared(least, value(middle(min, max, column), column, language));
    case 'word':
    case 'identity': {
      const known = column.groups[0]?.code ?? min;
      if (known !== null && known !== '') return compared('=', value(known, column, language));
      const test = language === 'zh' ? '不为空' : 'is known';
      return { text: `${name} ${test}`, suggestedFrom: name.length + 1, suggestedTo: name.length + 1 + test.length };
    }
  }
}

/** Between the ends, at a step that people type: whole tens, ones, or hundredths of a score. */
function middle(min: Cell, max: Cell, { kind }: Column): number {
  const low = typeof min === 'number' ? min : 0;
  const high = typeof max === 'number' ? max : low;
  const between = low + (high - low) / 2;
  if (kind === 'score') return Math.round(between * 100) / 100;
  const step = kind === 'money' ? 1_000 : 1;
  return Math.round(between / step) * step;
}

/** The condition that a column has this value, or lies in this range. */
export function holds(column: Column, columns: readonly Column[], range: { readonly value: Cell; readonly from: Cell; readonly to: Cell }, language: Language): string {
  const name = subject(column, columns, language);
  if (range.from !== null && range.to !== null) {
    const [low, high] = [value(range.from, column, language), value(range.to, column, language)];
    return language === 'zh' ? `${name} 介于 ${low} 至 ${high}` : `${name} between ${low} and ${high}`;
  }
  if (range.value === null) return `${name} ${language === 'zh' ? '为空' : 'is null'}`;
  return `${name} = ${value(range.value, column, language)}`;
}

/** Where an addition stands in the whole. */
export interface Joined {
  readonly text: string;
  /** Characters before the addition. */
  readonly at: number;
}

/** Adds a condition that must hold too. An `or` in what is there is put in parentheses first: `and` binds more strongly. */
export function join(present: string, addition: string, language: Language): Joined {
  const text = present.trimEnd();
  if (text.trim() === '') return { text: addition, at: 0 };
  const whole = /或|\bor\b|\|\|/i.test(text) ? `(${text.trim()})` : text;
  const before = `${whole} ${language === 'zh' ? '且' : 'and'} `;
  return { text: before + addition, at: before.length };
}

/** Columns that a text seems to name, in the order of the dataset: for what is worth showing, never for what is meant. */
export function columnsNamed(text: string, columns: readonly Column[]): readonly Column[] {
  const folded = text.normalize('NFKC').toLowerCase();
  return columns.filter(({ name, title }) =>
    [name, title.zh, title.en].some((known) => known.length > 1 && folded.includes(known.normalize('NFKC').toLowerCase())),
  );
}
