import { commitTo } from '../../adapters/memory/commit.ts'
import { memoryDisk, type MemoryDisk } from '../../adapters/memory/disk.ts'
import { deleteRow, putRow } from '../../adapters/memory/table.ts'
import { ENCRYPTION, ENCRYPTION_SCHEMA } from '../../adapters/encrypted/key-record.ts'
import { SEALED } from '../../core/sealed.ts'
import { isRow, type Row } from '../../adapters/rows.ts'
import { unsealed } from './encryption.ts'
import { contentHash } from '../../core/hash.ts'
import type { OperationRow } from '../../core/operation.ts'
import type { CommitOptions, Scalar, StorageCapabilities, StoreSchema, Write } from '../../core/ports.ts'
import { isLeaseRow, isOperationRow, META, OPERATIONS, STORE_SCHEMA, type LeaseRow } from '../../core/schema.ts'
import type { RowChange } from './facts.ts'
import { createNotices, type Notices } from './notices.ts'

/** What the processes of one device share on disk, and what is known of it from outside: the rows as they were committed. */
export interface Disk {
  readonly store: MemoryDisk
  readonly capabilities: StorageCapabilities
  readonly operations: ReadonlyMap<number, OperationRow>
  /** Those of them that can't be read any more. */
  readonly damaged: ReadonlySet<number>
  readonly notices: Notices
  commit(schema: StoreSchema, writes: readonly Write[], options: CommitOptions): Committed
  /** Damages the row; or, in a store that is encrypted, puts into it what another one holds. */
  corrupt(seq: number, swaps: boolean): void
  /** The platform takes everything away. */
  evict(): void
  /** The same, under those who have it open. */
  empty(): void
  /** What was committed since then never reached the disk. Gives the operations that are older now, or gone. */
  loseSince(atMs: number): readonly number[]
}

/** A row as it was before a commit; undefined if there was none. */
interface Former {
  readonly atMs: number
  readonly collection: string
  readonly key: Scalar
  readonly text: string | undefined
  readonly row: OperationRow | undefined
}

interface Committed {
  readonly keys: readonly number[]
  readonly changes: readonly RowChange[]
  readonly others: readonly string[]
  readonly lease: LeaseRow | undefined
}

const CAPABILITIES: StorageCapabilities = { atomicBatch: true, fencing: 'enforced', range: 'native', durability: 'fsync' }

/** How much of the past is kept for a loss of power. */
const JOURNAL_ROWS = 300

