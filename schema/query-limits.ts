// How deep and how costly one operation may be, so that no single request can occupy the service.
// Introspection is exempt: it reads the schema only.
import type { DocumentNode, FragmentDefinitionNode, GraphQLSchema, OperationDefinitionNode, SelectionSetNode } from 'graphql';
import { GraphQLError, Kind } from 'graphql';
import type { ComplexityEstimator } from 'graphql-query-complexity';
// Its default entry brings a second copy of graphql.
import { getComplexity } from 'graphql-query-complexity/cjs';

export const MAX_DEPTH = 12;
export const MAX_COST = 1_000_000;
/** Of nextSlots, without a count. */
const SLOTS_LISTED = 5;

export interface Operation {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

/** What forbids the operation, variables that do not fit it too; nothing for one within the limits. The document must be valid against the schema. */
export function limitFaults(operation: Operation): GraphQLError[] {
  const depth = depthOf(operation);
  if (depth > MAX_DEPTH) {
    return [refused('DEPTH_LIMIT', `The query is ${depth} levels deep, ${MAX_DEPTH} are allowed: ask for less at once.`)];
  }
  const cost = costOf(operation);
  if (cost instanceof GraphQLError) return [cost];
  return cost > MAX_COST
    ? [refused('COST_LIMIT', `The query may return ${cost} fields or as much work, ${MAX_COST} are allowed: ask for smaller pages.`)]
    : [];
}

const refused = (limit: string, message: string): GraphQLError => new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', limit } });

// A field counts one; a list counts its rows as often as its page size says.
const perRow: ComplexityEstimator = ({ args, childComplexity }) => {
  const rows: unknown = args['first'] ?? 1;
  return 1 + (typeof rows === 'number' && rows > 0 ? rows : 1) * childComplexity;
};

// What is computed for the answer costs more than a stored field: slots are sought in a calendar, the plan weighs every snapshot.
const computed: ComplexityEstimator = ({ field, args, childComplexity }) => {
  if (field.name === 'freshness') return 50 + childComplexity;
  if (field.name === 'retentionPlan') return 10_000 + childComplexity;
  if (field.name !== 'nextSlots') return undefined;
  const count: unknown = args['count'];
  return 50 * (typeof count === 'number' && count > 0 ? count : SLOTS_LISTED);
};

function costOf({ schema, document, operationName, variables }: Operation): number | GraphQLError {
  try {
    return getComplexity({
      schema, query: document, estimators: [computed, perRow],
      variables: { ...variables },
      ...(typeof operationName === 'string' ? { operationName } : {}),
    });
  } catch (error) {
    if (error instanceof GraphQLError) return new GraphQLError(error.message, { extensions: { code: 'BAD_USER_INPUT' } });
    throw error;
  }
}

function depthOf({ document, operationName }: Operation): number {
  const fragments = new Map<string, FragmentDefinitionNode>();
  const operations: OperationDefinitionNode[] = [];
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
    if (definition.kind === Kind.OPERATION_DEFINITION) operations.push(definition);
  }
  const chosen = operations.find(({ name }) => !operationName || name?.value === operationName);
  return chosen === undefined ? 0 : depthBelow(chosen.selectionSet, fragments);
}

function depthBelow(selections: SelectionSetNode | undefined, fragments: ReadonlyMap<string, FragmentDefinitionNode>): number {
  const depths = (selections?.selections ?? []).map((selection) => {
    if (selection.kind === Kind.INLINE_FRAGMENT) return depthBelow(selection.selectionSet, fragments);
    if (selection.kind === Kind.FRAGMENT_SPREAD) return depthBelow(fragments.get(selection.name.value)?.selectionSet, fragments);
    return selection.name.value.startsWith('__') ? 0 : 1 + depthBelow(selection.selectionSet, fragments);
  });
  return Math.max(0, ...depths);
}
