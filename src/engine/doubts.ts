import type { OperationRow } from '../core/operation.ts'
import type { Choice } from './chooser.ts'
import { unwritten, type LedgerEntry } from './ledger.ts'
import type { Store } from './store.ts'

/** What the owner wanted to write by commits that failed: they may have succeeded all the same. */
export function createDoubts(store: Store) {
  let entries: readonly LedgerEntry[] = []
  /** What ended, or was parked, with what was chosen. By its id. */
  let ended: ReadonlyMap<string, OperationRow> = new Map()

  /** Of what ended with a choice that was not written nothing is left to do: it is chosen anew. */
  async function endedAfterAll(): Promise<readonly OperationRow[]> {
    if (ended.size === 0) return []
    const rows = [...ended.values()]
    const stored = await store.byIds([...ended.keys()])
    return rows.filter(({ rev, status }, at) => stored[at]?.rev === rev && stored[at].status === status)
  }

  return {
    entries: (): readonly LedgerEntry[] => entries,
    /** What became of it. To be relied on once another commit has shown that nobody else is the owner. */
    async look() {
      const missing = await unwritten(store, entries)
      return {
        known: entries.filter((entry) => !missing.has(entry)),
        again: entries.filter((entry) => missing.has(entry)),
        ended: await endedAfterAll(),
      }
    },
    keep(failed: readonly LedgerEntry[], choices: readonly Choice[]): void {
      entries = failed
      ended = new Map([...ended, ...choices.flatMap((choice) => choice.ended.map((row) => [row.id, row] as const))])
    },
    clear(): void {
      entries = []
      ended = new Map()
    },
  }
}
