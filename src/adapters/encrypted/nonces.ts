import type { Bytes } from './cipher.ts'

/** NIST SP 800-38D: 96 random bits are good for 2³² records under one key. */
export const NONCE_BYTES = 12

const AT_ONCE = 1_024

/** Fresh random nonces. Asking the platform costs as much as sealing a row, so many are asked for at once. */
export function createNonces(): () => Bytes {
  let drawn = new Uint8Array()
  let used = 0
  return () => {
    if (used === drawn.length) {
      drawn = crypto.getRandomValues(new Uint8Array(NONCE_BYTES * AT_ONCE))
      used = 0
    }
    used += NONCE_BYTES
    return drawn.subarray(used - NONCE_BYTES, used)
  }
}
