// Positions of a log that counts its events: 20 digits, zero-padded, so that text order is number order.
// Not the positions of EventStoreDB, which are made of two numbers.
import { SnapkeepError } from './errors.js';
import type { Position } from './event-store.js';

const digits = 20;
const shape = /^\d{20}$/;

export const positionOf = (sequence: number): Position => String(sequence).padStart(digits, '0');

/** The number within. Throws POSITION_FOREIGN where the text is no position of such a log, or lies behind its end, `head`. */
export function sequenceOf(position: Position, head: number): number {
  if (!shape.test(position)) {
    throw foreign(position, `is not ${digits} digits; it belongs to another kind of event store`);
  }
  const sequence = Number(position);
  if (sequence > head) throw foreign(position, `lies behind the log's end, ${positionOf(head)}; it belongs to another log, or this one was set back`);
  return sequence;
}

function foreign(position: Position, why: string): SnapkeepError {
  return new SnapkeepError('POSITION_FOREIGN', `reading the event log: position ${JSON.stringify(position)} ${why}; read from the start instead`, {
    details: { position },
  });
}
