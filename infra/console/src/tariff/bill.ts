/** One bill line by line, for the month and the plan that the customer has chosen. */
import { Value } from '../shared/decode';
import type { Client } from '../shared/http';
import type { Language } from '../shared/language';
import { sum, type Fen } from '../shared/money';
import type { PricedPlan, WhatIf } from './api';

/** A line as it is printed; the function has written every text. */
export interface BillLine {
  readonly id: string;
  readonly description: string;
  /** What was charged for and how it was counted, each as text; empty where a line has none. */
  readonly quantity: string;
  readonly unit: string;
  readonly allowance: string;
  readonly tier: string;
  readonly price: string;
  readonly unrounded: string;
  readonly rounding: string;
  readonly amountFen: Fen;
  /** Whether it counts in the total; a tax that the prices contain is shown and does not. */
  readonly adds: boolean;
  /** Whether the usage did not say enough for an exact amount. */
  readonly estimated: boolean;
}

export interface Bill {
  readonly planId: string;
  readonly month: string;
  readonly lines: readonly BillLine[];
  readonly totalFen: Fen;
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
    planId: answer.member('plan_id').text(),
    month: answer.member('month').text(),
    lines: answer.member('lines').list(decodeLine),
    totalFen: answer.member('total_fen').fen(),
    proof: answer.member('proof').text(),
  };
  const added = sum(bill.lines.filter((line) => line.adds).map((line) => line.amountFen));
  if (added !== bill.totalFen) throw new RangeError(`the lines add up to ${added} fen, the bill says ${bill.totalFen}`);
  return bill;
}

function decodeLine(line: Value): BillLine {
  const shown = (name: string) => line.member(name).optional((value) => value.printed()) ?? '';
  return {
    id: line.member('id').text(),
    description: line.member('description').text(),
    quantity: shown('quantity'),
    unit: shown('unit'),
    allowance: shown('allowance'),
    tier: shown('tier'),
    price: shown('price'),
    unrounded: shown('unrounded'),
    rounding: shown('rounding'),
    amountFen: line.member('amount_fen').fen(),
    adds: line.member('adds').optional((adds) => adds.flag()) ?? true,
    estimated: line.member('estimated').optional((estimated) => estimated.flag()) ?? false,
  };
}
