import type { EntityOptions, FieldRule } from './conflict.ts'
import { fieldPath, isBelow, namedPath } from './field-path.ts'
import type { MergeRules, Settled } from './merge.ts'
import { mergeSets } from './merge-set.ts'
import type { FieldConflict } from './operation.ts'
import { readStamp } from './stamp.ts'
import { mergeClocks, readClock } from './vector-clock.ts'

/** Where the entity's values say when they were written, if that matters for it. */
export function stampField({ conflict, stamp = 'updatedAt' }: EntityOptions): string | undefined {
  if (conflict !== 'lastWriteWins') return undefined
  return typeof stamp === 'string' ? stamp : stamp.field
}

/** The rules for a merge in which `side` stands for what they leave open. */
export function mergeRules(rules: EntityOptions, side: 'local' | 'remote'): MergeRules {
  const fields = new Map(Object.entries(rules.fields ?? {}).map(([name, rule]) => [namedPath(name), rule]))
  const [vectorClock, stamp] = [rules.vectorClock, stampField(rules)].map((name) => name && fieldPath('', name))
  return {
    isWhole: (path) => fields.has(path) || path === vectorClock || path === stamp,
    settle(field) {
      const rule = fields.get(field.path) ?? (hasManualWithin(fields, field.path) ? 'manual' : undefined)
      const settled = rule === undefined ? undefined : settledBy(rule, field)
      return settled ?? ownOf(field, vectorClock, stamp) ?? { value: field[side] }
    },
  }
}

/** What clocks and stamps say is of the write, not of the entity: it can't be in conflict. */
function ownOf(
  { path, local, remote }: FieldConflict,
  vectorClock: string | undefined,
  stamp: string | undefined,
): Settled | undefined {
  if (path === vectorClock) {
    const [ours, theirs] = [readClock(local), readClock(remote)]
    return { value: ours && theirs ? mergeClocks(ours, theirs) : remote, isSilent: true }
  }
  const [ours, theirs] = [readStamp(local), readStamp(remote)]
  if (path !== stamp || theirs === undefined) return undefined
  return { value: ours !== undefined && ours.ms > theirs.ms ? local : remote, isSilent: true }
}

function settledBy(rule: FieldRule, field: FieldConflict): Settled | undefined {
  const { base, local, remote } = field
  if (rule === 'localWins' || rule === 'manual') return { value: local, rule }
  if (rule === 'remoteWins') return { value: remote, rule }
  const isFunction = typeof rule === 'function'
  const value = isFunction ? rule(structuredClone(field)) : mergeSets(base, local, remote, rule === 'set' ? undefined : rule.set)
  return value === undefined ? undefined : { value, rule: isFunction ? 'function' : 'set' }
}

/** One side has something else in the place of an object in which a person decides about a field. */
function hasManualWithin(fields: ReadonlyMap<string, FieldRule>, path: string): boolean {
  for (const [name, rule] of fields) if (rule === 'manual' && isBelow(name, path)) return true
  return false
}
