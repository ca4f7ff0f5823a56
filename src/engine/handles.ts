import { StorageClosedError, SyncOperationError } from '../core/errors.ts'
import type { OperationRow } from '../core/operation.ts'
import type { Events } from './events.ts'
import { settlementOf } from './info.ts'
import type { Store } from './store.ts'
import type { Operation, Settlement } from './types.ts'

export type Handles = ReturnType<typeof createHandles>

/** What the application holds of an operation. It settles in whichever tab or process it was enqueued, and by id after a restart. */
export function createHandles(store: Store, events: Events, ended: (row: OperationRow) => void) {
  const waiting = new Map<string, (settlement: Settlement) => void>()
  const promises = new Map<string, Promise<Settlement>>()

  function settle(row: OperationRow): void {
    const settlement = settlementOf(row)
    if (settlement === undefined) return
    ended(row)
    resolve(row.id, settlement)
  }

  function resolve(id: string, settlement: Settlement): void {
    const waits = waiting.get(id)
    waiting.delete(id)
    promises.delete(id)
    waits?.(settlement)
  }

  async function look(id: string): Promise<void> {
    try {
      const row = await store.byId(id)
      if (row === undefined) resolve(id, { status: 'forgotten' })
      else settle(row)
    } catch (error) {
      // It is looked at again when the store is opened.
      if (!(error instanceof StorageClosedError)) events.emit({ type: 'storage:error', error })
    }
  }

  function settled(id: string): Promise<Settlement> {
    const known = promises.get(id)
    if (known !== undefined) return known
    const promise = new Promise<Settlement>((done) => waiting.set(id, done))
    promises.set(id, promise)
    void look(id)
    return promise
  }

  return {
    settle,
    handle: (id: string): Operation => ({
      id,
      async status() {
        const row = await store.byId(id)
        if (row === undefined)
          throw new SyncOperationError(id, 'not-found', `There is no operation ${id}. It may have been forgotten: see retention.`)
        return row.status
      },
      get settled() {
        return settled(id)
      },
    }),
    /** Somebody else wrote the store: what is waited for may have ended there. */
    async lookAgain(): Promise<void> {
      await Promise.all([...waiting.keys()].map(look))
    },
  }
}
