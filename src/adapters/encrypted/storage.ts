import { StorageClosedError, StorageConflictError, StorageNewerError, ValidationError } from '../../core/errors.ts'
import type { CommitOptions, Storage, StoreSchema, Write } from '../../core/ports.ts'
import { collectionIn } from '../rows.ts'
import { ENCRYPTED_VERSIONS } from '../store-version.ts'
import { admit, type Admitted, type CipherSource } from './admission.ts'
import type { EncryptedStorage } from './index.ts'
import { ENCRYPTION, ENCRYPTION_SCHEMA, missingKey, readRecord, stillCurrent, stillOfSalt } from './key-record.ts'
import { createReader } from './reader.ts'
import { rotateKeys } from './rotate.ts'
import { plainFieldsOf } from './sealed-row.ts'
import { together, type Maybe } from './maybe.ts'
import { checkComparable, sealWrite, sealWriteAnew } from './writes.ts'

interface Open {
  /** The caller's. */
  readonly schema: StoreSchema
  seal: Seal
}

interface Seal extends Admitted {
  /** What seals now: the store's current key, which another handle may change. */
  readonly key: string
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
    await withOwnVersions(storage.open(withRecord(schema)))
    try {
      opened = { schema, seal: await admitted(schema) }
    } catch (error) {
      await close()
      throw error
    }
  }

  async function admitted(schema: StoreSchema): Promise<Seal> {
    const found = await admit({ storage, schema: withRecord(schema), source, plaintext })
    return { ...found, key: found.cipher.current }
  }

  async function close(): Promise<void> {
    opened = undefined
    await storage.close()
  }

  function reader(name: string) {
    const { schema, seal } = seen()
    return createReader(storage, seal.cipher, name, collectionIn(schema, name))
  }

  /** Commits reach the store in the order in which they were made, however long each takes to be sealed. */
  async function inOrder(sealing: Maybe<Sealed>, commit: (sealed: Sealed) => Promise<readonly number[]>) {
    const mine = Promise.all([sealing, issued]).then(([sealed]) => ({ committed: commit(sealed) }))
    issued = mine.catch(() => {})
    return (await mine).committed
  }

  async function commit(writes: readonly Write[], options: CommitOptions = {}): Promise<readonly number[]> {
    const state = seen()
    const { schema } = state
    checkComparable(schema, options)
    let { seal } = state
    let sealing = together(writes.map((write) => sealWrite(schema, seal.cipher, seal.key, write)))
    for (;;) {
      const expect = [stillCurrent(seal.key), stillOfSalt(seal.salt), ...(options.expect ?? [])]
      try {
        return await inOrder(sealing, (sealed) => withOwnVersions(storage.commit(sealed, { ...options, expect })))
      } catch (error) {
        if (!(error instanceof StorageConflictError) || !(await hasOtherSeal(state, seal))) throw error
      }
      const [former, next] = [seal, state.seal]
      sealing = Promise.all((await sealing).map((write) => sealWriteAnew(schema, former.cipher, next, write)))
      seal = next
    }
  }

  /** Another handle seals with a newer key: this one does the same, if it has it. Or the store was emptied, as where the user clears the data of a site: it is begun anew. */
  async function hasOtherSeal(state: Open, used: Seal): Promise<boolean> {
    const record = await readRecord(storage)
    if (record?.salt !== used.salt) state.seal = await admitted(state.schema)
    else if (record.current === used.key) return false
    else if (!used.cipher.ids.includes(record.current)) throw missingKey(record.current)
    else state.seal = { ...used, key: record.current }
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
      const { schema, seal } = seen()
      return rotateKeys({ storage, schema: withRecord(schema), cipher: seal.cipher }, options)
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
