/** Deepest nesting of what a server answers. */
const MAX_DEPTH = 64
const FORBIDDEN: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/**
 * What is to be said against a value that came from a server, by whatever transport: no store holds what JSON has no form for, keys that reach prototypes
 * could harm a careless merge later, and nesting could overflow a stack. Undefined if nothing.
 */
export function objectionToValue(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'bigint' || typeof value === 'function' || typeof value === 'symbol')
    return `holds a ${typeof value}, which JSON has no form for`
  if (typeof value === 'number' && !Number.isFinite(value)) return 'holds a number that is none, or beyond a double'
  if (typeof value !== 'object' || value === null) return undefined
  if (value instanceof Promise) return 'holds a promise that was not awaited'
  if (depth >= MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`
  if (Array.isArray(value)) return firstObjection(value, depth + 1)
  for (const key of Object.keys(value)) {
    if (FORBIDDEN.has(key)) return `has a key "${key}", which is refused`
  }
  return firstObjection(Object.values(value), depth + 1)
}

function firstObjection(values: readonly unknown[], depth: number): string | undefined {
  for (const value of values) {
    const objection = objectionToValue(value, depth)
    if (objection !== undefined) return objection
  }
  return undefined
}
