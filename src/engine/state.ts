import { Observable } from 'rxjs'
import type { SnapshotFrom } from 'xstate'
import type { engineMachine } from '../../machines/engine.ts'
import type { EngineState } from './types.ts'

export type EngineSnapshot = SnapshotFrom<typeof engineMachine>

/** The machine's state in the words of the public API. */
export function engineState(snapshot: EngineSnapshot): EngineState {
  const { pauses, error } = snapshot.context
  return { phase: phaseOf(snapshot), pauses, error }
}

function phaseOf(snapshot: EngineSnapshot): EngineState['phase'] {
  if (snapshot.matches('opening')) return 'starting'
  if (snapshot.matches({ running: 'following' })) return 'following'
  if (snapshot.matches({ running: { owning: 'draining' } })) return 'draining'
  if (snapshot.matches({ running: 'owning' })) return 'paused'
  if (snapshot.matches('running') || snapshot.matches('closing')) return 'stopping'
  if (snapshot.matches('restarting')) return 'restarting'
  return snapshot.matches('failed') ? 'failed' : 'stopped'
}

/** The active states from the outermost, as `['running', 'owning', 'draining']`. */
export function statePath({ value }: EngineSnapshot): readonly string[] {
  const path: string[] = []
  for (let at: unknown = value; at !== undefined;) {
    if (typeof at === 'string') return [...path, at]
    const [name, inner]: [string, unknown] = Object.entries(at ?? {})[0] ?? ['', undefined]
    path.push(name)
    at = inner
  }
  return path
}

export interface Watchable {
  getSnapshot(): EngineSnapshot
  subscribe(listener: (snapshot: EngineSnapshot) => void): { unsubscribe(): void }
}

/** The state that it is in, and each that is another one. */
export function stateStream(actor: Watchable, state: () => EngineState): Observable<EngineState> {
  return new Observable((subscriber) => {
    let last = state()
    // Before who subscribes hears of the first, and perhaps does something about it.
    const subscription = actor.subscribe((snapshot) => {
      const next = engineState(snapshot)
      if (isSame(last, next)) return
      last = next
      subscriber.next(next)
    })
    subscriber.next(last)
    return () => subscription.unsubscribe()
  })
}

function isSame(a: EngineState, b: EngineState): boolean {
  return a.phase === b.phase && a.pauses === b.pauses && a.error === b.error
}
