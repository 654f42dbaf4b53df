// Snapshots in the API, with their copies. Clusters and targets of theirs are resolved in snapshot-fields.ts.
import { Field, ID, Int, ObjectType } from 'type-graphql';
import type { EncodingStep } from '../events/target-events.js';
import { CopyState, SnapshotKind, SnapshotState, VerificationLevel } from './enum-types.js';
import { DateTimeScalar, SafeIntScalar } from './scalars.js';

@ObjectType({ description: 'How far a running snapshot is.' })
export class SnapshotProgress {
  @Field(() => SafeIntScalar, { description: 'Bytes read from etcd so far.' })
  readonly bytes!: number;

  @Field(() => SafeIntScalar, { nullable: true, description: 'Bytes that etcd announced; null while unknown.' })
  readonly totalBytes!: number | null;
}

@ObjectType({ description: 'Why something failed.' })
export class Failure {
  @Field(() => String, { description: 'The step at which it failed, such as CONNECT, STREAM or VERIFY.' })
  readonly step!: string;

  @Field(() => String, { description: 'A code for programs, such as UNREACHABLE or HASH_MISMATCH.' })
  readonly code!: string;

  @Field(() => String, { description: 'What happened and what to do, for a person.' })
  readonly message!: string;

  @Field(() => DateTimeScalar, { description: 'When it failed.' })
  readonly at!: string;
}

@ObjectType({ description: 'One stored copy of a snapshot: on one target, with node agents one for each node.' })
export class SnapshotCopy {
  readonly targetId!: string;

  @Field(() => String, { nullable: true, description: 'The etcd node on whose own disk it lies and whose member it was read from; null otherwise.' })
  readonly node!: string | null;

  @Field(() => SafeIntScalar, { nullable: true, description: 'The etcd revision it holds; copies of different nodes may differ by a few.' })
  readonly revision!: number | null;

  @Field(() => String, { nullable: true, description: 'SHA-256 of the etcd database in this copy, in hexadecimal.' })
  readonly sha256!: string | null;

  @Field(() => String, { nullable: true, description: 'SHA-256 of the stored file as sha256sum prints it.' })
  readonly storedSha256!: string | null;

  @Field(() => CopyState, { description: 'How far the copy is.' })
  readonly state!: keyof typeof CopyState;

  @Field(() => String, { nullable: true, description: 'Where it lies: the absolute path of the file, or the s3:// address of the object.' })
  readonly location!: string | null;

  @Field(() => [String], {
    description: 'What was done to the database before it was stored, in this order: zstd, age. Empty: etcd\'s tools read the file as it is.',
  })
  readonly encoding!: readonly EncodingStep[];

  @Field(() => SafeIntScalar, { nullable: true, description: 'Bytes of the stored file.' })
  readonly storedSize!: number | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was stored.' })
  readonly storedAt!: string | null;

  @Field(() => VerificationLevel, { description: 'What was proven of it.' })
  readonly verification!: keyof typeof VerificationLevel;

  @Field(() => DateTimeScalar, { nullable: true, description: 'When that was proven.' })
  readonly verifiedAt!: string | null;

  @Field(() => Failure, { nullable: true, description: 'Why it could not be stored or pruned.' })
  readonly failure!: Failure | null;
}

@ObjectType({ description: 'A snapshot of an etcd cluster: requested, running, taken, or failed.' })
export class Snapshot {
  @Field(() => ID, { name: 'id', description: '`<clusterId>.<ulid>`.' })
  readonly snapshotId!: string;

  readonly clusterId!: string;

  @Field(() => String, { description: 'Timestamped, sortable, safe in file names: `20261123T060000Z-<short id>[-<given name>]`.' })
  readonly name!: string;

  @Field(() => SnapshotKind, { description: 'Why it was requested.' })
  readonly kind!: keyof typeof SnapshotKind;

  @Field(() => SnapshotState, { description: 'How far it is.' })
  readonly state!: keyof typeof SnapshotState;

  @Field(() => DateTimeScalar, { description: 'When it was requested.' })
  readonly requestedAt!: string;

  @Field(() => String, { description: 'Who requested it.' })
  readonly requestedBy!: string;

  @Field(() => DateTimeScalar, { nullable: true, description: 'The planned time that a recurring snapshot answers.' })
  readonly slot!: string | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'When a worker first began it.' })
  readonly startedAt!: string | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'The point in time that it restores to: when etcd began to send it.' })
  readonly takenAt!: string | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'When it ended, well or badly.' })
  readonly completedAt!: string | null;

  @Field(() => Int, { description: 'How many times a worker began it.' })
  readonly attempts!: number;

  @Field(() => SnapshotProgress, { nullable: true, description: 'How far it is, while RUNNING.' })
  readonly progress!: SnapshotProgress | null;

  @Field(() => SafeIntScalar, { nullable: true, description: 'The etcd revision it holds.' })
  readonly revision!: number | null;

  @Field(() => SafeIntScalar, { nullable: true, description: 'How many keys it holds.' })
  readonly keyCount!: number | null;

  @Field(() => SafeIntScalar, { nullable: true, description: 'Bytes of the etcd database.' })
  readonly dbSize!: number | null;

  @Field(() => String, { nullable: true, description: 'SHA-256 of the etcd database, in hexadecimal.' })
  readonly sha256!: string | null;

  @Field(() => String, { nullable: true, description: 'Version of the etcd it was read from.' })
  readonly etcdVersion!: string | null;

  @Field(() => String, { nullable: true, description: 'Id of the etcd member it was read from, in hexadecimal as etcdctl prints it.' })
  readonly member!: string | null;

  @Field(() => Int, { nullable: true, description: 'Milliseconds that reading it took.' })
  readonly durationMs!: number | null;

  @Field(() => Failure, { nullable: true, description: 'Why it FAILED.' })
  readonly failure!: Failure | null;

  @Field(() => Boolean, { description: 'Pinned snapshots are not counted, pruned or deleted.' })
  readonly pinned!: boolean;

  @Field(() => VerificationLevel, { description: 'The lowest level that holds for every stored copy; NONE while none is stored.' })
  readonly verification!: keyof typeof VerificationLevel;
}
