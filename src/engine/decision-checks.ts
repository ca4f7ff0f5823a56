import { applied } from '../core/derive.ts'
import type { Conflict, EntityOptions } from '../core/conflict.ts'
import { ConflictError, type ValidationError } from '../core/errors.ts'
import { isMutation, type OperationRow } from '../core/operation.ts'
import { isTogether } from '../core/transaction.ts'
import { conflictAt, resolve, type Decision, type Examination, type Seen } from '../core/reconcile.ts'
import type { Deadline, Validators, Verdict } from './validators.ts'

export type Resend = Extract<Decision, { type: 'resend' }>

/** Neither rules nor functions of the application get to see what its schema refuses. */
export function leftToPerson(options: EntityOptions): EntityOptions {
  return { ...options, conflict: 'manual', fields: undefined }
}

/** What the schema has against what the server has now. */
export function verdictOnRemote(
  validators: Validators,
  { entity }: OperationRow,
  seen: Seen,
  deadline: Deadline,
): Verdict | Promise<Verdict> {
  return seen.type === 'absent' ? undefined : validators.value(entity, seen.value, () => 'remote', deadline)
}

/** What it has against what the server would have, were this sent. */
export function verdictOnResend(
  validators: Validators,
  { entity, entityId }: OperationRow,
  seen: Seen,
  { as: type, payload }: Resend,
  deadline: Deadline,
): Verdict | Promise<Verdict> {
  if (!isMutation(type)) return undefined
  const remote = seen.type === 'absent' ? undefined : seen.value
  const value = applied(remote, { type, entityId, payload }, {})
  return value === undefined ? undefined : validators.value(entity, value, () => 'merged', deadline)
}

/** Whether what the server has would be compared or merged with: not so where that is no longer needed, or is deleted. */
export function meetsRemote(examination: Examination): boolean {
  return examination.type === 'conflict' || (examination.type === 'resend' && examination.as !== 'delete')
}

/** Without what rules for fields have made of it: a person is to decide. */
export function conflictIn(examination: Examination, row: OperationRow, base: Conflict['base'], seen: Seen): Conflict {
  return examination.type === 'conflict' && !isMutation(row.type) ? examination.conflict : conflictAt(row, base, seen)
}

/** Waits for a person, with what the schema says. */
export function parkedBySchema(row: OperationRow, conflict: Conflict, cause: ValidationError, at: number): Decision {
  const parked = resolve(row, conflict, 'manual', { strategy: 'schema', at })
  const message = `${conflict.entity}/${conflict.entityId}: the schema refuses ${cause.message}. Decide with conflicts.resolve, or edit or discard the operation.`
  if (parked.type !== 'park' || parked.conflict === undefined) return parked
  return { type: 'park', conflict: { ...parked.conflict, issues: cause.issues }, error: new ConflictError(message, { cause }) }
}

/** Of a conflict with what the schema refuses. */
export function unusable(decision: Decision): Decision {
  return decision.type === 'park' ? { ...decision, isUnusable: true } : decision
}

/** What was to decide has failed: it waits for a person. */
export function parkedByFailure(row: OperationRow, conflict: Conflict, cause: unknown, strategy: string, at: number): Decision {
  const parked = resolve(row, conflict, 'manual', { strategy, at })
  const part = strategy === 'fields' ? 'A rule for fields' : 'The conflict function'
  const error = new ConflictError(`${part} of ${row.entity} failed. Mend it and retry the operation, or discard it.`, { cause })
  return parked.type === 'park' ? { ...parked, error } : { type: 'failed', error }
}

/** By the temporary id nothing can be looked for. Of a transaction it is most likely another that was refused. */
export function decideUnseen(row: OperationRow): Decision {
  if (isTogether(row)) return { type: 'resend', as: row.type, payload: row.payload }
  const message = `The server refuses to create ${row.entity}/${row.entityId}, for it has something like it already. Which id that has is not known here, so nothing can be compared. Edit the operation, retry it, or discard it.`
  return { type: 'park', error: new ConflictError(message) }
}
