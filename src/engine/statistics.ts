import { LoggedOutError } from '../core/errors.ts'
import { addCounts, NOTHING, readStatistics, statisticsName, type Counts, type Statistics } from '../core/statistics.ts'
import type { Clock } from '../core/ports.ts'
import { META } from '../core/schema.ts'
import { createCounts } from './counts.ts'
import { every } from './every.ts'
import { changeShared } from './shared-row.ts'
import type { Store } from './store.ts'
import type { SyncEvent } from './types.ts'

/** Totals that are kept over restarts, of every engine on the store. */
export interface StatisticsStore {
  /** What others counted in the last seconds may not be in it yet. */
  get(): Promise<Statistics>
  /** From now on everything counts anew. */
  reset(): Promise<void>
}

interface Batch {
  readonly name: string
  readonly counts: Counts
}

const STORED_EVERY_MS = 10_000
/** More than there are engines that could add theirs between two tries of one. */
const REMEMBERED = 32

/**
 * Adds what this engine counted to the row that all share, some seconds after it happened and in one go: no operation waits for it, and
 * none is harmed where it fails. A process that dies takes along what it has not added.
 */
export function createStatistics(
  { user, owner }: { readonly user: string; readonly owner: string },
  clock: Clock,
  store: Store,
  failed: (error: unknown) => void,
) {
  const name = statisticsName(user)
  /** Where nothing is stored yet. */
  let since = clock.now()
  let counted = createCounts()
  let batches = 0
  /** Taken, and not known to be in the row. */
  let batch: Batch | undefined
  let last: Promise<unknown> = Promise.resolve()
  let rest = (): void => {}

  function one<T>(task: () => Promise<T>): Promise<T> {
    const done = last.then(task)
    last = done.catch(() => {})
    return done
  }

  /** Also what was counted since the batch that an earlier try has left. */
  async function add(): Promise<void> {
    if (batch !== undefined) await addBatch(batch)
    batch = take()
    if (batch !== undefined) await addBatch(batch)
  }

  async function addBatch({ name: taken, counts }: Batch): Promise<void> {
    await changeShared(store, name, readStatistics, (known, rev) => {
      if (known?.added.includes(taken) === true) return { ...known, rev }
      const added = [...(known?.added ?? []), taken].slice(-REMEMBERED)
      return { name, rev, added, since: known?.since ?? since, ...addCounts(known ?? NOTHING, counts) }
    })
    batch = undefined
  }

  /** Also what is enqueued meanwhile. */
  async function addAll(): Promise<void> {
    do await add()
    while (!counted.isEmpty())
  }

  /** It is of a log-in that has ended. */
  function drop(): void {
    counted = createCounts()
    batch = undefined
  }

  function take(): Batch | undefined {
    if (counted.isEmpty()) return undefined
    const counts = counted.read()
    counted = createCounts()
    batches += 1
    return { name: `${owner}/${batches}`, counts }
  }

  async function get(): Promise<Statistics> {
    const known = readStatistics(await store.storage.get(META, name))
    const isAdded = batch === undefined || known?.added.includes(batch.name) === true
    const own = isAdded ? counted.read() : addCounts(batch?.counts ?? NOTHING, counted.read())
    return { since: known?.since ?? since, ...addCounts(known ?? NOTHING, own) }
  }

  async function reset(): Promise<void> {
    await add()
    await changeShared(store, name, readStatistics, (known, rev) => {
      return { name, rev, added: known?.added ?? [], since: clock.now(), ...NOTHING }
    })
  }

  return {
    /** A subscriber of the event bus. */
    record: (event: SyncEvent): void => counted.record(event),
    requested: (): void => counted.requested(),
    api: { get: () => one(get), reset: () => one(reset) } satisfies StatisticsStore,
    opened(): void {
      if (counted.isEmpty() && batch === undefined) since = clock.now()
      rest = every(clock, STORED_EVERY_MS, () => void one(add).catch(failed))
    },
    /** The store is about to be closed. Never rejects. */
    async closing(): Promise<void> {
      rest()
      await one(addAll).catch((error: unknown) => (error instanceof LoggedOutError ? drop() : failed(error)))
    },
  }
}
