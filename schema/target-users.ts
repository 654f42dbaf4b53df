// Who uses a target now: the clusters whose policy names it, so that none loses it unseen.
// Not the rule, which is the target stream's.
import { refuseFaults, isShown } from './mutation-answer.js';
import type { RequestContext } from './request-context.js';

const SCAN_PAGE = 1000;

/** Clusters whose policy names the target, by the ledger; the read store only tells which clusters there are. */
export async function clustersUsing(targetId: string, { api }: Pick<RequestContext, 'api'>): Promise<string[]> {
  const head = await api.store.head();
  if (head !== null && !await isShown(head, { api })) {
    const message = `the read store is behind the log, so that a cluster which uses target ${targetId} may be missed: try again`;
    refuseFaults([{ code: 'UNREACHABLE', message, path: null }]);
  }
  const using: string[] = [];
  let after: string | null = null;
  for (let more = true; more;) {
    const page = await api.readStore.clusters({ first: SCAN_PAGE, after });
    for (const { clusterId } of page.rows) {
      const { policy } = await api.commands.clusterState(clusterId);
      if (policy?.targetIds.includes(targetId) === true) using.push(clusterId);
    }
    after = page.rows.at(-1)?.clusterId ?? null;
    more = page.hasNext;
  }
  return using;
}
