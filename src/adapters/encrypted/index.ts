import { ValidationError } from '../../core/errors.ts'
import type { Storage } from '../../core/ports.ts'
import { isRow } from '../rows.ts'
import type { CipherSource } from './admission.ts'
import { aesGcm } from './aes-gcm.ts'
import type { Bytes, Cipher } from './cipher.ts'
import { checkIds, checkKeys, newSalt, type KeyRing, type KeySource } from './keys.ts'
import type { RotateOptions, Rotation } from './rotate.ts'
import { sealedStorage } from './storage.ts'

export { generateKey, keyFromPassphrase, newSalt } from './keys.ts'
export type { PassphraseOptions } from './keys.ts'
export type { Bytes, Cipher, KeyRing, KeySource, RotateOptions, Rotation }

export interface EncryptedStorageOptions {
  /** Any store: what it gets is sealed. */
  readonly storage: Storage
  /** AES-256-GCM with these keys; or, instead, `cipher`. */
  readonly keys?: KeyRing | KeySource
  /** Another cipher, which holds its own keys. */
  readonly cipher?: Cipher
  /** What becomes of a store that holds rows in plain text: they are sealed at the first open (default), or the store is refused. */
  readonly plaintext?: 'seal' | 'refuse'
}

export interface EncryptedStorage extends Storage {
  /**
   * Seals with the current key whatever an older one has sealed, in batches, while engines run. When it resolves, no key but the
   * current one is needed any more; interrupted, it is simply called again.
   * @throws StorageConflictError where other handles make another key the current one, again and again.
   */
  rotate(options?: RotateOptions): Promise<Rotation>
}

/**
 * Encryption at rest: a store around another, that seals each row before it is written. The primary key, the fields of indexes and
 * those that commits compare stay readable; all others are one sealed text, bound to its place. A row that was tampered with is a
 * corrupt entry. Rows are kept as JSON.
 * @throws ValidationError if the options are not what they must be. `open` fails with `StorageKeyError` for a wrong or missing key.
 */
export function encryptedStorage(options: EncryptedStorageOptions): EncryptedStorage {
  if (!isRow(options) || typeof options.storage?.commit !== 'function')
    throw new ValidationError('storage', 'must be a store, as sqliteStorage({ path }).')
  const { storage, plaintext = 'seal' } = options
  if (plaintext !== 'seal' && plaintext !== 'refuse') throw new ValidationError('plaintext', 'must be "seal" or "refuse".')
  return sealedStorage(storage, sourceOf(options), plaintext)
}

function sourceOf({ keys, cipher }: EncryptedStorageOptions): CipherSource {
  if (cipher !== undefined && keys === undefined) {
    checkIds('cipher.', cipher.current, cipher.ids)
    return { newSalt: () => new Uint8Array(), cipherFor: async () => cipher }
  }
  if (keys === undefined || cipher !== undefined)
    throw new ValidationError('keys', 'must be { current, all } or a function that gives it; or give a cipher instead.')
  if (typeof keys === 'function') return { newSalt, cipherFor: async (salt) => aesGcm(checkKeys(await keys({ salt }))) }
  const made = aesGcm(checkKeys(keys))
  return { newSalt, cipherFor: async () => made }
}
