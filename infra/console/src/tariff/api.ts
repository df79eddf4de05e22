/**
 * What this page asks of the tariff simulation function, and the shapes that it relies on.
 *
 * The contract is the function's own `openapi.json`; these types name only what the page uses, in the page's words.
 */
import { ContractError, Value } from '../shared/decode';
import type { Client } from '../shared/http';
import type { Language } from '../shared/language';
import type { Fen } from '../shared/money';
import { usageUnit, type UsageUnit } from '../shared/quantity';

/** The usage kinds, in the order in which they are shown. */
export const KINDS = ['voice', 'data', 'sms', 'mms', 'wlan'] as const;
export type Kind = (typeof KINDS)[number];

/** Scale of usage per kind, in per mille of what was used; a kind that is absent stays as it was. */
export type WhatIf = Partial<Record<Kind, number>>;

/** What the page needs before anything else. */
export interface PageFacts {
  readonly customerId: string;
  /** The customer in a form that may be shown: the function masks it. */
  readonly customerShown: string;
  readonly kinds: readonly Kind[];
}

export interface AddOn {
  readonly id: string;
  readonly quantity: number;
  readonly name: string;
}

/** A plan with its add-ons, and what each of the months would have cost. */
export interface PricedPlan {
  readonly planId: string;
  readonly name: string;
  readonly addOns: readonly AddOn[];
  readonly monthlyTotalFen: readonly Fen[];
  readonly totalFen: Fen;
}

export interface PresentPlan extends PricedPlan {
  /** Share of usage that the allowances covered, per kind. */
  readonly insidePerMille: Partial<Record<Kind, number>>;
}

/** A change of usage inside or beyond the allowances against the present plan. */
export interface UsageChange {
  readonly kind: Kind;
  readonly unit: UsageUnit;
  readonly inside: number;
  readonly beyond: number;
}

export interface Reason {
  readonly code: string;
  readonly text: string;
}

export interface Saving {
  readonly meanFen: Fen;
  readonly worstMonthFen: Fen;
  readonly monthsWon: number;
  readonly totalFen: Fen;
}

export interface RankedPlan extends PricedPlan {
  readonly rank: number;
  /** Against the present plan; `null` for a customer who has none yet. */
  readonly saving: Saving | null;
  readonly heldOut: { readonly month: string; readonly chosenWithoutIt: boolean; readonly savingFen: Fen } | null;
  readonly usageChange: readonly UsageChange[];
  readonly switching: { readonly costFen: Fen; readonly paybackMonths: number | null };
  readonly reasons: readonly Reason[];
}

export interface LeftOutPlan {
  readonly planId: string;
  readonly name: string;
  readonly reasons: readonly Reason[];
}

export interface Simulation {
  readonly catalogueVersion: string;
  readonly asOf: string;
  readonly months: readonly string[];
  readonly estimated: boolean;
  /** `null` for a customer who has no plan yet. */
  readonly present: PresentPlan | null;
  readonly ranking: readonly RankedPlan[];
  readonly leftOut: readonly LeftOutPlan[];
  readonly proof: string;
}

/** How many plans the page compares with the present one: what a customer can still take in, and a phone can show. */
export const PLANS_COMPARED_MAX = 3;

export async function fetchPage(client: Client, language: Language, signal: AbortSignal): Promise<PageFacts> {
  return client.call('page', decodePage, language, { signal });
}

export async function simulate(
  client: Client,
  language: Language,
  customerId: string,
  whatIf: WhatIf,
  signal: AbortSignal,
): Promise<Simulation> {
  const body = { customer_id: customerId, what_if: whatIf, detail: 'compact', limit: PLANS_COMPARED_MAX };
  return client.call('simulations', decodeSimulation, language, { body, signal });
}

