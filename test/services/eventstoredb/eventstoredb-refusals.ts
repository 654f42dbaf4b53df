// What the stand-in for EventStoreDB refuses with, in the codes and words of a real 24.10.
// Not when: that is where the calls are answered.
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { maximumAppendSize } from './eventstoredb-log.js';

export const badRequest = (): ServiceError => refusal(status.UNKNOWN, 'Exception was thrown by handler.');
export const invalidReadPosition = (): ServiceError => refusal(status.UNKNOWN, 'Unexpected ReadAllResult: InvalidPosition');
export const invalidSubscriptionPosition = (): ServiceError => refusal(status.INVALID_ARGUMENT, 'Trying to read from an invalid position.');
export const notReady = (): ServiceError => refusal(status.UNAVAILABLE, 'Server Is Not Ready');
export const unauthenticated = (): ServiceError => refusal(status.UNAUTHENTICATED, 'Unauthenticated');
/** Between two leaders of a cluster. */
export const noLeader = (): ServiceError => refusal(status.UNKNOWN, 'No leader info available in response');
/** As a proxy says it that has no server behind it. */
export const proxyNotFound = (): ServiceError => refusal(status.UNIMPLEMENTED, 'Received HTTP status code 404');
export const tooLarge = (): ServiceError => refusal(status.INVALID_ARGUMENT, `Maximum Append Size of ${maximumAppendSize} Exceeded.`, {
  exception: 'maximum-append-size-exceeded', 'maximum-append-size': String(maximumAppendSize),
});

function refusal(code: status, details: string, trailers: Readonly<Record<string, string>> = {}): ServiceError {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(trailers)) metadata.set(name, value);
  return Object.assign(new Error(details), { code, details, metadata });
}
