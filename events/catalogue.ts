// The one gate between stored bytes and events: name → version, schema, upcasters. Decoding is the only place where `unknown` becomes an event.
import type { z } from 'zod';
import { type ClusterEvent, clusterEventSchemas } from './cluster-events.js';
import { SnapkeepError } from './errors.js';
import { type TargetEvent, targetEventSchemas } from './target-events.js';

export type DomainEvent = ClusterEvent | TargetEvent;
export type DomainEventType = DomainEvent['type'];

/** Turns the data of version n into those of version n + 1. */
export type Upcaster = (data: unknown) => unknown;

export interface CatalogueEntry {
  /** The version that this release writes; versions below it are upcast, above it refused. */
  readonly version: number;
  readonly schema: z.ZodType;
  /** `upcasters[n - 1]` lifts version n. */
  readonly upcasters: readonly Upcaster[];
}

const first = (schema: z.ZodType): CatalogueEntry => ({ version: 1, schema, upcasters: [] });

export const catalogue: Readonly<Record<string, CatalogueEntry>> = Object.fromEntries(
  Object.entries({ ...clusterEventSchemas, ...targetEventSchemas }).map(([type, schema]) => [type, first(schema)]),
);

/** An event as stored: still of unknown shape. `where` names it in errors. */
export interface EncodedEvent {
  readonly type: string;
  readonly version: number;
  readonly data: unknown;
}

/** The stored form of an event. Throws EVENT_UNDECODABLE where it does not fit its own schema: nothing undecodable is ever written. */
export function encode(event: DomainEvent): EncodedEvent {
  const entry = catalogue[event.type];
  const fits = entry?.schema.safeParse(event.data);
  if (!entry || !fits?.success) {
    throw new SnapkeepError('EVENT_UNDECODABLE', `event ${event.type} does not fit its schema: ${fits?.error?.message ?? 'unknown type'}`);
  }
  return { type: event.type, version: entry.version, data: event.data };
}

/** Throws EVENT_UNDECODABLE or EVENT_VERSION_UNKNOWN, naming the event by `where` (stream, revision, position). */
export function decode(stored: EncodedEvent, where: Readonly<Record<string, unknown>>, entries = catalogue): DomainEvent {
  const details = { ...where, type: stored.type, version: stored.version };
  const name = `event ${stored.type} v${stored.version} at ${JSON.stringify(where)}`;
  const entry = Object.hasOwn(entries, stored.type) ? entries[stored.type] : undefined;
  if (!entry || stored.version > entry.version) {
    throw new SnapkeepError('EVENT_VERSION_UNKNOWN', `${name} is newer than this release knows; upgrade this process`, { details });
  }
  try {
    return { type: stored.type, data: entry.schema.parse(lift(stored, entry)) } as DomainEvent;
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new SnapkeepError('EVENT_UNDECODABLE', `${name} does not decode: ${said}`, { details, cause });
  }
}

function lift({ version, data }: EncodedEvent, { upcasters }: CatalogueEntry): unknown {
  if (!Number.isInteger(version) || version < 1) throw new RangeError(`there is no version ${version}`);
  return upcasters.slice(version - 1).reduce((lifted, upcast) => upcast(lifted), data);
}
