/** Frozen lists: what the page asks of them, and who may do what with one. */
import { Value } from '../shared/decode';
import type { Client } from '../shared/http';
import type { Language } from '../shared/language';

export const LIST_STATES = ['draft', 'submitted', 'approved', 'rejected', 'in-use', 'expired'] as const;
export type ListState = (typeof LIST_STATES)[number];

export interface ListSummary {
  readonly id: string;
  readonly name: string;
  readonly purpose: string;
  /** As the function has it; a state that this page does not know is shown as it is, and nothing is offered to be done. */
  readonly state: string;
  /** Contacted and control together. */
  readonly members: number;
  readonly hash: string;
  readonly frozenAt: string;
  readonly expiresAt: string;
}

/** A region or channel of a list. */
export interface Part {
  readonly name: string;
  readonly contacted: number;
  readonly control: number;
}

export interface FrozenList extends ListSummary {
  readonly rule: string;
  readonly datasetVersion: string;
  readonly exclusionVersion: string;
  readonly asOf: string;
  readonly frozenBy: string;
  readonly submittedBy: string | null;
  readonly steps: readonly { readonly step: string; readonly customers: number }[];
  readonly candidates: number;
  readonly withoutChannel: number;
  readonly caps: readonly { readonly channel: string | null; readonly region: string | null; readonly membersMax: number; readonly removed: number }[];
  readonly control: number;
  readonly contacted: number;
  readonly batches: readonly number[];
  readonly byRegion: readonly Part[];
  readonly byChannel: readonly Part[];
  readonly freshLeftOut: number | null;
  readonly events: readonly { readonly at: string; readonly keyId: string; readonly action: string; readonly stateAfter: string; readonly reason: string }[];
}

export interface ListPage {
  readonly items: readonly ListSummary[];
  readonly next: string | null;
}

export interface Export {
  readonly id: string;
  readonly receiver: string;
  readonly encoding: string;
  readonly batch: number | null;
  readonly rows: number;
  readonly madeAt: string;
  readonly recipients: readonly string[];
}

/** What a request for an export says. */
export interface ExportChoices {
  readonly receiver: string;
  readonly recipients: readonly string[];
  readonly encoding: 'csv-utf8' | 'csv-gb18030';
  readonly batch: number | null;
}

/** What can be done with a list by hand, as its route is called. */
export const LIST_ACTIONS = ['submission', 'approval', 'rejection', 'expiry'] as const;
export type ListAction = (typeof LIST_ACTIONS)[number];

/** Lists that are fetched at once. */
const PAGE_SIZE = 50;

/** The function's API, from the page's own address. */
const API = 'v1/lists';

export class ListsApi {
  constructor(
    private readonly client: Client,
    private readonly language: Language,
    private readonly signal: AbortSignal,
  ) {}

  page(cursor: string | null): Promise<ListPage> {
    const from = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    return this.client.call(`${API}?limit=${PAGE_SIZE}${from}`, decodeListPage, this.language, { signal: this.signal });
  }

  list(id: string): Promise<FrozenList> {
    return this.client.call(`${API}/${encodeURIComponent(id)}`, decodeList, this.language, { signal: this.signal });
  }

  /** `request` is the function's `ListForm`. A repetition with the same `idempotencyKey` freezes nothing twice. */
  freeze(request: unknown, idempotencyKey: string): Promise<FrozenList> {
    return this.client.call(API, decodeList, this.language, { body: request, idempotencyKey, signal: this.signal });
  }

  act(id: string, action: ListAction, reason: string): Promise<FrozenList> {
    const path = `${API}/${encodeURIComponent(id)}/${action}`;
    return this.client.call(path, decodeList, this.language, { body: { reason }, signal: this.signal });
  }

  exports(id: string): Promise<readonly Export[]> {
    const path = `${API}/${encodeURIComponent(id)}/exports`;
    return this.client.call(path, decodeExports, this.language, { signal: this.signal });
  }

