import { StorageKeyError, StorageNewerError, type StorageError } from '../core/errors.ts'

/**
 * An encrypted store has the version of its schema and this many more. So whatever opens it without the keys is refused by the
 * check that every store makes at `open` and in each commit, also by builds that know nothing of encryption.
 */
export const ENCRYPTED_VERSIONS = 1_000_000

/** Why a store of that version is refused to a handle of this one. */
export function newerError(found: number, known: number): StorageError {
  if (found <= ENCRYPTED_VERSIONS || known > ENCRYPTED_VERSIONS) return new StorageNewerError(found, known)
  return new StorageKeyError(
    'The store is encrypted. Open it through encryptedStorage() of synchart/storage/encrypted, with its keys; nothing was touched.',
  )
}
