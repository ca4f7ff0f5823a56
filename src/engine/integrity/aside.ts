import { StorageConflictError } from '../../core/errors.ts'
import type { Entry, Fence, Scalar, Write } from '../../core/ports.ts'
import { isRecord, META } from '../../core/schema.ts'
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
  const { storage } = task.store
  const repairs = await storage.get(META, REPAIRS)
  const entry = await storage.get(collection, key)
  if (entry === undefined || !isUnreadable(entry)) return false
  const raw = entry.raw ?? (entry.value === undefined ? undefined : JSON.stringify(entry.value))
  if (raw === undefined) return false
  const count = isRecord(repairs?.value) && typeof repairs.value['rev'] === 'number' ? repairs.value['rev'] : 0
  const kept = { name: `${ASIDE}${collection}/${key}/${count + 1}`, collection, key, raw, at: task.now() }
  const writes: Write[] = [
    { type: 'put', collection: META, value: kept },
    { type: 'put', collection: META, value: { name: REPAIRS, rev: count + 1 } },
    ...instead,
  ]
  try {
    await task.store.commit(writes, {
      expect: [
        { collection: META, key: REPAIRS, ...(repairs === undefined ? { absent: true } : { field: 'rev', equals: count }) },
      ],
      ...(fence === undefined ? {} : { fence }),
    })
    return true
  } catch (error) {
    if (error instanceof StorageConflictError) return false
    throw error
  }
}

export function isAside(name: string): boolean {
  return name.startsWith(ASIDE) || name === REPAIRS
}
