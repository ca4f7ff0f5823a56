import { StorageConflictError } from '../../core/errors.ts'
import type { Entry, Expectation, Fence, Scalar, Write } from '../../core/ports.ts'
import { isCounter, isRecord, META } from '../../core/schema.ts'
import type { Task } from './site.ts'

/** Counts the repairs of what can't be read: such a row has no field by which it can be told whether it is still the same. */
const REPAIRS = 'repairs'
const ASIDE = 'aside/'

/**
 * Moves a row that can't be read to `meta`, as it is, and writes what comes in its place. False if somebody was quicker, if it can be read by now, or if the
 * store can't tell what is there: then it stays.
 */
export async function setAside(
  task: Task,
  collection: string,
  key: Scalar,
  isUnreadable: (entry: Entry) => boolean,
  instead: readonly Write[] = [{ type: 'delete', collection, key }],
  fence?: Fence,
): Promise<boolean> {
  const { count, expect } = await repairsOf(task)
  const entry = await task.store.storage.get(collection, key)
  if (entry === undefined || !isUnreadable(entry)) return false
  const raw = entry.raw ?? (entry.value === undefined ? undefined : JSON.stringify(entry.value))
  if (raw === undefined) return false
  const kept = { name: `${ASIDE}${collection}/${key}/${count + 1}`, collection, key, raw, at: task.now() }
  const writes: Write[] = [{ type: 'put', collection: META, value: kept }, counted(count + 1), ...instead]
  try {
    await task.store.commit(writes, { expect: [expect], ...(fence === undefined ? {} : { fence }) })
    return true
  } catch (error) {
    if (error instanceof StorageConflictError) return false
    throw error
  }
}

/** Where the count itself can't be read it goes on from one that none before was as high as: by it what is kept is named. */
async function repairsOf({ store, now }: Task): Promise<{ readonly count: number; readonly expect: Expectation }> {
  const entry = await store.storage.get(META, REPAIRS)
  if (entry === undefined) return { count: 0, expect: { collection: META, key: REPAIRS, absent: true } }
  const rev = isRecord(entry.value) ? entry.value['rev'] : undefined
  const count = isCounter(rev) ? rev : Math.max(1, Math.trunc(now()))
  if (count !== rev) await store.commit([counted(count)])
  return { count, expect: { collection: META, key: REPAIRS, field: 'rev', equals: count } }
}

function counted(rev: number): Write {
  return { type: 'put', collection: META, value: { name: REPAIRS, rev } }
}

export function isAside(name: string): boolean {
  return name.startsWith(ASIDE) || name === REPAIRS
}
