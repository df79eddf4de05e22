/**
 * Small checks that turn parsed JSON into typed values, naming the place of what is wrong.
 *
 * An answer that does not keep its contract is refused here, at the edge, so that no part of a page shows `undefined` or
 * adds an amount that is not exact. Members that a page does not use are not looked at: a newer function may send more.
 */
import { fen, type Fen } from './money';

/** What is wrong with an answer, and where; for developers, never shown to customers. */
export class ContractError extends Error {}

/** A value and the way that led to it, such as `ranking[0].saving`. */
export class Value {
  constructor(
    private readonly json: unknown,
    private readonly path: string = 'answer',
  ) {}

  member(name: string): Value {
    if (typeof this.json !== 'object' || this.json === null || Array.isArray(this.json)) this.#refuse('an object');
    return new Value((this.json as Record<string, unknown>)[name], `${this.path}.${name}`);
  }

  text(): string {
    return typeof this.json === 'string' ? this.json : this.#refuse('a string');
  }

  flag(): boolean {
    return typeof this.json === 'boolean' ? this.json : this.#refuse('true or false');
  }

  integer(): number {
    return Number.isSafeInteger(this.json) ? (this.json as number) : this.#refuse('an exact integer');
  }

  /** A text, a number or a flag: a value of a table, of whatever kind its column is. */
  scalar(): string | number | boolean {
    const { json } = this;
    return typeof json === 'string' || typeof json === 'boolean' || Number.isFinite(json)
      ? (json as string | number | boolean)
      : this.#refuse('a text, a number, true or false');
  }

  fen(): Fen {
    return fen(this.integer());
  }

  list<Item>(item: (value: Value) => Item): Item[] {
    if (!Array.isArray(this.json)) return this.#refuse('a list');
    return this.json.map((entry, index) => item(new Value(entry, `${this.path}[${index}]`)));
  }

  /** The members of an object that is used as a map, in the answer's order. */
  entries<Item>(item: (value: Value) => Item): [string, Item][] {
    if (typeof this.json !== 'object' || this.json === null || Array.isArray(this.json)) return this.#refuse('an object');
    return Object.entries(this.json).map(([name, entry]) => [name, item(new Value(entry, `${this.path}.${name}`))]);
  }

  /** `null` where the member is absent or null, else what `read` makes of it. */
  optional<Item>(read: (value: Value) => Item): Item | null {
    return this.json === undefined || this.json === null ? null : read(this);
  }

  #refuse(expected: string): never {
    throw new ContractError(`${this.path} should be ${expected}`);
  }
}
