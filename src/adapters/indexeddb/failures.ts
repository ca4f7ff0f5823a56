import {
  StorageConflictError,
  StorageError,
  StorageQuotaError,
  StorageUnavailableError,
  SyncError,
  ValidationError,
} from '../../core/errors.ts'

/** The connection broke before anything was asked of it that may have had an effect: the same call may be made on a new one. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
}

export function nameOf(error: unknown): string {
  return error instanceof Error || error instanceof DOMException ? error.name : ''
}

/** Turns what IndexedDB throws into the typed error that says what to do. */
export function toSyncError(error: unknown): SyncError {
  if (error instanceof SyncError) return error
  if (error instanceof ConnectionLost)
    return unavailable('The browser closed the connection to IndexedDB twice in a row.', error.cause)
  switch (nameOf(error)) {
    case 'QuotaExceededError':
      return new StorageQuotaError({ cause: error })
    case 'ConstraintError':
      return new StorageConflictError('A unique index already has this value. Nothing was written.', { cause: error })
    case 'DataCloneError':
    case 'DataError':
      return new ValidationError('storage', 'a row holds a value or a key that IndexedDB can not store. Nothing was written.', {
        cause: error,
      })
    case 'NotFoundError':
    case 'InvalidAccessError':
      return new StorageError('storage-schema', 'The schema that the store was opened with has no such collection or index.', {
        cause: error,
      })
    default:
      return unavailable('IndexedDB failed.', error)
  }
}

export function unavailable(what: string, cause: unknown): StorageUnavailableError {
  return new StorageUnavailableError(
    `${what} Try again; if it stays, the browser refuses storage to this page (private mode, site settings, disk).`,
    {
      cause,
    },
  )
}
