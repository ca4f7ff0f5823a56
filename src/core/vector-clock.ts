import type { Json } from './json.ts'
import { getOwn, isObject, setOwn } from './own.ts'

/** How many events of each node something has seen. A node that is not named counts 0. */
export type VectorClock = Readonly<Record<string, number>>

export type Order = 'before' | 'after' | 'equal' | 'concurrent'

const MAX_NODES = 1_024

/** How `a` stands to `b`: before it, if `b` has seen all that `a` has, and more. */
export function compareClocks(a: VectorClock, b: VectorClock): Order {
  const isBehind = exceeds(b, a)
  const isAhead = exceeds(a, b)
  if (isBehind && isAhead) return 'concurrent'
  if (isBehind) return 'before'
  return isAhead ? 'after' : 'equal'
}

/** Has seen what either has. */
export function mergeClocks(a: VectorClock, b: VectorClock): VectorClock {
  const merged: Record<string, number> = {}
  for (const node of [...Object.keys(a), ...Object.keys(b)]) setOwn(merged, node, Math.max(eventsOf(a, node), eventsOf(b, node)))
  return merged
}

export function increment(clock: VectorClock, node: string): VectorClock {
  const next: Record<string, number> = { ...clock }
  setOwn(next, node, eventsOf(clock, node) + 1)
  return next
}

/** The clock that a value of JSON holds, or undefined: an object of at most 1,024 nodes with whole numbers from 0 on. */
export function readClock(json: Json | undefined): VectorClock | undefined {
  if (!isObject(json)) return undefined
  const entries = Object.entries(json)
  const clock: Record<string, number> = {}
  for (const [node, events] of entries) {
    if (typeof events !== 'number' || !Number.isSafeInteger(events) || events < 0) return undefined
    setOwn(clock, node, events)
  }
  return entries.length <= MAX_NODES ? clock : undefined
}

function exceeds(a: VectorClock, b: VectorClock): boolean {
  return Object.keys(a).some((node) => eventsOf(a, node) > eventsOf(b, node))
}

function eventsOf(clock: VectorClock, node: string): number {
  const events = getOwn(clock, node)
  return typeof events === 'number' ? events : 0
}
