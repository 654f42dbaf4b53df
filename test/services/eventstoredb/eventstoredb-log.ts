// The log of the stand-in for EventStoreDB, in memory: positions, revisions, and what a repeated append is answered, as a real 24.10 does.
// Knows nothing of the wire: see eventstoredb-calls.ts.
import { createAppendSignal } from '../../../events/append-signal.js';

export interface ProposedRecord {
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

export interface LogRecord extends ProposedRecord {
  readonly stream: string;
  readonly revision: number;
  /** Byte offset, as in a real log: positions are not consecutive. */
  readonly position: bigint;
}

/** `current`: revision of the stream's last record, -1 for none. */
export type AppendOutcome =
  | { readonly kind: 'success'; readonly revision: number; readonly position: bigint }
  | { readonly kind: 'conflict'; readonly current: number }
  | { readonly kind: 'too-large' };

export interface EventLog {
  readonly records: readonly LogRecord[];
  /** Of one stream, without what was truncated; undefined where there is none. */
  stream(name: string): readonly LogRecord[] | undefined;
  /** As the stream's metadata do it: reads of the stream begin there, the log still has everything. */
  truncate(stream: string, before: number): void;
  /** `expected`: an exact revision, -1 for no stream. */
  append(stream: string, expected: number, proposed: readonly ProposedRecord[]): AppendOutcome;
  /** A record of the server's own, such as it writes at each start. */
  appendSystemRecord(): void;
  /** Settles when the log has grown, or `signal` aborts. */
  grown(signal: AbortSignal): Promise<void>;
  /** Forgets all but the first records, as an older copy of the database would. */
  setBack(length: number): void;
}

export const maximumAppendSize = 1_048_576;
const noBytes = new Uint8Array();

export function createEventLog(): EventLog {
  let records: LogRecord[] = [];
  let streams = new Map<string, LogRecord[]>();
  const truncated = new Map<string, number>();
  const growth = createAppendSignal();

  const add = (stream: string, proposed: ProposedRecord): LogRecord => {
    const before = records.at(-1);
    const own = streams.get(stream) ?? [];
    const position = before ? before.position + BigInt(120 + before.data.length + before.metadata.length) : 0n;
    const record = { ...proposed, stream, revision: own.length, position };
    streams.set(stream, own);
    own.push(record);
    records.push(record);
    return record;
  };

  const appendSystemRecord = (): void => {
    const data = Buffer.from('{}');
    add('$epoch-information', { id: crypto.randomUUID(), type: '$epoch-information', contentType: 'application/json', data, metadata: noBytes });
    growth.ring();
  };

  return {
    get records() {
      return records;
    },
    stream: (name) => streams.get(name)?.filter(({ revision }) => revision >= (truncated.get(name) ?? 0)),
    truncate(stream, before) {
      truncated.set(stream, before);
    },
    append(stream, expected, proposed) {
      const size = proposed.reduce((sum, { type, data, metadata }) => sum + data.length + metadata.length + 2 * type.length, 0);
      if (size > maximumAppendSize) return { kind: 'too-large' };
      const own = streams.get(stream) ?? [];
      const current = own.length - 1;
      // At the tail ids are not looked at, in no case are the data.
      if (expected === current) {
        const last = proposed.map((one) => add(stream, one)).at(-1);
        growth.ring();
        return { kind: 'success', revision: current + proposed.length, position: last?.position ?? 0n };
      }
      const last = own[expected + proposed.length];
      const isRepeated = proposed.every(({ id }, n) => own[expected + 1 + n]?.id === id);
      return isRepeated && last ? { kind: 'success', revision: last.revision, position: last.position } : { kind: 'conflict', current };
    },
    appendSystemRecord,
    grown: growth.next,
    setBack(length) {
      records = records.slice(0, length);
      streams = Map.groupBy(records, (record) => record.stream);
    },
  };
}
