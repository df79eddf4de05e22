/**
 * What this page asks of the target filter about a selection, and the shapes that it relies on.
 *
 * The contract is the function's own `openapi.json`; these types name only what the page uses, in the page's words.
 */
import { Value } from '../shared/decode';
import type { Client } from '../shared/http';
import type { Language } from '../shared/language';
import { decodeName, type Name } from './name';
import { selectionForm, type Choices } from './selection';

/** Rows of a preview: enough to see what is meant, a third of what the function would show. */
export const PREVIEW_ROWS = 15;

/** What an exclusion removes. */
export interface Step {
  readonly rule: string;
  readonly title: Name;
  readonly condition: Name;
  readonly removed: number;
  readonly remaining: number;
}

export interface NotApplied {
  readonly rule: string;
  readonly title: Name;
  readonly reason: string;
  readonly columns: readonly string[];
}

export interface Count {
  readonly dataset: string;
  readonly asOf: string;
  readonly exclusionSet: string | null;
  /** That exist for the key. */
  readonly customers: number;
  readonly selected: number;
  readonly remaining: number;
  readonly waterfall: readonly Step[];
  /** What each condition selects alone, where that was asked for. */
  readonly conditions: readonly { readonly condition: Name; readonly customers: number }[];
  readonly notApplied: readonly NotApplied[];
  readonly notices: readonly Name[];
}

/** A group of a breakdown. */
export interface Group {
  readonly values: readonly (string | null)[];
  readonly titles: readonly Name[];
  /** `null` where it is hidden because it is small. */
  readonly customers: number | null;
}

export interface Breakdown {
  readonly columns: readonly string[];
  readonly groups: readonly Group[];
  readonly hidden: number;
}

export interface Preview {
  readonly columns: readonly string[];
  readonly rows: readonly { readonly customer: string; readonly values: readonly Name[] }[];
}

export interface ChannelReach {
  readonly channel: string;
  readonly title: Name;
  readonly remaining: number;
  readonly optedOut: number | null;
  readonly withinInterval: number | null;
  readonly allowed: number;
  readonly successPerMille: number | null;
  readonly expected: number | null;
}

export type Holds = 'true' | 'false' | 'unknown';

/** A condition and what it found. */
export interface Reason {
  readonly condition: Name;
  readonly holds: Holds;
  readonly value: Name | null;
  readonly parts: readonly Reason[];
}

export interface Explanation {
  readonly included: boolean;
  readonly selected: boolean;
  readonly summary: Name;
  readonly expression: Reason;
  readonly exclusions: readonly { readonly rule: string; readonly title: Name; readonly removes: boolean; readonly reason: Reason }[];
}

/** An expression in every form. */
export interface Forms {
  readonly json: unknown;
  readonly text: Name;
  readonly notices: readonly Name[];
}

export interface ExclusionSet {
  readonly name: string;
  readonly version: number;
}

/** The function's API, from the page's own address. */
const API = 'v1/';

/** One selection's questions; each call is one request. */
export class FilterApi {
  constructor(
    private readonly client: Client,
    private readonly language: Language,
    private readonly signal: AbortSignal,
  ) {}

  count(choices: Choices, each: boolean): Promise<Count> {
    return this.#post('count', { selection: selectionForm(choices), ...(each ? { each } : {}) }, decodeCount);
  }

  breakdown(choices: Choices, columns: readonly string[]): Promise<Breakdown> {
    return this.#post('breakdown', { selection: selectionForm(choices), columns }, decodeBreakdown);
  }

  preview(choices: Choices, columns: readonly string[], limit: number = PREVIEW_ROWS): Promise<Preview> {
    return this.#post('preview', { selection: selectionForm(choices), columns, limit }, decodePreview);
  }

  reach(choices: Choices): Promise<readonly ChannelReach[]> {
    return this.#post('reach', { selection: selectionForm(choices) }, decodeReach);
  }

  explain(choices: Choices, customerId: string): Promise<Explanation> {
    return this.#post('explain', { selection: selectionForm(choices), customer_id: customerId }, decodeExplanation);
  }

  /** Reads an expression in either form: as text, or as the JSON form. */
  forms(expression: unknown): Promise<Forms> {
    return this.#post('expressions/parse', { expression }, decodeForms);
  }

  exclusionSets(): Promise<readonly ExclusionSet[]> {
    return this.client.call(`${API}exclusion-sets`, decodeExclusionSets, this.language, { signal: this.signal });
  }

