/**
 * Only the newest of a row of questions matters: an older one that is still under way is cancelled, and one that is being
 * changed waits until the hand rests.
 */
export class Newest {
  #asked = new AbortController();
  #resting: ReturnType<typeof setTimeout> | undefined;

  /** Cancels what was asked before, also what was waiting to be asked; the signal is aborted by the next question. */
  ask(): AbortSignal {
    clearTimeout(this.#resting);
    this.#asked.abort();
    this.#asked = new AbortController();
    return this.#asked.signal;
  }

  /** Calls `question` once nothing has changed for so long; a change meanwhile begins the wait anew. */
  afterRest(pauseMs: number, question: () => void): void {
    clearTimeout(this.#resting);
    this.#resting = setTimeout(question, pauseMs);
  }

  /** Cancels everything: nobody waits for an answer any more. */
  cancel(): void {
    clearTimeout(this.#resting);
    this.#asked.abort();
  }
}
