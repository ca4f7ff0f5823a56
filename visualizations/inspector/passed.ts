import type { TraceLine } from '../../src/core/trace.ts'
import type { History } from './history.ts'

export type Step = Extract<TraceLine, { type: 'step' }>

/** Lines that are looked back at most. */
const MOST = 2_000

/** What an actor did after line `from` and up to line `to`. */
export function passedBy(actor: string, history: History, from: number, to: number): readonly Step[] {
  const first = Math.max(from + 1, to - MOST)
  const steps: Step[] = []
  for (let at = first; at <= to; at++) {
    const line = history.line(at)
    if (line?.type === 'step' && line.actor === actor) steps.push(line)
  }
  return steps
}