  makeExport(id: string, choices: ExportChoices, idempotencyKey: string): Promise<Export> {
    const { batch, ...body } = choices;
    return this.client.call(`${API}/${encodeURIComponent(id)}/exports`, (json) => decodeExport(new Value(json)), this.language, {
      body: batch === null ? body : { ...body, batch },
      idempotencyKey,
      signal: this.signal,
    });
  }

  exportFile(id: string, exportId: string): Promise<Blob> {
    return this.client.file(`${API}/${encodeURIComponent(id)}/exports/${encodeURIComponent(exportId)}/file`, this.language, this.signal);
  }
}

export function decodeListPage(json: unknown): ListPage {
  const answer = new Value(json);
  return { items: answer.member('items').list(decodeSummary), next: answer.member('next_cursor').optional((cursor) => cursor.text()) };
}

function decodeSummary(list: Value): ListSummary {
  return {
    id: list.member('list_id').text(),
    name: list.member('name').text(),
    purpose: list.member('purpose').text(),
    state: list.member('state').text(),
    members: list.member('members').integer(),
    hash: list.member('hash').text(),
    frozenAt: list.member('frozen_at').text(),
    expiresAt: list.member('expires_at').text(),
  };
}

/** Refuses an account that does not add up: a list whose customers are not all told of must not be approved. */
export function decodeList(json: unknown): FrozenList {
  const list = new Value(json);
  const account = list.member('account');
  const parts = (name: string) =>
    account.member(name).list((part) => ({
      name: part.member('name').text(),
      contacted: part.member('contacted').integer(),
      control: part.member('control').integer(),
    }));
  const frozen: FrozenList = {
    ...decodeSummary(list),
    rule: list.member('rule').text(),
    datasetVersion: list.member('dataset_version').text(),
    exclusionVersion: list.member('exclusion_version').text(),
    asOf: list.member('as_of').text(),
    frozenBy: list.member('frozen_by').text(),
    submittedBy: list.member('submitted_by').optional((key) => key.text()),
    steps: account.member('waterfall').list((step) => ({ step: step.member('step').text(), customers: step.member('customers').integer() })),
    candidates: account.member('candidates').integer(),
    withoutChannel: account.member('without_channel').integer(),
    caps: account.member('caps').list((cap) => ({
      channel: cap.member('channel').optional((channel) => channel.text()),
      region: cap.member('region').optional((region) => region.text()),
      membersMax: cap.member('members_max').integer(),
      removed: cap.member('removed').integer(),
    })),
    control: account.member('control').integer(),
    contacted: account.member('contacted').integer(),
    batches: account.member('batches').list((batch) => batch.integer()),
    byRegion: parts('by_region'),
    byChannel: parts('by_channel'),
    freshLeftOut: list.member('fresh_events').optional((fresh) => fresh.member('left_out').integer()),
    events: list.member('events').list((event) => ({
      at: event.member('at').text(),
      keyId: event.member('key_id').text(),
      action: event.member('action').text(),
      stateAfter: event.member('state_after').text(),
      reason: event.member('reason').text(),
    })),
  };
  const removed = frozen.caps.reduce((sum, cap) => sum + cap.removed, frozen.withoutChannel);
  const [kept, told] = [frozen.candidates - removed, frozen.contacted + frozen.control];
  if (kept !== told) throw new RangeError(`${kept} candidates are let through, ${told} are in the list`);
  return frozen;
}

export function decodeExports(json: unknown): readonly Export[] {
  return new Value(json).member('items').list(decodeExport);
}

function decodeExport(made: Value): Export {
  return {
    id: made.member('export_id').text(),
    receiver: made.member('receiver').text(),
    encoding: made.member('encoding').text(),
    batch: made.member('batch').optional((batch) => batch.integer()),
    rows: made.member('rows').integer(),
    madeAt: made.member('made_at').text(),
    recipients: made.member('recipients').list((recipient) => recipient.text()),
  };
}
