import { StorageClosedError, StorageConflictError, StorageNewerError, ValidationError } from '../../core/errors.ts'
import type { CommitOptions, Storage, StoreSchema, Write } from '../../core/ports.ts'
import { collectionIn } from '../rows.ts'
import { ENCRYPTED_VERSIONS } from '../store-version.ts'
import { admit, type CipherSource } from './admission.ts'
import type { Cipher } from './cipher.ts'
import type { EncryptedStorage } from './index.ts'
import { ENCRYPTION, ENCRYPTION_SCHEMA, missingKey, readRecord, stillCurrent } from './key-record.ts'
import { createReader } from './reader.ts'
import { rotateKeys } from './rotate.ts'
import { plainFieldsOf } from './sealed-row.ts'
import { together, type Maybe } from './maybe.ts'
import { checkComparable, sealWrite, sealWriteAnew } from './writes.ts'

interface Open {
  /** The caller's. */
  readonly schema: StoreSchema
  readonly cipher: Cipher
  /** What seals now: the store's current key, which another handle may change. */
  key: string
}

type Sealed = readonly Write[]

export function sealedStorage(storage: Storage, source: CipherSource, plaintext: 'seal' | 'refuse'): EncryptedStorage {
  let opened: Open | undefined
  let turn: Promise<unknown> = Promise.resolve()
  let issued: Promise<unknown> = Promise.resolve()

  function seen(): Open {
    if (opened === undefined) throw new StorageClosedError()
    return opened
  }

  /** Opening and closing take turns. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    const done = turn.then(work)
    turn = done.catch(() => {})
    return done
  }

  async function open(schema: StoreSchema): Promise<void> {
    const whole = withRecord(schema)
    await withOwnVersions(storage.open(whole))
    try {
      const cipher = await admit({ storage, schema: whole, source, plaintext })
      opened = { schema, cipher, key: cipher.current }
    } catch (error) {
      await close()
      throw error
    }
  }

  async function close(): Promise<void> {
    opened = undefined
    await storage.close()
  }

  function reader(name: string) {
    const { schema, cipher } = seen()
    return createReader(storage, cipher, name, collectionIn(schema, name))
  }

  /** Commits reach the store in the order in which they were made, however long each takes to be sealed. */
  async function inOrder(sealing: Maybe<Sealed>, commit: (sealed: Sealed) => Promise<readonly number[]>) {
    const mine = Promise.all([sealing, issued]).then(([sealed]) => ({ committed: commit(sealed) }))
    issued = mine.catch(() => {})
    return (await mine).committed
  }

  async function commit(writes: readonly Write[], options: CommitOptions = {}): Promise<readonly number[]> {
    const state = seen()
    const { schema, cipher } = state
    checkComparable(schema, options)
    let { key } = state
    let sealing = together(writes.map((write) => sealWrite(schema, cipher, key, write)))
    for (;;) {
      const expect = [stillCurrent(key), ...(options.expect ?? [])]
      try {
        return await inOrder(sealing, (sealed) => withOwnVersions(storage.commit(sealed, { ...options, expect })))
      } catch (error) {
        if (!(error instanceof StorageConflictError) || !(await hasOtherKey(state, key))) throw error
      }
      const next = state.key
      sealing = Promise.all((await sealing).map((write) => sealWriteAnew(schema, cipher, next, write)))
      key = next
    }
  }

  /** Another handle seals with a newer key: this one does the same, if it has it. */
  async function hasOtherKey(state: Open, used: string): Promise<boolean> {
    const record = await readRecord(storage)
    if (record === undefined || record.current === used) return false
    if (!state.cipher.ids.includes(record.current)) throw missingKey(record.current)
    state.key = record.current
    return true
  }

  return {
    get capabilities() {
      return storage.capabilities
    },
    ...(storage.presence && { presence: storage.presence }),
    ...(storage.compact && { compact: () => storage.compact?.() ?? Promise.resolve() }),
    open: (schema) => inTurn(() => open(schema)),
    close: () => inTurn(close),
    async get(collection, key) {
      const { one } = reader(collection)
      const entry = await storage.get(collection, key)
      return entry && one(entry)
    },
    async getMany(collection, keys) {
      const { one } = reader(collection)
      const entries = await storage.getMany(collection, keys)
      return together(entries.map((entry) => entry && one(entry)))
    },
    async scan(collection, query) {
      const { page } = reader(collection)
      return page(await storage.scan(collection, query), query)
    },
    async scanMany(collection, queries) {
      const { page } = reader(collection)
      const found = await storage.scanMany(collection, queries)
      return together(found.map((entries, at) => page(entries, queries[at])))
    },
    async count(collection, query) {
      collectionIn(seen().schema, collection)
      return storage.count(collection, query)
    },
    commit,
    watch(listener) {
      seen()
      return storage.watch(listener)
    },
    async estimate() {
      seen()
      return storage.estimate()
    },
    async rotate(options = {}) {
      const { schema, cipher } = seen()
      return rotateKeys({ storage, schema: withRecord(schema), cipher }, options)
    },
  }
}

/** As the store itself sees it. */
function withRecord({ version, collections }: StoreSchema): StoreSchema {
  if (Object.hasOwn(collections, ENCRYPTION))
    throw new ValidationError(ENCRYPTION, 'is the collection of the encryption itself. Rename the collection.')
  for (const collection of Object.values(collections)) plainFieldsOf(collection)
  return { version: version + ENCRYPTED_VERSIONS, collections: { ...collections, [ENCRYPTION]: ENCRYPTION_SCHEMA } }
}

async function withOwnVersions<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof StorageNewerError)) throw error
    throw new StorageNewerError(error.found - ENCRYPTED_VERSIONS, error.known - ENCRYPTED_VERSIONS)
  }
}
