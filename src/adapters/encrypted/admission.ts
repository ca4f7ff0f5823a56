import { SEALED } from '../../core/sealed.ts'
import { StorageConflictError, StorageKeyError } from '../../core/errors.ts'
import type { Storage, StoreSchema } from '../../core/ports.ts'
import { collectionIn, isScalar } from '../rows.ts'
import { fromBase64, toBase64 } from './bytes.ts'
import type { Bytes, Cipher } from './cipher.ts'
import { ENCRYPTION, layoutOf, readRecord, recordWrite, unchanged, verify, type KeyRecord } from './key-record.ts'
import { sealAnew } from './passes.ts'
import { openRow, plainFieldsOf, type Opened } from './sealed-row.ts'

/** Where the keys come from. */
export interface CipherSource {
  newSalt(): Bytes
  cipherFor(salt: Bytes): Promise<Cipher>
}

export interface Admission {
  readonly storage: Storage
  /** With the collection of the wrapper. */
  readonly schema: StoreSchema
  readonly source: CipherSource
  /** What becomes of rows that lie there in plain text. */
  readonly plaintext: 'seal' | 'refuse'
}

export interface Admitted {
  readonly cipher: Cipher
  /** As the record names it: another one is that of another store, though its keys are called the same. */
  readonly salt: string
}

const BATCH_SIZE = 200

/**
 * Judges the keys by the store's record of them, before any row is touched; makes the record in a store that has none; and seals what
 * lies there in plain text, or with another layout. A crash leaves the record as it was, so the next one goes on. Other handles may do the same.
 */
export async function admit(admission: Admission): Promise<Admitted> {
  const { storage, schema, source } = admission
  for (;;) {
    const known = await readRecord(storage)
    const salt = known === undefined ? source.newSalt() : (fromBase64(known.salt) ?? new Uint8Array())
    const cipher = await source.cipherFor(salt)
    if (known !== undefined) await verify(known, cipher)
    const { current } = cipher
    const layout = layoutOf(schema)
    const plain = known === undefined ? await holdsRows(admission, cipher) : known.isSealing
    const wanted: KeyRecord = {
      rev: (known?.rev ?? 0) + 1,
      current,
      salt: toBase64(salt),
      layout: known?.layout ?? (plain ? '' : layout),
      isSealing: plain,
      ids: [...new Set([...(known?.ids ?? []), current])],
    }
    const isNew = known === undefined || known.current !== current || known.ids.length !== wanted.ids.length
    if (isNew && !(await replace(storage, known, wanted, cipher))) continue
    const record = isNew ? wanted : known
    const admitted = { cipher, salt: record.salt }
    if (record.layout === layout && !record.isSealing) return admitted
    const sealed = { ...record, rev: record.rev + 1, layout, isSealing: false }
    if (await seals(admission, record, cipher)) if (await replace(storage, record, sealed, cipher)) return admitted
  }
}

/** False if another handle was quicker. */
export async function replace(
  storage: Storage,
  known: KeyRecord | undefined,
  { rev, current, salt, layout, isSealing, ids }: KeyRecord,
  cipher: Cipher,
): Promise<boolean> {
  const write = await recordWrite({ rev, current, salt, layout, isSealing, ids }, cipher)
  return unlessConflict(() => storage.commit([write], { expect: [unchanged(known)] }))
}

/** Plain rows can't be compared, but nobody writes them any more: a handle without keys is refused by the store's version, one with keys waits for this. */
function seals({ storage, schema }: Admission, record: KeyRecord, cipher: Cipher): Promise<boolean> {
  const wants = (opened: Opened, name: string): boolean => {
    if (opened.type === 'unsealed') return record.isSealing
    if (opened.type === 'unreadable') return false
    const fields = plainFieldsOf(collectionIn(schema, name))
    return Object.entries(opened.row).some(
      ([field, value]) => fields.has(field) && isScalar(value) && !Object.hasOwn(opened.plain, field),
    )
  }
  return unlessConflict(async () => {
    await sealAnew({ storage, schema, cipher, key: record.current, wants, expect: unchanged(record), batchSize: BATCH_SIZE })
    if (record.isSealing) await storage.compact?.()
  })
}

/** @throws StorageKeyError if there are rows that these keys can't open, or plain ones that are to be refused. */
async function holdsRows({ storage, schema, plaintext }: Admission, cipher: Cipher): Promise<boolean> {
  let found = false
  for (const [name, collection] of Object.entries(schema.collections)) {
    if (name === ENCRYPTION) continue
    const [first] = await storage.scan(name, { limit: 1 })
    if (first === undefined) continue
    const opened = await openRow(cipher, name, collection, first)
    if (opened.type === 'unreadable' && typeof first.value === 'object' && first.value !== null && SEALED in first.value)
      throw new StorageKeyError(
        `The store is sealed, but its record of the keys is gone, and these do not open "${name}". Give the right keys; no row was touched.`,
        { cause: opened.cause },
      )
    if (plaintext === 'refuse')
      throw new StorageKeyError(
        'The store holds rows in plain text. Open it with plaintext: "seal" once, or begin a new one; no row was touched.',
      )
    found = true
  }
  return found
}

async function unlessConflict(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (error instanceof StorageConflictError) return false
    throw error
  }
}
