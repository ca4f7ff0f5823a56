import { StorageKeyError, ValidationError } from '../../core/errors.ts'
import type { Bytes } from './cipher.ts'

/** Keys by the ids under which the store names them. */
export interface KeyRing {
  /** Seals what is written from now on. */
  readonly current: string
  readonly all: Readonly<Record<string, CryptoKey>>
}

/** Called at each `open`, with the salt that is kept in the store itself (made anew for a new one), and by a commit that finds the store emptied or begun anew meanwhile. */
export type KeySource = (store: { readonly salt: Bytes }) => KeyRing | Promise<KeyRing>

export interface PassphraseOptions {
  /** At least 16 bytes, not secret and always the same: as a `KeySource` is given it. */
  readonly salt: Bytes
  /** Default 600,000, as OWASP recommends for PBKDF2 with HMAC-SHA-256. */
  readonly iterations?: number
}

const ALGORITHM = { name: 'AES-GCM', length: 256 }
const USAGES: readonly KeyUsage[] = ['encrypt', 'decrypt']
const ITERATIONS = 600_000
const SALT_BYTES = 16
const ID = /^[\w-]{1,64}$/

/** A new random key that can't be extracted. Keep the handle (in a browser IndexedDB can); with it all is lost that it sealed. */
export async function generateKey(): Promise<CryptoKey> {
  return webCrypto().generateKey(ALGORITHM, false, USAGES)
}

/** The same key for the same passphrase and salt, by PBKDF2-HMAC-SHA-256; it can't be extracted. */
export async function keyFromPassphrase(passphrase: string, options: PassphraseOptions): Promise<CryptoKey> {
  const { salt, iterations = ITERATIONS } = options
  if (typeof passphrase !== 'string' || passphrase === '') throw new ValidationError('passphrase', 'must not be empty.')
  if (!(salt instanceof Uint8Array) || salt.length < SALT_BYTES)
    throw new ValidationError('salt', `must be a Uint8Array of at least ${SALT_BYTES} bytes, as newSalt() gives it.`)
  if (!Number.isSafeInteger(iterations) || iterations < 1)
    throw new ValidationError('iterations', 'must be a whole number from 1 on.')
  const subtle = webCrypto()
  const material = await subtle.importKey('raw', bytesOf(passphrase.normalize('NFKC')), 'PBKDF2', false, ['deriveKey'])
  return subtle.deriveKey({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations }, material, ALGORITHM, false, USAGES)
}

export function newSalt(): Bytes {
  return crypto.getRandomValues(new Uint8Array(SALT_BYTES))
}

/** @throws ValidationError unless each key can seal, and ids and the current one are usable. */
export function checkKeys(ring: KeyRing): KeyRing {
  checkIds('keys.', ring.current, Object.keys(ring.all ?? {}))
  for (const [id, key] of Object.entries(ring.all)) {
    if (isUsable(key)) continue
    throw new ValidationError(`keys.all.${id}`, 'must be a CryptoKey for AES-GCM with 256 bits that may encrypt and decrypt.')
  }
  return ring
}

export function keyIn<Key>(keys: ReadonlyMap<string, Key>, id: string): Key {
  const key = keys.get(id)
  if (key === undefined) throw new Error(`There is no key "${id}".`)
  return key
}

export function checkIds(path: string, current: string, ids: readonly string[]): void {
  const bad = ids.find((id) => !ID.test(id))
  if (bad !== undefined) throw new ValidationError(`${path}all.${bad}`, 'ids of keys have 1 to 64 of A-Z, a-z, 0-9, _ and -.')
  if (!ids.includes(current)) throw new ValidationError(`${path}current`, 'must be the id of one of the keys.')
}

/** Browsers give it to secure pages alone. */
function webCrypto(): SubtleCrypto {
  const { crypto } = globalThis
  if ('subtle' in crypto) return crypto.subtle
  throw new StorageKeyError(
    'There is no WebCrypto here, so no key can be made. Serve the page over https or from localhost, or give encryptedStorage() a cipher instead.',
  )
}

function isUsable(key: CryptoKey): boolean {
  if (typeof CryptoKey === 'undefined' || !(key instanceof CryptoKey) || key.algorithm.name !== ALGORITHM.name) return false
  return 'length' in key.algorithm && key.algorithm.length === ALGORITHM.length && USAGES.every((one) => key.usages.includes(one))
}

function bytesOf(text: string): Bytes {
  return new TextEncoder().encode(text)
}
