/** The form that freezes a list: what is typed into it, and the request that it makes. */
import { selectionForm, type Choices } from './selection';

/** Limits of the function (`docs/reference/lists-api.md`), so that the form says them before it is sent. */
export const LIFE_DAYS_MAX = 180;
export const COLUMNS_MAX = 12;
export const BATCHES_MAX = 1_000;
export const NAME_CHARACTERS_MAX = 80;
export const LIFE_DAYS_STANDARD = 30;

/** A cap as it is typed: `''` is no channel, no region, no number. */
export interface CapChoice {
  channel: string;
  region: string;
  membersMax: string;
}

/** The form. Numbers are kept as typed. */
export interface ListChoices {
  name: string;
  purpose: string;
  /** `fixed:<channel>` or `column:<name>`. */
  channel: string;
  /** `draw` or a column. */
  priority: string;
  ascending: boolean;
  caps: CapChoice[];
  refuseOverCap: boolean;
  /** Share of the control group in per cent. */
  controlPercent: string;
  controlSalt: string;
  batches: 'one' | 'size' | 'count';
  batchNumber: string;
  columns: string[];
  lifeDays: string;
}

/** A form to begin with. */
export function emptyListChoices(): ListChoices {
  return {
    name: '',
    purpose: '',
    channel: '',
    priority: 'draw',
    ascending: false,
    caps: [],
    refuseOverCap: false,
    controlPercent: '0',
    controlSalt: '',
    batches: 'one',
    batchNumber: '',
    columns: [],
    lifeDays: String(LIFE_DAYS_STANDARD),
  };
}

/** Fields that the form itself can find wrong; everything else the function judges. */
export type ListField = 'name' | 'purpose' | 'channel' | 'caps' | 'controlPercent' | 'batchNumber' | 'columns' | 'lifeDays';

/** The first mistakes of the form, in the order of its fields. */
export function mistakesOf(choices: ListChoices): readonly ListField[] {
  const mistakes: [ListField, boolean][] = [
    ['name', choices.name.trim() === '' || [...choices.name].length > NAME_CHARACTERS_MAX],
    ['purpose', choices.purpose.trim() === ''],
    ['channel', choices.channel === ''],
    ['caps', choices.caps.some(({ membersMax }) => whole(membersMax) === null)],
    ['controlPercent', perMille(choices.controlPercent) === null],
    ['batchNumber', choices.batches !== 'one' && !isBatchNumber(choices)],
    ['columns', choices.columns.length > COLUMNS_MAX],
    ['lifeDays', !isBetween(whole(choices.lifeDays), 1, LIFE_DAYS_MAX)],
  ];
  return mistakes.flatMap(([field, wrong]) => (wrong ? [field] : []));
}

function isBatchNumber({ batches, batchNumber }: ListChoices): boolean {
  return isBetween(whole(batchNumber), 1, batches === 'count' ? BATCHES_MAX : Number.MAX_SAFE_INTEGER);
}

function isBetween(number: number | null, least: number, most: number): boolean {
  return number !== null && number >= least && number <= most;
}

/** A whole number that is not negative, as typed; `null` for anything else. */
export function whole(text: string): number | null {
  const digits = text.trim();
  if (!/^\d{1,12}$/.test(digits)) return null;
  return Number(digits);
}

/** `5` or `5.5` per cent as thousandths, exactly; `null` where it is none or more than everybody. */
export function perMille(percent: string): number | null {
  const match = /^(\d{1,3})(?:\.(\d))?$/.exec(percent.trim());
  if (!match) return null;
  const share = Number(match[1]) * 10 + Number(match[2] ?? 0);
  return share <= 1_000 ? share : null;
}

/**
 * The function's `ListForm`, over exactly the dataset version and the day that were counted: what is frozen is what was seen.
 * Call it for a form without mistakes.
 */
export function listForm(list: ListChoices, selection: Choices, counted: { readonly dataset: string; readonly asOf: string }): Record<string, unknown> {
  const [how = '', which = ''] = splitOnce(list.channel);
  const control = perMille(list.controlPercent) ?? 0;
  const number = whole(list.batchNumber);
  return {
    name: list.name.trim(),
    purpose: list.purpose.trim(),
    selection: { ...selectionForm(selection), dataset: counted.dataset, as_of: counted.asOf },
    channel: how === 'column' ? { column: which } : { fixed: which },
    priority: list.priority === 'draw' ? 'draw' : { column: { name: list.priority, order: list.ascending ? 'ascending' : 'descending' } },
    caps: list.caps.map(({ channel, region, membersMax }) => ({
      ...(channel === '' ? {} : { channel }),
      ...(region.trim() === '' ? {} : { region: region.trim() }),
      members_max: whole(membersMax) ?? 0,
    })),
    over_cap: list.refuseOverCap ? 'refuse' : 'cut',
    ...(control === 0 ? {} : { control: { permille: control, ...(list.controlSalt.trim() === '' ? {} : { salt: list.controlSalt.trim() }) } }),
    ...(list.batches === 'one' || number === null ? {} : { batches: { [list.batches]: number } }),
    columns: list.columns,
    life_days: whole(list.lifeDays) ?? LIFE_DAYS_STANDARD,
  };
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf(':');
  return [text.slice(0, at), text.slice(at + 1)];
}

/** A key under which a repetition is recognised: 128 random bits. `crypto.randomUUID` is absent on plain HTTP in an intranet. */
export function newIdempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
