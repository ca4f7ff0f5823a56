import type { StoreSchema } from '../../core/ports.ts'
import { StorageClosedError } from '../../core/errors.ts'
import { ConnectionLost, nameOf, toSyncError } from './failures.ts'
import type { DatabaseOptions } from './open.ts'
import { openDatabase } from './open.ts'

export type Task<T> = (db: IDBDatabase, schema: StoreSchema) => Promise<T>

/** A connection that outlives the browser's own: what it lost it opens again when it is next needed. */
export interface Connection {
  open(schema: StoreSchema): Promise<void>
  isOpen(): boolean
  /** Runs the task, and once more on a new connection if it fails with `ConnectionLost`. */
  use<T>(task: Task<T>): Promise<T>
  close(): Promise<void>
}

interface Session {
  readonly schema: StoreSchema
  handle: Promise<IDBDatabase> | undefined
}

export function createConnection(options: DatabaseOptions): Connection {
  const running = new Set<Promise<unknown>>()
  let session: Session | undefined

  async function open(schema: StoreSchema): Promise<void> {
    const mine = (session ??= { schema, handle: undefined })
    try {
      await connect(mine, options)
    } catch (error) {
      if (session === mine) session = undefined
      throw toSyncError(error)
    }
  }

  async function use<T>(task: Task<T>): Promise<T> {
    if (!session) throw new StorageClosedError()
    const run = attempt(session, options, task)
    running.add(run)
    try {
      return await run
    } catch (error) {
      throw toSyncError(error)
    } finally {
      running.delete(run)
    }
  }

  async function close(): Promise<void> {
    const ended = session
    session = undefined
    await Promise.allSettled(running)
    // One of those may have opened it anew.
    const db = await ended?.handle?.catch(() => undefined)
    db?.close()
  }

  return { open, isOpen: () => session !== undefined, use, close }
}

/** Begins a transaction, or says that the connection is gone. */
export function begin(
  db: IDBDatabase,
  stores: readonly string[],
  mode: 'readonly' | 'readwrite',
  durability: IDBTransactionDurability = 'default',
): IDBTransaction {
  try {
    return db.transaction([...stores], mode, { durability })
  } catch (error) {
    if (nameOf(error) === 'InvalidStateError') throw new ConnectionLost('The connection is closed.', { cause: error })
    throw error
  }
}

function connect(session: Session, options: DatabaseOptions): Promise<IDBDatabase> {
  if (session.handle) return session.handle
  const forget = (): void => {
    if (session.handle === handle) session.handle = undefined
  }
  const handle = openDatabase(options, session.schema, forget)
  session.handle = handle
  handle.catch(forget)
  return handle
}

async function attempt<T>(session: Session, options: DatabaseOptions, task: Task<T>): Promise<T> {
  const handle = connect(session, options)
  const db = await handle
  try {
    return await task(db, session.schema)
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error
  }
  db.close()
  if (session.handle === handle) session.handle = undefined
  return task(await connect(session, options), session.schema)
}
