import { SyncError, ValidationError } from '../core/errors.ts'
import { isInDoubt, type OperationRow } from '../core/operation.ts'
import { text } from '../core/option-checks.ts'
import { restoreError } from '../core/restore-error.ts'
import { TRANSACTION_FAILED } from '../core/transaction.ts'
import { checkHandlers } from './check-input.ts'
import type { Events } from './events.ts'
import { callGuarded } from '../core/call-guarded.ts'
import type { OptimisticHandlers } from './types.ts'

/** The error code of an operation that somebody gave up. */
export const DISCARDED = 'discarded'

/** Of what was cancelled: given up, be it with its transaction. What a delete has cancelled out has none of these. */
const GIVEN_UP: ReadonlySet<string | undefined> = new Set([DISCARDED, TRANSACTION_FAILED])

interface Entry {
  readonly handlers: Set<OptimisticHandlers>
  /** Ids of the operations that are not done yet. */
  readonly pending: Set<string>
}

/** What the handlers of an operation are kept under. */
export function tokenOf(row: OperationRow): string {
  return row.token ?? row.id
}

/** Why an operation is rolled back, as its row tells. */
export function errorOf({ id, lastError }: OperationRow): SyncError {
  return lastError === undefined ? new SyncError('rejected', 'The operation was rejected.') : restoreError(lastError, id)
}

/**
 * Optimistic changes by token. A token may stand for one operation or for several that belong together, each with handlers of its
 * own: they commit when the last of them is done, and roll back once, when the first of them is rejected or discarded. Handlers live
 * in memory: after a restart the operation's outcome is still an event, and the view is derived from the rows.
 */
export function createOptimistic(events: Events) {
  const registered = new Map<string, Entry>()

  function report(part: string, error: unknown): void {
    events.emit({ type: 'engine:error', part, error })
  }

  function handlerFailed(error: unknown): void {
    report('optimistic handler', error)
  }

  function register(token: string, handlers: OptimisticHandlers): void {
    text('token', token, 'what the handlers are called by')
    checkHandlers(handlers, 'handlers')
    const entry = registered.get(token) ?? { handlers: new Set(), pending: new Set() }
    entry.handlers.add(handlers)
    registered.set(token, entry)
  }

  function commit(token: string): void {
    const entry = registered.get(token)
    registered.delete(token)
    for (const handlers of entry?.handlers ?? []) callGuarded((one) => one.onSuccess?.(), handlers, handlerFailed)
  }

  /** Newest first, so that each goes back to the state that it found. */
  async function rollback(token: string, error: SyncError): Promise<void> {
    const entry = registered.get(token)
    registered.delete(token)
    for (const handlers of [...(entry?.handlers ?? [])].toReversed()) {
      try {
        await handlers.rollback?.(handlers.original, error)
      } catch (failure) {
        report('optimistic rollback', failure)
      }
      callGuarded((one) => one.onError?.(error), handlers, handlerFailed)
    }
  }

  /** One operation of the token ended well. */
  function settled(token: string, operationId: string): void {
    const entry = registered.get(token)
    if (entry === undefined) return
    entry.pending.delete(operationId)
    if (entry.pending.size === 0) commit(token)
  }

  function endedAs(token: string, row: OperationRow): void {
    if (row.status === 'rejected') return void rollback(token, errorOf(row))
    if (row.status !== 'cancelled' || !GIVEN_UP.has(row.lastError?.code)) return settled(token, row.id)
    // What may have been applied is not rolled back (S6).
    if (isInDoubt(row)) registered.delete(token)
    else void rollback(token, errorOf(row))
  }

  /** What it was merged into another tab may have made: of that, nobody waits here for the end. */
  function passedOn({ pending }: Entry, id: string, by: string): string | undefined {
    if (!pending.delete(id) && pending.size > 0) return undefined
    pending.add(by)
    return by
  }

  return {
    register,
    commit,
    rollback,
    /** Newest first. */
    async rollbackBatch(tokens: readonly string[], error: SyncError): Promise<void> {
      if (!Array.isArray(tokens)) throw new ValidationError('tokens', "must be a list, as ['form-8', 'form-9'].")
      for (const token of tokens.toReversed()) await rollback(token, error)
    },
    /** One more operation belongs to the token. */
    join(token: string, operationId: string): void {
      registered.get(token)?.pending.add(operationId)
    },
    /** An operation has ended, here or elsewhere. May be told more than once. Gives the id of the one whose end is to be waited for in its place. */
    ended(row: OperationRow): string | undefined {
      const token = tokenOf(row)
      const entry = registered.get(token)
      if (entry === undefined) return undefined
      if (row.supersededBy !== undefined) return passedOn(entry, row.id, row.supersededBy)
      endedAs(token, row)
      return undefined
    },
  }
}
