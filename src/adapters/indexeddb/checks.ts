import type { Expectation, Fence, StoreSchema } from '../../core/ports.ts'
import { StorageConflictError, StorageCorruptError, StorageFencedError } from '../../core/errors.ts'
import { collectionIn } from '../rows.ts'
import { decodeRow, fieldOf } from './record.ts'

export interface Checks {
  readonly expect: readonly Expectation[]
  readonly fence: Fence | undefined
}

interface Verdict {
  /** Called after the last check, if all of them hold. */
  passed(): void
  /** Called at most once. */
  failed(error: unknown): void
}

interface Check {
  readonly collection: string
  readonly key: string | number
  /** Why the commit must not happen. `record` is undefined where there is no row; `row` also where it is corrupt. */
  judge(record: unknown, row: object | undefined): Error | undefined
}

/** Queues the reads of the fence and the expectations, in that order. Returns how many there are. */
export function queueChecks(
  transaction: IDBTransaction,
  schema: StoreSchema,
  { fence, expect }: Checks,
  { passed, failed }: Verdict,
): number {
  const checks = [...(fence ? [fenceCheck(fence)] : []), ...expect.map(expectationCheck)]
  let left = checks.length
  let over = false
  const settle = (error: Error | undefined): void => {
    if (over) return
    left -= 1
    over = error !== undefined || left === 0
    if (error) failed(error)
    else if (over) passed()
  }
  for (const { collection, key, judge } of checks) {
    const request: IDBRequest<unknown> = transaction.objectStore(collection).get(key)
    const { key: field } = collectionIn(schema, collection)
    request.onsuccess = () => settle(judge(request.result, decodeRow(request.result, field, key)))
  }
  return checks.length
}

function fenceCheck(fence: Fence): Check {
  const { collection, key, epoch } = fence
  const judge = (record: unknown, row: object | undefined): Error | undefined => {
    if (record === undefined) return undefined
    const current = fieldOf(row, 'epoch')
    if (typeof current !== 'number')
      return new StorageCorruptError(`The lease ${collection} ${key} can not be read. Delete it and start again.`)
    return current > epoch ? new StorageFencedError(epoch, current) : undefined
  }
  return { collection, key, judge }
}

function expectationCheck(expectation: Expectation): Check {
  const { collection, key } = expectation
  const judge = (record: unknown, row: object | undefined): Error | undefined => {
    if ('absent' in expectation) {
      return record === undefined
        ? undefined
        : new StorageConflictError(`${collection} ${key} exists already. Nothing was written.`)
    }
    if (fieldOf(row, expectation.field) === expectation.equals) return undefined
    return new StorageConflictError(
      `${collection} ${key} is not as expected in "${expectation.field}": somebody else was quicker. Nothing was written.`,
    )
  }
  return { collection, key, judge }
}
