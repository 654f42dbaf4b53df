// The append of the stand-in for EventStoreDB: from the protocol's messages to the log and back.
// Spoken by the client package's own stubs.
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { AppendReq, AppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { AppendOutcome, EventLog, ProposedRecord } from './eventstoredb-log.js';
import { badRequest } from './eventstoredb-refusals.js';

/** Exact revisions only: nothing else is asked of it. */
export function appendOutcome(log: EventLog, [first, ...rest]: readonly AppendReq[]): AppendOutcome {
  const options = first?.getOptions() ?? new streams.AppendReq.Options();
  const stream = Buffer.from(options.getStreamIdentifier()?.getStreamName_asU8() ?? '').toString();
  const proposed = rest.flatMap((request) => request.getProposedMessage() ?? []).map(proposedRecord);
  const isExact = options.hasRevision() || options.hasNoStream();
  if (!isExact || stream === '' || proposed.some(({ id, type }) => id === '' || type === '')) throw badRequest();
  return log.append(stream, options.hasNoStream() ? -1 : Number(options.getRevision()), proposed);
}

function proposedRecord(message: AppendReq.ProposedMessage): ProposedRecord {
  return {
    id: message.getId()?.getString() ?? '',
    type: message.getMetadataMap().get('type') ?? '',
    contentType: message.getMetadataMap().get('content-type') ?? '',
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  };
}

export function appendAnswer(outcome: Exclude<AppendOutcome, { kind: 'too-large' }>): AppendResp {
  const answer = new streams.AppendResp();
  if (outcome.kind === 'success') {
    const position = new streams.AppendResp.Position().setCommitPosition(String(outcome.position)).setPreparePosition(String(outcome.position));
    return answer.setSuccess(new streams.AppendResp.Success().setCurrentRevision(String(outcome.revision)).setPosition(position));
  }
  const conflict = new streams.AppendResp.WrongExpectedVersion();
  return answer.setWrongExpectedVersion(
    outcome.current < 0 ? conflict.setCurrentNoStream(new shared.Empty()) : conflict.setCurrentRevision(String(outcome.current)),
  );
}
