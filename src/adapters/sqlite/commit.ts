import { StorageConflictError, StorageCorruptError, StorageFencedError } from '../../core/errors.ts'
import type { CommitOptions, Expectation, Fence, Write } from '../../core/ports.ts'
import { isRow } from '../rows.ts'
import { tableIn, transact } from './connection.ts'
import type { Connection } from './connection.ts'
import { isUniqueViolation } from './errors.ts'
import { checkVersion } from './layout.ts'
import { append, put, read, remove, takenIndex } from './table.ts'
import type { Table } from './table.ts'

function checkFence(connection: Connection, { collection, key, epoch }: Fence): void {
  const lease = read(connection.driver, tableIn(connection, collection), key)
  if (lease?.corrupt)
    throw new StorageCorruptError("The lease can't be read, so nobody may write under it. Take it anew.", {
      cause: lease.corrupt,
    })
  const current = isRow(lease?.value) ? lease.value.epoch : undefined
  if (typeof current === 'number' && current > epoch) throw new StorageFencedError(epoch, current)
}

function checkExpectation(connection: Connection, expectation: Expectation): void {
  const { collection, key } = expectation
  const entry = read(connection.driver, tableIn(connection, collection), key)
  if ('absent' in expectation) {
    if (entry) throw new StorageConflictError(`${collection}/${key} exists already. Read it and decide again.`)
    return
  }
  const row = entry?.value
  if (isRow(row) && Object.hasOwn(row, expectation.field) && row[expectation.field] === expectation.equals) return
  throw new StorageConflictError(`${collection}/${key} has changed. Read it and decide again.`)
}

function conflict(connection: Connection, table: Table, value: object, cause: unknown): StorageConflictError {
  const index = isRow(value) ? takenIndex(connection.driver, table, value) : undefined
  return new StorageConflictError(`Another row of "${table.name}" has the value that must be unique in "${index}".`, {
    index,
    cause,
  })
}

function write(connection: Connection, one: Write, appended: number[]): void {
  const { driver } = connection
  const table = tableIn(connection, one.collection)
  if (one.type === 'delete') return remove(driver, table, one.key)
  try {
    if (one.type === 'put') put(driver, table, one.value, one.was)
    else appended.push(append(driver, table, one.value))
  } catch (error) {
    if (isUniqueViolation(error)) throw conflict(connection, table, one.value, error)
    throw error
  }
}

/** In WAL mode NORMAL leaves out the sync of each commit: the commit survives the process, but not a loss of power. */
function synchronize(connection: Connection, durability: CommitOptions['durability']): void {
  const wanted = durability === 'relaxed' ? 'NORMAL' : 'FULL'
  if (connection.synchronous === wanted) return
  connection.driver.exec(`PRAGMA synchronous = ${wanted}`)
  connection.synchronous = wanted
}

/** All or nothing, in one go. Returns the keys of the appended rows. */
export function commitNow(connection: Connection, writes: readonly Write[], options: CommitOptions): readonly number[] {
  synchronize(connection, options.durability)
  return transact(connection.driver, () => {
    checkVersion(connection.driver, connection.schema)
    if (options.fence) checkFence(connection, options.fence)
    for (const expectation of options.expect ?? []) checkExpectation(connection, expectation)
    const appended: number[] = []
    for (const one of writes) write(connection, one, appended)
    return appended
  })
}
