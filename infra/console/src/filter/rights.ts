/**
 * What a key may do on this page, told from what the functions let it read: there is no question "who am I".
 *
 * The page offers what the key's role allows, so that nobody presses a button in vain; whether it is done is decided by the
 * function alone.
 */
import { LIST_ACTIONS, type ListAction } from './lists';

/** The roles as far as the page tells them apart; an admin may do here what an analyst may. */
export type Role = 'analyst' | 'approver' | 'custodian' | 'none';

/** Which reads the key was let do. */
export interface Reads {
  readonly dataset: boolean;
  readonly preview: boolean;
  readonly lists: boolean;
}

export function roleOf({ dataset, preview, lists }: Reads): Role {
  if (dataset) return preview ? 'analyst' : 'approver';
  return lists ? 'custodian' : 'none';
}

/** From which states each action leads on. */
const ACTION_STATES: Record<ListAction, readonly string[]> = {
  submission: ['draft'],
  approval: ['submitted'],
  rejection: ['submitted'],
  expiry: ['draft', 'submitted', 'approved', 'rejected', 'in-use'],
};

const ACTION_ROLES: Record<ListAction, readonly Role[]> = {
  submission: ['analyst'],
  approval: ['approver'],
  rejection: ['approver'],
  expiry: ['analyst', 'approver'],
};

/** What this role can do with a list in this state. */
export function actionsOn(state: string, role: Role): readonly ListAction[] {
  return LIST_ACTIONS.filter((action) => ACTION_STATES[action].includes(state) && ACTION_ROLES[action].includes(role));
}

/** Whether the file of a list in this state may leave, for this role. */
export function mayExport(state: string, role: Role): boolean {
  return role === 'custodian' && (state === 'approved' || state === 'in-use');
}

/** Who sees which exports were made. */
export function seesExports(role: Role): boolean {
  return role === 'custodian' || role === 'approver';
}
