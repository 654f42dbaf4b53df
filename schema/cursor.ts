// Cursors: places in the log or in a list, opaque to clients, each belonging to one event store.
// Base64url of `<storeId>:<position>`, in lists of `<storeId>:<list>:<place>`.
import { badArgument } from './query-fault.js';

export type ListName = 'clusters' | 'snapshots';

const write = (parts: readonly string[]): string => Buffer.from(parts.join(':'), 'utf8').toString('base64url');

/** A place in the log; an empty position stands for the start of an empty log. */
export const logCursor = (storeId: string, position: string | null): string => write([storeId, position ?? '']);

export const listCursor = (storeId: string, list: ListName, place: string): string => write([storeId, list, place]);

/** The position to follow the log from, null for its start; a GraphQL error for a malformed or foreign cursor. */
export function positionOf(cursor: string, storeId: string, argument = 'after'): string | null {
  const [position, ...rest] = placeIn(cursor, storeId, argument);
  if (position === undefined || rest.length > 0 || !/^[\d-]*$/.test(position)) throw malformed(argument);
  return position === '' ? null : position;
}

/** The place in a list behind which the page begins; a GraphQL error for a malformed or foreign cursor. */
export function placeOf(cursor: string, storeId: string, list: ListName, argument = 'after'): string {
  const [name, place, ...rest] = placeIn(cursor, storeId, argument);
  if (name !== list || place === undefined || place === '' || rest.length > 0) throw malformed(argument, `a cursor of the list of ${list}`);
  return place;
}

function placeIn(cursor: string, storeId: string, argument: string): string[] {
  const text = /^[\w-]+$/.test(cursor) ? Buffer.from(cursor, 'base64url').toString('utf8') : '';
  const [store, ...place] = text.split(':');
  if (place.length === 0 || store === undefined || !/^[\w-]{1,64}$/.test(store)) throw malformed(argument);
  if (store === storeId) return place;
  throw badArgument(argument, `${argument}: the cursor belongs to another event store (${store}, this one is ${storeId}); begin without it`);
}

function malformed(argument: string, expected = 'a cursor that Snapkeep gave out') {
  return badArgument(argument, `${argument}: this is not ${expected}; pass one unchanged, or begin without it`);
}
