import type { EntityOptions, FieldRule } from './conflict.ts'
import { ValidationError } from './errors.ts'
import { isBelow } from './field-path.ts'
import { isRecord } from './schema.ts'

const STRATEGIES: readonly unknown[] = ['localWins', 'remoteWins', 'lastWriteWins', 'merge', 'manual']
const RULES: readonly unknown[] = ['localWins', 'remoteWins', 'manual', 'set']

/** Throws `ValidationError` for what an entity's options on conflicts can't be; `path` is where they stand. */
export function checkConflictOptions(path: string, options: Readonly<Record<string, unknown>>): void {
  const { conflict, fields, vectorClock, stamp }: { readonly [K in keyof EntityOptions]: unknown } = options
  if (conflict !== undefined && typeof conflict !== 'function' && !STRATEGIES.includes(conflict))
    throw new ValidationError(`${path}.conflict`, `must be ${STRATEGIES.join(', ')} or a function.`)
  if (fields !== undefined) checkFields(`${path}.fields`, fields)
  if (vectorClock !== undefined && !isName(vectorClock))
    throw new ValidationError(`${path}.vectorClock`, 'must be the name of a field.')
  if (stamp === undefined) return
  if (conflict !== 'lastWriteWins')
    throw new ValidationError(`${path}.stamp`, "has a meaning for conflict: 'lastWriteWins' alone; leave it out.")
  if (!isName(stamp) && !(isRecord(stamp) && isName(stamp['field']) && stamp['write'] === true))
    throw new ValidationError(`${path}.stamp`, 'must be the name of a field, or { field, write: true }.')
}

function checkFields(path: string, fields: unknown): void {
  if (!isRecord(fields)) throw new ValidationError(path, "must be an object, as { title: 'localWins' }.")
  for (const [field, rule] of Object.entries(fields)) {
    if (!isRule(rule)) throw new ValidationError(`${path}.${field}`, `must be ${RULES.join(', ')}, { set: 'id' } or a function.`)
    const parent = Object.keys(fields).find((other) => isBelow(field, other))
    if (parent !== undefined)
      throw new ValidationError(`${path}.${field}`, `is never used: ${parent} has a rule and is taken as a whole.`)
  }
}

function isRule(rule: unknown): rule is FieldRule {
  return typeof rule === 'function' || RULES.includes(rule) || (isRecord(rule) && isName(rule['set']))
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}
