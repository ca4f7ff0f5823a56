import type { Events } from './events.ts'
import type { EngineSnapshot } from './state.ts'

export interface Watchable {
  getSnapshot(): EngineSnapshot
  subscribe(listener: (snapshot: EngineSnapshot) => void): { unsubscribe(): void }
}

/** Resolves with the snapshot as soon as one matches. */
export function reached(actor: Watchable, matches: (snapshot: EngineSnapshot) => boolean): Promise<EngineSnapshot> {
  return new Promise((resolve) => {
    const now = actor.getSnapshot()
    if (matches(now)) return resolve(now)
    const subscription = actor.subscribe((snapshot) => {
      if (!matches(snapshot)) return
      subscription.unsubscribe()
      resolve(snapshot)
    })
  })
}

/** Derives from the snapshot, once for each. */
export function memoized<T>(derive: (snapshot: EngineSnapshot) => T, read: () => EngineSnapshot): () => T {
  let last = read()
  let derived = derive(last)
  return () => {
    const now = read()
    if (now !== last) {
      last = now
      derived = derive(now)
    }
    return derived
  }
}

/** The engine's own pauses (`auth`, `network`) are told of like those of the application. */
export function announcePauses(events: Events, actor: Watchable): void {
  let known: readonly string[] = []
  actor.subscribe(({ context: { pauses } }) => {
    if (pauses === known) return
    const before = known
    known = pauses
    for (const reason of pauses) if (!before.includes(reason)) events.emit({ type: 'engine:paused', reason })
    for (const reason of before) if (!pauses.includes(reason)) events.emit({ type: 'engine:resumed', reason })
  })
}

/** Also where it could start only later, by itself, and where it stops because the user has logged out elsewhere. */
export function announceLife(events: Events, actor: Watchable): void {
  let before = actor.getSnapshot()
  actor.subscribe((snapshot) => {
    const was = before
    before = snapshot
    if (was.matches('opening') && snapshot.matches('running')) events.emit({ type: 'engine:started' })
    if (was.matches('closing') && snapshot.matches('stopped')) events.emit({ type: 'engine:stopped' })
  })
}
