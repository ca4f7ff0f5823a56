import type { Table } from '../../adapters/memory/table.ts'
import type { OperationRow } from '../../core/operation.ts'
import type { Storage } from '../../core/ports.ts'
import { createDisk } from './disk.ts'
import { simulatedStorage, type StorageSurroundings } from './storage.ts'

/** What the processes of one device share, and what is known of it from outside. */
export interface DeviceStore {
  /** The rows as they are committed. */
  readonly operations: ReadonlyMap<number, OperationRow>
  /** Those of them that can't be read any more. */
  readonly damaged: ReadonlySet<number>
  /** What is stored of a user, by its collection and key. */
  namesOf(user: string): readonly string[]
  /** A handle for one process. */
  storageOf(around: StorageSurroundings): Storage
  /** The platform takes everything away. */
  evict(): void
  /** The same, under those who have it open. */
  empty?(): void
  /** Somebody who does not run can't be waited for: what he holds is held. */
  isHeldUp(): boolean
  /** What lies on the disk, where it can be reached row by row. */
  readonly tables?: ReadonlyMap<string, Table>
  /** `swaps`: where rows are sealed, what another one holds is put into it. */
  corrupt?(seq: number, swaps: boolean): void
  /** What was committed since then never reached the disk. Gives the operations that are older now, or gone. */
  loseSince?(atMs: number): readonly number[]
  /** Only where a commit is several writes: the next one that has begun goes wrong in their midst. */
  tear?(tear: Tear | undefined): void
}

export interface Tear {
  /** Of the writes of rows that are to come, the first is 1. */
  readonly at: number
  /** The write fails, and the process lives on; otherwise it dies before it. */
  readonly fails: boolean
  /** It has happened, to this tab. */
  torn(tab: string): void
}

/** A store with transactions, as IndexedDB and SQLite are. */
export function transactionalStore(now: () => number): DeviceStore {
  const disk = createDisk(now)
  return {
    operations: disk.operations,
    damaged: disk.damaged,
    namesOf: (user) =>
      [...disk.store.tables].flatMap(([collection, { rows }]) =>
        [...rows].flatMap(([key, { text }]) => (isOf(user, String(key), text) ? [`${collection}/${key}`] : [])),
      ),
    storageOf: (around) => simulatedStorage(disk, around),
    evict: disk.evict,
    empty: disk.empty,
    isHeldUp: () => false,
    tables: disk.store.tables,
    corrupt: disk.corrupt,
    loseSince: disk.loseSince,
  }
}

/** By its key, or by what it says. */
export function isOf(user: string, key: string, text: string): boolean {
  return key.split('/').includes(user) || text.includes(`"user":"${user}"`)
}
