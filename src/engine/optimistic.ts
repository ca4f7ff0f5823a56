import type { SyncError } from '../core/errors.ts'
import type { Events } from './events.ts'
import type { OptimisticHandlers } from './types.ts'

export type Optimistic = ReturnType<typeof createOptimistic>

/**
 * Optimistic changes by token. A token may stand for one operation or for several that belong together: it commits when the last of
 * them is done, and rolls back once, when the first of them is rejected. Handlers live in memory: after a restart the operation's
 * outcome is still an event, and the view is derived from the rows.
 */
export function createOptimistic(events: Events) {
  const registered = new Map<string, { readonly handlers: OptimisticHandlers; pending: number }>()

  function guarded(run: () => void): void {
    try {
      run()
    } catch (error) {
      events.emit({ type: 'engine:error', part: 'optimistic handler', error })
    }
  }

  function register(token: string, handlers: OptimisticHandlers): void {
    registered.set(token, { handlers, pending: registered.get(token)?.pending ?? 0 })
  }

  function commit(token: string): void {
    const entry = registered.get(token)
    registered.delete(token)
    if (entry?.handlers.onSuccess) guarded(entry.handlers.onSuccess)
  }

  async function rollback(token: string, error: SyncError): Promise<void> {
    const entry = registered.get(token)
    if (entry === undefined) return
    registered.delete(token)
    try {
      await entry.handlers.rollback?.(entry.handlers.original, error)
    } catch (failure) {
      events.emit({ type: 'engine:error', part: 'optimistic rollback', error: failure })
    }
    guarded(() => entry.handlers.onError?.(error))
  }

  return {
    register,
    commit,
    rollback,
    /** Newest first, so that each goes back to the state that it found. */
    async rollbackBatch(tokens: readonly string[], error: SyncError): Promise<void> {
      for (const token of tokens.toReversed()) await rollback(token, error)
    },
    /** One more operation belongs to the token. */
    join(token: string): void {
      const entry = registered.get(token)
      if (entry !== undefined) entry.pending += 1
    },
    /** One operation of the token ended well. */
    settled(token: string): void {
      const entry = registered.get(token)
      if (entry === undefined) return
      entry.pending -= 1
      if (entry.pending <= 0) commit(token)
    },
  }
}
