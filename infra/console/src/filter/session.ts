/**
 * Who works on the page: the key, what it may do, and the dataset in force.
 *
 * Invariants: the key lives in this closure's client and nowhere else, so that closing or reloading the page forgets it; a key
 * that is refused takes everything that it showed off the screen.
 */
import { inject, provide, readonly, ref, shallowRef, type InjectionKey, type Ref } from 'vue';
import { CallFailed, Client, failureOf, type Failure } from '../shared/http';
import type { Language } from '../shared/language';
import { Newest } from '../shared/newest';
import { FilterApi, type ExclusionSet } from './api';
import { fetchDataset, type Dataset } from './dataset';
import { ListsApi, type ListPage } from './lists';
import { roleOf, type Role } from './rights';
import type { Choices } from './selection';

export type Phase =
  | { readonly kind: 'no-key' }
  | { readonly kind: 'opening' }
  | { readonly kind: 'open'; readonly role: Role }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** Selects nobody, which statistics alone decide: what may be read of it tells the role at no cost. */
const NOBODY: Choices = { text: 'any()', messageClass: 'marketing', business: '', channels: [], exclusionSet: '', reportMissing: false };

/** The function's word for a system without customers yet. */
const NOT_PUBLISHED = 'dataset-not-published';

export type Session = ReturnType<typeof createSession>;

const SESSION: InjectionKey<Session> = Symbol('session');

export function provideSession(session: Session): void {
  provide(SESSION, session);
}

export function useSession(): Session {
  const session = inject(SESSION);
  if (!session) throw new Error('there is no session around this part');
  return session;
}

/** `address` is the page's own. */
export function createSession(address: URL, language: Ref<Language>) {
  let client: Client | null = null;
  const newest = new Newest();
  const phase = ref<Phase>({ kind: 'no-key' });
  const dataset = shallowRef<Dataset | null>(null);
  const exclusionSets = shallowRef<readonly ExclusionSet[]>([]);
  /** The first lists, as they were when the page was opened. */
  const firstLists = shallowRef<ListPage>({ items: [], next: null });

  /** Begins with this key; what an earlier one showed is gone. */
  function open(key: string): void {
    forget();
    client = new Client(address, key);
    void load();
  }

  /** Asks again for what failed. */
  function retry(): void {
    void load();
  }

  /** The key is no longer on this page. */
  function forget(): void {
    newest.cancel();
    client = null;
    dataset.value = null;
    exclusionSets.value = [];
    firstLists.value = { items: [], next: null };
    phase.value = { kind: 'no-key' };
  }

  /** What every failed call is told to: a key that is refused ends the work. */
  function failed(failure: Failure): void {
    if (failure.kind !== 'expired') return;
    forget();
    phase.value = { kind: 'failed', failure };
  }

  function filter(signal: AbortSignal): FilterApi {
    return new FilterApi(required(), language.value, signal);
  }

  function lists(signal: AbortSignal): ListsApi {
    return new ListsApi(required(), language.value, signal);
  }

  /** For questions that have no API of their own here. */
  function required(): Client {
    if (!client) throw new CallFailed({ kind: 'expired' });
    return client;
  }

  async function load(): Promise<void> {
    const signal = newest.ask();
    phase.value = { kind: 'opening' };
    try {
      const [shown, firsts] = await Promise.all([
        permitted(orNone(fetchDataset(required(), language.value, signal))),
        permitted(lists(signal).page(null)),
      ]);
      const [preview, sets] =
        shown === REFUSED
          ? [REFUSED, []]
          : await Promise.all([permitted(orNone(filter(signal).preview(NOBODY, [], 1))), filter(signal).exclusionSets()]);
      dataset.value = shown === REFUSED ? null : shown;
      exclusionSets.value = sets;
      if (firsts !== REFUSED) firstLists.value = firsts;
      phase.value = { kind: 'open', role: roleOf({ dataset: shown !== REFUSED, preview: preview !== REFUSED, lists: firsts !== REFUSED }) };
    } catch (error) {
      if (signal.aborted) return;
      const failure = failureOf(error);
      if (failure.kind === 'expired') failed(failure);
      else phase.value = { kind: 'failed', failure };
    }
  }

  return { phase: readonly(phase), dataset, exclusionSets, firstLists, language, open, retry, forget, failed, filter, lists, client: required };
}

const REFUSED = Symbol('refused');

/** What is asked, or that the key's role may not ask it. */
async function permitted<Answer>(asked: Promise<Answer>): Promise<Answer | typeof REFUSED> {
  return or(asked, ({ status }) => status === 403, REFUSED);
}

/** What is asked, or `null` where no customers have been imported yet. */
async function orNone<Answer>(asked: Promise<Answer>): Promise<Answer | null> {
  return or(asked, ({ code }) => code === NOT_PUBLISHED, null);
}

async function or<Answer, Other>(asked: Promise<Answer>, when: (failure: Failure & { kind: 'problem' }) => boolean, other: Other): Promise<Answer | Other> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof CallFailed && error.failure.kind === 'problem' && when(error.failure)) return other;
    throw error;
  }
}
