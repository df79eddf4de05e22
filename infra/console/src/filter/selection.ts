/** Which customers are meant: what the page's forms say, and what a request says of it. */
import type { Column } from './dataset';
import type { Name } from './name';

export const MESSAGE_CLASSES = ['marketing', 'diversion', 'service'] as const;
export type MessageClass = (typeof MESSAGE_CLASSES)[number];

/** Everybody: the condition of somebody who has not written one yet. */
export const EVERYBODY = 'all()';

/** What stands in the forms. */
export interface Choices {
  readonly text: string;
  readonly messageClass: MessageClass;
  /** `''` for none. */
  readonly business: string;
  readonly channels: readonly string[];
  /** Name of an exclusion set, `''` to leave nobody out. */
  readonly exclusionSet: string;
  /** Counts although a rule's column is missing, and says which. */
  readonly reportMissing: boolean;
}

/** The function's `SelectionForm`. What is at its default is left out. */
export function selectionForm(choices: Choices): Record<string, unknown> {
  const form: Record<string, unknown> = { expression: choices.text.trim() === '' ? EVERYBODY : choices.text };
  if (choices.messageClass !== 'marketing') form['class'] = choices.messageClass;
  if (choices.business !== '') form['business'] = choices.business;
  if (choices.channels.length > 0) form['channels'] = choices.channels;
  if (choices.exclusionSet !== '') {
    form['exclusions'] = { set: choices.exclusionSet };
    if (choices.reportMissing) form['missing_columns'] = 'report';
  }
  return form;
}

/** A business that a campaign can be about. */
export interface Business {
  readonly code: string;
  /** Title of the column that tells who holds it. */
  readonly title: Name;
}

/** Column names that tell who holds a business. */
const HOLDS = /^has_([a-z][a-z0-9_]*)$/;

/** The businesses of which the dataset tells who holds them. */
export function businesses(columns: readonly Column[]): readonly Business[] {
  return columns.flatMap(({ name, title, kind }) => {
    const code = HOLDS.exec(name)?.[1];
    return code !== undefined && kind === 'flag' ? [{ code, title }] : [];
  });
}
