/** One bill line by line, for the month and the plan that the customer has chosen. */
import { Value } from '../shared/decode';
import type { Client } from '../shared/http';
import type { Language } from '../shared/language';
import { sum, type Fen } from '../shared/money';
import { usageUnit, type UsageUnit } from '../shared/quantity';
import type { PricedPlan, WhatIf } from './api';

/** A line as it is printed: what it is for, how the amount came about, the amount. */
export interface BillLine {
  readonly description: string;
  /** How much was used, or how many fees. */
  readonly quantity: number | null;
  /** Unit of the quantity and of what lay inside allowances; `null` for fees. */
  readonly unit: UsageUnit | null;
  /** Of the quantity, inside allowances. */
  readonly inside: number | null;
  /** Units by tier, `1: 120, 2: 30`. */
  readonly tier: string | null;
  /** Yuan for so many units, `0.19/60`; by tier where there are several. */
  readonly price: string | null;
  /** The exact amount in yuan. */
  readonly unrounded: string | null;
  readonly rounding: string | null;
  /** The calculation as the function words it, in base units. */
  readonly explanation: string;
  readonly amountFen: Fen;
  /** Whether the usage did not say enough for an exact amount. */
  readonly estimated: boolean;
}

/** What was included in the month, and how much of it was used. */
export interface AllowanceUse {
  readonly name: string;
  /** `null` for points. */
  readonly unit: UsageUnit | null;
  /** Given this month and carried from earlier ones. */
  readonly available: number;
  readonly used: number;
}

export interface Bill {
  readonly lines: readonly BillLine[];
  readonly totalFen: Fen;
  /** Taxes that the lines contain: shown, not added. */
  readonly taxesIncluded: readonly BillLine[];
  readonly allowances: readonly AllowanceUse[];
  readonly proof: string;
}

export async function fetchBill(
  client: Client,
  language: Language,
  customerId: string,
  month: string,
  plan: PricedPlan,
  catalogueVersion: string,
  whatIf: WhatIf,
  signal: AbortSignal,
): Promise<Bill> {
  const body = {
    customer_id: customerId,
    month,
    plan_id: plan.planId,
    add_ons: plan.addOns.map(({ id, quantity }) => ({ id, quantity })),
    catalogue_version: catalogueVersion,
    what_if: whatIf,
  };
  return client.call('bills', decodeBill, language, { body, signal });
}

/** Refuses a bill whose lines do not add up: a customer must never be shown one. */
export function decodeBill(json: unknown): Bill {
  const answer = new Value(json);
  const bill = {
    lines: answer.member('lines').list(decodeLine),
    totalFen: answer.member('total_fen').fen(),
    taxesIncluded: answer.member('taxes_included').list(decodeLine),
    allowances: answer.member('allowances').list(decodeAllowance),
    proof: answer.member('proof').text(),
  };
  const added = sum(bill.lines.map((line) => line.amountFen));
  if (added !== bill.totalFen) throw new RangeError(`the lines add up to ${added} fen, the bill says ${bill.totalFen}`);
  return bill;
}

function decodeLine(line: Value): BillLine {
  const text = (name: string) => line.member(name).optional((value) => value.text());
  const integer = (name: string) => line.member(name).optional((value) => value.integer());
  return {
    description: line.member('description').text(),
    quantity: integer('quantity'),
    unit: decodeUnit(line),
    inside: integer('allowance'),
    tier: text('tier'),
    price: text('price'),
    unrounded: text('unrounded'),
    rounding: text('rounding'),
    explanation: line.member('explanation').text(),
    amountFen: line.member('amount_fen').fen(),
    estimated: line.member('estimated').optional((value) => value.flag()) ?? false,
  };
}

function decodeAllowance(allowance: Value): AllowanceUse {
  return {
    name: allowance.member('name').text(),
    unit: decodeUnit(allowance),
    available: allowance.member('granted').integer() + allowance.member('carried_in').integer(),
    used: allowance.member('used').integer(),
  };
}

function decodeUnit(owner: Value): UsageUnit | null {
  return owner.member('unit').optional((unit) => usageUnit(unit.text()));
}

/** `true` when the exact amount has more places than a fen, so that rounding changed it. */
export function wasRounded(line: BillLine): boolean {
  return line.unrounded !== null && !/^-?\d+(\.\d{1,2}0*)?$/.test(line.unrounded);
}
