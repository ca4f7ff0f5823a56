import type { OperationActor, OperationEvent } from '../../machines/operation.ts'
import { conflictRow, isNews } from '../core/conflict-row.ts'
import { laneOf, type ConflictRecord, type OperationRow } from '../core/operation.ts'
import type { Write } from '../core/ports.ts'
import { CONFLICTS, ENTITIES, type EntityRow } from '../core/schema.ts'
import { putOperation, updateOperation, type Store } from './store.ts'

/** A row that waits to be written, and what the server said of its entity meanwhile. */
export interface LedgerEntry {
  /** Who waits for the write; undefined if the slot is gone. */
  readonly slot: OperationActor | undefined
  readonly row: OperationRow
  readonly writes: readonly Write[]
  /** What this step found to be in conflict, or how it settled what had been. */
  readonly conflict?: ConflictRecord | undefined
}

/** What a step of an operation writes: its row, and what is now known of the entity. */
export function ledgerEntry(
  slot: OperationActor,
  row: OperationRow,
  was: OperationRow | undefined,
  event: OperationEvent,
): LedgerEntry {
  const conflict = isNews(row, was) ? conflictRow(row, 'at' in event ? event.at : row.enqueuedAt) : undefined
  const writes: Write[] = [was === undefined ? putOperation(row) : updateOperation(row, was), ...entityWrites(row, event)]
  if (conflict === undefined) return { slot, row, writes }
  return { slot, row, writes: [...writes, { type: 'put', collection: CONFLICTS, value: conflict }], conflict: row.conflict }
}

/**
 * Of entries whose commit failed, those that it did not write after all: a failure can hide a success, and what was written may have
 * been edited by now. Only an owner may rely on it, for the next owner's writes look the same: so it is followed by a commit, be it an empty one.
 */
export async function unwritten(store: Store, entries: readonly LedgerEntry[]): Promise<ReadonlySet<LedgerEntry>> {
  if (entries.length === 0) return NONE
  const revisions = await store.revisions(entries.map(({ row }) => row.seq))
  return new Set(entries.filter(({ row }, at) => (revisions[at] ?? 0) < row.rev))
}

const NONE: ReadonlySet<LedgerEntry> = new Set()

function entityWrites(row: OperationRow, event: OperationEvent): Write[] {
  const known = confirmed(event)
  if (known === undefined) return []
  const key = laneOf(row.user, row.entity, row.entityId)
  if (row.type === 'delete' && row.status === 'done') return [{ type: 'delete', collection: ENTITIES, key }]
  if (known.version === undefined) return [{ type: 'delete', collection: ENTITIES, key }]
  const { version, value } = known
  const entity: EntityRow = { key, version, ...(value === undefined ? {} : { value }) }
  return [{ type: 'put', collection: ENTITIES, value: entity }]
}

type Confirmed = Pick<EntityRow, 'version' | 'value'>

/** What the server confirmed of the entity, if this event tells. */
function confirmed(event: OperationEvent): { [K in keyof Confirmed]: Confirmed[K] | undefined } | undefined {
  if (event.type === 'OUTCOME' && event.outcome.type === 'applied')
    return { version: event.outcome.version, value: event.outcome.value }
  if (event.type === 'RECONCILED' && event.decision.type === 'done')
    return { version: event.decision.version, value: event.decision.value }
  return undefined
}
