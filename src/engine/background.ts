import { LoggedOutError, StorageClosedError, StorageFencedError } from '../core/errors.ts'

const ENDS = [StorageClosedError, StorageFencedError, LoggedOutError]

/** What is done in the background ends by this, and nobody need hear of it: the store was closed, another owns the lease, or the user has logged out. */
export function isItsEnd(error: unknown): boolean {
  return ENDS.some((end) => error instanceof end)
}
