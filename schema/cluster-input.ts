// Input of registering and editing clusters. Checked in cluster-check.ts.
// Secrets are write-only: no type of the API has a field that returns them.
import { Field, ID, InputType } from 'type-graphql';
import { PolicyInput } from './policy-input.js';

const OPTIONAL = (description: string) => ({ nullable: true, description });

@InputType()
class Credentials {
  @Field(() => String, OPTIONAL('PEM of the certificate authorities that vouch for the members; without it those that Node.js trusts.'))
  readonly ca?: string | null;

  @Field(() => String, OPTIONAL('PEM of the client certificate, with its key, where etcd asks for one.'))
  readonly clientCertificate?: string | null;

  @Field(() => String, OPTIONAL('PEM of the client certificate\'s key. Write-only.'))
  readonly clientKey?: string | null;

  @Field(() => String, OPTIONAL('User to authenticate as, where etcd\'s authentication is on; it needs the role root.'))
  readonly username?: string | null;

  @Field(() => String, OPTIONAL('The user\'s password. Write-only.'))
  readonly password?: string | null;
}

@InputType({ description: 'A cluster to keep restorable.' })
export class RegisterClusterInput extends Credentials {
  @Field(() => ID, { description: 'Slug of 1 to 63 characters: a-z, 0-9, and - inside. Never used again, also after the cluster is removed.' })
  readonly id!: string;

  @Field(() => String, OPTIONAL('Name for people, up to 100 characters; default: the id.'))
  readonly name?: string | null;

  @Field(() => [String], { description: 'http or https URLs of members, such as https://10.0.0.1:2379.' })
  readonly endpoints!: readonly string[];

  @Field(() => PolicyInput, OPTIONAL('What is kept; default: target local, every 12 hours, the newest 6.'))
  readonly policy?: PolicyInput | null;

  @Field(() => Boolean, {
    nullable: true, defaultValue: false, description: 'True: no policy until it is saved for the first time; then no policy may be given here.',
  })
  readonly legacy?: boolean | null;
}

@InputType({ description: 'Changes of a cluster. Left out: kept; null: cleared. A key comes with its certificate, a password with its user.' })
export class UpdateClusterInput extends Credentials {
  @Field(() => ID, { description: 'Id of the cluster.' })
  readonly id!: string;

  @Field(() => String, OPTIONAL('Name for people; null: back to the id.'))
  readonly name?: string | null;

  @Field(() => [String], OPTIONAL('http or https URLs of members; they cannot be cleared.'))
  readonly endpoints?: readonly string[] | null;
}
