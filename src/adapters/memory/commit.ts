import {
  StorageConflictError,
  StorageCorruptError,
  StorageError,
  StorageFencedError,
  StorageQuotaError,
  StorageUnavailableError,
  ValidationError,
} from '../../core/errors.ts'
import type { CommitOptions, Expectation, Fence, StoreSchema, Write } from '../../core/ports.ts'
import { checkAppendable, collectionIn, encode, isRow, keyOf, rowOf } from '../rows.ts'
import type { MemoryDisk } from './disk.ts'
import { createTable, deleteRow, entryOf, putRow } from './table.ts'
import type { Change, Table } from './table.ts'
import { newerError } from '../store-version.ts'

/** The disk as one handle sees it: through the handle's own schema. */
export interface View {
  readonly disk: MemoryDisk
  readonly schema: StoreSchema
}

export function tableOf({ disk, schema }: View, name: string): Table {
  collectionIn(schema, name)
  return disk.tables.get(name) ?? createTable()
}

function checkFence(view: View, { collection, key, epoch }: Fence): void {
  const lease = entryOf(tableOf(view, collection), key, [key])
  if (lease?.corrupt) throw new StorageCorruptError("The lease can't be read. Repair the store.", { cause: lease.corrupt })
  const current = isRow(lease?.value) ? lease.value.epoch : undefined
  if (typeof current === 'number' && current > epoch) throw new StorageFencedError(epoch, current)
}

function checkExpectation(view: View, expectation: Expectation): void {
  const { collection, key } = expectation
  const entry = entryOf(tableOf(view, collection), key, [key])
  if ('absent' in expectation) {
    if (!entry) return
    throw new StorageConflictError(`${collection}/${key} exists already. Read it and decide again.`)
  }
  const row = entry?.value
  if (isRow(row) && Object.hasOwn(row, expectation.field) && row[expectation.field] === expectation.equals) return
  throw new StorageConflictError(`${collection}/${key} has changed. Read it and decide again.`)
}

function writeOne(view: View, write: Write, appended: number[]): Change {
  const { disk, schema } = view
  const name = write.collection
  const collection = collectionIn(schema, name)
  const table = tableOf(view, name)
  if (write.type === 'delete') {
    disk.beforeWrite?.(name, write.key)
    return deleteRow(table, write.key)
  }
  if (write.type === 'append') checkAppendable(name, collection)
  const given = rowOf(write.value, name)
  const row = write.type === 'append' ? { ...given, [collection.key]: table.lastKey + 1 } : given
  const key = keyOf(row, name, collection)
  disk.beforeWrite?.(name, key)
  const change = putRow(table, key, row, encode(row, name))
  if (collection.autoIncrement && typeof key === 'number') table.lastKey = Math.max(table.lastKey, key)
  if (write.type === 'append') appended.push(table.lastKey)
  return change
}

function typed(error: unknown): Error {
  if (error instanceof StorageError || error instanceof ValidationError) return error
  return new StorageUnavailableError('The row could not be written. Nothing was; try again.', { cause: error })
}

/** All or nothing, in one go: nobody else runs in between. Returns the keys of the appended rows. */
export function commitTo(view: View, writes: readonly Write[], { expect = [], fence }: CommitOptions): readonly number[] {
  const { disk, schema } = view
  if (disk.version > schema.version) throw newerError(disk.version, schema.version)
  if (fence) checkFence(view, fence)
  for (const expectation of expect) checkExpectation(view, expectation)
  const appended: number[] = []
  const changes: Change[] = []
  const lastKeys = [...disk.tables.values()].map((table) => ({ table, lastKey: table.lastKey }))
  try {
    let bytes = 0
    for (const write of writes) {
      const change = writeOne(view, write, appended)
      changes.push(change)
      bytes += change.bytes
    }
    if (bytes > 0 && disk.quotaBytes !== undefined && disk.usedBytes + bytes > disk.quotaBytes) throw new StorageQuotaError()
    disk.usedBytes += bytes
    return appended
  } catch (error) {
    for (const change of changes.toReversed()) change.undo()
    for (const { table, lastKey } of lastKeys) table.lastKey = lastKey
    throw typed(error)
  }
}
