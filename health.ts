// What the process says of itself: whether each role follows the log and has caught up with it.
// Ready only when all of them have and none is in trouble; a role that stopped says why.
import { isSnapkeepError } from './events/errors.js';
import type { EventStore } from './events/event-store.js';

export interface RoleState {
  readonly caughtUp: boolean;
  /** Why it stopped, or what it waits for; null while it goes on. */
  readonly failure: unknown;
  /** Another process does its work; this one waits to take over. */
  readonly standby?: boolean;
  /** What it cannot do for now and tries again by itself. */
  readonly troubles?: readonly Trouble[];
}

interface Trouble {
  readonly clusterId: string;
  readonly attempts: number;
  readonly since: string;
  readonly message: string;
}

export interface HealthSources {
  readonly store: EventStore;
  /** Rejects while a database of the vault, the rows or the jobs is away; null where they are in the data directory. */
  readonly pingDatabases: (() => Promise<void>) | null;
  readonly roles: Readonly<Record<string, () => RoleState>>;
}

export interface HealthReport {
  /** False when a role stopped and a restart may help. */
  readonly live: boolean;
  readonly ready: boolean;
  readonly parts: Readonly<Record<string, { readonly ok: boolean; readonly message: string }>>;
}

export async function reportHealth({ store, pingDatabases, roles }: HealthSources): Promise<HealthReport> {
  const [eventLog, databases] = await Promise.all([
    answerOf(async () => `at ${await store.head() ?? 'its start'}`),
    pingDatabases && answerOf(() => pingDatabases().then(() => 'answer')),
  ]);
  const states = Object.entries(roles).map(([name, state]): [string, RoleState] => [name, state()]);
  const parts = {
    eventLog,
    ...(databases && { databases }),
    ...Object.fromEntries(states.map(([name, state]) => [name, roleReport(state)])),
  };
  const live = states.every(([, { failure }]) => failure === null || isFromNewerVersion(failure) || isOutage(failure));
  return { live, ready: Object.values(parts).every(({ ok }) => ok), parts };
}

/** No restart of this version helps: the process stays, so that it can say so. */
function isFromNewerVersion(failure: unknown): boolean {
  return isSnapkeepError(failure, 'EVENT_VERSION_UNKNOWN');
}

/** The role goes on by itself when the store is there again. */
function isOutage(failure: unknown): boolean {
  return isSnapkeepError(failure, 'STORE_UNAVAILABLE');
}

/** Who probes does not wait for long, and a store that hangs answers late. */
const ANSWER_WITHIN_MS = 2_000;

async function answerOf(ask: () => Promise<string>) {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${ANSWER_WITHIN_MS / 1000} s`)), ANSWER_WITHIN_MS);
  try {
    return { ok: true, message: await Promise.race([ask(), late.promise]) };
  } catch (error) {
    return { ok: false, message: messageOf(error) };
  } finally {
    clearTimeout(timer);
  }
}

function roleReport({ caughtUp, failure, standby = false, troubles = [] }: RoleState) {
  if (failure !== null) return { ok: false, message: `${isOutage(failure) ? 'waits' : 'stopped'}: ${messageOf(failure)}` };
  if (standby) return { ok: true, message: 'stands by: another process does the work' };
  const [first] = troubles;
  if (first) return { ok: false, message: troubleReport(first, troubles.length - 1) };
  return caughtUp ? { ok: true, message: 'follows the log' } : { ok: false, message: 'is catching up with the log' };
}

function troubleReport({ clusterId, attempts, since, message }: Trouble, others: number): string {
  const rest = others > 0 ? `; ${others} other cluster(s) alike` : '';
  return `cannot schedule cluster ${clusterId} since ${since}, ${attempts} attempt(s), and goes on trying: ${message}${rest}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
