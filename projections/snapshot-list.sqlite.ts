// Pages and counts of the snapshot list in SQLite. Walks one index range for each pair of state and kind and merges them, so that no
// filter scans; counts come from counters, and from the index only for the days at the edges of a range of takenAt.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { snapshotKinds, snapshotStates } from './read-model.js';
import type { Page, SnapshotFilter, SnapshotQuery } from './read-store.js';

export interface SnapshotList {
  /** Ids, newest first. */
  page(query: SnapshotQuery): Page<string>;
  count(clusterId: string, filter: SnapshotFilter): number;
}

/** Sort before and after every position; `highest` also after every instant and day. */
const lowest = '';
const highest = '~';
/** Sorts before every instant, behind the counters of `everyDay`. */
const earliest = '0';
const everyDay = '*';

type Branch = readonly [clusterId: string, targetId: string, state: string, kind: string];
/** Half open: from, before. */
type Range = readonly [from: string, before: string];
interface Place { readonly order: string; readonly id: string }

const branch = 'cluster_id = ? AND target_id = ? AND state = ? AND kind = ?';

/** Every statement of the list, by name, so that a test can look at its plan. */
export const listStatements = {
  page: `SELECT ord, snapshot_id FROM places WHERE ${branch} AND ord >= ? AND ord < ? ORDER BY ord DESC LIMIT ?`,
  pageTaken: `SELECT ord, snapshot_id FROM places
    WHERE ${branch} AND ord >= ? AND ord < ? AND +taken_at >= ? AND +taken_at < ? ORDER BY ord DESC LIMIT ?`,
  orders: 'SELECT min(min_ord) AS low, max(max_ord) AS high FROM taken_days WHERE cluster_id = ? AND day BETWEEN ? AND ?',
  total: `SELECT coalesce(sum(n), 0) AS n FROM counters WHERE ${branch} AND day >= ? AND day < ?`,
  taken: `SELECT count(*) AS n FROM places WHERE ${branch} AND taken_at >= ? AND taken_at < ?`,
} as const;

export function snapshotList(db: DatabaseSync): SnapshotList {
  const statements = {
    page: db.prepare(listStatements.page), pageTaken: db.prepare(listStatements.pageTaken), orders: db.prepare(listStatements.orders),
    total: db.prepare(listStatements.total), taken: db.prepare(listStatements.taken),
  };

  /** The part of the list in which a range of takenAt can lie; null where it holds nothing. */
  const ordersOf = (clusterId: string, taken: Range | null): Range | null => {
    if (taken === null) return [lowest, highest];
    const bounds = statements.orders.get(clusterId, dayOf(taken[0]), dayOf(taken[1]));
    return typeof bounds?.['low'] === 'string' ? [bounds['low'], `${String(bounds['high'])}${highest}`] : null;
  };

  const walk = (of: Branch, orders: Range, taken: Range | null, limit: number): Place[] => {
    const found = taken === null ? statements.page.all(...of, ...orders, limit) : statements.pageTaken.all(...of, ...orders, ...taken, limit);
    return found.map((place) => ({ order: String(place['ord']), id: String(place['snapshot_id']) }));
  };

  return {
    page({ clusterId, filter = {}, first, after }) {
      const taken = takenRange(filter);
      const orders = ordersOf(clusterId, taken);
      if (orders === null) return { rows: [], hasNext: false, hasPrevious: false };
      const branches = branchesOf(clusterId, filter);
      const cursor = after ?? highest;
      const behind: Range = [orders[0], lower(cursor, orders[1])];
      const before: Range = [higher(cursor, orders[0]), orders[1]];
      const found = branches.flatMap((one) => walk(one, behind, taken, first + 1)).sort((a, b) => (a.order < b.order ? 1 : -1));
      return {
        rows: found.slice(0, first).map(({ id }) => id),
        hasNext: found.length > first,
        hasPrevious: branches.some((one) => walk(one, before, taken, 1).length > 0),
      };
    },
    count(clusterId, filter) {
      const taken = takenRange(filter);
      return branchesOf(clusterId, filter).reduce((sum, one) => sum + (taken === null
        ? numberOf(statements.total, one, [everyDay, `${everyDay}${highest}`]) : countTaken(statements, one, taken)), 0);
    },
  };
}

/** Whole days by their counters, the days that the range cuts by their places. */
function countTaken({ total, taken }: { total: StatementSync; taken: StatementSync }, of: Branch, [from, before]: Range): number {
  const [firstDay, lastDay] = [dayOf(from), dayOf(before)];
  if (firstDay === lastDay) return numberOf(taken, of, [from, before]);
  return numberOf(taken, of, [from, `${firstDay}${highest}`])
    + numberOf(total, of, [`${firstDay}${highest}`, lastDay])
    + numberOf(taken, of, [lastDay, before]);
}

const numberOf = (statement: StatementSync, of: Branch, range: Range): number => Number(statement.get(...of, ...range)?.['n']);

function branchesOf(clusterId: string, { targetId, states = snapshotStates, kinds = snapshotKinds }: SnapshotFilter): readonly Branch[] {
  return [...new Set(states)].flatMap((state) => [...new Set(kinds)].map((kind): Branch => [clusterId, targetId ?? '', state, kind]));
}

function takenRange({ takenAfter, takenBefore }: SnapshotFilter): Range | null {
  return takenAfter === undefined && takenBefore === undefined ? null : [takenAfter ?? earliest, takenBefore ?? highest];
}

const dayOf = (instant: string): string => instant.slice(0, 10);
const lower = (a: string, b: string): string => (a < b ? a : b);
const higher = (a: string, b: string): string => (a > b ? a : b);
