import { encryptedStorage, type Bytes, type Cipher, type EncryptedStorage } from '../../adapters/encrypted/index.ts'
import { fromBase64, toBytes, toText } from '../../adapters/encrypted/bytes.ts'
import { SEALED } from '../../core/sealed.ts'
import { isRow } from '../../adapters/rows.ts'
import { contentHash } from '../../core/hash.ts'
import type { Storage } from '../../core/ports.ts'
import type { WorldSettings } from './settings.ts'
import type { Choices } from './tape.ts'

const SHARE = 0.12
const COUNT_LENGTH = 8
const HEAD_LENGTH = COUNT_LENGTH + 32
/** So small that much happens while rows are sealed anew. */
const BATCH_SIZE = 3

/** In some worlds stores are encrypted: from the first build on, or by the second, which finds one in plain text. Drawn after everything else. */
export function withEncryption(settings: WorldSettings, choices: Choices): WorldSettings {
  if (!choices.chance(SHARE)) return settings
  return { ...settings, encryptedFromBuild: choices.pick([1, 1, 2]) }
}

/** Hides nothing, and tells of all that was not sealed just so. No two sealings are alike. */
export function createCipherOf(): (build: number) => Cipher {
  let count = 0
  const tagOf = (key: string, number: string, plain: Bytes, associated: Bytes): string =>
    contentHash([key, number, toText(plain), toText(associated)])

  return (build) => ({
    current: `k${build}`,
    ids: Array.from({ length: build }, (_, at) => `k${at + 1}`),
    seal(key, plain, associated) {
      const number = String(++count).padStart(COUNT_LENGTH, '0')
      return toBytes(`${number}${tagOf(key, number, plain, associated)}${toText(plain)}`)
    },
    open(key, sealed, associated) {
      const text = toText(sealed)
      const plain = toBytes(text.slice(HEAD_LENGTH))
      const number = text.slice(0, COUNT_LENGTH)
      if (text.slice(COUNT_LENGTH, HEAD_LENGTH) !== tagOf(key, number, plain, associated))
        throw new Error('It was tampered with.')
      return plain
    },
  })
}

/** The row as who has the key sees it; for those who look on from outside. */
export function unsealed(row: unknown): unknown {
  const text = isRow(row) ? row[SEALED] : undefined
  if (!isRow(row) || typeof text !== 'string') return row
  const bytes = fromBase64(text.slice(text.lastIndexOf('.') + 1))
  const hidden: unknown = bytes && JSON.parse(toText(bytes).slice(HEAD_LENGTH))
  const { [SEALED]: _, ...plain } = row
  return isRow(hidden) ? { ...plain, ...hidden } : row
}

/** The store as an application of this build opens it. */
export function encrypted(storage: Storage, cipher: Cipher): EncryptedStorage {
  return encryptedStorage({ storage, cipher })
}

/** What an older build has sealed is sealed anew while the engine works; who is interrupted begins again at the next start. */
export async function rotateKeys(storage: EncryptedStorage, told: (result: string) => void, codeOf: (error: unknown) => string) {
  try {
    const { resealed, unreadable } = await storage.rotate({ batchSize: BATCH_SIZE })
    told(`resealed ${resealed}, left ${unreadable}`)
  } catch (error) {
    told(codeOf(error))
  }
}
