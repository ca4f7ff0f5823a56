import { StorageKeyError } from './errors.ts'
import type { Entry } from './ports.ts'

/** The field of a stored row that holds what encryption has sealed. */
export const SEALED = 'sealed'

/**
 * What the entry holds.
 * @throws StorageKeyError where another tab has encrypted the store meanwhile: to this one its rows would look damaged, or not there.
 */
export function valueOf(entry: Entry | undefined): unknown {
  const value = entry?.value
  if (typeof value !== 'object' || value === null || !(SEALED in value) || typeof value[SEALED] !== 'string') return value
  throw new StorageKeyError(
    'The store was encrypted meanwhile. Load this tab (or start this process) anew, with the keys; no row was touched.',
  )
}
