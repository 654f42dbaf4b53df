// Checks of a cluster's input: endpoints, certificates, credentials that belong together.
// What must hold between old and new values is checked on the settings as they are to be.
import type { RegisterClusterInput, UpdateClusterInput } from './cluster-input.js';
import type { Checked } from './input-faults.js';
import { endpointFault, nameFault, pemFault, slugFault } from './input-faults.js';

type Credentials = Pick<UpdateClusterInput, 'ca' | 'clientCertificate' | 'clientKey' | 'username' | 'password'>;

/** Whether something is set, once the input has taken effect. */
export interface CredentialsAfter {
  readonly clientCertificate: boolean;
  readonly clientKey: boolean;
  readonly username: boolean;
  readonly password: boolean;
}

export function registerChecks(input: RegisterClusterInput): Checked[] {
  const after = {
    clientCertificate: isSet(input.clientCertificate), clientKey: isSet(input.clientKey),
    username: isSet(input.username), password: isSet(input.password),
  };
  const contradiction = input.legacy === true && isSet(input.policy);
  return [
    [['id'], slugFault(input.id)],
    [['name'], nameFault(input.name)],
    ...endpointChecks(input.endpoints),
    ...credentialChecks(input, after),
    [['policy'], contradiction ? 'a legacy cluster has no policy until it is saved for the first time: leave policy or legacy out' : null],
  ];
}

export function updateChecks(input: UpdateClusterInput, after: CredentialsAfter): Checked[] {
  return [
    [['name'], nameFault(input.name)],
    ...(input.endpoints === undefined ? [] : endpointChecks(input.endpoints)),
    ...credentialChecks(input, after),
  ];
}

function endpointChecks(endpoints: readonly string[] | null): Checked[] {
  if (endpoints === null || endpoints.length === 0) return [[['endpoints'], 'a cluster is reached by its endpoints: give at least one']];
  return endpoints.map((endpoint, index) => [['endpoints', String(index)], endpointFault(endpoint)]);
}

function credentialChecks(input: Credentials, after: CredentialsAfter): Checked[] {
  return [
    [['ca'], pemFault(input.ca, 'CERTIFICATE')],
    [['clientCertificate'], pemFault(input.clientCertificate, 'CERTIFICATE') ?? certificateFault(after)],
    [['clientKey'], pemFault(input.clientKey, 'PRIVATE KEY') ?? keyFault(input, after)],
    [['username'], usernameFault(input, after)],
    [['password'], passwordFault(input, after)],
  ];
}

function certificateFault({ clientCertificate, clientKey }: CredentialsAfter): string | null {
  return clientKey ? null : lacking(clientCertificate, 'a client certificate', 'clientKey');
}

function keyFault({ clientKey, clientCertificate }: Credentials, after: CredentialsAfter): string | null {
  if (!isSet(clientKey)) return null;
  const missing = after.clientCertificate ? 'clientCertificate, also where it stays the same' : 'clientCertificate';
  return isSet(clientCertificate) ? null : lacking(true, 'a key', missing);
}

function usernameFault({ username }: Credentials, after: CredentialsAfter): string | null {
  if (username === '') return 'the user name is empty: write one, or leave it out';
  return after.password ? null : lacking(after.username, 'a user', 'password');
}

function passwordFault({ username, password }: Credentials, after: CredentialsAfter): string | null {
  if (password === '') return 'the password is empty: write one, or leave it out';
  if (!isSet(password)) return null;
  return isSet(username) ? null : lacking(true, 'a password', after.username ? 'username, also where it stays the same' : 'username');
}

const lacking = (given: boolean, what: string, missing: string): string | null =>
  (given ? `${what} alone does not authenticate anybody: give ${missing} with it` : null);

const isSet = (value: unknown): boolean => value !== null && value !== undefined;