/** Refuses an answer in which a plan is not priced for each of the months. */
export function decodeSimulation(json: unknown): Simulation {
  const answer = new Value(json);
  const months = answer.member('months').list((month) => month.text());
  const simulation = {
    catalogueVersion: answer.member('catalogue_version').text(),
    asOf: answer.member('as_of').text(),
    months,
    estimated: answer.member('estimated').flag(),
    present: answer.member('present').optional((present) => ({
      ...decodePriced(present),
      insidePerMille: decodeKinds(present.member('usage_inside_permille')),
    })),
    ranking: answer.member('ranking').list(decodeRanked),
    leftOut: answer.member('left_out').list((plan) => ({
      planId: plan.member('plan_id').text(),
      name: plan.member('name').text(),
      reasons: plan.member('reasons').list(decodeReason),
    })),
    proof: answer.member('proof').text(),
  };
  for (const plan of pricedPlans(simulation)) {
    if (plan.monthlyTotalFen.length !== months.length) throw new ContractError(`plan ${plan.planId} is not priced for every month`);
  }
  return simulation;
}

/** Every plan that is priced: the present one first, where there is one, then the ranking. */
export function pricedPlans({ present, ranking }: Pick<Simulation, 'present' | 'ranking'>): readonly PricedPlan[] {
  return present ? [present, ...ranking] : ranking;
}

function decodePriced(plan: Value): PricedPlan {
  return {
    planId: plan.member('plan_id').text(),
    name: plan.member('name').text(),
    addOns: plan.member('add_ons').list((addOn) => ({
      id: addOn.member('id').text(),
      quantity: addOn.member('quantity').integer(),
      name: addOn.member('name').text(),
    })),
    monthlyTotalFen: plan.member('monthly_total_fen').list((amount) => amount.fen()),
    totalFen: plan.member('total_fen').fen(),
  };
}

function decodeRanked(plan: Value): RankedPlan {
  const switching = plan.member('switching');
  return {
    ...decodePriced(plan),
    rank: plan.member('rank').integer(),
    saving: plan.member('saving').optional(decodeSaving),
    heldOut: plan.member('held_out').optional((heldOut) => ({
      month: heldOut.member('month').text(),
      chosenWithoutIt: heldOut.member('chosen_without_it').flag(),
      savingFen: heldOut.member('saving_fen').fen(),
    })),
    usageChange: plan.member('usage_change').optional(decodeUsageChange) ?? [],
    switching: {
      costFen: switching.member('cost_fen').fen(),
      paybackMonths: switching.member('payback_months').optional((months) => months.integer()),
    },
    reasons: plan.member('reasons').list(decodeReason),
  };
}

function decodeSaving(saving: Value): Saving {
  return {
    meanFen: saving.member('mean_fen').fen(),
    worstMonthFen: saving.member('worst_month_fen').fen(),
    monthsWon: saving.member('months_won').integer(),
    totalFen: saving.member('total_fen').fen(),
  };
}

function decodeReason(reason: Value): Reason {
  return { code: reason.member('code').text(), text: reason.member('text').text() };
}

function decodeKinds(map: Value): Partial<Record<Kind, number>> {
  const numbers = map.entries((share) => share.optional((value) => value.integer()));
  return Object.fromEntries(numbers.filter(([name, share]) => isKind(name) && share !== null));
}

/** Names such as `voice_seconds` say both the kind and the unit; a kind that this page does not know is not shown. */
function decodeUsageChange(change: Value): UsageChange[] {
  const beyond = new Map(change.member('beyond_allowance').entries((quantity) => quantity.integer()));
  return change
    .member('inside_allowance')
    .entries((quantity) => quantity.integer())
    .flatMap(([name, inside]) => {
      const [kind = '', unitName = ''] = name.split('_');
      const unit = usageUnit(unitName);
      if (!isKind(kind) || unit === null) return [];
      return [{ kind, unit, inside, beyond: beyond.get(name) ?? 0 }];
    })
    .sort((left, right) => KINDS.indexOf(left.kind) - KINDS.indexOf(right.kind));
}

function isKind(name: string): name is Kind {
  return (KINDS as readonly string[]).includes(name);
}

/** Kinds that this page does not know are not shown. */
export function decodePage(json: unknown): PageFacts {
  const answer = new Value(json);
  return {
    customerId: answer.member('customer_id').text(),
    customerShown: answer.member('customer_shown').text(),
    kinds: answer.member('kinds').list((kind) => kind.text()).filter(isKind),
  };
}
