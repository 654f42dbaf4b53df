// Any error that ended an attempt or a prune, as the fact that is recorded of it.
// What is not a known failure is recorded as UNEXPECTED; its stack goes to the log with whoever met it.
import type { Failure } from '../../events/cluster-events.js';
import { EtcdError } from '../etcd/etcd.js';
import { isStepFailure } from './step-failure.js';

/** Errors of etcd's that come before the stream are of CONNECT; those of the stream carry their own step. */
export function failureOf(error: unknown, step: Failure['step'] = 'CONNECT'): Failure {
  if (isStepFailure(error)) return { step: error.step, code: error.code, message: error.message };
  if (error instanceof EtcdError) return { step, code: error.code, message: error.message };
  const said = error instanceof Error ? error.message : String(error);
  return { step, code: 'UNEXPECTED', message: `${said}. This is a defect of Snapkeep; the log has its stack.` };
}
