import type { IndexKey, ScanQuery } from '../../core/ports.ts'

interface Bound {
  readonly at: IDBValidKey
  readonly open: boolean
}

interface Bounds {
  readonly lower: readonly Bound[]
  readonly upper: readonly Bound[]
}

/** `all` and `none` are told apart because a key range can express neither. */
export type Range = IDBKeyRange | 'all' | 'none'

/** The range of a query in its index, whose keys are the positions themselves. */
export function indexRange({ prefix, gt, lt }: ScanQuery): Range {
  const lower: Bound[] = []
  const upper: Bound[] = []
  if (prefix && prefix.length > 0) {
    lower.push({ at: [...prefix], open: false })
    // An array sorts after every number and string, so this lies after all positions with that prefix.
    upper.push({ at: [...prefix, []], open: true })
  }
  if (gt) lower.push({ at: [...gt], open: true })
  if (lt) upper.push({ at: [...lt], open: true })
  return rangeOf({ lower, upper })
}

/** The range of a query in the store itself, whose keys are not `[key]` but `key`. */
export function primaryRange({ prefix, gt, lt }: ScanQuery): Range {
  if (lt?.length === 0 || (prefix && prefix.length > 1)) return 'none'
  const lower = [...exactly(prefix), ...after(gt)]
  const upper = [...exactly(prefix), ...before(lt)]
  return rangeOf({ lower, upper })
}

function exactly(prefix: IndexKey | undefined): Bound[] {
  const [at] = prefix ?? []
  return at === undefined ? [] : [{ at, open: false }]
}

function after(position: IndexKey | undefined): Bound[] {
  const [at] = position ?? []
  return at === undefined ? [] : [{ at, open: true }]
}

function before(position: IndexKey | undefined): Bound[] {
  const [at, ...rest] = position ?? []
  // `[a]` sorts before `[a, b]`, so a longer bound lets the row `a` in.
  return at === undefined ? [] : [{ at, open: rest.length === 0 }]
}

function rangeOf({ lower, upper }: Bounds): Range {
  const low = tightest(lower, 1)
  const high = tightest(upper, -1)
  if (low && high) return between(low, high)
  if (low) return IDBKeyRange.lowerBound(low.at, low.open)
  if (high) return IDBKeyRange.upperBound(high.at, high.open)
  return 'all'
}

function between(low: Bound, high: Bound): Range {
  const order = indexedDB.cmp(low.at, high.at)
  if (order > 0 || (order === 0 && (low.open || high.open))) return 'none'
  return IDBKeyRange.bound(low.at, high.at, low.open, high.open)
}

/** `sign` 1 picks the highest bound, -1 the lowest; an open one wins over a closed one at the same place. */
function tightest(bounds: readonly Bound[], sign: 1 | -1): Bound | undefined {
  return bounds.reduce<Bound | undefined>((best, bound) => {
    if (!best) return bound
    const order = indexedDB.cmp(bound.at, best.at) * sign
    return order > 0 || (order === 0 && bound.open) ? bound : best
  }, undefined)
}
