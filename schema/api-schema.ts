// The executable schema, put together from all resolvers. Emitted as schema.graphql by emit.ts.
import 'reflect-metadata';
import type { GraphQLSchema } from 'graphql';
import { buildSchemaSync } from 'type-graphql';
import type { PubSub } from 'type-graphql';
import { ClusterConnectionFields, ClusterFields, PolicyFields, RecurringFields } from './cluster-fields.js';
import { ClusterMutations } from './cluster-mutations.js';
import { ListQueries } from './list-queries.js';
import { PolicyMutations } from './policy-mutations.js';
import { RetentionQuery } from './retention-query.js';
import { SnapshotConnectionFields, SnapshotCopyFields, SnapshotFields } from './snapshot-fields.js';
import { SnapshotMutations } from './snapshot-mutations.js';
import { SnapshotSubscriptions } from './snapshot-subscriptions.js';
import { TargetMutations } from './target-mutations.js';
import { TargetPreflight } from './target-preflight.js';
import { LocalTarget, S3Target } from './target-type.js';

// type-graphql insists on one; our subscriptions follow the log and take nothing from it.
const noPubSub: PubSub = {
  publish: (topic) => {
    throw new Error(`nothing is published in this process, so "${topic}" reaches nobody: append an event`);
  },
  subscribe: (topic) => {
    throw new Error(`"${topic}" is no topic: give the subscription a subscribe function that follows the log`);
  },
};

export function createApiSchema(): GraphQLSchema {
  return buildSchemaSync({
    resolvers: [
      ListQueries, RetentionQuery,
      ClusterMutations, PolicyMutations, SnapshotMutations, TargetMutations, TargetPreflight, SnapshotSubscriptions,
      ClusterFields, ClusterConnectionFields, PolicyFields, RecurringFields,
      SnapshotFields, SnapshotCopyFields, SnapshotConnectionFields,
    ],
    orphanedTypes: [LocalTarget, S3Target],
    validate: false,
    pubSub: noPubSub,
  });
}
