import { StorageQuotaError, StorageUnavailableError, SyncError } from '../../core/errors.ts'

const QUOTA = ['QuotaExceededError', 'NS_ERROR_DOM_QUOTA_REACHED']

export function toSyncError(error: unknown): SyncError {
  if (error instanceof SyncError) return error
  const full = (error instanceof Error || error instanceof DOMException) && QUOTA.includes(error.name)
  if (full) return new StorageQuotaError({ cause: error })
  return new StorageUnavailableError('The browser failed to read or write its storage. Nothing was lost: try again.', {
    cause: error,
  })
}
