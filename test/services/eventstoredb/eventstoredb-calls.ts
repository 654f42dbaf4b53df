// The calls of EventStoreDB's protocol that Snapkeep makes: append and read, which subscribes too. Others are answered as unimplemented.
// Not when a call is answered: see eventstoredb-server.ts.
import streamsService from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type { AppendReq, AppendResp, ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { Metadata, sendUnaryData, Server, ServerReadableStream, ServerWritableStream } from '@grpc/grpc-js';
import { appendAnswer, appendOutcome } from './eventstoredb-append.js';
import type { AppendOutcome, EventLog } from './eventstoredb-log.js';
import { answerRead } from './eventstoredb-read.js';
import { tooLarge } from './eventstoredb-refusals.js';

export interface CallGate {
  /** Settles when the call may be answered, rejects with what is answered instead. */
  pass(metadata: Metadata): Promise<void>;
  /** Around the storing of an append: whether it is stored, and whether its outcome is told. */
  store(append: () => AppendOutcome): AppendOutcome | 'no answer';
}

export function addCalls(server: Server, log: EventLog, gate: CallGate): void {
  const append = async (call: ServerReadableStream<AppendReq, AppendResp>, answer: sendUnaryData<AppendResp>): Promise<void> => {
    const requests = await call.toArray() as AppendReq[];
    await gate.pass(call.metadata);
    const outcome = gate.store(() => appendOutcome(log, requests));
    if (outcome === 'no answer') return;
    if (outcome.kind === 'too-large') throw tooLarge();
    answer(null, appendAnswer(outcome));
  };
  const read = async (call: ServerWritableStream<ReadReq, ReadResp>): Promise<void> => {
    const ended = new AbortController();
    call.on('cancelled', () => ended.abort());
    await gate.pass(call.metadata);
    await answerRead(log, call, ended.signal);
    call.end();
  };
  server.addService(streamsService.StreamsService, {
    append(call: ServerReadableStream<AppendReq, AppendResp>, answer: sendUnaryData<AppendResp>) {
      append(call, answer).catch((error: unknown) => answer(error as Error));
    },
    read(call: ServerWritableStream<ReadReq, ReadResp>) {
      read(call).catch((error: unknown) => call.emit('error', error));
    },
  });
}
