/**
 * What the page shows of a simulation, as pure functions: cumulative saving, the headline, which amounts are lowest.
 *
 * Every figure is the exact difference of amounts that the function gave; nothing here prices usage.
 */
import { difference, meanForDisplay, sum, type Fen } from '../shared/money';
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

/** The present plan's mean month, rounded to the fen. */
export function presentMean({ present, months }: Simulation): Fen {
  return meanForDisplay(present.totalFen, months.length);
}

/**
 * A candidate's mean month as the page shows it: the present mean less the mean saving that the function states. Rounded by
 * itself it could differ from that by one fen, and a customer who subtracts what is shown must get what is shown.
 */
export function candidateMean(simulation: Simulation, plan: RankedPlan): Fen {
  return difference(presentMean(simulation), plan.saving.meanFen);
}

/** What the first sentence of the page says. */
export type Verdict = 'saves' | 'present-is-best' | 'nothing-to-compare';

export function verdict(simulation: Simulation): Verdict {
  const best = simulation.ranking[0];
  if (!best) return 'nothing-to-compare';
  return best.saving.meanFen > 0 ? 'saves' : 'present-is-best';
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
