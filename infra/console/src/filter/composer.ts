/** The selection that is being composed, and its count: what the whole page follows. */
import { computed, inject, provide, reactive, shallowRef, watch, type InjectionKey } from 'vue';
import type { Count } from './api';
import { holds, join, suggest } from './condition';
import type { Cell, Column } from './dataset';
import { locate, type Fault } from './faults';
import { useLive } from './live';
import { businesses, type Choices, type MessageClass } from './selection';
import { useSession } from './session';

/** How long the text must rest before it is counted: shorter asks about half-written words, longer feels slow. */
export const EDIT_PAUSE_MS = 150;

/** Where the function finds the condition of a request. */
const EXPRESSION = '/selection/expression';

/** What is counted: the figures and the choices that they belong to. */
export interface Counted {
  readonly choices: Choices;
  readonly count: Count;
}

export type Composer = ReturnType<typeof createComposer>;

const COMPOSER: InjectionKey<Composer> = Symbol('composer');

export function provideComposer(composer: Composer): void {
  provide(COMPOSER, composer);
}

export function useComposer(): Composer {
  const composer = inject(COMPOSER);
  if (!composer) throw new Error('there is no composer around this part');
  return composer;
}

export function createComposer() {
  const session = useSession();
  const choices = reactive({
    text: '',
    messageClass: 'marketing' as MessageClass,
    business: '',
    channels: [] as string[],
    exclusionSet: '',
    reportMissing: false,
  });
  /** What a click has just written and typing shall replace; the editor selects it and takes it away. */
  const suggested = shallowRef<{ readonly from: number; readonly to: number } | null>(null);
  const columns = computed(() => session.dataset.value?.columns ?? []);

  const { answer, failure, pending, tookMs, again } = useLive<Counted>(() => {
    const asked: Choices = { ...choices, channels: [...choices.channels] };
    if (!session.dataset.value) return null;
    return async (signal) => ({ choices: asked, count: await session.filter(signal).count(asked, false) });
  }, EDIT_PAUSE_MS);

  /** The condition's errors, in the text as it is on the screen. */
  const faults = computed<readonly Fault[]>(() => {
    const { value: refused } = failure;
    if (pending.value || refused?.kind !== 'problem') return [];
    return refused.errors.filter(({ pointer }) => pointer === EXPRESSION).map((fault) => locate(fault, choices.text));
  });

  /** Why there is no count, other than errors in the condition. */
  const refusal = computed(() => (faults.value.length > 0 || pending.value ? null : failure.value));

  /** The figures are those of what is on the screen. */
  const upToDate = computed(() => answer.value !== null && !pending.value && failure.value === null);

  function add(column: Column): void {
    const suggestion = suggest(column, columns.value, session.language.value);
    const joined = join(choices.text, suggestion.text, session.language.value);
    choices.text = joined.text;
    suggested.value = { from: joined.at + suggestion.suggestedFrom, to: joined.at + suggestion.suggestedTo };
  }

  function addValue(column: Column, range: { readonly value: Cell; readonly from: Cell; readonly to: Cell }): void {
    const joined = join(choices.text, holds(column, columns.value, range, session.language.value), session.language.value);
    choices.text = joined.text;
    suggested.value = { from: joined.text.length, to: joined.text.length };
  }

  // Counting although columns are missing is allowed for the set at hand, not for the next one.
  watch([() => choices.exclusionSet, () => choices.business], () => {
    choices.reportMissing = false;
  });

  return {
    choices,
    columns,
    businesses: computed(() => businesses(columns.value)),
    counted: answer,
    pending,
    tookMs,
    faults,
    refusal,
    upToDate,
    suggested,
    again,
    add,
    addValue,
  };
}
