import { StorageConflictError } from '../../core/errors.ts'
import type { OperationRow } from '../../core/operation.ts'
import type { Expectation, Write } from '../../core/ports.ts'
import { EDITS, META, OPERATIONS, readOperation } from '../../core/schema.ts'
import { editsIn } from '../edits-counter.ts'
import { mendedOperation } from '../../core/row-faults.ts'
import { editsUnchanged } from '../store-edit.ts'
import { updateOperation } from '../store.ts'
import type { Task } from './site.ts'

const TRIES = 10

/**
 * Writes the row anew with its index fields made of the others, unless somebody writes it first: then it is looked at anew. Counted as an edit, so that
 * who sends it looks again. False if it can't be: another row has what only one may have, or it changed too often.
 */
export async function mendOperation(site: Task, seq: number): Promise<boolean> {
  const { storage } = site.store
  for (let tries = 0; tries < TRIES; tries++) {
    const edits = await editsIn(storage)
    const entry = await storage.get(OPERATIONS, seq)
    const row = entry === undefined ? undefined : readOperation(entry)
    if (row === undefined) return entry === undefined
    const changed = mendedOperation(row, site.ageingMs, site.now())
    try {
      const counted: Write = { type: 'put', collection: META, value: { name: EDITS, rev: edits + 1 } }
      const unchanged: Expectation = { collection: OPERATIONS, key: seq, field: 'rev', equals: row.rev }
      const options = { expect: [unchanged, editsUnchanged(edits)] }
      await site.store.commit([updateOperation(changed, row), counted], options, 'turn')
      site.mended()
      return true
    } catch (error) {
      if (!(error instanceof StorageConflictError)) throw error
      if (error.index !== undefined) return false
    }
  }
  return false
}

/** For messages. */
export function nameOf({ type, entity, entityId, status }: OperationRow): string {
  return `${type} of ${entity}/${entityId} (${status})`
}
