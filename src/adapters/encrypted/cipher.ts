import type { Maybe } from './maybe.ts'

export type Bytes = Uint8Array<ArrayBuffer>

/**
 * What seals the rows: authenticated encryption with associated data, under keys that are known by their ids.
 * What `seal` returns holds all that `open` needs beside the key, as the nonce; no two calls of it may use the same nonce under one key.
 */
export interface Cipher {
  /** The key for what is written from now on. */
  readonly current: string
  /** The ids of all keys. */
  readonly ids: readonly string[]
  seal(key: string, plain: Bytes, associated: Bytes): Maybe<Bytes>
  /** Throws or rejects unless these very bytes were sealed under this key with this associated data. */
  open(key: string, sealed: Bytes, associated: Bytes): Maybe<Bytes>
}
