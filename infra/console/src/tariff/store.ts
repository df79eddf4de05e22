/**
 * The state of the page: which customer, which simulation, what is being waited for, what went wrong.
 *
 * Invariants: the token lives in this closure and nowhere else; only the newest question's answer is ever shown, older
 * ones are cancelled; a failure is shown and waits for the customer, except that a page that was cut off asks once more
 * when the browser says that the network is back.
 */
import { computed, reactive, readonly, ref, shallowRef, watch, type Ref } from 'vue';
import { CallFailed, Client, failureOf as failed, type Failure } from '../shared/http';
import type { Language } from '../shared/language';
import { Newest } from '../shared/newest';
import { fetchPage, simulate, type Kind, type PageFacts, type PricedPlan, type Simulation, type WhatIf } from './api';
import { fetchBill, type Bill } from './bill';

/** How long a slider must rest before its question is sent: shorter floods the function, longer feels slow. */
export const WHAT_IF_DEBOUNCE_MS = 250;

/** Usage as it was. */
export const UNCHANGED_PER_MILLE = 1000;

export type Phase =
  | { readonly kind: 'loading' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'no-token' }
  | { readonly kind: 'failed'; readonly failure: Failure };

export type Store = ReturnType<typeof createStore>;

/** `base` is the address of the function's API, ending with `/`. */
export function createStore(base: URL, language: Ref<Language>) {
  let client: Client | null = null;
  const newest = new Newest();

  const phase = ref<Phase>({ kind: 'loading' });
  const facts = shallowRef<PageFacts | null>(null);
  const simulation = shallowRef<Simulation | null>(null);
  const whatIf = reactive<Record<Kind, number>>({ voice: 0, data: 0, sms: 0, mms: 0, wlan: 0 });
  /** A newer question is on its way while the older answer is still shown. */
  const updating = ref(false);
  /** Why the newest what-if question has no answer; the older answer stays. */
  const updateFailure = ref<Failure | null>(null);
  const supposed = computed(() => (facts.value?.kinds ?? []).some((kind) => whatIf[kind] !== UNCHANGED_PER_MILLE));

  /** Starts over with a token from the hall; `null` when the address carried none. */
  function open(token: string | null): void {
    client = token === null ? null : new Client(base, token);
    facts.value = null;
    simulation.value = null;
    resetSliders();
    void load();
  }

  /** Asks again for what failed. */
  function retry(): void {
    void (simulation.value === null ? load() : update());
  }

  function setWhatIf(kind: Kind, perMille: number): void {
    whatIf[kind] = perMille;
    newest.afterRest(WHAT_IF_DEBOUNCE_MS, () => void update());
  }

  function resetWhatIf(): void {
    resetSliders();
    void update();
  }

  /** One bill of the shown simulation; rejects with `CallFailed`, or with an `AbortError` once `signal` is aborted. */
  async function bill(month: string, plan: PricedPlan, signal: AbortSignal): Promise<Bill> {
    const shown = simulation.value;
    const customer = facts.value;
    if (!client || !shown || !customer) throw new CallFailed({ kind: 'expired' });
    return fetchBill(client, language.value, customer.customerId, month, plan, shown.catalogueVersion, asked(customer), signal);
  }

  async function load(): Promise<void> {
    if (!client) {
      phase.value = { kind: 'no-token' };
      return;
    }
    phase.value = { kind: 'loading' };
    const signal = newest.ask();
    try {
      const page = await fetchPage(client, language.value, signal);
      const answer = await simulate(client, language.value, page.customerId, asked(page), signal);
      facts.value = page;
      simulation.value = answer;
      phase.value = { kind: 'ready' };
    } catch (error) {
      if (!signal.aborted) phase.value = { kind: 'failed', failure: failureOf(error) };
    }
  }

  async function update(): Promise<void> {
    const customer = facts.value;
    if (!client || !customer || phase.value.kind !== 'ready') return;
    const signal = newest.ask();
    updating.value = true;
    updateFailure.value = null;
    try {
      const answer = await simulate(client, language.value, customer.customerId, asked(customer), signal);
      simulation.value = answer;
    } catch (error) {
      if (signal.aborted) return;
      const failure = failureOf(error);
      if (failure.kind === 'expired') close(failure);
      else updateFailure.value = failure;
    }
    if (!signal.aborted) updating.value = false;
  }

  /** Takes the customer's figures off the screen: a hall's terminal is used by the next customer too. */
  function close(failure: Failure): void {
    facts.value = null;
    simulation.value = null;
    phase.value = { kind: 'failed', failure };
  }

  function resetSliders(): void {
    for (const kind of Object.keys(whatIf) as Kind[]) whatIf[kind] = UNCHANGED_PER_MILLE;
    updateFailure.value = null;
    updating.value = false;
  }

  /** Only what differs from the usage as it was, of the kinds that are switched on. */
  function asked(customer: PageFacts): WhatIf {
    const changed = customer.kinds.filter((kind) => whatIf[kind] !== UNCHANGED_PER_MILLE);
    return Object.fromEntries(changed.map((kind) => [kind, whatIf[kind]]));
  }

  function onNetworkBack(): void {
    if (phase.value.kind === 'failed' && phase.value.failure.kind === 'offline') void load();
    else if (updateFailure.value?.kind === 'offline') void update();
  }

  resetSliders();
  // Names and texts come from the function, so another language is another question.
  watch(language, () => void (phase.value.kind === 'loading' ? load() : update()));

  return {
    phase: readonly(phase),
    facts,
    simulation,
    whatIf: readonly(whatIf),
    supposed,
    updating: readonly(updating),
    updateFailure: readonly(updateFailure),
    open,
    retry,
    close,
    setWhatIf,
    resetWhatIf,
    bill,
    onNetworkBack,
  };
}

/** A token that may not do what the page needs is of no more use to its customer than one past its time. */
export function failureOf(error: unknown): Failure {
  const failure = failed(error);
  return failure.kind === 'problem' && failure.status === 403 ? { kind: 'expired' } : failure;
}
