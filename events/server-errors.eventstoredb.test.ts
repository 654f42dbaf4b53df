// The table of what errors of EventStoreDB's client mean, as they were measured on a real server.
// What follows from each is tested where it is done.
import { describe, expect, test } from '@jest/globals';
import { ErrorType } from '@eventstore/db-client';
import { appended } from './event-appender.eventstoredb.js';
import { pinned } from './event-samples.contract.js';
import { appendRequestOf } from './append-request.js';
import { readingError, serverFault, timedOut } from './server-errors.eventstoredb.js';

const said = (type: ErrorType | undefined, code: unknown, message = ''): Error => Object.assign(new Error(message), { type, code });
const denied = said(ErrorType.ACCESS_DENIED, 16, '16 UNAUTHENTICATED: Unauthenticated');
const untrusted = said(ErrorType.UNAVAILABLE, 14, 'No connection established. Last error: Error: unable to verify the first certificate.');

describe('errors of the client', () => {
  test.each([
    ['another writer came first', said(ErrorType.WRONG_EXPECTED_VERSION, undefined), 'conflict'],
    ['a missing stream', said(ErrorType.STREAM_NOT_FOUND, undefined), 'missing'],
    ['a tombstone', said(ErrorType.STREAM_DELETED, undefined), 'deleted'],
    ['too many bytes', said(ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED, 3), 'too-large'],
    ['a wrong password', denied, 'denied'],
    ['a right that is missing', said(ErrorType.ACCESS_DENIED, 7, '7 PERMISSION_DENIED: Access Denied'), 'denied'],
    ['a CA that is missing', untrusted, 'untrusted'],
    ['TLS to a plain port', said(ErrorType.UNAVAILABLE, 14, 'SSL routines:ssl3_get_record:wrong version number'), 'untrusted'],
    ['kill -9', said(ErrorType.UNAVAILABLE, 14, '14 UNAVAILABLE: read ECONNRESET'), 'passing'],
    ['nobody listens', said(undefined, 14, 'No connection established.'), 'passing'],
    ['SIGTERM', said(ErrorType.UNKNOWN, 13, '13 INTERNAL: Received RST_STREAM with code 0'), 'passing'],
    ['a deadline', said(ErrorType.DEADLINE_EXCEEDED, 4), 'passing'],
    ['our own timer', timedOut(9000), 'passing'],
    ['a server that starts', said(ErrorType.UNKNOWN, undefined, 'Could not recognize Server Is Not Ready'), 'passing'],
    ['a discovery without an answer', new Error('Failed to discover after 10 attempts.'), 'passing'],
    ['another leader', said(ErrorType.NOT_LEADER, 5), 'passing'],
    ['a position between events, reading', said(ErrorType.UNKNOWN, 2, 'Unexpected ReadAllResult: InvalidPosition'), 'no-such-position'],
    ['a position between events, subscribing', said(ErrorType.UNKNOWN, 3, 'Trying to read from an invalid position.'), 'no-such-position'],
    ['a bad request', said(ErrorType.UNKNOWN, 2, '2 UNKNOWN: Exception was thrown by handler.'), 'unknown'],
    ['no error of the client at all', new TypeError('undefined is not iterable'), 'unknown'],
  ])('%s', (_, error, fault) => {
    expect(serverFault(error)).toBe(fault);
  });
});

describe('what is said in their place', () => {
  test.each([
    ['CONFIG_INVALID', denied], ['CONFIG_INVALID', untrusted], ['STORE_UNAVAILABLE', timedOut(1)], ['STORE_UNAVAILABLE', new TypeError('odd')],
    ['STORE_CORRUPT', said(ErrorType.STREAM_DELETED, undefined)],
    ['POSITION_FOREIGN', said(ErrorType.UNKNOWN, 3, 'Trying to read from an invalid position.')],
  ])('reading: %s', (code, error) => {
    expect(readingError('db:2113', error)).toMatchObject({ code, message: expect.stringContaining('db:2113'), cause: error });
  });

  const request = appendRequestOf('cluster-a', 3, [pinned('s')]);
  const outcome = (error: Error, before: boolean) => appended(async (_stream, _expected, _records, onDoubt) => {
    if (before) onDoubt?.();
    throw error;
  }, request, 'db:2113');
  const [conflict, deleted, large, odd] = [
    Object.assign(said(ErrorType.WRONG_EXPECTED_VERSION, undefined), { actualVersion: 7n }), said(ErrorType.STREAM_DELETED, undefined),
    said(ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED, 3), new TypeError('odd'),
  ];
  test.each([
    ['a conflict', conflict, 'APPEND_CONFLICT', 'APPEND_CONFLICT'], ['too many bytes', large, 'APPEND_REFUSED', 'APPEND_REFUSED'],
    ['a tombstone', deleted, 'APPEND_REFUSED', 'IN_DOUBT'], ['a wrong password', denied, 'APPEND_REFUSED', 'IN_DOUBT'],
    ['a CA that is missing', untrusted, 'CONFIG_INVALID', 'IN_DOUBT'], ['what nobody knows', odd, 'IN_DOUBT', 'IN_DOUBT'],
  ])('appending, %s: definite only where no try before may have been stored', async (_, error, atOnce, afterDoubt) => {
    await expect(outcome(error, false)).rejects.toMatchObject({ code: atOnce });
    await expect(outcome(error, true)).rejects.toMatchObject({ code: afterDoubt });
  });

  test('a conflict names both revisions', async () => {
    await expect(outcome(conflict, false)).rejects.toMatchObject({ details: { stream: 'cluster-a', expected: 3, actual: 7 } });
  });
});
