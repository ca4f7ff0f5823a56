import type { TracedActor } from '../../src/core/trace.ts'
import type { History } from './history.ts'
import { activeStates } from './moment.ts'

/** Lines that are looked back at most: what came before them has faded anyway. */
const MOST = 5_000

/** The ids, in the drawings, of the states that an actor was in after line `from` and up to line `to`, and of the transitions between them. */
export function passedBy({ actor, machine }: TracedActor, history: History, from: number, to: number): ReadonlySet<string> {
  const ids = new Set<string>()
  if (machine === undefined) return ids
  for (let at = Math.max(from + 1, to - MOST); at <= to; at++) {
    const line = history.line(at)
    if (line?.type !== 'step' || line.actor !== actor) continue
    for (const state of activeStates(machine, line.value)) ids.add(`state:${state}`)
    for (const transition of line.taken) ids.add(`transition:${transition}`)
  }
  return ids
}
