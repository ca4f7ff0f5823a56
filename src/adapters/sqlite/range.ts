import type { IndexKey, Scalar } from '../../core/ports.ts'

export interface Limits {
  readonly operator: '>' | '>=' | '<' | '<='
  readonly values: IndexKey
}

/** What a bound means for the fields after the prefix: nothing, that no row can match, or a comparison with these values. */
export type Bound = 'open' | 'empty' | Limits

/** The order of SQLite: numbers before strings, strings by their bytes in UTF-8. */
function compare(left: Scalar, right: Scalar): number {
  if (typeof left === 'string' && typeof right === 'string') return Buffer.compare(Buffer.from(left), Buffer.from(right))
  if (typeof left === typeof right) return left < right ? -1 : Number(left > right)
  return typeof left === 'number' ? -1 : 1
}

/** How the bound stands to all positions that start with the prefix, if the two differ where they overlap. */
function beside(bound: IndexKey, prefix: IndexKey): number {
  for (const [at, value] of prefix.entries()) {
    const limit = bound[at]
    if (limit === undefined) return 0
    if (limit !== value) return compare(limit, value)
  }
  return 0
}

/** Positions after `gt`, of those that start with `prefix` and have `length` values. */
export function lowerBound(gt: IndexKey | undefined, prefix: IndexKey, length: number): Bound {
  if (!gt) return 'open'
  const side = beside(gt, prefix)
  if (side !== 0) return side < 0 ? 'open' : 'empty'
  const values = gt.slice(prefix.length, length)
  if (values.length === 0) return gt.length < length ? 'open' : 'empty'
  return { operator: gt.length < length ? '>=' : '>', values }
}

/** Positions before `lt`, of those that start with `prefix` and have `length` values. */
export function upperBound(lt: IndexKey | undefined, prefix: IndexKey, length: number): Bound {
  if (!lt) return 'open'
  const side = beside(lt, prefix)
  if (side !== 0) return side < 0 ? 'empty' : 'open'
  const values = lt.slice(prefix.length, length)
  if (values.length === 0) return lt.length > length ? 'open' : 'empty'
  return { operator: lt.length > length ? '<=' : '<', values }
}
