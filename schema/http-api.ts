// GraphQL over HTTP: Apollo, with the limits on operations.
// Subscriptions go over WebSocket: see websocket-api.ts.
import { ApolloServer } from '@apollo/server';
import type { ApolloServerPlugin } from '@apollo/server';
import { GraphQLError } from 'graphql';
import type { GraphQLSchema } from 'graphql';
import { answerError } from './answer-errors.js';
import { withoutGivenValues } from './given-values.js';
import { limitFaults } from './query-limits.js';
import type { ApiDependencies, RequestContext } from './request-context.js';
import { closeRequestContext } from './request-context.js';

/** Who is named in the history as the cause of what the API's clients ask for. */
export const API_ACTOR = 'api';

export function createApollo(schema: GraphQLSchema, { log }: ApiDependencies): ApolloServer<RequestContext> {
  return new ApolloServer<RequestContext>({
    schema,
    introspection: true,
    csrfPrevention: true,
    // Apollo would raise SIGTERM again, and our own shutdown would never finish.
    stopOnTerminationSignals: false,
    includeStacktraceInErrorResponses: false,
    formatError: (formatted, error) => {
      const ofTheRequest = isOfTheRequest(formatted.extensions?.['code']);
      return withoutGivenValues(ofTheRequest ? formatted : answerError(error, log).toJSON());
    },
    plugins: [limits, closing, readStoreState],
  });
}

const REQUEST_CODES = new Set<unknown>([
  'GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', 'BAD_REQUEST', 'BAD_USER_INPUT', 'OPERATION_RESOLUTION_FAILURE',
]);
const isOfTheRequest = (code: unknown): boolean => REQUEST_CODES.has(code);

const limits: ApolloServerPlugin<RequestContext> = {
  async requestDidStart() {
    return {
      async didResolveOperation({ schema, document, operationName, request }) {
        const [fault] = limitFaults({ schema, document, operationName, variables: request.variables });
        if (fault !== undefined) throw new GraphQLError(fault.message, { extensions: { ...fault.extensions, http: { status: 400 } } });
      },
    };
  },
};

const readStoreState: ApolloServerPlugin<RequestContext> = {
  async requestDidStart() {
    return {
      async willSendResponse({ response, contextValue }) {
        if (!contextValue.behind || response.body.kind !== 'single') return;
        const { singleResult } = response.body;
        singleResult.extensions = { ...singleResult.extensions, readStore: 'BEHIND' };
      },
    };
  },
};

const closing: ApolloServerPlugin<RequestContext> = {
  async requestDidStart() {
    return {
      async willSendResponse({ contextValue }) {
        await closeRequestContext(contextValue);
      },
    };
  },
};
