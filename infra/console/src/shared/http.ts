/**
 * One way to call the functions: JSON in, JSON out, a token or a key, and every failure as one closed type.
 *
 * Invariants: the token is held by this object alone and goes nowhere but into the `Authorization` header of a request to
 * the page's own origin; nothing is ever sent twice by itself, so a server in trouble is not made busier by its pages.
 */
import type { Language } from './language';

/** What can come of a call other than an answer. */
export type Failure =
  /** The token is missing, unknown or past its time (401): only whoever gave it can help. */
  | { readonly kind: 'expired' }
  /** The network did not carry the request or the answer. */
  | { readonly kind: 'offline' }
  /** No answer within `REQUEST_TIMEOUT_MS`. */
  | { readonly kind: 'timeout' }
  /** The function answered with a problem (RFC 9457), or with something that is not its contract. */
  | {
      readonly kind: 'problem';
      readonly status: number;
      /** The problem's stable code, such as `role-not-allowed`. */
      readonly code: string | null;
      readonly title: string | null;
      readonly detail: string | null;
      /** The members of the request that are wrong, in the reader's language. */
      readonly errors: readonly FieldFault[];
      readonly requestId: string | null;
      readonly retryAfterS: number | null;
    };

/** One wrong member of a request. */
export interface FieldFault {
  /** JSON pointer to it. */
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

/** The error that every call rejects with, except when its caller has cancelled it. */
export class CallFailed extends Error {
  constructor(readonly failure: Failure) {
    super(`call failed: ${failure.kind}`);
  }
}

/** What every problem's type begins with. */
const PROBLEM_TYPE_PREFIX = 'urn:chudian:problem:';

/** Longer than the gateway's own deadline, so that its clear answer arrives before we give up. */
export const REQUEST_TIMEOUT_MS = 30_000;

/** Turns parsed JSON into a checked type; throws when the shape is not what the contract says. */
export type Decoder<Answer> = (json: unknown) => Answer;

/** What may go with a call. */
export interface CallOptions {
  /** Sent as JSON; a call with a body is a `POST`. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** The same key again is the same request: a repetition after a cut connection does not happen twice. */
  readonly idempotencyKey?: string;
}

/** Calls the functions' APIs with one token. */
export class Client {
  readonly #base: URL;
  readonly #token: string;

  /** `base` ends with `/`; paths given to `call` are below it, or beside it (`../dataset/v1/…`). */
  constructor(base: URL, token: string) {
    this.#base = base;
    this.#token = token;
  }

  /** Sends one request. Rejects with `CallFailed`, or with an `AbortError` when `signal` was aborted. */
  async call<Answer>(path: string, decode: Decoder<Answer>, language: Language, options: CallOptions = {}): Promise<Answer> {
    return this.#send(path, language, options, (response) => readAnswer(response, decode));
  }

  /** As `call`, for an answer that is a file. */
  async file(path: string, language: Language, signal?: AbortSignal): Promise<Blob> {
    return this.#send(path, language, signal ? { signal } : {}, (response) => response.blob());
  }

  async #send<Answer>(
    path: string,
    language: Language,
    options: CallOptions,
    read: (response: Response) => Promise<Answer>,
  ): Promise<Answer> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), REQUEST_TIMEOUT_MS);
    const cancel = () => deadline.abort();
    options.signal?.addEventListener('abort', cancel);
    try {
      const response = await fetch(new URL(path, this.#base), this.#request(language, options, deadline.signal));
      if (!response.ok) throw new CallFailed(await readProblem(response));
      return await read(response);
    } catch (error) {
      if (error instanceof CallFailed || options.signal?.aborted) throw error;
      throw new CallFailed({ kind: deadline.signal.aborted ? 'timeout' : 'offline' });
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', cancel);
    }
  }

  #request(language: Language, { body, idempotencyKey }: CallOptions, signal: AbortSignal): RequestInit {
    const headers: Record<string, string> = {
      accept: 'application/json, application/problem+json',
      'accept-language': language,
      authorization: `Bearer ${this.#token}`,
    };
    if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey;
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

/** Anything but a failed call is a defect of ours: it is logged, and shown as an answer that was not understood. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CallFailed) return error.failure;
  console.error(error);
  return { ...NOTHING_SAID, status: 0, requestId: null, retryAfterS: null };
}

const NOTHING_SAID = { kind: 'problem', code: null, title: null, detail: null, errors: [] } as const;

async function readAnswer<Answer>(response: Response, decode: Decoder<Answer>): Promise<Answer> {
  const text = await response.text();
  try {
    return decode(JSON.parse(text));
  } catch (error) {
    console.error('an answer does not keep its contract:', error instanceof Error ? error.message : error);
    throw new CallFailed({ ...NOTHING_SAID, ...told(response, null) });
  }
}

async function readProblem(response: Response): Promise<Failure> {
  if (response.status === 401) return { kind: 'expired' };
  const members = parseMembers(await response.text());
  const text = (name: string) => (typeof members[name] === 'string' ? (members[name] as string) : null);
  return {
    kind: 'problem',
    code: text('type')?.replace(PROBLEM_TYPE_PREFIX, '') ?? null,
    title: text('title'),
    detail: text('detail'),
    errors: readFaults(members['errors']),
    ...told(response, text('instance')),
  };
}

function readFaults(errors: unknown): FieldFault[] {
  if (!Array.isArray(errors)) return [];
  return errors.filter((error): error is FieldFault =>
    ['pointer', 'code', 'detail'].every((name) => typeof (error as Record<string, unknown> | null)?.[name] === 'string'),
  );
}

function parseMembers(text: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** What the answer itself says, whatever stands in it. */
function told(response: Response, instance: string | null) {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return {
    status: response.status,
    requestId: instance ?? response.headers.get('x-request-id'),
    retryAfterS: Number.isFinite(seconds) ? seconds : null,
  };
}
