/**
 * Where in the text an error lies. The function says it as the number of a character at the head of each error's text, in the
 * page's language; an error without it is shown without a place.
 */
import type { FieldFault } from '../shared/http';

/** An error of the condition. */
export interface Fault {
  readonly code: string;
  /** What is wrong, without the place. */
  readonly text: string;
  /** The characters that are meant, as JavaScript counts them; `null` where the function names none. */
  readonly range: { readonly from: number; readonly to: number } | null;
  /** The first of them as people count, from 1. */
  readonly character: number | null;
}

const PLACE = /^(?:第 (\d+) 个字符：|At character (\d+): )/;

/** What cannot be part of a name or value: the marked range ends before it. */
const END_OF_WORD = /[\s()（）,，、=<>≠≤≥!"“”‘’'`【】]/;

/** The error's place in `text`, and what it says. */
export function locate(fault: FieldFault, text: string): Fault {
  const place = PLACE.exec(fault.detail);
  const character = Number(place?.[1] ?? place?.[2] ?? Number.NaN);
  if (!place || !Number.isSafeInteger(character) || character < 1) return { code: fault.code, text: fault.detail, range: null, character: null };
  const characters = [...text];
  const first = Math.min(character - 1, characters.length);
  let last = first;
  // A mark such as `≥` is one character of its own; a quoted text is marked to its end.
  const closing = CLOSING[characters[first] ?? ''];
  if (closing !== undefined) {
    last = first + 1;
    while (last < characters.length && characters[last] !== closing) last += 1;
    last = Math.min(last + 1, characters.length);
  } else {
    while (last < characters.length && !END_OF_WORD.test(characters[last] ?? '')) last += 1;
    if (last === first && last < characters.length) last += 1;
  }
  const before = characters.slice(0, first).join('').length;
  return {
    code: fault.code,
    text: fault.detail.slice(place[0].length),
    range: { from: before, to: before + characters.slice(first, last).join('').length },
    character,
  };
}

const CLOSING: Readonly<Record<string, string>> = { '"': '"', "'": "'", '“': '”', '‘': '’', '「': '」', '`': '`', '【': '】' };

/** A part of the text, and whether an error lies in it. */
export interface Stretch {
  readonly text: string;
  readonly wrong: boolean;
}

/** The text in stretches; an error at its end marks one space that is not there. */
export function stretches(text: string, faults: readonly Fault[]): readonly Stretch[] {
  const ranges = faults.flatMap(({ range }) => (range ? [range] : [])).sort((left, right) => left.from - right.from);
  const parts: Stretch[] = [];
  let at = 0;
  for (const { from, to } of ranges) {
    if (from < at) continue;
    if (from > at) parts.push({ text: text.slice(at, from), wrong: false });
    parts.push({ text: text.slice(from, to) || ' ', wrong: true });
    at = to;
  }
  if (at < text.length) parts.push({ text: text.slice(at), wrong: false });
  return parts;
}
