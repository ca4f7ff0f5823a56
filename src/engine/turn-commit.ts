import type { OperationRow } from '../core/operation.ts'
import type { Expectation, Write } from '../core/ports.ts'
import { IN_PLAY } from '../core/schema.ts'
import type { Choice } from './chooser.ts'
import type { LedgerEntry } from './ledger.ts'
import type { Replica } from './replica.ts'
import type { Renamer } from './renamer.ts'
import { appendOperation, putOperation, updateOperation } from './store.ts'
import type { Aftermath, Follower, Transactions } from './transactions.ts'

/** What one turn of the owner's loop writes. */
export interface TurnWrites {
  /** What operations in play have come to. */
  readonly news: readonly LedgerEntry[]
  /** The same, where an earlier commit that seemed to fail has written it after all. */
  readonly known: readonly LedgerEntry[]
  /** Operations that ended with an earlier choice, of which the same is true. */
  readonly ended: readonly OperationRow[]
  /** Claims that are put back. */
  readonly unsent: readonly OperationRow[]
  readonly choices: readonly Choice[]
  readonly expect: readonly Expectation[]
}

/** What became of operations that were not played themselves. */
export interface TurnResult {
  readonly followers: readonly Follower[]
  /** Enqueued to take back what was done. */
  readonly undoing: readonly OperationRow[]
  /** What can't be taken back. */
  readonly left: readonly OperationRow[]
  /** What goes next. */
  readonly choices: readonly Choice[]
  /** Operations that are in another lane now, for the server has told the id of their entity. */
  readonly moved: readonly OperationRow[]
}

/** Writes a turn, with what it means for the other members of transactions, in one commit. */
export function createTurnCommit(replica: Replica, transactions: Transactions, renamer: Renamer) {
  async function aftermathsOf({ news, known, unsent }: TurnWrites): Promise<readonly Aftermath[]> {
    const found: Aftermath[] = []
    for (const { row, parts } of news.filter(isMember)) found.push(await transactions.aftermathOf(row, parts))
    for (const row of unsent) if (row.transaction !== undefined) found.push(await transactions.aftermathOf(row))
    for (const { row } of known.filter(isMember)) found.push(await transactions.knownAftermathOf(row))
    return found
  }

  return async function commit(epoch: number, turn: TurnWrites): Promise<TurnResult> {
    const { news, known, ended, unsent } = turn
    const aftermaths = await aftermathsOf(turn)
    const confirmed = [
      ...news.flatMap(({ confirmation }) => confirmation ?? []),
      ...aftermaths.flatMap((one) => one.confirmations),
    ]
    const undoing = renamer.named(
      aftermaths.flatMap((one) => one.undoing),
      confirmed,
    )
    // What is chosen with an entity's temporary id would be sent with it: it is chosen anew.
    const isRenaming = renamer.isNeeded(confirmed)
    const [choices, expect] = isRenaming ? [[], []] : [turn.choices, turn.expect]
    const writes = [
      ...news.flatMap((entry) => entry.writes),
      ...unsent.map(putBack),
      ...choices.flatMap((choice) => choice.writes),
      ...aftermaths.flatMap((one) => one.writes),
      ...undoing.map(appendOperation),
    ]
    const plain = { writes, confirmations: confirmed, moved: [], expect }
    const last = isRenaming ? await renamer.rename(writes, confirmed) : plain
    const isNeeded = writes.length + known.length + ended.length > 0
    const seqs = isNeeded ? await replica.commit(epoch, last.writes, last.confirmations, { expect: last.expect }) : []
    return {
      choices,
      moved: last.moved,
      followers: [...ended.map((row) => ({ row, conflict: undefined })), ...aftermaths.flatMap((one) => one.followers)],
      left: aftermaths.flatMap((one) => one.left),
      undoing: undoing.map((row, at) => ({ ...row, seq: seqs[at] ?? 0 })),
    }
  }
}

function isMember({ row }: LedgerEntry): boolean {
  return row.transaction !== undefined
}

/** What was to be looked at or rolled back is in play still, as it is stored. */
function putBack(row: OperationRow): Write {
  return row.dueAt === IN_PLAY ? updateOperation(row, row) : putOperation(row)
}
