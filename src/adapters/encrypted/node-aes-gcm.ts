import type * as nodeCryptoModule from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { Cipher } from './cipher.ts'
import { keyIn, type KeyRing } from './keys.ts'
import { createNonces, NONCE_BYTES } from './nonces.ts'

type NodeCrypto = typeof nodeCryptoModule

const TAG_BYTES = 16
const ALGORITHM = 'aes-256-gcm'

/** The same records under the same keys, without a task of WebCrypto's for each. Undefined where this can't be had. */
export function nodeAesGcm({ current, all }: KeyRing): Cipher | undefined {
  const node = nodeCrypto()
  const keys = node && nodeKeys(node, all)
  if (node === undefined || keys === undefined) return undefined
  const newNonce = createNonces()

  return {
    current,
    ids: [...keys.keys()],
    seal(id, plain, associated) {
      const record = Buffer.allocUnsafe(NONCE_BYTES + plain.length + TAG_BYTES)
      const nonce = newNonce()
      const cipher = node.createCipheriv(ALGORITHM, keyIn(keys, id), nonce)
      cipher.setAAD(associated)
      record.set(nonce)
      record.set(cipher.update(plain), NONCE_BYTES)
      cipher.final()
      record.set(cipher.getAuthTag(), NONCE_BYTES + plain.length)
      return record
    },
    open(id, sealed, associated) {
      const end = sealed.length - TAG_BYTES
      if (end < NONCE_BYTES) throw new Error('The record is cut off.')
      const nonce = sealed.subarray(0, NONCE_BYTES)
      const decipher = node.createDecipheriv(ALGORITHM, keyIn(keys, id), nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(associated)
      decipher.setAuthTag(sealed.subarray(end))
      const plain = decipher.update(sealed.subarray(NONCE_BYTES, end))
      decipher.final()
      return plain
    },
  }
}

/** Asked of the process, so that no bundle for browsers holds or misses it. */
function nodeCrypto(): NodeCrypto | undefined {
  const { process } = globalThis
  return typeof process?.getBuiltinModule === 'function' ? process.getBuiltinModule('node:crypto') : undefined
}

/** The handles stay what they are: of a key that can't be extracted nothing is. */
function nodeKeys(node: NodeCrypto, all: KeyRing['all']): ReadonlyMap<string, KeyObject> | undefined {
  try {
    return new Map(Object.entries(all).map(([id, key]) => [id, node.KeyObject.from(key)]))
  } catch {
    return undefined
  }
}
