// Ends a node's part whose agent is silent: it never claimed it, or its claim lapsed and it did not come back. Any worker may say so.
// Whether it is too late for that is the ledger's to decide.
import type { CommandHandler } from '../ledger/command-handler.js';
import type { OpenPart } from './open-work.js';
import type { RunEnd } from './due-runs.js';

export interface SilenceParts {
  readonly commands: CommandHandler;
  readonly worker: string;
}

/** How long a part of a node may be free to be claimed, or to be taken over, before it fails. */
export const agentSilenceMs = 600_000;

/** `silentForMs`: measured by the caller. */
export async function endSilentPart({ commands, worker }: SilenceParts, open: OpenPart, silentForMs: number): Promise<RunEnd> {
  const { clusterId, snapshotId, part, attempt: lastAttempt, claimedBy, sign } = open;
  const waited = silentForMs < 60_000 ? `${Math.round(silentForMs / 1000)} s` : `${Math.round(silentForMs / 60_000)} minutes`;
  const happened = claimedBy === null
    ? `the agent of node ${part} did not claim its part within ${waited}`
    : `the agent of node ${part} began attempt ${lastAttempt} and gave no sign of life for ${waited} after its lease`;
  const message = `${happened}: see whether Snapkeep runs on that node and reaches the event log. The other nodes' copies are not affected`;
  const recorded = await commands.executeCluster(clusterId, {
    type: 'RecordPartSilent', snapshotId, part, lastAttempt, lastSign: claimedBy === null ? null : sign.revision,
    failure: { step: 'CLAIM', code: 'AGENT_SILENT', message },
  }, { actor: `worker:${worker}`, correlationId: snapshotId, causationId: `${snapshotId}/${part}/silence` });
  return recorded.outcome === 'accepted' ? recorded.position : null;
}
