import { StorageClosedError, SyncOperationError } from '../core/errors.ts'
import type { OperationRow } from '../core/operation.ts'
import { text } from '../core/option-checks.ts'
import { readOperation } from '../core/schema.ts'
import type { Events } from './events.ts'
import { settlementOf } from './info.ts'
import type { Store } from './store.ts'
import type { Operation, Settlement } from './types.ts'

export type Handles = ReturnType<typeof createHandles>

const LOOK_LIMIT = 256

/**
 * What the application holds of an operation of its user. It settles in whichever tab or process it was enqueued, and by id after a restart. `ended` is
 * told of each end, and names another operation whose end it is to be told of.
 */
export function createHandles(store: Store, user: string, events: Events, ended: (row: OperationRow) => string | undefined) {
  const waiting = new Map<string, (settlement: Settlement) => void>()
  const promises = new Map<string, Promise<Settlement>>()
  const asked = new Set<string>()

  function settle(row: OperationRow): void {
    const settlement = settlementOf(row)
    if (settlement === undefined) return
    const next = ended(row)
    resolve(row.id, settlement)
    if (next !== undefined) void settled(next)
  }

  function resolve(id: string, settlement: Settlement): void {
    const waits = waiting.get(id)
    waiting.delete(id)
    promises.delete(id)
    waits?.(settlement)
  }

  /** Those that are asked for in one go are read in one go. */
  function look(ids: Iterable<string>): void {
    if (asked.size === 0) queueMicrotask(() => void lookAtAsked())
    for (const id of ids) asked.add(id)
  }

  async function lookAtAsked(): Promise<void> {
    const ids = [...asked]
    asked.clear()
    try {
      for (let from = 0; from < ids.length; from += LOOK_LIMIT) await lookAt(ids.slice(from, from + LOOK_LIMIT))
    } catch (error) {
      // They are looked at again when the store is opened.
      if (!(error instanceof StorageClosedError)) events.emit({ type: 'storage:error', error })
    }
  }

  async function lookAt(ids: readonly string[]): Promise<void> {
    const entries = await store.entriesOf(ids)
    for (const [at, id] of ids.entries()) {
      const entry = entries[at]
      const row = entry && readOperation(entry)
      // One that can't be read has not ended: somebody mends it, or discards it.
      if (entry !== undefined && row === undefined) continue
      if (row?.user !== user) resolve(id, { status: 'forgotten' })
      else settle(row)
    }
  }

  function settled(id: string): Promise<Settlement> {
    const known = promises.get(id)
    if (known !== undefined) return known
    const promise = new Promise<Settlement>((done) => waiting.set(id, done))
    promises.set(id, promise)
    look([id])
    return promise
  }

  return {
    settle,
    handle: (id: string): Operation => ({
      id: text('id', id, 'the id of an operation, as operations.list() tells it'),
      async status() {
        const row = await store.byId(id)
        if (row?.user !== user)
          throw new SyncOperationError(id, 'not-found', `There is no operation ${id}. It may have been forgotten: see retention.`)
        return row.status
      },
      get settled() {
        return settled(id)
      },
    }),
    /** All that is waited for was removed. */
    forgotten(): void {
      for (const id of [...waiting.keys()]) resolve(id, { status: 'forgotten' })
    },
    /** Somebody else wrote the store: what is waited for may have ended there. */
    lookAgain: (): void => look(waiting.keys()),
  }
}
