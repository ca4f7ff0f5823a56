import type { Tapes } from './simulate.ts'

type Name = keyof Tapes

const NAMES: readonly Name[] = ['faults', 'workload', 'schedule']

/**
 * Makes failing tapes plainer, one tape after the other, as long as they fail: first without what is at the end, then with stretches set to 0, which
 * stands for the plainest choice. `stillFails` is asked at most `budget` times.
 */
export async function shrink(tapes: Tapes, stillFails: (tapes: Tapes) => Promise<boolean>, budget: number): Promise<Tapes> {
  let best = tapes
  let left = budget

  async function attempt(name: Name, numbers: readonly number[]): Promise<boolean> {
    if (left <= 0) return false
    left -= 1
    const candidate = { ...best, [name]: numbers }
    if (!(await stillFails(candidate))) return false
    best = candidate
    return true
  }

  async function cut(name: Name): Promise<void> {
    if (await attempt(name, [])) return
    for (let part = best[name].length >> 1; part >= 1; part >>= 1) {
      while (best[name].length > part && (await attempt(name, best[name].slice(0, -part)))) continue
    }
  }

  async function flatten(name: Name): Promise<void> {
    for (let size = best[name].length >> 1; size >= 1; size >>= 1) {
      for (let from = 0; from < best[name].length; from += size) await flattenFrom(name, from, size)
    }
  }

  async function flattenFrom(name: Name, from: number, size: number): Promise<void> {
    const stretch = best[name].slice(from, from + size)
    if (stretch.every((number) => number === 0)) return
    await attempt(name, [...best[name].slice(0, from), ...stretch.map(() => 0), ...best[name].slice(from + size)])
  }

  for (const name of NAMES) await cut(name)
  for (const name of NAMES) await flatten(name)
  return best
}
