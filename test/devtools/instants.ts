import type { InspectionEvent } from 'xstate'
import { advance, type TracedActors, type TraceLine, type TraceValue } from '../../src/core/trace.ts'
import type { SyncEngine } from '../../src/index.ts'

/** What one actor was when so many lines had been told. */
export interface Instant {
  readonly line: number
  readonly actor: string
  readonly machine: string
  readonly value: TraceValue
}

/** What the actors of an engine themselves say at some instants, and at which line of its trace that was. */
export function watchInstants() {
  const refs = new Map<InspectionEvent['actorRef'], string>()
  const instants: Instant[] = []
  const lines: TraceLine[] = []
  const actors: TracedActors = new Map()
  return {
    instants,
    lines,
    inspect(event: InspectionEvent): void {
      refs.set(event.actorRef, 'id' in event.actorRef ? String(event.actorRef.id) : '')
    },
    follow: (engine: SyncEngine) =>
      engine.recorder.watch((line) => {
        lines.push(line)
        advance(actors, line)
      }),
    /** Of all machines that live now; not within an action, where an actor is not yet where it is going. */
    take(): void {
      for (const [ref, name] of refs) {
        const snapshot = ref.getSnapshot() as { status: string; value?: TraceValue; machine?: { id: string } }
        if (snapshot.status !== 'active' || snapshot.machine === undefined || snapshot.value === undefined) continue
        const known = [...actors.values()].find((actor) => actor.name === name && actor.machine === snapshot.machine?.id)
        if (known !== undefined)
          instants.push({
            line: lines.length - 1,
            actor: known.actor,
            machine: snapshot.machine.id,
            value: structuredClone(snapshot.value),
          })
      }
    },
  }
}
