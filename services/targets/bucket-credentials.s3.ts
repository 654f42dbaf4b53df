// Where the credentials came from that this process uses for a target, in words. Never the credentials themselves.
// Finding and refreshing them is the SDK's chain.
import type { S3Client } from '@aws-sdk/client-s3';

/** By the SDK's own marks, the most particular first: a chain of providers leaves several. Only the instance metadata leaves none. */
const SOURCES: readonly (readonly [mark: string, source: string])[] = [
  ['CREDENTIALS_STS_ASSUME_ROLE_WEB_ID', 'a web identity (AWS_WEB_IDENTITY_TOKEN_FILE)'],
  ['CREDENTIALS_ENV_VARS_STS_WEB_ID_TOKEN', 'a web identity (AWS_WEB_IDENTITY_TOKEN_FILE)'],
  ['CREDENTIALS_PROFILE_STS_WEB_ID_TOKEN', 'a web identity (shared config files)'],
  ['CREDENTIALS_SSO', 'single sign-on'],
  ['CREDENTIALS_SSO_LEGACY', 'single sign-on'],
  ['CREDENTIALS_PROCESS', 'a program named in the shared config files'],
  ['CREDENTIALS_STS_ASSUME_ROLE', 'an assumed role (shared config files)'],
  ['CREDENTIALS_HTTP', 'the container (AWS_CONTAINER_CREDENTIALS_*)'],
  ['CREDENTIALS_ENV_VARS', 'the environment (AWS_ACCESS_KEY_ID)'],
  ['CREDENTIALS_PROFILE', 'the shared AWS config files'],
];

/** Rejects as the chain does where it finds none. */
export async function credentialsSource(client: S3Client, ownKeys: boolean): Promise<string> {
  const { $source: marks, expiration } = await client.config.credentials() as { $source?: Record<string, string>; expiration?: Date };
  if (ownKeys) return "the target's own keys";
  const source = SOURCES.find(([mark]) => marks !== undefined && mark in marks)?.[1] ?? 'the instance metadata';
  return expiration === undefined ? source : `${source}, valid until ${expiration.toISOString()}`;
}
