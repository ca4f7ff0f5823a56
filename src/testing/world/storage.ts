import { prepareDisk } from '../../adapters/memory/disk.ts'
import { tableOf } from '../../adapters/memory/commit.ts'
import { countRows, entryOf, scanTable, type Table } from '../../adapters/memory/table.ts'
import { checkLimit, collectionIn, collectionsOf } from '../../adapters/rows.ts'
import { StorageClosedError } from '../../core/errors.ts'
import type {
  CollectionSchema,
  CommitOptions,
  Entry,
  Presence,
  ScanQuery,
  Storage,
  StoreSchema,
  Write,
} from '../../core/ports.ts'
import type { Disk } from './disk.ts'
import type { Tell } from './facts.ts'
import { never, type Life } from './life.ts'
import type { Scheduler } from './scheduler.ts'
import { codeOf } from './trace.ts'

export interface StorageSurroundings {
  readonly tab: string
  readonly device: string
  readonly scheduler: Scheduler
  readonly life: Life
  readonly tell: Tell
  readonly presence: Presence | undefined
  /** How long the next call takes. */
  latencyMs(): number
  /** How much later what was read is known. */
  answerMs(): number
  /** How long until another handle is told of a commit. */
  noticeMs(): number
  /** What the next call fails with, if it does; `write` if it is a commit. */
  fault(call: 'open' | 'read' | 'write'): Error | undefined
}

/**
 * One process's handle on its device's store. Calls of one handle take effect in order, each in one instant after its latency; those of
 * several handles interleave. What was read may be known only after later calls have taken effect. A process that dies before its call took effect leaves nothing, one that dies before the answer never knows.
 */
export function simulatedStorage(disk: Disk, around: StorageSurroundings): Storage {
  const { tab, device, scheduler, life, tell } = around
  const handle = {}
  let schema: StoreSchema | undefined
  let busyUntil = 0

  function opened(): StoreSchema {
    if (schema === undefined) throw new StorageClosedError()
    return schema
  }

  function perform<T>(port: string, kind: 'open' | 'read' | 'write', work: () => T): Promise<T> {
    if (!life.reaches(port)) return never()
    return new Promise((resolve, reject) => {
      busyUntil = Math.max(busyUntil, scheduler.now() + around.latencyMs())
      scheduler.after(busyUntil - scheduler.now(), () => {
        if (!life.isAlive()) return
        const answer = outcomeOf(port, kind, work)
        const tell = (): void => {
          if (life.reaches(port)) life.enter(() => ('error' in answer ? reject(answer.error) : resolve(answer.value)))
        }
        if (kind === 'read') scheduler.after(around.answerMs(), tell)
        else tell()
      })
    })
  }

  function outcomeOf<T>(port: string, kind: 'open' | 'read' | 'write', work: () => T): { value: T } | { error: unknown } {
    try {
      const fault = around.fault(kind)
      if (fault !== undefined) throw fault
      const value = work()
      if (kind !== 'write') tell({ type: 'read', tab, call: port })
      return { value }
    } catch (error) {
      if (kind === 'write') tell({ type: 'refused-commit', tab, code: codeOf(error) })
      else tell({ type: 'read', tab, call: port, failed: codeOf(error) })
      return { error }
    }
  }

  function read<T>(call: string, collection: string, work: (table: Table, collection: CollectionSchema) => T): Promise<T> {
    return perform(`${call} ${collection}`, 'read', () =>
      work(tableOf({ disk: disk.store, schema: opened() }, collection), collectionIn(opened(), collection)),
    )
  }

  function scanned(table: Table, collection: CollectionSchema, query: ScanQuery): readonly Entry[] {
    checkLimit(query)
    return scanTable(table, collection, query)
  }

  function write(writes: readonly Write[], options: CommitOptions): readonly number[] {
    const { keys, changes, others, lease } = disk.commit(opened(), writes, options)
    tell({ type: 'committed', tab, device, changes, others, lease, epoch: options.fence?.epoch })
    if (writes.length > 0) disk.notices.post(handle, collectionsOf(writes))
    return keys
  }

  return {
    capabilities: disk.capabilities,
    open: (wanted) =>
      perform('open', 'open', () => {
        prepareDisk(disk.store, wanted)
        schema = wanted
      }),
    get: (collection, key) => read('get', collection, (table) => entryOf(table, key, [key])),
    getMany: (collection, keys) => read('getMany', collection, (table) => keys.map((key) => entryOf(table, key, [key]))),
    scan: (collection, query) => read('scan', collection, (table, schema) => scanned(table, schema, query)),
    scanMany: (collection, queries) =>
      read('scanMany', collection, (table, schema) => queries.map((query) => scanned(table, schema, query))),
    count: (collection, query) => read('count', collection, (table, schema) => countRows(table, schema, query)),
    commit: (writes, options = {}) => perform('commit', 'write', () => write(writes, options)),
    watch(listener) {
      opened()
      return disk.notices.watch(handle, around, listener)
    },
    estimate: () => perform('estimate', 'read', () => ({ usedBytes: disk.store.usedBytes, quotaBytes: disk.store.quotaBytes })),
    close: () =>
      perform('close', 'read', () => {
        disk.notices.end(handle)
        schema = undefined
      }),
    ...(around.presence === undefined ? {} : { presence: around.presence }),
  }
}

/** As a build of the application opens it, whose schema has this version. */
export function ofBuild(storage: Storage, build: number): Storage {
  return { ...storage, open: (schema) => storage.open({ ...schema, version: build }) }
}
