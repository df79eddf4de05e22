/**
 * An answer that follows what is on the screen: asked again whenever the question changes, the older question cancelled.
 *
 * The last answer stays while the next is awaited, and while the next is refused: `pending` and `failure` say that it is not
 * the answer to what is on the screen now.
 */
import { onScopeDispose, ref, shallowRef, watch } from 'vue';
import { failureOf, type Failure } from '../shared/http';
import { Newest } from '../shared/newest';
import { useSession } from './session';

/** What is asked, until `signal` is aborted. */
export type Ask<Answer> = (signal: AbortSignal) => Promise<Answer>;

/** `question` gives what is to be asked now, `null` for nothing; `pauseMs` is how long it must rest before it is sent. */
export function useLive<Answer>(question: () => Ask<Answer> | null, pauseMs = 0) {
  const session = useSession();
  const newest = new Newest();
  const answer = shallowRef<Answer | null>(null);
  const failure = shallowRef<Failure | null>(null);
  const pending = ref(false);
  /** How long the last answer took, from the request to the reading of the answer. */
  const tookMs = ref(0);

  async function ask(asked: Ask<Answer>): Promise<void> {
    const signal = newest.ask();
    const began = performance.now();
    try {
      const found = await asked(signal);
      if (signal.aborted) return;
      tookMs.value = performance.now() - began;
      answer.value = found;
      failure.value = null;
    } catch (error) {
      if (signal.aborted) return;
      failure.value = failureOf(error);
      session.failed(failure.value);
    }
    pending.value = false;
  }

  function follow(asked: Ask<Answer> | null, afterMs: number): void {
    newest.cancel();
    pending.value = asked !== null;
    if (asked) newest.afterRest(afterMs, () => void ask(asked));
  }

  watch(question, (asked) => follow(asked, pauseMs), { immediate: true });
  // Answers have both languages in them; what is wrong with a request is told in the reader's.
  watch(session.language, () => {
    if (failure.value) again();
  });
  onScopeDispose(() => newest.cancel());

  /** Asks once more. */
  function again(): void {
    follow(question(), 0);
  }

  return { answer, failure, pending, tookMs, again };
}

/** Something that is done once, on request: the same states, but nothing is asked until `run` is called. */
export function useOnce<Answer>() {
  const session = useSession();
  const newest = new Newest();
  const failure = shallowRef<Failure | null>(null);
  const pending = ref(false);

  /** What came of it; `null` where it failed, which `failure` tells, or was given up. */
  async function run(asked: Ask<Answer>): Promise<Answer | null> {
    const signal = newest.ask();
    pending.value = true;
    failure.value = null;
    try {
      const found = await asked(signal);
      if (signal.aborted) return null;
      pending.value = false;
      return found;
    } catch (error) {
      if (signal.aborted) return null;
      pending.value = false;
      failure.value = failureOf(error);
      session.failed(failure.value);
      return null;
    }
  }

  onScopeDispose(() => newest.cancel());
  return { failure, pending, run };
}