  #post<Answer>(path: string, body: unknown, decode: (json: unknown) => Answer): Promise<Answer> {
    return this.client.call(API + path, decode, this.language, { body, signal: this.signal });
  }
}

/** A member that may be absent where the list is empty. */
function listed<Item>(owner: Value, name: string, item: (value: Value) => Item): Item[] {
  return owner.member(name).optional((list) => list.list(item)) ?? [];
}

export function decodeCount(json: unknown): Count {
  const answer = new Value(json);
  return {
    dataset: answer.member('dataset').text(),
    asOf: answer.member('as_of').text(),
    exclusionSet: answer.member('exclusion_set').optional((set) => set.text()),
    customers: answer.member('customers').integer(),
    selected: answer.member('selected').integer(),
    remaining: answer.member('remaining').integer(),
    waterfall: answer.member('waterfall').list((step) => ({
      rule: step.member('rule').text(),
      title: decodeName(step.member('title')),
      condition: decodeName(step.member('condition')),
      removed: step.member('removed').integer(),
      remaining: step.member('remaining').integer(),
    })),
    conditions: listed(answer, 'conditions', (condition) => ({
      condition: decodeName(condition.member('condition')),
      customers: condition.member('customers').integer(),
    })),
    notApplied: listed(answer, 'not_applied', (rule) => ({
      rule: rule.member('rule').text(),
      title: decodeName(rule.member('title')),
      reason: rule.member('reason').text(),
      columns: listed(rule, 'columns', (column) => column.text()),
    })),
    notices: listed(answer, 'notices', (notice) => decodeName(notice.member('text'))),
  };
}

export function decodeBreakdown(json: unknown): Breakdown {
  const answer = new Value(json);
  return {
    columns: answer.member('columns').list((column) => column.text()),
    groups: answer.member('groups').list((group) => ({
      values: group.member('values').list((value) => value.optional((word) => word.text())),
      titles: group.member('titles').list(decodeName),
      customers: group.member('customers').optional((customers) => customers.integer()),
    })),
    hidden: answer.member('hidden').optional((hidden) => hidden.integer()) ?? 0,
  };
}

export function decodePreview(json: unknown): Preview {
  const answer = new Value(json);
  return {
    columns: answer.member('columns').list((column) => column.text()),
    rows: answer.member('rows').list((row) => ({
      customer: row.member('customer').text(),
      values: row.member('values').list(decodeName),
    })),
  };
}

export function decodeReach(json: unknown): readonly ChannelReach[] {
  return new Value(json).member('channels').list((channel) => {
    const figure = (name: string) => channel.member(name).optional((value) => value.integer());
    return {
      channel: channel.member('channel').text(),
      title: decodeName(channel.member('title')),
      remaining: channel.member('remaining').integer(),
      optedOut: figure('opted_out'),
      withinInterval: figure('within_interval'),
      allowed: channel.member('allowed').integer(),
      successPerMille: figure('success_permille'),
      expected: figure('expected'),
    };
  });
}

export function decodeExplanation(json: unknown): Explanation {
  const answer = new Value(json);
  return {
    included: answer.member('included').flag(),
    selected: answer.member('selected').flag(),
    summary: decodeName(answer.member('summary')),
    expression: decodeReason(answer.member('expression')),
    exclusions: answer.member('exclusions').list((exclusion) => ({
      rule: exclusion.member('rule').text(),
      title: decodeName(exclusion.member('title')),
      removes: exclusion.member('removes').flag(),
      reason: decodeReason(exclusion.member('reason')),
    })),
  };
}

function decodeReason(reason: Value): Reason {
  const holds = reason.member('holds').text();
  return {
    condition: decodeName(reason.member('condition')),
    holds: holds === 'true' || holds === 'false' ? holds : 'unknown',
    value: reason.member('value').optional(decodeName),
    parts: listed(reason, 'parts', decodeReason),
  };
}

export function decodeForms(json: unknown): Forms {
  const answer = new Value(json);
  return {
    json: (json as Record<string, unknown>)['expression'],
    text: decodeName(answer.member('text')),
    notices: listed(answer, 'notices', (notice) => decodeName(notice.member('text'))),
  };
}

export function decodeExclusionSets(json: unknown): readonly ExclusionSet[] {
  return new Value(json).member('items').list((set) => ({
    name: set.member('name').text(),
    version: set.member('version').integer(),
  }));
}
