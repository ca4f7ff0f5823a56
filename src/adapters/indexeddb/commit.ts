import type { CommitOptions, StoreSchema, Write } from '../../core/ports.ts'
import { StorageConflictError } from '../../core/errors.ts'
import { checkAppendable, collectionIn, keyOf, rowOf } from '../rows.ts'
import type { Checks } from './checks.ts'
import { queueChecks } from './checks.ts'
import { begin } from './connection.ts'
import { ConnectionLost, nameOf, unavailable } from './failures.ts'
import { encodeRow } from './record.ts'
import { takenIndex } from './taken-index.ts'

/** One transaction over the stores involved: checks first, then the writes, acknowledged when it is complete. */
export function commit(
  db: IDBDatabase,
  schema: StoreSchema,
  writes: readonly Write[],
  options: CommitOptions,
): Promise<readonly number[]> {
  const { expect = [], fence, durability = 'strict' } = options
  for (const write of writes) checkWrite(schema, write)
  const involved = [...writes, ...expect, ...(fence ? [fence] : [])]
  if (involved.length === 0) return Promise.resolve([])
  const stores = [...new Set(involved.map(({ collection }) => collection))]
  for (const store of stores) collectionIn(schema, store)
  const transaction = begin(db, stores, writes.length > 0 ? 'readwrite' : 'readonly', durability)
  return run(db, schema, transaction, { writes, expect, fence })
}

/** Before anything is written. IndexedDB itself would take more kinds of keys than a row may have. */
function checkWrite(schema: StoreSchema, write: Write): void {
  const collection = collectionIn(schema, write.collection)
  if (write.type === 'delete') return
  const row = rowOf(write.value, write.collection)
  if (write.type === 'put') keyOf(row, write.collection, collection)
  else checkAppendable(write.collection, collection)
}

interface Work extends Checks {
  readonly writes: readonly Write[]
}

function run(db: IDBDatabase, schema: StoreSchema, transaction: IDBTransaction, work: Work): Promise<readonly number[]> {
  const keys: number[] = []
  let failure: unknown
  let refused: Write | undefined
  let asked = false

  const failed = (error: unknown): void => {
    failure = error
    transaction.abort()
  }
  const finish = (): void => {
    asked = true
    transaction.commit()
  }

  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(keys)
    transaction.onabort = () => {
      const { error } = transaction
      if (failure !== undefined) reject(failure)
      else if (refused && nameOf(error) === 'ConstraintError') void conflict(db, schema, refused, error).then(reject)
      else reject(explain(error, asked))
    }
    try {
      // Requests of one transaction run in order, so the writes can be queued behind the checks without waiting for them.
      const checks = queueChecks(transaction, schema, work, { passed: finish, failed })
      queueWrites(transaction, schema, work.writes, { keys, refused: (write) => (refused ??= write) })
      if (checks === 0) finish()
    } catch (error) {
      failed(error)
    }
  })
}

interface Results {
  readonly keys: number[]
  refused(write: Write): void
}

function queueWrites(
  transaction: IDBTransaction,
  schema: StoreSchema,
  writes: readonly Write[],
  { keys, refused }: Results,
): void {
  let appended = 0
  for (const write of writes) {
    const request = queueWrite(transaction.objectStore(write.collection), schema, write)
    request.onerror = () => refused(write)
    if (write.type !== 'append') continue
    const slot = appended++
    request.onsuccess = () => {
      if (typeof request.result === 'number') keys[slot] = request.result
    }
  }
}

function queueWrite(store: IDBObjectStore, schema: StoreSchema, write: Write): IDBRequest<IDBValidKey> | IDBRequest<undefined> {
  if (write.type === 'delete') return store.delete(write.key)
  const collection = collectionIn(schema, write.collection)
  const record = encodeRow(collection, write.value)
  if (write.type === 'put') return store.put(record)
  // With a key in the row IndexedDB would take that one instead of the next.
  return store.add(collection.key in record ? without(record, collection.key) : record)
}

function without(record: object, field: string): object {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== field))
}

async function conflict(db: IDBDatabase, schema: StoreSchema, write: Write, cause: unknown): Promise<StorageConflictError> {
  const index = await takenIndex(db, schema, write)
  const where = index === undefined ? write.collection : `${write.collection}.${index}`
  return new StorageConflictError(`The unique index ${where} already has this value. Nothing was written.`, { cause, index })
}

function explain(error: DOMException | null, asked: boolean): unknown {
  const broken = !error || error.name === 'AbortError' || error.name === 'UnknownError'
  if (!broken) return error
  if (!asked) return new ConnectionLost('The connection broke before the commit.', { cause: error })
  return unavailable('The connection to IndexedDB broke during a commit; whether it was written is unknown.', error)
}
