import { shownVersion } from '../core/earlier.ts'
import type { Json } from '../core/json.ts'
import type { OperationRow } from '../core/operation.ts'
import type { EntityRow } from '../core/schema.ts'
import type { Part } from '../core/transaction.ts'

/** What the server confirmed of an entity by its answer to an operation, or when it was looked at for one. */
export interface Confirmation {
  readonly operation: OperationRow
  readonly version: string | undefined
  readonly value: Json | undefined
  /** The version that it was applied to, as far as that is known. */
  readonly appliedTo: string | undefined
  /** The server's state was looked at before: what others made may be part of it. */
  readonly wasLookedAt: boolean
  /** It is what others made, absent where they deleted it: that was kept, or a person is to decide. */
  readonly theirs?: 'kept' | 'undecided'
  /** The id that the server gave to what was created. */
  readonly id?: string | undefined
  /** The temporary id by which the entity was known until now. */
  readonly formerId?: string
}

/** What a look at the server told: that what we wanted is there, or what others made that stands against it. */
export function toldBy(operation: OperationRow, decision: Part): Confirmation | undefined {
  const looked = { operation, appliedTo: undefined, wasLookedAt: true }
  if (decision.type === 'done') return { ...looked, version: decision.version, value: decision.value }
  if (decision.type !== 'refuse' && decision.type !== 'park') return undefined
  if (decision.conflict === undefined || 'isUnusable' in decision) return undefined
  const { remote: value, remoteVersion: version } = decision.conflict
  return { ...looked, version, value, theirs: decision.type === 'refuse' ? 'kept' : 'undecided' }
}

/**
 * The version that the operation was made on, if others made part of what came of it: it was not applied to what is in the row. A create or a
 * replace hid what others made from the view, so there it is always so once it was merged, also if only a look at the server told that it was done.
 */
export function mergedFrom(one: Confirmation, current: EntityRow | undefined): string | undefined {
  const { operation, version, appliedTo, wasLookedAt } = one
  if (operation.type === 'create' || operation.type === 'replace')
    return wasLookedAt ? (appliedTo ?? operation.baseVersion) : undefined
  if (current === undefined || current.deletedAt !== undefined) return undefined
  const shown = shownVersion(current)
  return shown === appliedTo || shown === version ? undefined : shown
}

/** The answer to an action of the application is the entity only if it says so. */
export function valueOf({
  operation: { type, entityId },
  value,
  theirs,
}: Pick<Confirmation, 'operation' | 'value' | 'theirs'>): Json | undefined {
  if (theirs !== undefined || type === 'create' || type === 'update' || type === 'replace') return value
  return typeof value === 'object' && value !== null && 'id' in value && value['id'] === entityId ? value : undefined
}

export function isGone({ operation, value, theirs }: Confirmation): boolean {
  return theirs === undefined ? operation.type === 'delete' : value === undefined
}

export function isWithoutValue(one: Confirmation): boolean {
  return !isGone(one) && valueOf(one) === undefined
}
