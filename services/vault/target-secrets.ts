// Which secrets of retired targets nothing needs any more, folded from the log: the target's copies are gone, and no run can add one.
// Destroys nothing: see retired-secrets.ts. Holds what is stored or open now, whatever the log's length.
import type { DomainEvent, DomainEventType } from '../../events/catalogue.js';
import type { StoredEvent } from '../../events/event-store.js';
import { targetStream } from '../../events/target-events.js';

export interface UnneededSecret {
  readonly targetId: string;
  readonly secretRef: string;
}

export interface TargetSecrets {
  /** Events in the log's order. Gives whether the event is one of those that can end the need for a secret. */
  apply(stored: Pick<StoredEvent, 'stream' | 'event'>): boolean;
  unneeded(): readonly UnneededSecret[];
  /** Its secret has been destroyed. */
  forget(targetId: string): void;
}

interface Target {
  secretRef: string | null;
  retired: boolean;
  /** Open snapshots that name the target, and copies that are stored on it or being pruned. */
  readonly needs: Set<string>;
}

interface CopyRef {
  readonly targetId: string;
  readonly node: string | null;
}

type DataOf = { readonly [T in DomainEventType]: Extract<DomainEvent, { readonly type: T }>['data'] };
type Handlers = { readonly [T in DomainEventType]?: (data: DataOf[T], stream: string) => void };

function applyBy<T extends DomainEventType>(
  on: { readonly [K in T]?: (data: DataOf[K], stream: string) => void }, stream: string,
  event: { readonly [K in T]: { readonly type: K; readonly data: DataOf[K] } }[T],
): void {
  on[event.type]?.(event.data, stream);
}

const endsOfNeed: ReadonlySet<DomainEventType> = new Set(['TargetRetired', 'SnapshotTaken', 'SnapshotFailed', 'SnapshotPruned'] as const);

const copyKey = (snapshotId: string, { targetId, node }: CopyRef): string => `${snapshotId}/${targetId}/${node ?? ''}`;
const targetIdOf = (stream: string): string => stream.slice(targetStream('').length);

export function createTargetSecrets(): TargetSecrets {
  /** Those that have secrets: targets in S3. */
  const targets = new Map<string, Target>();

  const change = (stream: string, changed: Partial<Target>): void => {
    const target = targets.get(targetIdOf(stream));
    if (target) Object.assign(target, changed);
  };
  const addCopy = (snapshotId: string, copy: CopyRef): void => void targets.get(copy.targetId)?.needs.add(copyKey(snapshotId, copy));
  // A copy that failed needs nothing: a retired target takes no copies, so nobody repairs it there.
  const endRun = (snapshotId: string, copies: readonly CopyRef[]): void => {
    for (const copy of copies) addCopy(snapshotId, copy);
    for (const { needs } of targets.values()) needs.delete(snapshotId);
  };

  const on: Handlers = {
    TargetCreated: (data) => {
      if (data.kind === 'S3') targets.set(data.targetId, { secretRef: data.settings.secretRef, retired: false, needs: new Set() });
    },
    TargetUpdated: ({ settings }, stream) => change(stream, { secretRef: settings?.secretRef ?? null }),
    TargetRetired: (_, stream) => change(stream, { retired: true }),
    SnapshotRequested: ({ snapshotId, parts }) => {
      for (const targetId of parts.flatMap(({ targetIds }) => targetIds)) targets.get(targetId)?.needs.add(snapshotId);
    },
    SnapshotTaken: ({ snapshotId, copies }) => endRun(snapshotId, copies),
    SnapshotFailed: ({ snapshotId }) => endRun(snapshotId, []),
    SnapshotCopyStored: ({ snapshotId, copy }) => addCopy(snapshotId, copy),
    SnapshotPruned: ({ snapshotId, ...copy }) => void targets.get(copy.targetId)?.needs.delete(copyKey(snapshotId, copy)),
  };

  return {
    apply({ stream, event }) {
      applyBy(on, stream, event);
      return endsOfNeed.has(event.type);
    },
    unneeded: () => [...targets].flatMap(([targetId, { secretRef, retired, needs }]) =>
      (secretRef !== null && retired && needs.size === 0 ? [{ targetId, secretRef }] : [])),
    forget: (targetId) => void targets.delete(targetId),
  };
}
