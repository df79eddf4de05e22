/**
 * What the page shows of a simulation, as pure functions: cumulative saving, the headline, which amounts are lowest.
 *
 * Every figure is the exact difference of amounts that the function gave; nothing here prices usage.
 */
import { difference, fen, meanForDisplay, sum, type Fen } from '../shared/money';
import type { LeftOutPlan, PricedPlan, RankedPlan, Simulation } from './api';

/** The saving of each month: positive where the candidate is cheaper. Both plans are priced over the same months. */
export function savingByMonth(present: PricedPlan, candidate: PricedPlan): Fen[] {
  return present.monthlyTotalFen.map((amount, month) => difference(amount, candidate.monthlyTotalFen[month] ?? amount));
}

/** The saving summed up to each month. */
export function cumulativeSaving(present: PricedPlan, candidate: PricedPlan): Fen[] {
  const savings = savingByMonth(present, candidate);
  return savings.map((_, month) => sum(savings.slice(0, month + 1)));
}

/**
 * A plan's mean month as the page shows it. A candidate's is the present mean less the mean saving that the function states:
 * rounded by itself it could differ from that by one fen, and a customer who subtracts what is shown must get what is shown.
 */
export function shownMean({ present, months }: Simulation, candidate: RankedPlan | null): Fen {
  const mean = (plan: PricedPlan) => meanForDisplay(plan.totalFen, months.length);
  if (!candidate) return present ? mean(present) : fen(0);
  return present && candidate.saving ? difference(mean(present), candidate.saving.meanFen) : mean(candidate);
}

/** What the first sentence of the page says. */
export type Verdict = 'saves' | 'present-is-best' | 'cheapest' | 'nothing-to-compare';

/** Reasons of plans that the customer could have, and that were compared with the present one and found not worth a change. */
const COMPARED_AND_LOST = ['not-cheaper', 'saving-below-minimum', 'too-few-months-won'];

/** The ranking holds the plans that the customer can have and the province's rule admits; dearer ones stand at its end. */
export function verdict({ present, ranking, leftOut }: Simulation): Verdict {
  const best = ranking[0];
  if (!best) {
    const compared = leftOut.some((plan) => plan.reasons.every((reason) => COMPARED_AND_LOST.includes(reason.code)));
    return present && compared ? 'present-is-best' : 'nothing-to-compare';
  }
  if (!present) return 'cheapest';
  return best.saving && best.saving.meanFen > 0 ? 'saves' : 'present-is-best';
}

/** The name of a plan's colour: the present plan has its own, the candidates count from 1. */
export function swatchOf({ present }: Simulation, planIndex: number): string {
  if (!present) return `swatch-${planIndex + 1}`;
  return planIndex === 0 ? 'swatch-present' : `swatch-${planIndex}`;
}

/** The plans that were left out, gathered by their first reason, the reason with most plans first. */
export function byFirstReason(plans: readonly LeftOutPlan[]): { readonly reason: string; readonly plans: readonly LeftOutPlan[] }[] {
  const groups = new Map<string, LeftOutPlan[]>();
  for (const plan of plans) {
    const reason = plan.reasons[0]?.text ?? '';
    groups.set(reason, [...(groups.get(reason) ?? []), plan]);
  }
  return [...groups].map(([reason, members]) => ({ reason, plans: members })).sort((left, right) => right.plans.length - left.plans.length);
}
