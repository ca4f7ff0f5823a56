import { ofEngine } from '../../core/trace-names.ts'
import { traceText } from '../../core/trace-text.ts'
import { advance, type TracedActors, type TraceFields, type TraceLine } from '../../core/trace.ts'
import type { SyncEngine } from '../../engine/types.ts'
import type { Violation } from '../invariants/invariant.ts'
import { EPOCH_MS } from './clock.ts'
import type { Fact } from './facts.ts'

/** An engine was made, in this tab. */
export type Traced = (tab: string, engine: SyncEngine) => void

/** Of all engines of a world one trace, in virtual time, for the inspector: what they record, the faults, and what became of their processes. */
export function createEngineTrace(now: () => number) {
  const lines: TraceLine[] = []
  const actors: TracedActors = new Map()
  /** Each tab's processes, one after the other. */
  const lives = new Map<string, number>()
  const wall = (): number => EPOCH_MS + now()

  function write(line: TraceLine): void {
    lines.push(line)
    advance(actors, line)
  }

  function notice(event: string, fields: TraceFields, engine?: string): void {
    write({ type: 'notice', at: wall(), event, fields, engine })
  }

  /** A process that is killed tells nothing of it. */
  function ended(tab: string): void {
    for (const { actor, engine } of actors.values())
      if (engine === tab) write({ type: 'state', at: wall(), actor, status: 'stopped' })
  }

  return {
    traced(tab: string, engine: SyncEngine): void {
      const life = (lives.get(tab) ?? 0) + 1
      lives.set(tab, life)
      ended(tab)
      engine.recorder.watch((line) => {
        if (lives.get(tab) === life) write({ ...ofEngine(line, tab, `${tab}.${life}:`), at: wall() })
      })
    },
    see(fact: Fact): void {
      if (fact.type === 'fault') notice(`fault:${fact.kind}`, { where: fact.where })
      if (fact.type !== 'tab') return
      notice(`process:${fact.change}`, { tab: fact.tab }, fact.tab)
      if (fact.change === 'killed') ended(fact.tab)
    },
    text(violations: readonly Violation[]): string {
      for (const { invariant, sentence } of violations) notice('violation', { invariant, sentence })
      return traceText({ actors: new Map(), at: lines[0]?.at ?? EPOCH_MS }, lines, 0)
    },
  }
}
