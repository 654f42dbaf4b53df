// The facts of one backup target (stream `target-<id>`). Their shapes never change: a new shape is a new version.
// The target `local` has no stream: it always exists, its path is configuration.
import { z } from 'zod';

export const targetEventSchemas = {
  TargetCreated: z.strictObject({ targetId: z.string(), name: z.string(), kind: z.literal('LOCAL'), path: z.string() }).readonly(),
  TargetUpdated: z.strictObject({ name: z.string() }).readonly(),
  TargetRetired: z.strictObject({}).readonly(),
} as const;

export type TargetEventType = keyof typeof targetEventSchemas;
export type TargetEventOf<T extends TargetEventType> = { readonly type: T; readonly data: z.infer<(typeof targetEventSchemas)[T]> };
export type TargetEvent = { [T in TargetEventType]: TargetEventOf<T> }[TargetEventType];

export const targetStream = (targetId: string): string => `target-${targetId}`;
/** The target that always exists. */
export const localTargetId = 'local';
