import { SEALED } from '../../core/sealed.ts'
import { StorageConflictError } from '../../core/errors.ts'
import type { Entry, Expectation, IndexKey, Scalar, Storage, StoreSchema, Write } from '../../core/ports.ts'
import { collectionIn, isRow, type Row } from '../rows.ts'
import type { Cipher } from './cipher.ts'
import { ENCRYPTION } from './key-record.ts'
import { openRow, sealRow, type Opened } from './sealed-row.ts'

export interface Pass {
  readonly storage: Storage
  readonly schema: StoreSchema
  readonly cipher: Cipher
  /** Seals what the pass writes. */
  readonly key: string
  /** Which rows are sealed anew. */
  readonly wants: (opened: Opened, collection: string) => boolean
  /** What must hold for each of its commits. */
  readonly expect: Expectation
  readonly batchSize: number
  readonly signal?: AbortSignal | undefined
  readonly committed?: ((rows: number) => void) | undefined
}

interface Found {
  readonly entry: Entry
  readonly opened: Opened
}

/**
 * Goes through all rows, page by page, and seals those anew that it wants. Writers may be at work: each batch expects that its rows are
 * sealed as they were read, to the last bit, so it never overwrites a newer write. Returns how many can't be opened.
 */
export async function sealAnew(pass: Pass): Promise<number> {
  let unreadable = 0
  for (const name of Object.keys(pass.schema.collections).filter((one) => one !== ENCRYPTION)) {
    for (let gt: IndexKey | undefined; ;) {
      pass.signal?.throwIfAborted()
      const page = await sealPage(pass, name, gt)
      unreadable += page.filter(({ opened }) => opened.type === 'unreadable').length
      gt = page.at(-1)?.entry.position
      if (page.length < pass.batchSize) break
    }
  }
  return unreadable
}

/** Whoever was quicker has sealed with the newest key, so that with each conflict there is less to do. */
async function sealPage(pass: Pass, name: string, gt: IndexKey | undefined): Promise<readonly Found[]> {
  for (;;) {
    const page = await readPage(pass, name, gt)
    const wanted = page.filter(({ opened }) => pass.wants(opened, name))
    if (wanted.length === 0) return page
    const writes = await Promise.all(wanted.map((found) => sealOne(pass, name, found)))
    try {
      await pass.storage.commit(writes, { expect: [pass.expect, ...wanted.flatMap(({ entry }) => asItWas(name, entry))] })
      pass.committed?.(writes.length)
      return page
    } catch (error) {
      if (!(error instanceof StorageConflictError) || !(await holds(pass))) throw error
    }
  }
}

async function readPage({ storage, schema, cipher, batchSize }: Pass, name: string, gt: IndexKey | undefined): Promise<Found[]> {
  const entries = await storage.scan(name, { limit: batchSize, ...(gt === undefined ? {} : { gt }) })
  const collection = collectionIn(schema, name)
  return Promise.all(entries.map(async (entry) => ({ entry, opened: await openRow(cipher, name, collection, entry) })))
}

async function sealOne({ schema, cipher, key }: Pass, name: string, { entry, opened }: Found): Promise<Write> {
  const row: Row = opened.type === 'unreadable' ? {} : opened.row
  const value = await sealRow({ cipher, id: key, name, collection: collectionIn(schema, name) }, row, entry.key)
  return { type: 'put', collection: name, value, ...(isRow(entry.value) ? { was: entry.value } : {}) }
}

function asItWas(collection: string, { key, value }: Entry): readonly Expectation[] {
  const text = isRow(value) ? value[SEALED] : undefined
  return typeof text === 'string' ? [{ collection, key, field: SEALED, equals: text }] : []
}

/** Otherwise the pass is of no use any more. */
async function holds({ storage, expect }: Pass): Promise<boolean> {
  const row = (await storage.get(expect.collection, expect.key))?.value
  if (!('field' in expect)) return false
  const found: unknown = isRow(row) ? row[expect.field] : undefined
  return found === (expect.equals satisfies Scalar)
}
