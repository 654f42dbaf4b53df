// The query page: Altair, served from its npm package, with HTTP and WebSocket preset. Loads nothing from the internet.
// Not the console. Holds no data of its own, so that it needs no token.
import type { Request, Response, Router } from 'express';
import express from 'express';
import altair from 'altair-static';

const BASE = '/query-page/';

const EXAMPLE = `# Snapkeep: the clusters and their newest snapshots.
# Set the header Authorization: Bearer <token> where a token is configured.
query Overview {
  clusters {
    nodes {
      id
      freshness { state lastVerifiedAt }
      nextSnapshotAt
      snapshots(first: 5) { nodes { id name state takenAt } }
    }
  }
}
`;

// The browser itself refuses what is not served from here.
const POLICY = [
  "default-src 'self'", "script-src 'self' 'unsafe-inline' 'unsafe-eval'", "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:", "font-src 'self' data:", "connect-src 'self' ws: wss:", "worker-src 'self' blob:", "frame-ancestors 'none'",
].join('; ');

export function createQueryPage(): Router {
  const router = express.Router();
  router.get('/', sendPage);
  router.get('/graphql', (request, response, next) => {
    if (isBrowser(request)) sendPage(request, response);
    else next();
  });
  router.use(BASE, express.static(altair.getDistDirectory(), { index: false, maxAge: '1h' }));
  return router;
}

// A person's browser asks for a document; a client that sends a query by GET asks for JSON.
const isBrowser = (request: Request): boolean => request.query['query'] === undefined && request.accepts(['json', 'html']) === 'html';

function sendPage(request: Request, response: Response): void {
  const scheme = request.secure ? 'wss' : 'ws';
  response.set('Content-Security-Policy', POLICY).type('html').send(altair.renderAltair({
    baseURL: BASE, endpointURL: '/graphql', initialQuery: EXAMPLE, initialName: 'Snapkeep', disableAccount: true,
    initialSettings: {
      'banners.disable': true, 'alert.disableWarnings': true, 'alert.disableUpdateNotification': true, disablePushNotification: true,
    },
    subscriptionsEndpoint: `${scheme}://${request.headers.host ?? ''}/graphql`, initialSubscriptionRequestHandlerId: 'graphql-ws',
  }));
}
