/**
 * One way to call the functions: JSON in, JSON out, a short-lived token, and every failure as one closed type.
 *
 * Invariants: the token is held by this object alone and goes nowhere but into the `Authorization` header of a request to
 * the page's own origin; nothing is ever sent twice by itself, so a server in trouble is not made busier by its pages.
 */
import type { Language } from './language';

/** What can come of a call other than an answer. */
export type Failure =
  /** The token is missing, unknown or past its time (401, 403): only the hall can help. */
  | { readonly kind: 'expired' }
  /** The network did not carry the request or the answer. */
  | { readonly kind: 'offline' }
  /** No answer within `REQUEST_TIMEOUT_MS`. */
  | { readonly kind: 'timeout' }
  /** The function answered with a problem (RFC 9457), or with something that is not its contract. */
  | {
      readonly kind: 'problem';
      readonly status: number;
      readonly title: string | null;
      readonly detail: string | null;
      readonly requestId: string | null;
      readonly retryAfterS: number | null;
    };

/** The error that every call rejects with, except when its caller has cancelled it. */
export class CallFailed extends Error {
  constructor(readonly failure: Failure) {
    super(`call failed: ${failure.kind}`);
  }
}

/** Longer than the gateway's own deadline, so that its clear answer arrives before we give up. */
export const REQUEST_TIMEOUT_MS = 30_000;

/** Turns parsed JSON into a checked type; throws when the shape is not what the contract says. */
export type Decoder<Answer> = (json: unknown) => Answer;

/** Calls one function's API with one token. */
export class Client {
  readonly #base: URL;
  readonly #token: string;

  /** `base` ends with `/`; paths given to `call` are below it. */
  constructor(base: URL, token: string) {
    this.#base = base;
    this.#token = token;
  }

  /** Sends one request. Rejects with `CallFailed`, or with an `AbortError` when `signal` was aborted. */
  async call<Answer>(
    path: string,
    decode: Decoder<Answer>,
    language: Language,
    options: { readonly body?: unknown; readonly signal?: AbortSignal } = {},
  ): Promise<Answer> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), REQUEST_TIMEOUT_MS);
    const cancel = () => deadline.abort();
    options.signal?.addEventListener('abort', cancel);
    try {
      const response = await fetch(new URL(path, this.#base), this.#request(language, options.body, deadline.signal));
      if (!response.ok) throw new CallFailed(await readProblem(response));
      return await readAnswer(response, decode);
    } catch (error) {
      if (error instanceof CallFailed || options.signal?.aborted) throw error;
      throw new CallFailed({ kind: deadline.signal.aborted ? 'timeout' : 'offline' });
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', cancel);
    }
  }

  #request(language: Language, body: unknown, signal: AbortSignal): RequestInit {
    const headers: Record<string, string> = {
      accept: 'application/json, application/problem+json',
      'accept-language': language,
      authorization: `Bearer ${this.#token}`,
    };
    const common: RequestInit = {
      headers,
      signal,
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
    };
    if (body === undefined) return common;
    headers['content-type'] = 'application/json';
    return { ...common, method: 'POST', body: JSON.stringify(body) };
  }
}

async function readAnswer<Answer>(response: Response, decode: Decoder<Answer>): Promise<Answer> {
  const text = await response.text();
  try {
    return decode(JSON.parse(text));
  } catch (error) {
    console.error('an answer does not keep its contract:', error instanceof Error ? error.message : error);
    throw new CallFailed(problem(response, null, null));
  }
}

async function readProblem(response: Response): Promise<Failure> {
  if (response.status === 401 || response.status === 403) return { kind: 'expired' };
  const members = parseMembers(await response.text());
  const text = (name: string) => (typeof members[name] === 'string' ? (members[name] as string) : null);
  return problem(response, text('title'), text('detail'), text('instance'));
}

function parseMembers(text: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function problem(response: Response, title: string | null, detail: string | null, instance: string | null = null): Failure {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return {
    kind: 'problem',
    status: response.status,
    title,
    detail,
    requestId: instance ?? response.headers.get('x-request-id'),
    retryAfterS: Number.isFinite(seconds) ? seconds : null,
  };
}
