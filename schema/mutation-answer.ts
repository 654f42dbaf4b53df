// The way every mutation ends: rejected with userErrors, or accepted and shown as it is now.
// Waits for the read store; where that is behind, the answer is made from the ledger and says so.
import { isSnapkeepError } from '../events/errors.js';
import { logCursor } from './cursor.js';
import type { InputFault } from './input-faults.js';
import { ledgerView } from './ledger-view.js';
import type { LedgerSubject } from './ledger-view.js';
import type { RequestContext } from './request-context.js';
import { createReader } from './request-context.js';
import type { UserError } from './user-error-type.js';

/** What a command came to, as far as an answer needs it. */
export type Outcome =
  | { readonly outcome: 'accepted'; readonly position: string | null }
  | { readonly outcome: 'rejected'; readonly rejection: { readonly rejected: InputFault } };

export interface Answered {
  readonly cursor: string | null;
  readonly userErrors: readonly UserError[];
}

/** Raised by checks before any command; carries all faults of the input. */
export class InputRefused extends Error {
  constructor(readonly faults: readonly InputFault[]) {
    super('the input has faults');
  }
}

export function refuseFaults(faults: readonly InputFault[]): void {
  if (faults.length > 0) throw new InputRefused(faults);
}

export interface MutationPlan {
  /** What the answer shows; read after the command, which may name it. */
  readonly subject: LedgerSubject;
  /** The input field that names the subject, for NOT_FOUND. */
  readonly idPath: readonly string[];
  readonly run: () => Promise<Outcome>;
}

/** Runs the plan and waits until its effect can be read through `context.reader`. */
export async function answered(plan: MutationPlan, context: RequestContext): Promise<Answered> {
  try {
    const result = await plan.run();
    if (result.outcome === 'rejected') return failed([located(result.rejection.rejected, plan.idPath)]);
    const position = result.position ?? await context.api.store.head();
    await settle(position, plan.subject, context);
    return { cursor: logCursor(context.api.store.id, position), userErrors: [] };
  } catch (error) {
    if (error instanceof InputRefused) return failed(error.faults);
    if (isSnapkeepError(error, 'IN_DOUBT')) return failed([{ code: 'IN_DOUBT', message: error.message, path: null }]);
    if (isSnapkeepError(error, 'APPEND_CONFLICT')) {
      return failed([{ code: 'CONFLICT', message: `too much changed at once: try again (${error.message})`, path: null }]);
    }
    throw error;
  }
}

const failed = (userErrors: readonly UserError[]): Answered => ({ cursor: null, userErrors });

// The ledger speaks of ids in its own words; the input may name them otherwise.
function located(fault: InputFault, idPath: readonly string[]): InputFault {
  const isOfId = ['id', 'clusterId', 'targetId', 'snapshotId'].includes(fault.path?.[0] ?? 'id');
  return isOfId && (fault.path !== null || fault.code === 'NOT_FOUND' || fault.code === 'ALREADY_EXISTS') ? { ...fault, path: idPath } : fault;
}

async function settle(position: string | null, subject: LedgerSubject, context: RequestContext): Promise<void> {
  const { api, closing } = context;
  context.reader = createReader(api.readStore);
  if (position === null || await isShown(position, context)) return;
  const view = await ledgerView(subject, api);
  closing.push(() => view.close());
  context.reader = createReader(view);
  context.behind = true;
}

/** Whether rows up to the position can be read, waiting within the bound; a projector that has failed is behind. */
export async function isShown(position: string, { api }: Pick<RequestContext, 'api'>): Promise<boolean> {
  try {
    return await api.projector.waitFor(position, api.readWaitMs);
  } catch (error) {
    api.log.warn({ err: error, position }, 'the read store cannot be waited for; it is taken to be behind');
    return false;
  }
}
