import { commitTo } from '../../adapters/memory/commit.ts'
import { memoryDisk, type MemoryDisk } from '../../adapters/memory/disk.ts'
import type { OperationRow } from '../../core/operation.ts'
import type { CommitOptions, StorageCapabilities, StoreSchema, Write } from '../../core/ports.ts'
import { isOperationRow, OPERATIONS } from '../../core/schema.ts'
import type { RowChange } from './facts.ts'

/** What the processes of one device share on disk, and what is known of it from outside: the rows as they were committed. */
export interface Disk {
  readonly store: MemoryDisk
  readonly capabilities: StorageCapabilities
  readonly operations: ReadonlyMap<number, OperationRow>
  /** Each handle's listener to commits of the others. */
  readonly watchers: Map<object, () => void>
  commit(schema: StoreSchema, writes: readonly Write[], options: CommitOptions): Committed
}

interface Committed {
  readonly keys: readonly number[]
  readonly changes: readonly RowChange[]
  readonly others: readonly string[]
}

const CAPABILITIES: StorageCapabilities = { atomicBatch: true, fencing: 'enforced', range: 'native', durability: 'fsync' }

export function createDisk(): Disk {
  const store = memoryDisk()
  const operations = new Map<number, OperationRow>()

  function note(write: Write, key: number | undefined): RowChange | string {
    if (write.type === 'delete') {
      const before = typeof write.key === 'number' ? operations.get(write.key) : undefined
      if (write.collection !== OPERATIONS) return `${write.collection}/${write.key} removed`
      operations.delete(Number(write.key))
      return { seq: Number(write.key), before, row: undefined }
    }
    const value: unknown = key === undefined ? write.value : { ...write.value, seq: key }
    if (write.collection !== OPERATIONS || !isOperationRow(value)) return `${write.collection} ${JSON.stringify(value)}`
    const before = operations.get(value.seq)
    operations.set(value.seq, value)
    return { seq: value.seq, before, row: value }
  }

  return {
    store,
    capabilities: CAPABILITIES,
    operations,
    watchers: new Map(),
    commit(schema, writes, options) {
      const keys = commitTo({ disk: store, schema }, writes, options)
      const changes: RowChange[] = []
      const others: string[] = []
      let appended = 0
      for (const write of writes) {
        const noted = note(write, write.type === 'append' ? keys[appended++] : undefined)
        if (typeof noted === 'string') others.push(noted)
        else changes.push(noted)
      }
      return { keys, changes, others }
    },
  }
}
