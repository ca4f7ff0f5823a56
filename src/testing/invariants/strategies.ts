import type { Json, JsonObject } from '../../core/json.ts'
import type { OperationRow } from '../../core/operation.ts'
import { isObject } from '../../core/own.ts'
import { STAMP, type SideRule, type Strategy, type WorldSettings } from '../world/settings.ts'

/** What an update was made on, and what it made of that. */
export interface Sides {
  readonly base: JsonObject
  readonly local: JsonObject
}

/** How the conflicts of one kind of entity are to end. */
export interface Rules {
  readonly strategy: Strategy
  readonly fields: Readonly<Record<string, SideRule>> | undefined
}

/** What is to become of an update: the server's stays, a person is asked, or the entity becomes this. */
export type Outcome = 'remote' | 'manual' | { readonly value: JsonObject }

const BY_PEOPLE: ReadonlySet<string> = new Set(['person', 'retry', 'edit'])

/** Somebody has decided about it before, and what he saw holds. */
export function isByPerson({ conflict }: OperationRow): boolean {
  return conflict?.strategy !== undefined && BY_PEOPLE.has(conflict.strategy)
}

export function rulesOf(entity: string, { conflict, ruleOfA }: WorldSettings): Rules {
  if (entity !== 'note') return { strategy: 'merge', fields: undefined }
  return { strategy: conflict, fields: ruleOfA === undefined ? undefined : { a: ruleOfA } }
}

/** docs/conflicts.md, told once more so that the product is not its own judge. `later` is the side that was written last. */
export function outcomeOf(sides: Sides, remote: JsonObject, { strategy, fields }: Rules, later: 'local' | 'remote'): Outcome {
  const conflicts = disputed(sides, remote)
  const ruled = conflicts.map((field) => fields?.[field])
  if (ruled.includes('manual')) return 'manual'
  if (ruled.includes(undefined)) {
    if (strategy === 'manual') return 'manual'
    if (strategy === 'remoteWins' && fields === undefined) return 'remote'
    if (strategy === 'localWins' && fields === undefined) return { value: sides.local }
  }
  const side = strategy === 'remoteWins' ? 'remote' : strategy === 'lastWriteWins' ? later : 'local'
  const sideOf = (field: string): 'local' | 'remote' => {
    if (isSame(remote[field], sides.base[field])) return 'local'
    if (isSame(sides.local[field], sides.base[field])) return 'remote'
    const rule = fields?.[field]
    return rule === undefined ? side : rule === 'remoteWins' ? 'remote' : 'local'
  }
  const both = { local: sides.local, remote }
  const value = Object.fromEntries(
    fieldsOf(sides.base, sides.local, remote).flatMap((field) => {
      const kept = both[sideOf(field)][field]
      return kept === undefined ? [] : [[field, kept] as const]
    }),
  )
  return conflicts.length > 0 && isSame(value, remote) ? 'remote' : { value }
}

/** Of an update whose entity is gone, and of a delete whose entity was changed. */
export function outcomeOfDeletion(type: string, { strategy }: Rules, later: 'local' | 'remote'): 'local' | 'remote' | 'manual' {
  if (strategy === 'manual') return 'manual'
  if (strategy === 'merge') return type === 'delete' ? 'local' : 'remote'
  if (strategy === 'lastWriteWins') return type === 'delete' ? later : 'local'
  return strategy === 'localWins' ? 'local' : 'remote'
}

/** Fields that both sides changed, each to something else. */
export function disputed({ base, local }: Sides, remote: JsonObject): readonly string[] {
  return fieldsOf(base, local, remote).filter(
    (field) => !isSame(local[field], base[field]) && !isSame(remote[field], base[field]) && !isSame(local[field], remote[field]),
  )
}

function fieldsOf(...values: readonly JsonObject[]): readonly string[] {
  return [...new Set(values.flatMap((value) => Object.keys(value)))]
}

export function isSame(one: Json | undefined, other: Json | undefined): boolean {
  return textOf(one) === textOf(other)
}

/** When it was written is no part of what was written. */
export function unstamped(value: JsonObject): JsonObject {
  return STAMP in value ? Object.fromEntries(Object.entries(value).filter(([field]) => field !== STAMP)) : value
}

/** Fields in the order of their names. */
export function textOf(value: Json | undefined): string {
  if (value === undefined || !isObject(value)) return JSON.stringify(value ?? null)
  return JSON.stringify(Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))))
}
