// What ids, names and endpoints must look like before they enter an event. Each fault names the input field.
// Not the policy's fields: see policy-change.ts.
import type { Connection } from '../../events/cluster-events.js';
import type { Rejection } from './rejection.js';
import { reject } from './rejection.js';

const SLUG = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const GIVEN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const NAME_LENGTH = 200;

export function idFault(id: string): Rejection | null {
  if (SLUG.test(id)) return null;
  return invalid('id', `id "${id}" is not a slug; use 1 to 63 small letters, digits and inner hyphens, such as prod-eu-1`);
}

export function nameFault(name: string): Rejection | null {
  if (name.trim() !== '' && name.length <= NAME_LENGTH) return null;
  return invalid('name', `the name is blank or longer than ${NAME_LENGTH} characters; give a shorter one, or leave it out`);
}

/** The user's part of a snapshot's name becomes part of file names. */
export function givenNameFault(name: string | null): Rejection | null {
  if (name === null || GIVEN_NAME.test(name)) return null;
  return invalid('name', `name "${name}" does not fit into a file name; use up to 63 letters, digits, dots, hyphens and underscores`);
}

export function connectionFault({ endpoints }: Connection): Rejection | null {
  if (endpoints.length === 0) return invalid('endpoints', 'no endpoint is given; give at least one, such as https://10.0.0.1:2379');
  const faults = endpoints.map(endpointFault);
  return faults.find((fault) => fault !== null) ?? null;
}

/** An endpoint with credentials in it is never repeated in the message. */
function endpointFault(endpoint: string): Rejection | null {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  if (url && (url.username !== '' || url.password !== '')) {
    return invalid('endpoints', 'an endpoint carries credentials; give them as username and password instead');
  }
  if (url && /^https?:$/.test(url.protocol) && `${url.protocol}//${url.host}/` === url.href) return null;
  return invalid('endpoints', `endpoint "${endpoint}" is not an address of etcd; give scheme, host and port, such as https://10.0.0.1:2379`);
}

const invalid = (field: string, message: string): Rejection => reject('INVALID_INPUT', message, [field]);
