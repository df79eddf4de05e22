/** A text that comes from the functions in both languages. */
import type { Value } from '../shared/decode';
import type { Language } from '../shared/language';

export type Name = Readonly<Record<Language, string>>;

export function decodeName(name: Value): Name {
  return { zh: name.member('zh').text(), en: name.member('en').text() };
}