export function createDisk(now: () => number): Disk {
  const store = memoryDisk()
  const operations = new Map<number, OperationRow>()
  const damaged = new Set<number>()
  let journal: Former[] = []

  function remember(collection: string, key: Scalar, text: string | undefined): void {
    const row = collection === OPERATIONS ? operations.get(Number(key)) : undefined
    journal.push({ atMs: now(), collection, key, text, row })
    if (journal.length > 2 * JOURNAL_ROWS) journal = journal.slice(-JOURNAL_ROWS)
  }

  function formerOf(write: Write): { key: Scalar; text: string | undefined } | undefined {
    if (write.type === 'append') return undefined
    const key = write.type === 'delete' ? write.key : keyIn(write.collection, write.value)
    return key === undefined ? undefined : { key, text: store.tables.get(write.collection)?.rows.get(key)?.text }
  }

  function goBack({ collection, key, text, row }: Former): void {
    const table = store.tables.get(collection)
    if (table === undefined) return
    const value = text === undefined ? undefined : decoded(text)
    const isReadable = text !== undefined && isRow(value)
    if (isReadable) putRow(table, key, value, text)
    else deleteRow(table, key)
    if (collection !== OPERATIONS) return
    if (row === undefined || !isReadable) operations.delete(Number(key))
    else operations.set(row.seq, row)
  }

  function note(write: Write, key: number | undefined): RowChange | string {
    if (write.type === 'delete') {
      const before = typeof write.key === 'number' ? operations.get(write.key) : undefined
      if (write.collection !== OPERATIONS) return `${write.collection}/${write.key} removed`
      operations.delete(Number(write.key))
      damaged.delete(Number(write.key))
      return { seq: Number(write.key), before, row: undefined }
    }
    const seen = unsealed(write.value)
    const value: unknown = key === undefined || !isRow(seen) ? seen : { ...seen, seq: key }
    if (write.collection !== OPERATIONS || !isOperationRow(value)) return `${write.collection} ${JSON.stringify(value)}`
    const before = operations.get(value.seq)
    operations.set(value.seq, value)
    damaged.delete(value.seq)
    return { seq: value.seq, before, row: value }
  }

  function swap(seq: number): boolean {
    const table = store.tables.get(OPERATIONS)
    const row = decoded(table?.rows.get(seq)?.text ?? '')
    const other = [...operations.keys()].filter((one) => one !== seq).map((one) => decoded(table?.rows.get(one)?.text ?? ''))
    const sealed = other.find(isSealed)
    if (table === undefined || !isSealed(row) || sealed === undefined) return false
    const swapped = { ...row, [SEALED]: sealed[SEALED] }
    putRow(table, seq, swapped, JSON.stringify(swapped))
    return true
  }

  function forget(): void {
    store.usedBytes = 0
    operations.clear()
    damaged.clear()
    journal = []
  }

  return {
    store,
    capabilities: CAPABILITIES,
    operations,
    damaged,
    notices: createNotices(),
    commit(schema, writes, options) {
      const formers = writes.map(formerOf)
      const keys = commitTo({ disk: store, schema }, writes, options)
      const changes: RowChange[] = []
      const others: string[] = []
      let lease: LeaseRow | undefined
      let appended = 0
      for (const [i, write] of writes.entries()) {
        const assigned = write.type === 'append' ? keys[appended++] : undefined
        const former = formers[i]
        if (former !== undefined) remember(write.collection, former.key, former.text)
        else if (assigned !== undefined) remember(write.collection, assigned, undefined)
        if (isSealedAnew(write, former?.text)) {
          others.push(`${write.collection}/${former?.key} sealed anew`)
          continue
        }
        const noted = note(write, assigned)
        const row = write.type === 'put' && write.collection === META ? unsealed(write.value) : undefined
        if (isLeaseRow(row)) lease = row
        if (typeof noted === 'string') others.push(noted)
        else changes.push(noted)
      }
      return { keys, changes, others, lease }
    },
    corrupt(seq, swaps) {
      if (!swaps || !swap(seq)) store.corrupt(OPERATIONS, seq)
      damaged.add(seq)
    },
    evict() {
      store.tables.clear()
      store.version = 0
      forget()
    },
    empty() {
      for (const table of store.tables.values()) {
        for (const key of [...table.rows.keys()]) deleteRow(table, key)
        table.lastKey = 0
      }
      forget()
    },
    loseSince(atMs) {
      const lost = journal.filter((former) => former.atMs >= atMs)
      journal = []
      for (const former of lost.toReversed()) goBack(former)
      return [...new Set(lost.flatMap(({ collection, key }) => (collection === OPERATIONS ? [Number(key)] : [])))]
    },
  }
}

/** Undefined for a row that was damaged. */
function decoded(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Only how it is sealed has changed. */
function isSealedAnew(write: Write, former: string | undefined): boolean {
  if (write.type !== 'put' || !isSealed(write.value) || former === undefined) return false
  return contentOf(decoded(former)) === contentOf(write.value)
}

/** In whatever order its fields were written. */
function contentOf(row: unknown): string {
  return contentHash(JSON.parse(JSON.stringify(unsealed(row) ?? null)))
}

function isSealed(row: unknown): row is Row {
  return isRow(row) && typeof row[SEALED] === 'string'
}

function keyIn(collection: string, value: object): Scalar | undefined {
  const field = collection === ENCRYPTION ? ENCRYPTION_SCHEMA.key : STORE_SCHEMA.collections[collection]?.key
  const key: unknown = field !== undefined && isRow(value) ? value[field] : undefined
  return typeof key === 'string' || typeof key === 'number' ? key : undefined
}
