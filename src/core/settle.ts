import type { Conflict, ConflictStrategy, EntityOptions } from './conflict.ts'
import type { OperationRow } from './operation.ts'
import { wasDecided, type Settlement } from './reconcile.ts'

/** What a conflict comes to without anybody being asked, and who says so. */
export interface Automatic {
  /** Undefined: the application's function is to be asked. */
  readonly settlement: Settlement | undefined
  /** As a conflict's record names it. */
  readonly strategy: string
}

/**
 * What a person has decided holds, then what the rules of fields say, then the strategy of the entity. With rules for fields the strategy
 * speaks for each of the other fields, without it takes the entity as a whole.
 */
export function settleByRule(
  row: OperationRow,
  conflict: Conflict,
  options: EntityOptions,
  later: () => 'local' | 'remote',
): Automatic {
  if (isDecided(row, conflict)) return { settlement: 'local', strategy: 'person' }
  if (conflict.fields.some(({ rule }) => rule === 'manual')) return { settlement: 'manual', strategy: 'fields' }
  if (conflict.severity === 'low') return { settlement: { merge: 'local' }, strategy: 'fields' }
  const { conflict: strategy = 'merge', fields } = options
  if (typeof strategy === 'function') return { settlement: undefined, strategy: 'function' }
  return { settlement: byStrategy(strategy, fields !== undefined && conflict.merged !== undefined, conflict, later), strategy }
}

function byStrategy(
  strategy: Exclude<ConflictStrategy, (...args: never) => unknown>,
  isByField: boolean,
  conflict: Conflict,
  later: () => 'local' | 'remote',
): Settlement {
  if (strategy === 'manual') return strategy
  if (strategy === 'merge') return { merge: 'local' }
  if (strategy === 'lastWriteWins') return conflict.merged === undefined ? later() : { merge: later() }
  const side = strategy === 'localWins' ? 'local' : 'remote'
  return isByField ? { merge: side } : side
}

/** Somebody chose the local side of this very conflict, or wrote what the operation wants now. */
export function isDecided(row: OperationRow, conflict: Conflict): boolean {
  const { resolution, strategy } = row.conflict ?? {}
  return strategy === 'person' && (resolution === 'local' || resolution === 'value') && wasDecided(row, conflict)
}
