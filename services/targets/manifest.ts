// The manifest beside every stored database: what a store says of itself when Snapkeep's own log is lost.
// Its shape is for ever: a new shape is a new version, and all old ones stay readable.
import { z } from 'zod';
import type { EncodingStep } from '../../events/target-events.js';
import { encodingSteps } from '../../events/target-events.js';
import { encodedName } from '../encoding/encoding.js';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const bytes = z.int().nonnegative();

export const MANIFEST_NAME = 'manifest.json';
export const DATABASE_NAME = 'snapshot.db';
/** Every name that a copy's files may have, whatever its encoding; the manifest first. */
export const copyNames: readonly string[] = [MANIFEST_NAME, ...everyEncoding().map((steps) => encodedName(DATABASE_NAME, steps))];

export const manifestSchema = z.strictObject({
  version: z.literal(1),
  snapkeepVersion: z.string(),
  clusterId: z.string(),
  snapshotId: z.string(),
  /** The snapshot's name, also the name of its folder. */
  name: z.string(),
  part: z.string(),
  attempt: z.int().positive(),
  /** When the read of etcd began, ISO 8601 UTC. */
  takenAt: z.iso.datetime(),
  etcdVersion: z.string(),
  /** Hexadecimal id of the member it was read from. */
  member: z.string(),
  revision: z.int().nonnegative(),
  keyCount: z.int().nonnegative(),
  /** Of the database alone: bytes, and its SHA-256, which is also etcd's trailer. */
  databaseSize: bytes,
  sha256,
  /** Of the file as it is stored. `encoding` names what was done to it, in that order; empty: `etcdctl` reads it as it is. */
  stored: z.strictObject({
    file: z.string(),
    size: bytes,
    /** As `sha256sum` prints it. */
    sha256,
    encoding: z.array(z.enum(encodingSteps)).readonly(),
  }).readonly(),
}).readonly();

export type Manifest = z.infer<typeof manifestSchema>;

function everyEncoding(): readonly (readonly EncodingStep[])[] {
  return [[], ['zstd'], ['age'], ['zstd', 'age']];
}

/** Throws a ZodError for what is no manifest of a version known here. */
export function parseManifest(text: string): Manifest {
  return manifestSchema.parse(JSON.parse(text));
}

export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifestSchema.parse(manifest), null, 2)}\n`;
}
