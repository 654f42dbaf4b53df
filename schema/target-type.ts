// Targets in the API: where copies of snapshots are kept.
// The input side is in target-input.ts.
import { Field, ID, InterfaceType, ObjectType } from 'type-graphql';
import type { TargetRow } from '../projections/read-model.js';
import { TargetKind } from './enum-types.js';

@InterfaceType({ description: 'A place where copies of snapshots are kept.', resolveType: () => 'LocalTarget' })
export abstract class Target {
  @Field(() => ID, { name: 'id', description: 'Slug chosen when it was created; `local` always exists.' })
  targetId!: string;

  @Field(() => String, { description: 'Name for people.' })
  name!: string;

  @Field(() => TargetKind, { description: 'Which kind of store it is.' })
  kind!: 'LOCAL';
}

@ObjectType({ implements: Target, description: 'A directory on a disk: the worker\'s, or with node agents that of each etcd node.' })
export class LocalTarget extends Target {
  @Field(() => String, { description: 'Absolute path of the directory. It never changes.' })
  path!: string;
}

/** The API's object of a row; type-graphql tells implementations apart by their class. */
export const targetOf = (row: TargetRow): Target => Object.assign(new LocalTarget(), row);
